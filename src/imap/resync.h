/* resync.h - what QRESYNC tells at SELECT (RFC 7162 3.2.5): the messages that
 * vanished and those that changed since the client's MODSEQ.
 *
 * It is read from the change log, or where that is cut, by a look at all
 * messages; in steps, each of them a bounded part. Only the UIDs are kept that
 * the client may know, as ranges.
 */
#ifndef TINPOST_IMAP_RESYNC_H
#define TINPOST_IMAP_RESYNC_H

#include "base/rangeset.h"
#include "imap/imap_parse.h"
#include "imap/imap_view.h"

struct imap;

enum resync_phase {
	RESYNC_PREPARE, /* the view's set is made */
	RESYNC_LOG,     /* the log since the client's MODSEQ is read */
	RESYNC_VANISHED,
	RESYNC_CHANGED
};

/* The caller's, and only uidvalidity is read outside. */
struct resync {
	uint32_t uidvalidity;
	uint64_t modseq;
	bool has_known;
	struct imap_set known;     /* UIDs */
	struct imap_set match_seq; /* n == 0: not given */
	struct imap_set match_uid;
	enum resync_phase phase;
	uint64_t walked;          /* of the log, up to this MODSEQ */
	struct rangeset may_know; /* UIDs that the client may know */
	struct rangeset vanished;
	struct rangeset changed; /* UIDs */
	size_t n_told;           /* ranges of vanished */
	struct imap_walk walk;
};

/* "(" uidvalidity SP modseq [SP known-uids] [SP seq-match-data] ")"; the sets
 * are kept in the arena. q is zeroed. PARSE_OK or PARSE_BAD. */
enum parse resync_parse(struct cur *c, struct arena *a, struct resync *q);

/* After the grammar: nothing is told yet. */
void resync_init(struct resync *q);
void resync_deinit(struct resync *q);

/* Tell some more of it, once i->view is open; at most IMAP_REPLY_BYTES. 1: there
 * is more. ERR_NOMEM, or an error of the store. */
MUST_USE int resync_step(struct imap *i, uint32_t mailbox, struct resync *q);

#endif
