/* dotstuff.h - a message on its way out, as a multi-line response (RFC 1939
 * 3): a dot before each line that begins with one, CRLF.CRLF behind it, and
 * for TOP an end after so many lines. Pure, piece by piece.
 */
#ifndef TINPOST_POP3_DOTSTUFF_H
#define TINPOST_POP3_DOTSTUFF_H

#include "base/buf.h"

#define DOTSTUFF_ALL_LINES UINT32_MAX

struct dotstuff {
	bool is_line_start;
	bool has_cr;    /* the last byte was CR */
	bool is_header; /* no empty line yet */
	bool is_done;   /* TOP: the rest of the message is not wanted */
	uint32_t n_lines_left;
};

/* The whole message, or (RFC 1939 7, TOP) header and n_lines of the body. */
void dotstuff_init(struct dotstuff *d, uint32_t n_lines);

/* What n bytes may become at most, with the end. */
static inline size_t
dotstuff_room(size_t n)
{
	return n + n / 2 + 8;
}

/* Append a piece. Stops taking when is_done. */
void dotstuff_put(struct dotstuff *d, struct span piece, struct buf *out);

/* Append what is missing of CRLF.CRLF. */
void dotstuff_end(struct dotstuff *d, struct buf *out);

#endif
