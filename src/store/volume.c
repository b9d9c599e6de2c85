#include "store/volume.h"

#include "base/mem.h"
#include "store/volset.h"

#define DEFAULT_STEP (1024 * 1024)

#if SIZE_MAX > UINT32_MAX
#define DEFAULT_MAP  (8ull * 1024 * 1024 * 1024)
#define DEFAULT_OPEN 16
#else
/* With an index of 1 GB, two of these fit the 1.75 GB of a MIPS router; 128
 * hold 32 GB. */
#define DEFAULT_MAP  (256ull * 1024 * 1024)
#define DEFAULT_OPEN 2
#endif

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
		rc = volset_list(vs);
	if (rc < 0) {
		volumes_close(vs);
		return rc;
	}
	*out = vs;
	return 0;
}

void
volumes_close(struct volumes *vs)
{
	if (vs == NULL)
		return;
	volset_close_all(vs);
	buf_deinit(&vs->cache.raw);
	mem_free(vs->info);
	mem_free(vs->pins);
	mem_free(vs);
}

/* --- choosing --- */

/* Has this volume room for a body? Up to 85 % of the map; the rest is for
 * growth of what is promised, and for deletions. When its end is reached the
 * freed pages must do, which lie in pieces: then only up to 70 %. */
static bool
has_map_room(
    const struct volumes *vs, const struct volume_info *info, uint64_t bytes)
{
	const struct volfile *f = volset_find(vs, info->no);
	uint64_t live =
	    f ? f->live_bytes + volfile_dirty_bytes(f) : info->live_bytes;
	uint64_t end = f ? volfile_end_bytes(f) : info->end_bytes;
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
	struct volume_info *info = volset_info(vs, no);
	struct volfile *f = NULL;
	int rc;

	if (info != NULL && info->is_bad)
		return ERR_DAMAGED;
	if (info != NULL && info->map_bytes != 0 &&
	    !has_map_room(vs, info, promised))
		return ERR_FULL;
	rc = volset_get(vs, no, is_new, &f);
	if (rc < 0)
		return rc;
	if (!has_map_room(vs, volset_info(vs, no), promised))
		return ERR_FULL;
	return volfile_extend(f, bytes, 8);
}

/* Has the device so much free? */
static bool
has_device_room(struct volumes *vs, uint64_t bytes)
{
	uint64_t n = 0;

	return volume_free_bytes(vs, &n) == 0 && n >= bytes;
}

int
volume_choose_spill(
    struct volumes *vs, uint64_t bytes, uint64_t promised_bytes, uint32_t *out)
{
	uint64_t promised = promised_bytes > bytes ? promised_bytes : bytes;
	uint64_t want = bytes + bytes / 8 + VOLFILE_RESERVE_BYTES;
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
		if (no > MAX_VOLUME_NO || !has_device_room(vs, want))
			return ERR_FULL;
		rc = try_volume(vs, no, true, bytes, promised);
	}
	if (rc < 0)
		return rc;
	volset_info(vs, no)->promised_bytes += promised_bytes;
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
	struct volume_info *info = volset_info(vs, volume);

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

/* What was deleted stays in its file, as pages that are used again. */
static bool
has_reusable(struct volumes *vs, uint64_t bytes)
{
	for (size_t i = vs->n_info; i > 0; i--) {
		const struct volume_info *info = &vs->info[i - 1];
		struct volfile *f = volset_find(vs, info->no);

		if (info->is_bad)
			continue;
		/* Opening costs: only what may have as much. */
		if (f == NULL && info->end_bytes > 0 &&
		    info->end_bytes - info->live_bytes < bytes)
			continue;
		if (volset_get(vs, info->no, false, &f) == 0 &&
		    volfile_has_reusable(f, bytes))
			return true;
	}
	return false;
}

bool
volume_has_room(struct volumes *vs, uint64_t bytes, uint64_t reserve_bytes)
{
	/* Stored values fill whole pages, and their tree grows too. */
	uint64_t want = bytes + bytes / 8 + VOLFILE_RESERVE_BYTES;

	return has_device_room(vs, want + reserve_bytes) ||
	       has_reusable(vs, bytes);
}

/* --- putting and getting --- */

static int
put(struct volumes *vs, uint32_t volume, enum volume_tree tree,
    struct volume_key k, struct span value)
{
	struct volfile *f = NULL;
	int rc;

	rc = volset_get(vs, volume, true, &f);
	if (rc < 0)
		return rc;
	rc = volfile_put(f, tree, span_of(k.bytes, k.len), value);
	if (rc < 0)
		volset_lose(vs, rc);
	return rc;
}

int
volume_put(struct volumes *vs, uint32_t volume, uint64_t body_id,
    uint32_t chunk_no, struct span stored)
{
	return put(vs, volume, VOLUME_CHUNK,
	    volset_key(VOLUME_CHUNK, body_id, chunk_no), stored);
}

int
volume_put_summary(
    struct volumes *vs, uint32_t volume, uint64_t body_id, struct span summary)
{
	return put(vs, volume, VOLUME_SUMMARY,
	    volset_key(VOLUME_SUMMARY, body_id, 0), summary);
}

