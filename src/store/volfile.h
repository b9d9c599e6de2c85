/* volfile.h - one volume: an LMDB environment, its open write transaction,
 * and the end of its file (private to volume.c).
 *
 * Errors     a put, delete or commit that fails with anything but ERR_FULL
 *            or ERR_NOMEM has lost the transaction (volfile_abort was done).
 */
#ifndef TINPOST_STORE_VOLFILE_H
#define TINPOST_STORE_VOLFILE_H

#include "base/list.h"
#include "store/lmdb_impl.h"
#include "store/volume.h"

#define N_VOLUME_TREES 3
/* A key: body id, chunk number (trees other than VOLUME_CHUNK: id only). */
#define VOLFILE_KEY_BYTES 12
/* The end of a file that only deletions may use (rule 7). */
#define VOLFILE_RESERVE_BYTES (256 * 1024)

struct volfile {
	struct list link; /* most recently used last */
	uint32_t no;
	uint32_t step_bytes;
	MDB_env *env;
	MDB_dbi dbi[N_VOLUME_TREES];
	MDB_txn *txn;    /* the open write transaction, or NULL */
	MDB_txn *reader; /* NULL, reset, or live */
	/* Live as long as nothing is written: we are the only writer, so it
	 * sees what there is. */
	bool is_reading;
	MDB_cursor *near[N_VOLUME_TREES]; /* of volfile_get, in either */
	uint64_t map_bytes;
	uint64_t file_bytes;
	uint64_t end_bytes;      /* behind the last page, as committed */
	uint64_t live_bytes;     /* pages in the trees, as committed */
	uint64_t overflow_bytes; /* put by the transaction in runs of pages */
	size_t page_bytes;
	bool is_synced; /* rule 10: before the first write */
};

/* Map a volume's file; with is_new, make it if it is not there. ERR_NONE: it
 * is not. ERR_FULL, ERR_NOMEM: no room in the address space or the heap.
 * ERR_DAMAGED: cut or broken. ERR_FOREIGN, ERR_TOO_NEW, ERR_IO. */
MUST_USE int volfile_open(const char *path, uint32_t no, bool is_new,
    const struct volume_options *o, struct volfile **out);

/* Unmap; what is not committed is lost. NULL is fine. */
void volfile_close(struct volfile *f);

/* Make sure that the file can take so many bytes more, in n_values values.
 * ERR_FULL: map, or device and freed pages. */
MUST_USE int volfile_extend(
    struct volfile *f, uint64_t bytes, uint32_t n_values);

/* Have the freed pages room for so many bytes, in pieces that such a body needs
 * (the pages of a chunk are neighbours)? Reads the list of them: for when the
 * device is full. */
bool volfile_has_reusable(struct volfile *f, uint64_t bytes);

/* Pages that the open transaction freed. */
size_t volfile_n_freed(const struct volfile *f);

MUST_USE int volfile_put(struct volfile *f, enum volume_tree tree,
    struct span key, struct span value);

/* Remove a key; none there is fine. */
MUST_USE int volfile_delete(
    struct volfile *f, enum volume_tree tree, struct span key);

/* Append a value to out. ERR_NONE. On an error out is as before. */
MUST_USE int volfile_get(
    struct volfile *f, enum volume_tree tree, struct span key, struct buf *out);

/* Find the least key >= the one in key (VOLFILE_KEY_BYTES of storage, key_len
 * in use) and copy it there; is_last: the greatest key of all. ERR_NONE. */
MUST_USE int volfile_seek(struct volfile *f, enum volume_tree tree,
    bool is_last, char *key, size_t *key_len, size_t *value_len_out);

/* Bytes of dirty pages that the open transaction holds. */
uint64_t volfile_dirty_bytes(const struct volfile *f);

/* Behind the last page that is used, by the open transaction too. */
uint64_t volfile_end_bytes(const struct volfile *f);

/* Did the last commit free n pages or more? A small commit behind it makes them
 * fit for use: returns 1 when it made one, 0 when not, or an error. Nothing is
 * done while a transaction is open. */
MUST_USE int volfile_reclaim(struct volfile *f, size_t n);

MUST_USE int volfile_commit(struct volfile *f);
void volfile_abort(struct volfile *f);

/* The device's free bytes for ordinary users, by its file. ERR_IO. */
MUST_USE int volfile_free_bytes(const char *path, uint64_t *out);

#endif
