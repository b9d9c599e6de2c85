/* dots.h - the body of DATA as a byte machine: dot-unstuffing, the one true
 * end, and every line ending that is not CRLF (RFC 5321 4.5.2, 2.3.8).
 *
 * Only CR LF . CR LF ends the data. What other servers took for an end (LF . LF,
 * CR . CR, CR LF NUL . CR LF and so on) is text here, and a fault that the
 * caller must refuse: read that way, a second message could hide in the first.
 *
 * Pure: no I/O. The bytes may come cut anywhere.
 */
#ifndef TINPOST_SMTP_DOTS_H
#define TINPOST_SMTP_DOTS_H

#include "base/span.h"

enum dots_state {
	DOTS_LINE,   /* CR LF, or nothing yet */
	DOTS_MID,    /* inside a line */
	DOTS_CR,     /* ... CR */
	DOTS_DOT,    /* CR LF . */
	DOTS_DOT_CR, /* CR LF . CR */
	DOTS_OVER    /* CR LF . CR LF */
};

enum dots_fault {
	DOTS_BARE_CR = 1,
	DOTS_BARE_LF = 2,
	DOTS_NUL = 4,
	DOTS_LONG_LINE = 8
};

struct dots {
	enum dots_state state;
	unsigned faults;     /* of enum dots_fault, found so far */
	uint32_t line_bytes; /* of the line so far */
	/* Longer lines are DOTS_LONG_LINE; MAX_TEXT_LINE unless the caller
	 * says less after dots_init. */
	uint32_t max_line_bytes;
	bool is_plain; /* BDAT: dots mean nothing, length ends it */
	/* Of a device: a bare LF becomes CR LF and is no fault. It begins no
	 * line in which a dot means something, so the end is still the first
	 * CR LF . CR LF and nothing else, and nothing can hide in what is made
	 * of the text: whoever gets it gets CR LF alone, and dots stuffed anew.
	 */
	bool is_lax;
	bool has_8bit;
};

/* Start a body. is_plain: check line endings only (BDAT). */
void dots_init(struct dots *d, bool is_plain);

/* Take the next piece from *in, which moves on; *text_out is what it means,
 * a span into the input or a constant, and may be empty. Returns false when
 * *in is used up or, past the end, stands on the first byte after it. */
bool dots_next(struct dots *d, struct span *in, struct span *text_out);

/* Has CR LF . CR LF been seen? */
static inline bool
dots_is_over(const struct dots *d)
{
	return d->state == DOTS_OVER;
}

/* End a plain body: *text_out is the CRLF that is missing at its end, or
 * empty. A CR at the very end is a fault. */
void dots_finish(struct dots *d, struct span *text_out);

#endif
