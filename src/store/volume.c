#include "store/volume.h"

#include <dirent.h>
#include <errno.h>

#include "base/file.h"
#include "base/mem.h"
#include "store/volfile.h"

#define MAX_VOLUME_NO     999999
#define VOLUME_NAME_BYTES 32
#define DEFAULT_STEP      (1024 * 1024)
#define SWEEP_CHUNKS      32
/* Past this many bytes of dirty pages a sweep commits its volume. */
#define SWEEP_DIRTY_BYTES (256 * 1024)

#if SIZE_MAX > UINT32_MAX
#define DEFAULT_MAP  (8ull * 1024 * 1024 * 1024)
#define DEFAULT_OPEN 16
#else
/* With an index of 1 GB, two of these fit the 1.75 GB of a MIPS router; 128
 * hold 32 GB. */
#define DEFAULT_MAP  (256ull * 1024 * 1024)
#define DEFAULT_OPEN 2
#endif

/* What is known of a volume, open or not. */
struct info {
	uint64_t map_bytes; /* 0: not looked at yet */
	uint64_t end_bytes;
	uint64_t live_bytes;
	uint64_t promised_bytes;
	uint32_t no;
	unsigned sweep; /* 1 << tree: the sweep shall look there */
	bool is_bad;    /* cannot be opened: nothing more goes there */
};

struct pin {
	uint64_t body_id;
	uint32_t n;
};

struct volumes {
	struct volume_options o;
	struct list open; /* of struct volfile, the least used first */
	uint32_t n_open;
	struct info *info; /* ascending by no */
	size_t n_info;
	size_t cap_info;
	uint32_t current; /* where small bodies went last; 0: unknown */
	uint64_t last_id; /* the greatest body id drawn or seen */
	/* Strays have ids over what the index knew and up to last_id then. */
	uint64_t stray_above;
	uint64_t stray_upto;
	uint64_t sweep_id; /* where the sweep goes on in its tree */
	uint32_t sweep_no;
	int sweep_tree;
	uint32_t losses;
	int health;
	struct pin *pins;
	size_t n_pins;
	size_t cap_pins;
	int n_pin_all;
	struct volume_cache cache;
	size_t staged_bytes;
	char folder[FILE_PATH_BYTES];
};

/* --- the set --- */

/* The place of volume no in info, or where it belongs. */
static size_t
info_index(const struct volumes *vs, uint32_t no)
{
	size_t i = vs->n_info;

	while (i > 0 && vs->info[i - 1].no >= no)
		i--;
	return i;
}

static struct info *
info_find(const struct volumes *vs, uint32_t no)
{
	size_t i = info_index(vs, no);

	return i < vs->n_info && vs->info[i].no == no ? &vs->info[i] : NULL;
}

