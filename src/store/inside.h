/* inside.h - the inside of an open store. Room-private. */
#ifndef TINPOST_STORE_INSIDE_H
#define TINPOST_STORE_INSIDE_H

#include "base/file.h"
#include "store/journal.h"
#include "store/lmdb_impl.h"
#include "store/record.h"
#include "store/store.h"
#include "store/tree.h"

/* A set of messages that an intent has expunged and no sweep has removed. */
struct hidden {
	struct hidden *next;
	uint64_t intent;
	uint32_t mailbox;
	uint32_t swept_to; /* a hint: no member below it is left */
	struct rangeset uids;
};

/* Recipients in one operation (rule 8: 64 records, 3 for each). */
#define DELIVER_BATCH 16

/* What applying an operation tells its caller. */
struct op_result {
	struct delivered delivered[DELIVER_BATCH];
	uint64_t modseq;
	uint64_t n; /* as the operation's comment says */
	bool has_more;
};

struct store {
	char folder[FILE_PATH_BYTES];
	struct store_options options;
	int lock_fd;
	int index_fd;  /* for extending the file ahead */
	int starts_fd; /* while starting; else -1 */

	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi[N_TREES];
	bool lacks_trees; /* of a store made by an older version */
	MDB_cursor *cursor[N_TREES];
	MDB_cursor *near[N_TREES]; /* of tree_find */
	uint64_t index_file_bytes;

	struct journal journal;
	struct volumes *volumes;
	struct meta meta; /* `applied` is as committed; the rest runs ahead */
	struct hidden *hidden;
	struct rangeset locked; /* mailboxes, by POP3 */

	/* The turn: JOURNAL_HEADER_BYTES of room, then operations. */
	struct buf turn;
	uint32_t n_turn_ops;
	uint64_t sequence; /* of the last operation applied */
	uint64_t durable;  /* of the last one that no crash undoes */

	/* The group of operations being made (op.h). */
	size_t group_len; /* of the turn's buffer when it began */
	uint32_t group_n;
	bool is_in_group;
	size_t op_start;
	uint32_t n_puts; /* of the operation being applied */

	/* Whose MODSEQ or place the operation moved, and who is told. */
	uint32_t moved[DELIVER_BATCH];
	uint32_t n_moved;
	store_changed_fn *changed; /* NULL: nobody */
	void *changed_arg;

	bool has_queue_moved; /* the operation put, moved or released */
	void (*queue_changed)(void *arg); /* NULL: nobody is told */
	void *queue_arg;

	struct op_result result;
	struct buf scratch;    /* a large value being laid out; MAX_OP_BYTES */
	uint64_t forget_body;  /* the sweep's place: this one, */
	uint32_t forget_chunk; /* from there on */
	struct rate *rates;    /* rate.c; NULL: nothing was counted */
	int64_t memo_swept_s;  /* when a look at memos found nothing over */

	bool is_short;    /* something was refused for lack of space */
	bool is_poisoned; /* LMDB failed inside an operation (rule 6) */
	bool is_lost;     /* rule 10: the process must end */
	bool is_read_only;
	bool is_replaying;
	bool has_turn_failed; /* an early flush failed: store_flush tells */

	struct store_stats stats;
};

#endif
