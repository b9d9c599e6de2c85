/* imap_uids.h - the sets of UIDs behind the views of this process.
 *
 * A set belongs to a mailbox as it was at one MODSEQ, and is shared by all
 * sessions whose view is that. It is made only when somebody needs it: at once
 * where the counts prove that it has no gaps, from another session's set and
 * the log between the two, or by reading the mailbox in slices.
 *
 * Ownership  counted; a set that more than one holds is never changed.
 */
#ifndef TINPOST_IMAP_IMAP_UIDS_H
#define TINPOST_IMAP_IMAP_UIDS_H

#include "base/list.h"
#include "base/rangeset.h"

struct store;

/* What the sessions of one mailbox have in common. */
struct imap_box {
	struct imap_box *next; /* of the bucket */
	struct store *store;
	uint32_t mailbox;
	/* imap_recent.h: the first UID no session was told of, and what is
	 * kept of that. */
	uint32_t recent_uid, recent_kept;
	struct list views; /* of imap_view.link */
	struct list sets;  /* of imap_uids.link */
};

struct imap_uids {
	struct list link;
	struct imap_box *box;
	uint32_t n_refs;
	bool is_made;
	/* The last change of the set, by its MODSEQ; 0: nobody knows. */
	uint64_t from;
	/* Which content it is, of all that there ever were; by a change (from)
	 * of so many members of which other. */
	uint64_t serial;
	uint64_t made_of;
	uint64_t n_changed;
	/* Until it is made: of the mailbox as it was at this MODSEQ, with so
	 * many messages below this UID. */
	uint64_t at;
	uint32_t uidnext;
	uint32_t n_messages;
	uint32_t scan_uid; /* the reading goes on here; 0: it is over */
	uint64_t undone;   /* and then the log's, from here */
	struct rangeset set;
};

/* Find the mailbox among those with views; make: add it if it is new. NULL: not
 * there, or no memory. */
struct imap_box *imap_box_find(struct store *s, uint32_t mailbox);
struct imap_box *imap_box_get(struct store *s, uint32_t mailbox);
/* Free it if it has neither views nor sets. */
void imap_box_drop(struct imap_box *b);
/* Call fn for each box of a mailbox number (one a store). */
void imap_box_each(
    uint32_t mailbox, void (*fn)(struct imap_box *b, void *arg), void *arg);

/* A set that is to be made, with one reference; made already when it has no
 * gaps. NULL: no memory. */
struct imap_uids *imap_uids_new(
    struct imap_box *b, uint64_t at, uint32_t uidnext, uint32_t n_messages);
struct imap_uids *imap_uids_ref(struct imap_uids *u);
/* NULL is fine. */
void imap_uids_unref(struct imap_uids *u);

/* Make it, a slice: 1: call again, 0: it is made. other (NULL: none) is a made
 * set of the same mailbox as it was at other_at. ERR_GONE: the log does not
 * reach back to where the set stands. ERR_DAMAGED: the counts are wrong. */
MUST_USE int imap_uids_make(
    struct imap_uids *u, const struct imap_uids *other, uint64_t other_at);

/* Replace *u by the set that the change with this MODSEQ makes of it: is_added
 * or else removed. Another session's is taken if there is one. ERR_NOMEM: the
 * same change may be tried again. */
MUST_USE int imap_uids_change(struct imap_uids **u, uint64_t modseq,
    bool is_added, const struct rangeset *uids);

#endif
