/* restore.h - an archive of backup.h, into a new store.
 *
 * The archive is hostile input: every number is checked, every line bounded.
 * Ids, UIDs, UIDVALIDITY, MODSEQ, flags and dates come back as they were, so
 * clients notice nothing. The store is written without the journal, so a
 * restore that does not end leaves a store that store_open refuses.
 */
#ifndef TINPOST_STORE_RESTORE_H
#define TINPOST_STORE_RESTORE_H

#include "store/backup.h"

struct restore;

/* Begin to fill s, a store that nothing was ever put into. ERR_EXISTS: there
 * are people, domains, settings or mail in it. ERR_NOMEM. */
MUST_USE int restore_new(struct store *s, struct restore **out);

/* Take a piece of the archive. After an error the store is to be thrown away;
 * restore_why says what was wrong. ERR_SYNTAX: not such an archive;
 * ERR_TOO_NEW; ERR_DAMAGED: it contradicts itself; ERR_LIMIT, ERR_FULL,
 * ERR_IO, ERR_NOMEM. */
MUST_USE int restore_put(struct restore *r, struct span piece);

/* The archive's end: sums are compared, the store is checkpointed. ERR_DAMAGED:
 * it is not whole. */
MUST_USE int restore_finish(struct restore *r);

void restore_totals(const struct restore *r, struct backup_totals *out);

/* A plain sentence about the last error; empty when there was none. */
struct span restore_why(const struct restore *r);

/* Release. NULL is fine. */
void restore_free(struct restore *r);

#endif
