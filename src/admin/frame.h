/* frame.h - what the command line and the server say to each other over the
 * control socket: one type byte, a big-endian 32-bit length, the payload.
 *
 *	client: ARGS, then PASSWORD where the command takes one, then GO;
 *	        ITEM, DATA, ITEM_END and END where the command reads.
 *	server: TEXT and NOTE to print, ITEM, DATA, ITEM_END and END where the
 *	        command writes; last EXIT.
 *
 * The same frames carry a command when no server runs: the client then feeds
 * them to the command within its own process.
 */
#ifndef TINPOST_ADMIN_FRAME_H
#define TINPOST_ADMIN_FRAME_H

#include "base/buf.h"

enum frame_type {
	FRAME_ARGS = 'A',     /* the words, each with a NUL behind it */
	FRAME_PASSWORD = 'P', /* wiped after use */
	FRAME_GO = 'G',
	FRAME_ITEM = 'I', /* a message or folder begins: its description */
	FRAME_DATA = 'D',
	FRAME_ITEM_END = 'N',
	FRAME_END = 'E',
	FRAME_TEXT = 'T',  /* to stdout */
	FRAME_NOTE = 'W',  /* to stderr: errors, warnings */
	FRAME_STATE = 'S', /* progress, to stderr of a terminal */
	FRAME_EXIT = 'X'   /* one byte: the exit code */
};

#define FRAME_HEAD_BYTES 5
#define MAX_FRAME_BYTES  (16 * 1024) /* of payload */

/* Append a frame. payload is at most MAX_FRAME_BYTES. */
void frame_put(struct buf *out, enum frame_type type, struct span payload);

/* Take the first frame of s. Returns the bytes it covers, 0 when more are
 * needed, ERR_SYNTAX when this is none. The payload points into s. */
MUST_USE int frame_next(
    struct span s, enum frame_type *type_out, struct span *payload_out);

#endif