int
volume_mark_unfinished(struct volumes *vs, uint32_t volume, uint64_t body_id)
{
	return put(vs, volume, VOLUME_UNFINISHED,
	    volset_key(VOLUME_UNFINISHED, body_id, 0), SPAN("\1"));
}

void
volume_settle(struct volumes *vs, uint32_t volume)
{
	struct volume_info *info = volset_info(vs, volume);

	if (info != NULL)
		info->sweep |= 1u << VOLUME_UNFINISHED;
	vs->sweep_id = 0;
}

static int
get(struct volumes *vs, uint32_t volume, enum volume_tree tree,
    struct volume_key k, struct buf *out)
{
	struct volfile *f = NULL;
	int rc;

	rc = volset_get(vs, volume, false, &f);
	if (rc < 0)
		return rc;
	return volfile_get(f, tree, span_of(k.bytes, k.len), out);
}

int
volume_get(struct volumes *vs, uint32_t volume, uint64_t body_id,
    uint32_t chunk_no, struct buf *out)
{
	return get(vs, volume, VOLUME_CHUNK,
	    volset_key(VOLUME_CHUNK, body_id, chunk_no), out);
}

int
volume_get_summary(
    struct volumes *vs, uint32_t volume, uint64_t body_id, struct buf *out)
{
	return get(vs, volume, VOLUME_SUMMARY,
	    volset_key(VOLUME_SUMMARY, body_id, 0), out);
}

int
volume_next(struct volumes *vs, uint32_t from, uint32_t *out)
{
	size_t i = volset_index(vs, from);

	if (i == vs->n_info)
		return ERR_NONE;
	*out = vs->info[i].no;
	return 0;
}

int
volume_next_key(struct volumes *vs, uint32_t volume, enum volume_tree tree,
    uint64_t *body_id, uint32_t *chunk_no, size_t *value_bytes_out)
{
	struct volume_key k = volset_key(tree, *body_id, *chunk_no);
	struct volfile *f = NULL;
	int rc;

	rc = volset_get(vs, volume, false, &f);
	if (rc == 0)
		rc = volfile_seek(
		    f, tree, false, k.bytes, &k.len, value_bytes_out);
	if (rc == 0)
		rc = volset_key_parse(tree, &k, body_id, chunk_no);
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
			rc = volset_delete(vs, volume, VOLUME_CHUNK, id, no);
		if (rc < 0)
			return rc;
	}
	if (volset_info(vs, volume) == NULL)
		return 0;
	return volset_delete(vs, volume, VOLUME_SUMMARY, body_id, 0);
}

/* --- transactions --- */

int
volume_commit(struct volumes *vs, uint32_t volume)
{
	struct volfile *f = volset_find(vs, volume);

	return f ? volset_commit(vs, f) : 0;
}

int
volume_commit_all(struct volumes *vs)
{
	int rc = vs->health;

	for (struct list *l = vs->open.next; rc == 0 && l != &vs->open;
	     l = l->next)
		rc = volset_commit(vs, LIST_OF(l, struct volfile, link));
	return rc;
}

void
volume_abort_all(struct volumes *vs)
{
	for (struct list *l = vs->open.next, *next; l != &vs->open; l = next) {
		struct volfile *f = LIST_OF(l, struct volfile, link);

		next = l->next;
		volfile_abort(f);
		/* Rule 10. The file is synced before it is written again, as
		 * by a new process: that is all that one could do. */
		if (lmdb_has_panicked(f->env))
			volset_close(vs, f);
	}
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
volume_n_freed(const struct volumes *vs)
{
	size_t most = 0;

	for (struct list *l = vs->open.next; l != &vs->open; l = l->next) {
		size_t n = volfile_n_freed(LIST_OF(l, struct volfile, link));

		if (n > most)
			most = n;
	}
	return most;
}

int
volume_reclaim(struct volumes *vs, size_t n)
{
	int rc = vs->health;

	for (struct list *l = vs->open.next; rc == 0 && l != &vs->open;
	     l = l->next) {
		rc = volfile_reclaim(LIST_OF(l, struct volfile, link), n);
		if (rc < 0)
			volset_lose(vs, rc);
	}
	return rc;
}

size_t
volume_dirty_bytes(const struct volumes *vs)
{
	uint64_t n = 0;

	for (struct list *l = vs->open.next; l != &vs->open; l = l->next)
		n += volfile_dirty_bytes(LIST_OF(l, struct volfile, link));
	return n < SIZE_MAX ? (size_t)n : SIZE_MAX;
}

uint64_t
volume_dirty_bytes_of(const struct volumes *vs, uint32_t volume)
{
	const struct volfile *f = volset_find(vs, volume);

	return f ? volfile_dirty_bytes(f) : 0;
}

/* --- ids, and what a crash leaves --- */

uint64_t
volume_new_id(struct volumes *vs)
{
	return ++vs->last_id;
}

/* --- pins --- */

static struct volume_pin *
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
	struct volume_pin *p = pin_find(vs, body_id);

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
	vs->pins[vs->n_pins++] = (struct volume_pin){ body_id, 1 };
	return 0;
}

void
volume_unpin(struct volumes *vs, uint64_t body_id)
{
	struct volume_pin *p = pin_find(vs, body_id);

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
