/* imap_recent.h - \Recent (RFC 3501 2.3.2): a message is recent in the first
 * session that is told of it, and in no later one.
 *
 * A mailbox remembers the least UID that no session has been told of; a session
 * that may write takes all from there on for its own when it selects, and when
 * more arrives. EXAMINE looks, and takes nothing (RFC 3501 6.3.2).
 *
 * It is kept as a memo (store/memo.h) when a session leaves the mailbox, not
 * with each message. What a crash forgets, and what no memo tells of, is recent
 * again, as RFC 3501 2.3.2 wants it where a server cannot know.
 *
 * IMAP4rev2 has no \Recent: who enabled that is told nothing of it, and takes
 * the messages all the same.
 */
#ifndef TINPOST_IMAP_IMAP_RECENT_H
#define TINPOST_IMAP_IMAP_RECENT_H

#include "imap/imap_view.h"

struct imap_box;
struct mailbox_view;
struct store;

/* Beside the MESSAGE_ flags of store/message.h, for imap_put_flags. */
#define IMAP_FLAG_RECENT 0x8000u

/* A new box: what is known of its mailbox. */
void imap_recent_init(struct imap_box *b);

/* The view was opened on the mailbox as it is in m, or has grown. */
void imap_recent_open(struct imap_view *v, const struct mailbox_view *m);
void imap_recent_take(struct imap_view *v);

/* The session leaves the mailbox. */
void imap_recent_close(struct imap_view *v);

/* IMAP_FLAG_RECENT or 0, for a session that is told of it. */
uint16_t imap_recent_flag(const struct imap *i, uint32_t uid);

/* How many of the view are recent. Above IMAP_RECENT_WALK recent messages
 * whose set is not made yet, expunged ones may count. */
#define IMAP_RECENT_WALK 1000
uint32_t imap_recent_count(const struct imap_view *v);

/* For STATUS: how many no session has been told of, counted likewise. */
uint32_t imap_recent_new(struct store *s, const struct mailbox_view *m);

#endif
