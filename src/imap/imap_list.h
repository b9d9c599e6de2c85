/* imap_list.h - LIST and LSUB at work: jobs that walk over an account's
 * mailboxes, or over its subscriptions, one a step.
 *
 * Between steps only names are kept, and sought again: what others create,
 * delete or rename meanwhile is seen or not, and harms nothing.
 */
#ifndef TINPOST_IMAP_IMAP_LIST_H
#define TINPOST_IMAP_IMAP_LIST_H

#include "imap/imap_pattern.h"
#include "imap/imap_session.h"
#include "imap/imap_status.h"

/* Selection (RFC 5258 3.1, RFC 6154 2). */
#define LIST_SUBSCRIBED 0x01u
#define LIST_RECURSIVE  0x02u
#define LIST_SPECIAL    0x04u
/* Return (RFC 5258 3.2). Children and special uses are always told. */
#define LIST_TELL_SUBSCRIBED 0x08u
/* It is LSUB (RFC 3501 6.3.9). */
#define LIST_LSUB 0x10u

/* The output that one line, with the longest name, may need. */
#define LIST_LINE_BYTES (3 * MAX_MAILBOX_PATH + 512)

/* One level of the way down the tree. */
struct imap_list_level {
	uint32_t parent;
	uint32_t path_len;       /* of the path, where its names begin */
	struct imap_match match; /* before its names */
};

struct imap_list {
	struct imap_patterns patterns;
	uint32_t options; /* LIST_ bits */
	bool is_status_due;
	struct imap_status status;
	uint32_t status_path_len; /* of the path: whose STATUS is due */
	/* the mailbox, or the subscription, that was looked at last */
	uint32_t path_len;
	char path[MAX_MAILBOX_PATH];
	/* subscriptions: where in it the next ancestor is looked for (0: take
	 * the next one), and which of its ancestors were told */
	uint32_t ancestor_at;
	bool is_told[MAX_MAILBOX_DEPTH + 1];
	/* mailboxes */
	uint32_t depth;
	struct imap_list_level levels[MAX_MAILBOX_DEPTH];
};

/* One line. */
struct imap_list_entry {
	struct span path;
	bool is_subscribed;
	bool has_childinfo; /* something below it is subscribed */
	bool is_ancestor;   /* of LSUB: told only because of "%" */
};

/* Put the line of a mailbox, or of a name that may not exist; make its STATUS
 * due if that is wanted. */
void imap_list_put(
    struct imap *i, struct imap_list *t, const struct imap_list_entry *e);

/* Answer from what was parsed into t, which lives in the arena. */
void imap_list_start(struct imap *i, struct imap_list *t);

/* With IMAP4rev2: tell that what the client calls old is `path` now (RFC 9051
 * 6.3.9.7): a renamed mailbox, or a new one whose name was put right. Leaves
 * nothing out but when there is no room for it in the output. */
void imap_list_put_oldname(struct imap *i, struct span path, struct span old);

/* --- the two walks --- */

/* Look at one more: imap_list_tree.c, imap_list_subs.c. ERR_NONE: that was the
 * last. */
int imap_list_next_mailbox(struct imap *i, struct imap_list *t);
int imap_list_next_subscription(struct imap *i, struct imap_list *t);

#endif
