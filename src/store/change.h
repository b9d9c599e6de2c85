/* change.h - the change log of a mailbox, in the order of MODSEQ.
 *
 * Sessions learn what others did from this alone: IDLE, NOOP, CONDSTORE,
 * QRESYNC, NOTIFY. Cheap test whether there is anything: mailbox_modseq().
 */
#ifndef TINPOST_STORE_CHANGE_H
#define TINPOST_STORE_CHANGE_H

#include "base/rangeset.h"

struct store;

enum change_kind {
	CHANGE_APPENDED, /* these UIDs are new */
	CHANGE_FLAGS,    /* flags of these UIDs changed: message_get tells */
	CHANGE_VANISHED  /* these UIDs are gone */
};

/* Rows that the log of one mailbox keeps; the oldest go first. */
#define CHANGE_MAX_ROWS 10000

struct change {
	enum change_kind kind;
	uint64_t modseq;
	struct rangeset uids;
};

void change_init(struct change *c);
void change_deinit(struct change *c);

/* The first change with a MODSEQ > after. A UID in it may have vanished since:
 * then a later change says so, or nothing if it was never seen; a message that
 * was appended and is gone is not told. ERR_NONE: no more. ERR_GONE: the log
 * no longer reaches back to `after` (mailbox_view.lowest_modseq): compare the
 * messages' own MODSEQs, and the UIDs that are left. ERR_NOMEM. */
MUST_USE int change_next(
    struct store *s, uint32_t mailbox, uint64_t after, struct change *out);

#endif