static int
info_add(struct volumes *vs, uint32_t no)
{
	size_t i = info_index(vs, no);

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
	vs->info[i] = (struct info){ .no = no };
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

static int
list_folder(struct volumes *vs)
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

int
volumes_open(
    const char *folder, const struct volume_options *o, struct volumes **out)
{
	struct volumes *vs = mem_alloc(sizeof(*vs));
	int rc;

	if (vs == NULL)
		return ERR_NOMEM;
	vs->o = *o;
	if (vs->o.map_bytes == 0)
		vs->o.map_bytes = DEFAULT_MAP;
	if (vs->o.max_open == 0)
		vs->o.max_open = DEFAULT_OPEN;
	if (vs->o.step_bytes == 0)
		vs->o.step_bytes = DEFAULT_STEP;
	list_init(&vs->open);
	buf_init(&vs->cache.raw, CHUNK_BYTES);
	rc = span_to_cstr(span_str(folder), vs->folder, sizeof(vs->folder));
	if (rc == 0)
		rc = list_folder(vs);
	if (rc < 0) {
		volumes_close(vs);
		return rc;
	}
	*out = vs;
	return 0;
}

static void
close_file(struct volumes *vs, struct volfile *f)
{
	struct info *info = info_find(vs, f->no);

	info->live_bytes = f->live_bytes;
	info->end_bytes = f->end_bytes;
	volfile_close(f);
	vs->n_open--;
}

void
volumes_close(struct volumes *vs)
{
	if (vs == NULL)
		return;
	while (!list_is_empty(&vs->open))
		close_file(vs, LIST_OF(vs->open.next, struct volfile, link));
	buf_deinit(&vs->cache.raw);
	mem_free(vs->info);
	mem_free(vs->pins);
	mem_free(vs);
}

/* A volume's transaction is gone, and with it what others put into it. */
static void
note_loss(struct volumes *vs, int rc)
{
	if (rc == ERR_FULL || rc == ERR_NOMEM)
		return; /* said before anything was changed */
	vs->losses++;
	vs->cache.body_id = 0;
	if (vs->health == 0)
		vs->health = rc;
}

static int
commit_file(struct volumes *vs, struct volfile *f)
{
	int rc = volfile_commit(f);

	if (rc < 0)
		note_loss(vs, rc);
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
			close_file(vs, f);
			return true;
		}
	}
	if (f == NULL || is_clean_only)
		return false;
	f = LIST_OF(vs->open.next, struct volfile, link);
	/* A failed commit is noted, and found by volume_health. */
	if (commit_file(vs, f) < 0)
		volfile_abort(f);
	close_file(vs, f);
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
static int
get_file(struct volumes *vs, uint32_t no, bool is_new, struct volfile **out)
{
	struct volfile *f = NULL;
	struct info *info;
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
	if (!is_new && info_find(vs, no) == NULL)
		return ERR_NONE;
	rc = info_add(vs, no);
	if (rc == 0)
		rc = open_file(vs, no, is_new, &f);
	info = info_find(vs, no);
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

static struct volfile *
find_open(const struct volumes *vs, uint32_t no)
{
	for (struct list *l = vs->open.next; l != &vs->open; l = l->next) {
		struct volfile *f = LIST_OF(l, struct volfile, link);

		if (f->no == no)
			return f;
	}
	return NULL;
}

/* --- choosing --- */

/* Has this volume room for a body? Up to 85 % of the map; the rest is for
 * growth of what is promised, and for deletions. When its end is reached the
 * freed pages must do, which lie in pieces: then only up to 70 %. */
static bool
has_map_room(const struct volumes *vs, const struct info *info, uint64_t bytes)
{
	const struct volfile *f = find_open(vs, info->no);
	uint64_t live = f ? f->live_bytes + f->pending_bytes : info->live_bytes;
	uint64_t end = f ? f->end_bytes + f->pending_bytes : info->end_bytes;
	uint64_t most = info->map_bytes / 100 * 85;

	bytes += info->promised_bytes;
	if (end + bytes > most)
		most = info->map_bytes / 100 * 70;
	return live + bytes <= most;
}

/* Room in the map and on the device? 0, ERR_FULL (no), or an error that
 * makes the volume unfit. */
static int
try_volume(struct volumes *vs, uint32_t no, bool is_new, uint64_t bytes,
    uint64_t promised)
{
	struct info *info = info_find(vs, no);
	struct volfile *f = NULL;
	int rc;

	if (info != NULL && info->is_bad)
		return ERR_DAMAGED;
	if (info != NULL && info->map_bytes != 0 &&
	    !has_map_room(vs, info, promised))
		return ERR_FULL;
	rc = get_file(vs, no, is_new, &f);
	if (rc < 0)
		return rc;
	if (!has_map_room(vs, info_find(vs, no), promised))
		return ERR_FULL;
	return volfile_extend(f, bytes, 8);
}

int
volume_choose_spill(
    struct volumes *vs, uint64_t bytes, uint64_t promised_bytes, uint32_t *out)
{
	uint64_t promised = promised_bytes > bytes ? promised_bytes : bytes;
	uint32_t no = 0;
	int rc = ERR_FULL;

	if (vs->current != 0) {
		rc = try_volume(vs, vs->current, false, bytes, promised);
		no = vs->current;
	}
	for (size_t i = vs->n_info; rc < 0 && rc != ERR_NOMEM && i > 0; i--) {
		no = vs->info[i - 1].no;
		rc = try_volume(vs, no, false, bytes, promised);
	}
	if (rc < 0 && rc != ERR_NOMEM) {
		no = vs->n_info ? vs->info[vs->n_info - 1].no + 1 : 1;
		if (no > MAX_VOLUME_NO || !volume_has_room(vs, bytes))
			return ERR_FULL;
		rc = try_volume(vs, no, true, bytes, promised);
	}
	if (rc < 0)
		return rc;
	info_find(vs, no)->promised_bytes += promised_bytes;
	vs->current = no;
	*out = no;
	return 0;
}

int
volume_choose(struct volumes *vs, uint64_t bytes, uint32_t *out)
{
	return volume_choose_spill(vs, bytes, 0, out);
}

int
volume_promise(struct volumes *vs, uint32_t volume, int64_t bytes)
{
	struct info *info = info_find(vs, volume);

	if (info == NULL)
		return ERR_NONE;
	if (bytes > 0 && !has_map_room(vs, info, (uint64_t)bytes))
		return ERR_FULL;
	info->promised_bytes += (uint64_t)bytes;
	return 0;
}

uint64_t
volume_promise_bytes(const struct volumes *vs)
{
	uint64_t most = 64u * 1024 * 1024;

	return vs->o.map_bytes / 8 < most ? vs->o.map_bytes / 8 : most;
}

int
volume_free_bytes(struct volumes *vs, uint64_t *out)
{
	return volfile_free_bytes(vs->folder, out);
}

bool
volume_has_room(struct volumes *vs, uint64_t bytes)
{
	uint64_t n = 0;

	/* Stored values fill whole pages, and their tree grows too. */
	bytes += bytes / 8 + VOLFILE_RESERVE_BYTES;
	return volume_free_bytes(vs, &n) == 0 && n >= bytes;
}

/* --- putting and getting --- */

struct key {
	char bytes[VOLFILE_KEY_BYTES];
	size_t len;
};

static struct key
key_of(enum volume_tree tree, uint64_t body_id, uint32_t chunk_no)
{
	struct key k;
	struct buf b;

	buf_init_fixed(&b, k.bytes, sizeof(k.bytes));
	buf_put_be64(&b, body_id);
	if (tree == VOLUME_CHUNK)
		buf_put_be32(&b, chunk_no);
	k.len = b.len;
	return k;
}

static int
put(struct volumes *vs, uint32_t volume, enum volume_tree tree, struct key k,
    struct span value)
{
	struct volfile *f = NULL;
	int rc;

	rc = get_file(vs, volume, true, &f);
	if (rc < 0)
		return rc;
	rc = volfile_put(f, tree, span_of(k.bytes, k.len), value);
	if (rc < 0)
		note_loss(vs, rc);
	return rc;
}

int
volume_put(struct volumes *vs, uint32_t volume, uint64_t body_id,
    uint32_t chunk_no, struct span stored)
{
	return put(vs, volume, VOLUME_CHUNK,
	    key_of(VOLUME_CHUNK, body_id, chunk_no), stored);
}

int
volume_put_summary(
    struct volumes *vs, uint32_t volume, uint64_t body_id, struct span summary)
{
	return put(vs, volume, VOLUME_SUMMARY,
	    key_of(VOLUME_SUMMARY, body_id, 0), summary);
}

int
volume_mark_unfinished(struct volumes *vs, uint32_t volume, uint64_t body_id)
{
	return put(vs, volume, VOLUME_UNFINISHED,
	    key_of(VOLUME_UNFINISHED, body_id, 0), SPAN("\1"));
}

void
volume_settle(struct volumes *vs, uint32_t volume)
{
	struct info *info = info_find(vs, volume);

	if (info != NULL)
		info->sweep |= 1u << VOLUME_UNFINISHED;
	vs->sweep_id = 0;
}

static int
get(struct volumes *vs, uint32_t volume, enum volume_tree tree, struct key k,
    struct buf *out)
{
	struct volfile *f = NULL;
	int rc;

	rc = get_file(vs, volume, false, &f);
	if (rc < 0)
		return rc;
	return volfile_get(f, tree, span_of(k.bytes, k.len), out);
}

int
volume_get(struct volumes *vs, uint32_t volume, uint64_t body_id,
    uint32_t chunk_no, struct buf *out)
{
	return get(vs, volume, VOLUME_CHUNK,
	    key_of(VOLUME_CHUNK, body_id, chunk_no), out);
}

int
volume_get_summary(
    struct volumes *vs, uint32_t volume, uint64_t body_id, struct buf *out)
{
	return get(vs, volume, VOLUME_SUMMARY,
	    key_of(VOLUME_SUMMARY, body_id, 0), out);
}

int
volume_next(struct volumes *vs, uint32_t from, uint32_t *out)
{
	size_t i = info_index(vs, from);

	if (i == vs->n_info)
		return ERR_NONE;
	*out = vs->info[i].no;
	return 0;
}

/* Split a key as it was read. */
static int
key_parse(enum volume_tree tree, const struct key *k, uint64_t *body_id,
    uint32_t *chunk_no)
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

int
volume_next_key(struct volumes *vs, uint32_t volume, enum volume_tree tree,
    uint64_t *body_id, uint32_t *chunk_no, size_t *value_bytes_out)
{
	struct key k = key_of(tree, *body_id, *chunk_no);
	struct volfile *f = NULL;
	int rc;

	rc = get_file(vs, volume, false, &f);
	if (rc == 0)
		rc = volfile_seek(
		    f, tree, false, k.bytes, &k.len, value_bytes_out);
	if (rc == 0)
		rc = key_parse(tree, &k, body_id, chunk_no);
	return rc;
}

static int
delete_key(struct volumes *vs, uint32_t volume, enum volume_tree tree,
    uint64_t body_id, uint32_t chunk_no)
{
	struct key k = key_of(tree, body_id, chunk_no);
	struct volfile *f = NULL;
	int rc;

	rc = get_file(vs, volume, false, &f);
	if (rc < 0)
		return rc;
	rc = volfile_delete(f, tree, span_of(k.bytes, k.len));
	if (rc < 0)
		note_loss(vs, rc);
	return rc;
}

int
volume_trim(struct volumes *vs, uint32_t volume, uint64_t body_id,
    uint32_t from_chunk, uint32_t n)
{
	uint32_t no = from_chunk;

	if (vs->cache.body_id == body_id)
		vs->cache.body_id = 0;
	for (;; n--) {
		uint64_t id = body_id;
		size_t len;
		int rc =
		    volume_next_key(vs, volume, VOLUME_CHUNK, &id, &no, &len);

		if (rc == ERR_NONE || (rc == 0 && id != body_id))
			break;
		if (rc == 0 && n == 0)
			return 1;
		if (rc == 0)
			rc = delete_key(vs, volume, VOLUME_CHUNK, id, no);
		if (rc < 0)
			return rc;
	}
	if (info_find(vs, volume) == NULL)
		return 0;
	return delete_key(vs, volume, VOLUME_SUMMARY, body_id, 0);
}

/* --- transactions --- */

int
volume_commit(struct volumes *vs, uint32_t volume)
{
	struct volfile *f = find_open(vs, volume);

	return f ? commit_file(vs, f) : 0;
}

int
volume_commit_all(struct volumes *vs)
{
	int rc = vs->health;

	for (struct list *l = vs->open.next; rc == 0 && l != &vs->open;
	     l = l->next)
		rc = commit_file(vs, LIST_OF(l, struct volfile, link));
	return rc;
}

void
volume_abort_all(struct volumes *vs)
{
	for (struct list *l = vs->open.next; l != &vs->open; l = l->next)
		volfile_abort(LIST_OF(l, struct volfile, link));
	vs->losses++;
	vs->health = 0;
	vs->cache.body_id = 0;
}

uint32_t
volume_losses(const struct volumes *vs)
{
	return vs->losses;
}

int
volume_health(const struct volumes *vs)
{
	return vs->health;
}

size_t
volume_dirty_bytes(const struct volumes *vs)
{
	uint64_t n = 0;

	for (struct list *l = vs->open.next; l != &vs->open; l = l->next)
		n += LIST_OF(l, struct volfile, link)->pending_bytes;
	return n < SIZE_MAX ? (size_t)n : SIZE_MAX;
}

/* --- ids, and what a crash leaves --- */

uint64_t
volume_new_id(struct volumes *vs)
{
	return ++vs->last_id;
}

/* Raise last_id to the greatest id in one volume, and note its marks. */
static int
recover_one(struct volumes *vs, struct info *info)
{
	uint32_t volume = info->no;

	for (int t = 0; t < N_VOLUME_TREES; t++) {
		struct volfile *f = NULL;
		struct key k = { .len = 0 };
		uint64_t id = 0;
		uint32_t no;
		size_t len;
		int rc;

		rc = get_file(vs, volume, false, &f);
		if (rc == 0)
			rc = volfile_seek(f, (enum volume_tree)t, true, k.bytes,
			    &k.len, &len);
		if (rc == ERR_NONE)
			continue;
		if (rc == 0)
			rc = key_parse((enum volume_tree)t, &k, &id, &no);
		if (rc < 0)
			return rc;
		if (t == VOLUME_UNFINISHED || id > vs->stray_above)
			info->sweep |= 1u << t;
		if (id > vs->last_id)
			vs->last_id = id;
	}
	return 0;
}

int
volume_recover(struct volumes *vs, uint64_t last_id)
{
	vs->stray_above = last_id;
	if (vs->last_id < last_id)
		vs->last_id = last_id;
	for (size_t i = 0; i < vs->n_info; i++) {
		int rc = recover_one(vs, &vs->info[i]);

		if (rc == ERR_NOMEM)
			return rc;
		if (rc < 0)
			vs->info[i].is_bad = true;
	}
	vs->stray_upto = vs->last_id;
	return 0;
}

/* One body in a tree of leftovers: pinned ones are uploads at work and passed
 * by, known ones lose their mark, others are removed piece by piece. Returns
 * 1 or an error. */
static int
sweep_body(struct volumes *vs, struct store *s, uint64_t id)
{
	bool has_mark = vs->sweep_tree == VOLUME_UNFINISHED;
	struct body_place place;
	int rc;

	vs->sweep_id = id;
	if (volume_is_pinned(vs, id)) {
		vs->sweep_id = id + 1;
		return 1;
	}
	rc = store_body_place(s, id, &place);
	if (rc == 0 && !has_mark) {
		vs->sweep_id = id + 1;
		return 1;
	}
	if (rc == ERR_NONE)
		rc = volume_trim(vs, vs->sweep_no, id, 0, SWEEP_CHUNKS);
	if (rc == 0 && has_mark)
		rc = delete_key(vs, vs->sweep_no, VOLUME_UNFINISHED, id, 0);
	return rc < 0 ? rc : 1;
}

/* The next leftover of the tree. Returns 1, ERR_NONE (no more), or an
 * error. */
static int
sweep_step(struct volumes *vs, struct store *s)
{
	enum volume_tree tree = (enum volume_tree)vs->sweep_tree;
	uint64_t id = vs->sweep_id;
	uint32_t no = 0;
	size_t len;
	int rc;

	if (tree != VOLUME_UNFINISHED && id <= vs->stray_above)
		id = vs->stray_above + 1;
	rc = volume_next_key(vs, vs->sweep_no, tree, &id, &no, &len);
	if (rc < 0)
		return rc;
	if (tree != VOLUME_UNFINISHED && id > vs->stray_upto)
		return ERR_NONE;
	return sweep_body(vs, s, id);
}

/* A volume with something to sweep, and which tree of it. */
static struct info *
sweep_find(struct volumes *vs)
{
	for (size_t i = 0; i < vs->n_info; i++) {
		struct info *info = &vs->info[i];
		int tree = 0;

		if (info->sweep == 0)
			continue;
		while (!(info->sweep & 1u << tree))
			tree++;
		if (vs->sweep_no != info->no || vs->sweep_tree != tree)
			vs->sweep_id = 0;
		vs->sweep_no = info->no;
		vs->sweep_tree = tree;
		return info;
	}
	return NULL;
}

int
volume_sweep(struct volumes *vs, struct store *s)
{
	struct info *info = sweep_find(vs);
	struct volfile *f;
	int rc;

	if (info == NULL || vs->n_pin_all > 0)
		return 0;
	if (vs->health != 0)
		return vs->health;
	rc = sweep_step(vs, s);
	info = info_find(vs, vs->sweep_no);
	if (rc == ERR_NONE) {
		info->sweep &= ~(1u << vs->sweep_tree);
		return 1;
	}
	if (rc < 0) {
		info->sweep = 0; /* at the next start again */
		return rc;
	}
	f = find_open(vs, vs->sweep_no);
	if (f != NULL && f->pending_bytes > SWEEP_DIRTY_BYTES)
		rc = commit_file(vs, f);
	return rc < 0 ? rc : 1;
}

/* --- pins --- */

static struct pin *
pin_find(const struct volumes *vs, uint64_t body_id)
{
	for (size_t i = 0; i < vs->n_pins; i++)
		if (vs->pins[i].body_id == body_id)
			return &vs->pins[i];
	return NULL;
}

int
volume_pin(struct volumes *vs, uint64_t body_id)
{
	struct pin *p = pin_find(vs, body_id);

	if (p != NULL) {
		p->n++;
		return 0;
	}
	if (vs->n_pins == vs->cap_pins) {
		size_t cap = vs->cap_pins ? vs->cap_pins * 2 : 8;
		void *more = mem_resize(vs->pins, cap * sizeof(*p));

		if (more == NULL)
			return ERR_NOMEM;
		vs->pins = more;
		vs->cap_pins = cap;
	}
	vs->pins[vs->n_pins++] = (struct pin){ body_id, 1 };
	return 0;
}

void
volume_unpin(struct volumes *vs, uint64_t body_id)
{
	struct pin *p = pin_find(vs, body_id);

	if (p != NULL && --p->n == 0)
		*p = vs->pins[--vs->n_pins];
}

bool
volume_is_pinned(const struct volumes *vs, uint64_t body_id)
{
	return vs->n_pin_all > 0 || pin_find(vs, body_id) != NULL;
}

void
volume_pin_all(struct volumes *vs, int n)
{
	vs->n_pin_all += n;
}

/* --- what belongs to the set as a whole --- */

struct volume_cache *
volume_cache(struct volumes *vs)
{
	return &vs->cache;
}

size_t *
volume_staged_bytes(struct volumes *vs)
{
	return &vs->staged_bytes;
}
