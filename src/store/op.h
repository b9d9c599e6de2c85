/* op.h - operations: made, applied, written to the journal, replayed.
 * Room-private.
 *
 * An operation in the turn's buffer: kind (1 byte), length (4, big-endian),
 * fields. Fields are varints and texts (varint length, bytes). A module makes
 * one so:
 *
 *	rc = op_group(s, bytes);          room for all that belongs together
 *	op_begin(s, OP_SETTING_PUT);
 *	op_text(s, key);
 *	rc = op_apply(s);                 0, or an error: nothing happened
 *	rc = op_group_end(s, rc);
 *
 * The apply functions (apply.h) read the fields back with a struct fields,
 * check everything against the state, and only then put. They use nothing but
 * the fields and the state.
 */
#ifndef TINPOST_STORE_OP_H
#define TINPOST_STORE_OP_H

#include "store/inside.h"

/* Never renumber: journals live on disk. */
enum op {
	OP_SETTING_PUT = 1,
	OP_SETTING_DELETE = 2,
	OP_DOMAIN_CREATE = 3,
	OP_DOMAIN_DELETE = 4,
	OP_ACCOUNT_CREATE = 5,
	OP_ACCOUNT_CHANGE = 6,
	OP_ACCOUNT_DELETE = 7,
	OP_ADDRESS_CREATE = 8,
	OP_ADDRESS_DELETE = 9,
	OP_TARGET_ADD = 10,
	OP_TARGET_REMOVE = 11,
	OP_MAILBOX_CREATE = 12,
	OP_MAILBOX_RENAME = 13,
	OP_MAILBOX_DELETE = 14,
	OP_MAILBOX_SPECIAL = 15,
	OP_SUBSCRIBE = 16,
	OP_UNSUBSCRIBE = 17,
	OP_KEYWORD_ADD = 18,
	OP_DELIVER = 19,
	OP_FLAGS = 20,
	OP_EXPUNGE = 21,
	OP_EXPUNGE_SET = 22,
	OP_COPY = 23,
	OP_EVENT = 24,
	OP_SWEEP = 25,
	OP_FORGET = 26,
	OP_QUEUE_PUT = 27,
	OP_QUEUE_ADD = 28,
	OP_QUEUE_SETTLE = 29,
	OP_QUEUE_DEST = 30,
	OP_QUEUE_TIMES = 31,
	OP_RELAY_PUT = 32,
	OP_RELAY_REMOVE = 33,
	OP_MEMO_PUT = 34,
	OP_MEMO_DELETE = 35,
	OP_MEMO_SWEEP = 36,
	N_OPS
};

/* Room before the fields of an operation in the buffer. */
#define OP_HEADER_BYTES 5

/* Begin a group of operations that no frame may part, of at most len_bytes
 * in all. Flushes the turn if there is no room for it. ERR_READ_ONLY,
 * ERR_LIMIT, ERR_NOMEM, ERR_IO, ERR_FULL: op_group_end is not to be called. */
MUST_USE int op_group(struct store *s, size_t len_bytes);

/* End it: with rc < 0 everything since op_group is undone. Returns rc. */
MUST_USE int op_group_end(struct store *s, int rc);

void op_begin(struct store *s, enum op kind);
void op_num(struct store *s, uint64_t v);
void op_signed(struct store *s, int64_t v);
void op_text(struct store *s, struct span text);
void op_set(struct store *s, const struct rangeset *set);

/* Apply the operation just encoded. On an error it is out of the buffer. */
MUST_USE int op_apply(struct store *s);

/* Apply the operations of a frame's payload that are past s->sequence;
 * first is the sequence number of the first. ERR_DAMAGED: they do not decode,
 * or do not fit the state. */
MUST_USE int op_replay(
    struct store *s, struct span payload, uint64_t first, uint32_t n_ops);

/* --- reading fields back --- */

struct fields {
	struct cur c;
	bool is_bad;
	bool has_no_memory; /* it may be fine */
};

uint64_t field_num(struct fields *f, uint64_t max);
int64_t field_signed(struct fields *f);
struct span field_text(struct fields *f, size_t max);
void field_set(struct fields *f, struct rangeset *out);

/* 0 when all was there and nothing is left; ERR_DAMAGED. */
MUST_USE int field_end(const struct fields *f);

#endif
