/* volset.h - the set of volumes: which there are, which are open, and how full
 * they are (private to volume.c and volume_sweep.c).
 */
#ifndef TINPOST_STORE_VOLSET_H
#define TINPOST_STORE_VOLSET_H

#include "base/file.h"
#include "store/volfile.h"

#define MAX_VOLUME_NO 999999

/* What is known of a volume, open or not. */
struct volume_info {
	uint64_t map_bytes; /* 0: not looked at yet */
	uint64_t end_bytes;
	uint64_t live_bytes;
	uint64_t promised_bytes;
	uint32_t no;
	unsigned sweep; /* 1 << tree: the sweep shall look there */
	bool is_bad;    /* cannot be opened: nothing more goes there */
};

struct volume_pin {
	uint64_t body_id;
	uint32_t n;
};

struct volumes {
	struct volume_options o;
	struct list open; /* of struct volfile, the least used first */
	uint32_t n_open;
	struct volume_info *info; /* ascending by no */
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
	struct volume_pin *pins;
	size_t n_pins;
	size_t cap_pins;
	int n_pin_all;
	struct volume_cache cache;
	size_t staged_bytes;
	char folder[FILE_PATH_BYTES];
};

struct volume_key {
	char bytes[VOLFILE_KEY_BYTES];
	size_t len;
};

struct volume_key volset_key(
    enum volume_tree tree, uint64_t body_id, uint32_t chunk_no);

/* Split a key as it was read. ERR_DAMAGED: a wrong length. */
MUST_USE int volset_key_parse(enum volume_tree tree, const struct volume_key *k,
    uint64_t *body_id, uint32_t *chunk_no);

/* Find the volumes of the folder. ERR_IO, ERR_NOMEM. */
MUST_USE int volset_list(struct volumes *vs);

/* What is known of a volume; NULL: there is none. Dies with the next
 * volset_get with is_new. */
struct volume_info *volset_info(const struct volumes *vs, uint32_t no);

/* The index in info of the first volume >= no. */
size_t volset_index(const struct volumes *vs, uint32_t no);

/* The open volume no; opened, with is_new made, if need be, for which another
 * may be committed and closed. Good until the next call. ERR_NONE: no such. */
MUST_USE int volset_get(
    struct volumes *vs, uint32_t no, bool is_new, struct volfile **out);

/* The same only if it is open already; NULL. */
struct volfile *volset_find(const struct volumes *vs, uint32_t no);

/* Commit one volume; its loss is noted. */
MUST_USE int volset_commit(struct volumes *vs, struct volfile *f);

/* A put or commit failed with rc: its transaction is gone, and with it what
 * others put into it, unless the error came before any change. */
void volset_lose(struct volumes *vs, int rc);

/* Remove a key; none there is fine. */
MUST_USE int volset_delete(struct volumes *vs, uint32_t volume,
    enum volume_tree tree, uint64_t body_id, uint32_t chunk_no);

/* Close one; what it had not committed is gone. */
void volset_close(struct volumes *vs, struct volfile *f);
void volset_close_all(struct volumes *vs);

#endif
