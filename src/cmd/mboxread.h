/* mboxread.h - an mbox file (RFC 4155), message by message, in pieces.
 *
 *	mboxread_open, mboxread_next, mboxread_piece until it is empty,
 *	mboxread_next, ...; mboxread_close
 *
 * A message begins with a From line (from_line.h) behind a blank one, or at
 * the file's start. Line ends are passed on as they are. Three quotings are
 * read:
 *
 *	mboxrd, mboxo	one ">" goes from lines of any ">" and "From "
 *	mboxcl		the same; Content-Length is followed if it leads to a
 *			From line or the file's end
 *	mboxcl2		no ">" goes: known by a line "From " within the length
 *
 * Blocking   reads the file.
 * Memory     constant: a piece, and a header up to MAX_HEADER_BYTES. What is
 *            longer is passed on, and not looked into any more.
 */
#ifndef TINPOST_CMD_MBOXREAD_H
#define TINPOST_CMD_MBOXREAD_H

#include "cmd/from_line.h"
#include "cmd/mbox_head.h"

struct mboxread;

struct mboxread_message {
	struct from_line from;
	struct mbox_meta meta; /* valid until the next message */
};

/* Begin to read fd at an offset, which a mboxread_offset gave earlier. fd stays
 * the caller's. ERR_NOMEM. */
MUST_USE int mboxread_open(int fd, uint64_t offset, struct mboxread **out);

/* Step to the next message, passing over what is left of this one. *out is
 * the reader's. ERR_NONE: no more. ERR_SYNTAX: no message begins here: this is
 * no mbox file, or not any more. ERR_IO: errno says why. ERR_NOMEM. */
MUST_USE int mboxread_next(
    struct mboxread *m, const struct mboxread_message **out);

/* The next piece of the message, valid until the next call; empty at its end.
 * ERR_IO, ERR_NOMEM. */
MUST_USE int mboxread_piece(struct mboxread *m, struct span *out);

/* Where reading may go on: behind the message, once its end was seen. */
uint64_t mboxread_offset(const struct mboxread *m);

/* NULL is fine. */
void mboxread_close(struct mboxread *m);

#endif
