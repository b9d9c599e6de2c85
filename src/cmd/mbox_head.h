/* mbox_head.h - what programs that keep mail in mbox files write into the
 * header of a message about it. Pure.
 *
 * Taken out, because it speaks of the file and not of the message, and would
 * go on saying so when it is no longer true (Dovecot hides the same ones, and
 * Thunderbird its own):
 *
 *	Status, X-Status		flags: mutt, Pine, Dovecot
 *	X-Keywords			keywords: Pine, Dovecot
 *	X-Mozilla-Status, -Status2	flags: Thunderbird
 *	X-Mozilla-Keys			keywords: Thunderbird
 *	X-UID, X-IMAP, X-IMAPbase	numbers of messages
 *	Content-Length			where it is right, and was used
 *
 * X-Gmail-Labels of Google Takeout is read and stays: it says more than flags
 * and mailboxes can hold. Of each field only the first counts and goes: the
 * next is the message's own. In a file of ours only those at the very top go.
 */
#ifndef TINPOST_CMD_MBOX_HEAD_H
#define TINPOST_CMD_MBOX_HEAD_H

#include "base/buf.h"

#define MAX_LABELS_BYTES  4096
#define MAX_KEYWORDS_TEXT 8192 /* 64 of 100 bytes */

struct mbox_meta {
	uint16_t flags;      /* MESSAGE_ of store/message.h */
	bool is_gone;        /* deleted long ago, or not mail at all */
	bool has_length;     /* a Content-Length stands there, */
	uint64_t length;     /* of so many bytes */
	bool has_labels;     /* X-Gmail-Labels was there */
	struct buf keywords; /* words, a space behind each */
	struct buf labels;   /* in UTF-8, as a list with commas */
};

void mbox_meta_init(struct mbox_meta *m);
void mbox_meta_deinit(struct mbox_meta *m);

/* Read a header, its blank line included or not; any line ends. The meta is
 * as after init. */
void mbox_head_read(struct span head, bool is_ours, struct mbox_meta *out);

/* Append the header without what is taken out. */
void mbox_head_clean(
    struct span head, bool is_ours, bool is_length_used, struct buf *out);

#endif
