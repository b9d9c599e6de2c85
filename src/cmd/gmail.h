/* gmail.h - the labels of Google Takeout's mbox file as mailboxes, flags and
 * keywords. Pure.
 *
 *	X-Gmail-Labels: Inbox,Opened,Starred,"Work, old",Projects/Tinpost
 *
 * A label is a mailbox, and a message is in each of its: stored once, as there.
 * Inbox is INBOX; Sent, Drafts, Spam and Trash (Bin) are the mailboxes of that
 * use; a message without any is in Archive. Unread, Starred and Important
 * (RFC 8457) are flags; what Gmail makes of messages by itself (Opened,
 * Category ..., Chat) is no mailbox.
 */
#ifndef TINPOST_CMD_GMAIL_H
#define TINPOST_CMD_GMAIL_H

#include "base/buf.h"

/* The mailboxes of one message that are taken; further ones are left out. */
#define MAX_GMAIL_BOXES 30

struct gmail {
	uint16_t flags; /* MESSAGE_ of store/message.h */
	bool is_important;
	size_t n_boxes;                   /* at least 1 */
	struct span box[MAX_GMAIL_BOXES]; /* paths, into the text or constant */
};

/* labels is what mbox_head_read gave: UTF-8, unfolded. */
void gmail_read(struct span labels, struct gmail *out);

#endif
