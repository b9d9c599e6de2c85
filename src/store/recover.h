/* recover.h - the turn's flush, the checkpoint, and the ways back after a
 * failure (rules 3 to 6). Room-private. */
#ifndef TINPOST_STORE_RECOVER_H
#define TINPOST_STORE_RECOVER_H

#include "store/inside.h"

/* Before anything is written: is the index one that this program may open?
 * ERR_TOO_NEW, ERR_FOREIGN, ERR_DAMAGED, ERR_IO. */
MUST_USE int recover_look(struct store *s);

/* Begin the write transaction, and read what is kept in memory of it: meta,
 * hidden sets. */
MUST_USE int recover_begin(struct store *s);

/* Drop the open transactions of index and volumes. */
void recover_abort(struct store *s);

/* Apply what the journal holds past s->sequence, up to byte `end` of the file
 * (rule 2: less if the chain ends before). Sets the journal's place to behind
 * the last frame read. ERR_DAMAGED, ERR_IO, ERR_NOMEM, ERR_FULL. */
MUST_USE int recover_replay(struct store *s, uint64_t end);

/* Rule 3, behind recover_begin: replay, checkpoint, new generation. */
MUST_USE int recover_start(struct store *s);

/* Make the turn durable. On failure the turn is lost and the store is at the
 * last durable state, or read-only (rule 5). */
MUST_USE int recover_flush_turn(struct store *s);

/* Commit (rule 4). On failure as recover_flush_turn. */
MUST_USE int recover_checkpoint(struct store *s, bool is_new_generation);

/* Rule 6: back to the durable state, plus what the turn's buffer holds. */
MUST_USE int recover_undo(struct store *s);

/* Do journal or dirty pages exceed so many quarters of their bound? */
bool recover_is_heavy(const struct store *s, unsigned quarters);

/* Note which operation is about to be replayed, for rule 10. */
void recover_note(struct store *s, uint64_t sequence, unsigned kind);

/* See that the index can take `bytes` more (rule 7): its file is extended ahead,
 * or when the device is full, has as many freed pages. ERR_FULL. */
MUST_USE int recover_extend(struct store *s, uint64_t bytes);

/* The same before an operation that makes the index grow by n_rows rows or so,
 * and is not to touch what is kept for those that free space. ERR_FULL. */
MUST_USE int recover_make_room(struct store *s, size_t n_rows);

#endif
