/* maildrop.h - a POP3 session's view of INBOX (RFC 1939 4 to 6): the messages
 * of the time of login, numbered from 1, and which of them are marked as
 * deleted.
 *
 * Memory     8 bytes for each run of UIDs, and a bit for each message once
 *            one is marked.
 * Blocking   maildrop_fill and maildrop_commit work in slices.
 */
#ifndef TINPOST_POP3_MAILDROP_H
#define TINPOST_POP3_MAILDROP_H

#include "store/store.h"

struct maildrop {
	struct store *store;
	uint32_t mailbox;
	uint32_t uidvalidity;
	struct rangeset uids;
	uint64_t bytes; /* of all, marked or not */
	uint8_t *marks; /* bit n - 1: message n is marked; NULL: none is */
	uint32_t n_marked;
	uint64_t marked_bytes;
	/* Where fill and commit go on. */
	uint32_t uid_from;
	uint32_t number;
	int n_tries;
	struct rangeset doomed;
	struct expunge_totals totals;
};

/* A slice of fill and commit. */
#define MAILDROP_SLICE_US 2000

/* Open and lock the INBOX of an account. ERR_BUSY: another session has it;
 * ERR_NONE, ERR_NOMEM, or an error of the store. */
MUST_USE int maildrop_open(
    struct store *s, uint32_t account_id, struct maildrop **out);

/* Unlock and free; marks are forgotten. NULL is fine. */
void maildrop_close(struct maildrop *d);

/* Take note of some messages. Returns 1 when there are more, 0 when all are
 * noted, or an error. */
MUST_USE int maildrop_fill(struct maildrop *d);

static inline uint32_t
maildrop_count(const struct maildrop *d)
{
	return (uint32_t)d->uids.n_members - d->n_marked;
}

static inline uint64_t
maildrop_bytes(const struct maildrop *d)
{
	return d->bytes - d->marked_bytes;
}

/* Message number n. ERR_NONE: no such number, or marked; ERR_GONE: expunged by
 * another session. */
MUST_USE int maildrop_get(
    struct maildrop *d, uint32_t number, struct message *out);

/* Go on to the next message that is not marked: begin with zeros. False: that
 * was all. */
bool maildrop_next(const struct maildrop *d, uint32_t *number, uint32_t *uid);

/* Append the unique-id of a UID (RFC 1939 7): UIDVALIDITY and UID, the same
 * after a restart and on another board. */
void maildrop_put_uidl(const struct maildrop *d, uint32_t uid, struct buf *out);

/* Mark as deleted. As maildrop_get; ERR_NOMEM. */
MUST_USE int maildrop_mark(struct maildrop *d, uint32_t number);

/* Unmark all. */
void maildrop_reset(struct maildrop *d);

/* Delete what is marked, all or none. Returns 1 when it must be called again,
 * 0 when done (durable after the turn's flush), or an error: then nothing is
 * deleted. ERR_AGAIN: others kept changing the mailbox. */
MUST_USE int maildrop_commit(struct maildrop *d);

#endif
