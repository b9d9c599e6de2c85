/* What a crash, a given-up upload or a finished one leaves (volume.h). */
#include "store/volset.h"

#define SWEEP_CHUNKS 32
/* Past this many bytes of dirty pages a sweep commits its volume. */
#define SWEEP_DIRTY_BYTES (256 * 1024)

/* Raise last_id to the greatest id in one volume, and note its marks. */
static int
recover_one(struct volumes *vs, struct volume_info *info)
{
	uint32_t volume = info->no;

	for (int t = 0; t < N_VOLUME_TREES; t++) {
		struct volfile *f = NULL;
		struct volume_key k = { .len = 0 };
		uint64_t id = 0;
		uint32_t no;
		size_t len;
		int rc;

		rc = volset_get(vs, volume, false, &f);
		if (rc == 0)
			rc = volfile_seek(f, (enum volume_tree)t, true, k.bytes,
			    &k.len, &len);
		if (rc == ERR_NONE)
			continue;
		if (rc == 0)
			rc =
			    volset_key_parse((enum volume_tree)t, &k, &id, &no);
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
		rc = volset_delete(vs, vs->sweep_no, VOLUME_UNFINISHED, id, 0);
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
static struct volume_info *
sweep_find(struct volumes *vs)
{
	for (size_t i = 0; i < vs->n_info; i++) {
		struct volume_info *info = &vs->info[i];
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
	struct volume_info *info = sweep_find(vs);
	struct volfile *f;
	int rc;

	if (info == NULL || vs->n_pin_all > 0)
		return 0;
	if (vs->health != 0)
		return vs->health;
	rc = sweep_step(vs, s);
	info = volset_info(vs, vs->sweep_no);
	if (rc == ERR_NONE) {
		info->sweep &= ~(1u << vs->sweep_tree);
		return 1;
	}
	if (rc < 0) {
		info->sweep = 0; /* at the next start again */
		return rc;
	}
	f = volset_find(vs, vs->sweep_no);
	if (f != NULL && volfile_dirty_bytes(f) > SWEEP_DIRTY_BYTES)
		rc = volset_commit(vs, f);
	return rc < 0 ? rc : 1;
}
