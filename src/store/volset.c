#include "store/volset.h"

#include <dirent.h>
#include <errno.h>

#include "base/mem.h"

#define VOLUME_NAME_BYTES 32

struct volume_key
volset_key(enum volume_tree tree, uint64_t body_id, uint32_t chunk_no)
{
	struct volume_key k;
	struct buf b;

	buf_init_fixed(&b, k.bytes, sizeof(k.bytes));
	buf_put_be64(&b, body_id);
	if (tree == VOLUME_CHUNK)
		buf_put_be32(&b, chunk_no);
	k.len = b.len;
	return k;
}

/* Split a key as it was read. */
int
volset_key_parse(enum volume_tree tree, const struct volume_key *k,
    uint64_t *body_id, uint32_t *chunk_no)
{
	const unsigned char *p = (const unsigned char *)k->bytes;
	uint64_t id = 0;
	uint32_t no = 0;

	if (k->len != (tree == VOLUME_CHUNK ? 12 : 8))
		return ERR_DAMAGED;
	for (int i = 0; i < 8; i++)
		id = id << 8 | p[i];
	for (size_t i = 8; i < k->len; i++)
		no = no << 8 | p[i];
	*body_id = id;
	*chunk_no = no;
	return 0;
}

/* The place of volume no in info, or where it belongs. */
size_t
volset_index(const struct volumes *vs, uint32_t no)
{
	size_t i = vs->n_info;

	while (i > 0 && vs->info[i - 1].no >= no)
		i--;
	return i;
}

struct volume_info *
volset_info(const struct volumes *vs, uint32_t no)
{
	size_t i = volset_index(vs, no);

	return i < vs->n_info && vs->info[i].no == no ? &vs->info[i] : NULL;
}

static int
info_add(struct volumes *vs, uint32_t no)
{
	size_t i = volset_index(vs, no);

	if (i < vs->n_info && vs->info[i].no == no)
		return 0;
	if (vs->n_info == vs->cap_info) {
		size_t cap = vs->cap_info ? vs->cap_info * 2 : 8;
		void *p = mem_resize(vs->info, cap * sizeof(vs->info[0]));

		if (p == NULL)
			return ERR_NOMEM;
		vs->info = p;
		vs->cap_info = cap;
	}
	memmove(&vs->info[i + 1], &vs->info[i],
	    (vs->n_info - i) * sizeof(vs->info[0]));
	vs->info[i] = (struct volume_info){ .no = no };
	vs->n_info++;
	return 0;
}

/* "volume-0001" to its number; 0 for any other name. */
static uint32_t
number_of(struct span name)
{
	uint64_t no = 0;

	if (!span_starts(name, SPAN("volume-")) || name.len < 11)
		return 0;
	if (span_to_u64(span_sub(name, 7, name.len), MAX_VOLUME_NO, &no) < 0)
		return 0;
	return (uint32_t)no;
}

int
volset_list(struct volumes *vs)
{
	DIR *d = opendir(vs->folder);
	struct dirent *e;
	int rc = 0;

	if (d == NULL)
		return errno == ENOMEM ? ERR_NOMEM : ERR_IO;
	while (rc == 0 && (e = readdir(d)) != NULL) {
		uint32_t no = number_of(span_str(e->d_name));

		if (no != 0)
			rc = info_add(vs, no);
	}
	closedir(d);
	return rc;
}

void
volset_close(struct volumes *vs, struct volfile *f)
{
	struct volume_info *info = volset_info(vs, f->no);

	info->live_bytes = f->live_bytes;
	info->end_bytes = f->end_bytes;
	volfile_close(f);
	vs->n_open--;
}

/* A volume's transaction is gone, and with it what others put into it. */
void
volset_lose(struct volumes *vs, int rc)
{
	if (rc == ERR_FULL || rc == ERR_NOMEM)
		return; /* said before anything was changed */
	vs->losses++;
	vs->cache.body_id = 0;
	if (vs->health == 0)
		vs->health = rc;
}

int
volset_commit(struct volumes *vs, struct volfile *f)
{
	int rc = volfile_commit(f);

	if (rc < 0)
		volset_lose(vs, rc);
	return rc;
}

