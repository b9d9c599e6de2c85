/* memo.h - small facts that outlive a restart, each until its time: what
 * greylisting saw, the policies and the TLS of other domains, rows of reports
 * to be sent, what was sent within the hour, access tokens,
 * which messages of a mailbox a session was told of.
 *
 * A fact has a kind, and a key of any bytes that is its own within the kind.
 * Keys begin with what they are to be listed by, as lists go in their order.
 * Each kind has a bound of entries (memo_max): when one comes to a full kind,
 * the one whose time ends first goes. What is over is not there any more for
 * memo_get and memo_next, and is removed later, some at a time.
 *
 * None of it is in a backup: all of it is learnt again. Each change is a write
 * to the journal: where facts change with every mail, make the change in a
 * turn that writes anyway, and only as often as needed.
 *
 * Times are wall clock seconds since 1970. After the clock was set back a fact
 * lives longer: who minds keeps a time in the value.
 */
#ifndef TINPOST_STORE_MEMO_H
#define TINPOST_STORE_MEMO_H

#include "base/buf.h"

struct store;

#define MEMO_MAX_KEY   320
#define MEMO_MAX_VALUE 8192

/* Never renumber: rows live on disk. */
enum memo_kind {
	MEMO_GREYLIST = 1,
	MEMO_STS = 2,
	MEMO_TLS = 3,
	MEMO_DMARC_ROW = 4,
	MEMO_TLS_ROW = 5,
	MEMO_RATE = 6,
	MEMO_TOKEN = 7,
	MEMO_RECENT = 8,
};

#define N_MEMO_KINDS 9 /* from 1 */

/* The most entries of a kind. */
uint32_t memo_max(enum memo_kind kind);

/* Add a fact, or replace the one with its key. ERR_INVALID: no key, or a time
 * before 1970; ERR_LIMIT: key or value is too long. */
MUST_USE int memo_put(struct store *s, enum memo_kind kind, struct span key,
    struct span value, int64_t until_s);

/* Append the value to *value, which may be NULL, as until_s may. ERR_NONE: there
 * is none, or its time is over. ERR_LIMIT: *value has no room. */
MUST_USE int memo_get(struct store *s, enum memo_kind kind, struct span key,
    struct buf *value, int64_t *until_s);

/* ERR_NONE: there was none. */
MUST_USE int memo_delete(struct store *s, enum memo_kind kind, struct span key);

/* The fact with the least key > *key (empty to begin), whose time is not over;
 * replaces *key and *value. value and until_s may be NULL. ERR_NONE: no more.
 * ERR_AGAIN: many were over; call again with the *key it left. */
MUST_USE int memo_next(struct store *s, enum memo_kind kind, struct buf *key,
    struct buf *value, int64_t *until_s);

#endif
