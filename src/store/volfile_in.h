/* volfile_in.h - what volfile.c and volfile_open.c have in common.
 * Room-private.
 */
#ifndef TINPOST_STORE_VOLFILE_IN_H
#define TINPOST_STORE_VOLFILE_IN_H

#include "store/volfile.h"

/* One call into LMDB: what it is given, so that the guard can run it. */
struct volfile_call {
	struct volfile *f;
	MDB_txn *txn;
	MDB_cursor *cursor;
	enum volume_tree tree;
	MDB_cursor_op op;
	MDB_val key;
	MDB_val value;
	unsigned n_run;
};

/* An error of LMDB in our words. */
MUST_USE int volfile_error(int rc);

/* The transaction to read with: the one that writes, or one for reading. */
MUST_USE int volfile_begin_read(struct volfile *f, MDB_txn **out);

/* End the reading transaction, and what cursors there are: before a
 * transaction begins to write and before one ends, and after an error. */
void volfile_end_read(struct volfile *f);

/* Note the end of the file, of the pages in use, and the live ones. */
MUST_USE int volfile_measure(struct volfile *f);

/* The file's length, as the system says it. ERR_IO. */
MUST_USE int volfile_length(struct volfile *f, uint64_t *out);

#endif