/* Close the least used volume, one without changes if there is one. With
 * is_clean_only, none otherwise. Returns false when none was closed. */
static bool
close_one(struct volumes *vs, bool is_clean_only)
{
	struct volfile *f = NULL;

	for (struct list *l = vs->open.next; l != &vs->open; l = l->next) {
		f = LIST_OF(l, struct volfile, link);
		if (f->txn == NULL) {
			volset_close(vs, f);
			return true;
		}
	}
	if (f == NULL || is_clean_only)
		return false;
	f = LIST_OF(vs->open.next, struct volfile, link);
	/* A failed commit is noted, and found by volume_health. */
	if (volset_commit(vs, f) < 0)
		volfile_abort(f);
	volset_close(vs, f);
	return true;
}

static int
name_of(const struct volumes *vs, uint32_t no, char *path, size_t cap)
{
	char name[VOLUME_NAME_BYTES];
	struct buf b;

	buf_init_fixed(&b, name, sizeof(name));
	buf_put_str(&b, "volume-");
	buf_put_padded(&b, no, 4);
	buf_put_char(&b, 0);
	return file_path(vs->folder, name, path, cap);
}

/* Volumes with changes may exceed max_open to twice that, as closing means
 * committing; the address space has the last word. */
static int
open_file(struct volumes *vs, uint32_t no, bool is_new, struct volfile **out)
{
	char path[FILE_PATH_BYTES];
	int rc;

	while (vs->n_open >= vs->o.max_open)
		if (!close_one(vs, vs->n_open < 2 * vs->o.max_open))
			break;
	rc = name_of(vs, no, path, sizeof(path));
	if (rc < 0)
		return rc;
	do
		rc = volfile_open(path, no, is_new, &vs->o, out);
	while (rc == ERR_NOMEM && close_one(vs, false));
	return rc;
}

/* The open volume no; opened, with is_new made, if need be. ERR_NONE. */
int
volset_get(struct volumes *vs, uint32_t no, bool is_new, struct volfile **out)
{
	struct volfile *f = NULL;
	struct volume_info *info;
	int rc;

	for (struct list *l = vs->open.prev; l != &vs->open; l = l->prev) {
		f = LIST_OF(l, struct volfile, link);
		if (f->no != no)
			continue;
		list_remove(l);
		list_add(&vs->open, l);
		*out = f;
		return 0;
	}
	if (no == 0 || no > MAX_VOLUME_NO)
		return ERR_DAMAGED;
	if (!is_new && volset_info(vs, no) == NULL)
		return ERR_NONE;
	rc = info_add(vs, no);
	if (rc == 0)
		rc = open_file(vs, no, is_new, &f);
	info = volset_info(vs, no);
	if (rc < 0) {
		if (info != NULL && rc != ERR_NOMEM)
			info->is_bad = true;
		return rc;
	}
	list_add(&vs->open, &f->link);
	vs->n_open++;
	info->is_bad = false;
	info->map_bytes = f->map_bytes;
	info->live_bytes = f->live_bytes;
	info->end_bytes = f->end_bytes;
	*out = f;
	return 0;
}

struct volfile *
volset_find(const struct volumes *vs, uint32_t no)
{
	for (struct list *l = vs->open.next; l != &vs->open; l = l->next) {
		struct volfile *f = LIST_OF(l, struct volfile, link);

		if (f->no == no)
			return f;
	}
	return NULL;
}

void
volset_close_all(struct volumes *vs)
{
	while (!list_is_empty(&vs->open))
		volset_close(vs, LIST_OF(vs->open.next, struct volfile, link));
}

int
volset_delete(struct volumes *vs, uint32_t volume, enum volume_tree tree,
    uint64_t body_id, uint32_t chunk_no)
{
	struct volume_key k = volset_key(tree, body_id, chunk_no);
	struct volfile *f = NULL;
	int rc;

	rc = volset_get(vs, volume, false, &f);
	if (rc < 0)
		return rc;
	rc = volfile_delete(f, tree, span_of(k.bytes, k.len));
	if (rc < 0)
		volset_lose(vs, rc);
	return rc;
}
