/* check.h - does the whole store agree with itself? A stepped job, over one
 * snapshot, while the server runs.
 *
 * Invariants, each with its own sentence when it is broken:
 *
 *	a person has their address, and their usage is what their mailboxes hold
 *	an address that is a person's has that person; an alias its targets
 *	a mailbox has its person, its parent and its name, and a name its mailbox
 *	its counts, UIDNEXT and HIGHESTMODSEQ are what its messages say
 *	a message has its mailbox, its body with its size, its keywords' names
 *	a body has as many references as messages name it; none: it is in dead
 *	its chunks are there, decompress to what the index says, and no others
 *	a volume has no bodies that the index does not know
 *	rows of the change log lie within their mailbox's bounds
 *	every record decodes, and the next numbers are over all that were given
 *
 * Memory     about 300 KB, whatever the store's size.
 */
#ifndef TINPOST_STORE_CHECK_H
#define TINPOST_STORE_CHECK_H

#include "base/buf.h"

struct store;
struct check;

/* The most that one step appends. */
#define CHECK_STEP_BYTES (16 * 1024)

/* Begin: a checkpoint, then a snapshot. ERR_IO, ERR_FULL, ERR_NOMEM. */
MUST_USE int check_new(struct store *s, struct check **out);

/* Look at the next few records, and append a line of plain words to out for
 * each fault found. Returns 1 when there is more to look at, 0 at the end, or
 * an error that kept it from looking: ERR_NOMEM, ERR_LIMIT (out is full). */
MUST_USE int check_step(struct check *c, struct buf *out);

/* Faults found so far. */
uint64_t check_findings(const struct check *c);

/* How far it is, in percent. */
unsigned check_percent(const struct check *c);

/* Release. NULL is fine. */
void check_free(struct check *c);

#endif
