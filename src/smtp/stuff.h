/* stuff.h - a message on its way out: dots doubled at the start of lines (RFC
 * 5321 4.5.2), and every line ended by CRLF. A CR or LF alone becomes CRLF: it
 * must not go out, for what one server takes for the end of the data another
 * does not (RFC 5321 2.3.8). Pure, piece by piece.
 */
#ifndef TINPOST_SMTP_STUFF_H
#define TINPOST_SMTP_STUFF_H

#include "base/buf.h"

struct stuff {
	bool is_mid;   /* inside a line */
	bool has_cr;   /* the last byte was CR, not put yet */
	bool has_dots; /* DATA; with BDAT dots mean nothing */
};

/* Begin; is_data: double the dots. */
static inline void
stuff_init(struct stuff *s, bool is_data)
{
	*s = (struct stuff){ .has_dots = is_data };
}

/* What n bytes may become at most, with the end. */
static inline size_t
stuff_room(size_t n)
{
	return 2 * n + 8;
}

void stuff_put(struct stuff *s, struct span piece, struct buf *out);

/* The text is over: append the line end that is missing, and with DATA the
 * lone dot. */
void stuff_end(struct stuff *s, struct buf *out);

#endif
