/* pop3_line.h - the grammar of POP3 commands (RFC 1939 3). Pure. */
#ifndef TINPOST_POP3_POP3_LINE_H
#define TINPOST_POP3_POP3_LINE_H

#include "base/cursor.h"

/* A command line: the keyword, and what stands behind one space. */
struct pop3_line {
	struct span keyword;
	struct span rest; /* untouched: a password may begin with a space */
	bool has_rest;    /* there was a space */
};

/* Take a line off the input, at most max bytes with its end, which is CRLF.
 * Deviation: LF alone ends it too; people try servers by hand. PARSE_BAD: it
 * is too long. *line_out is without its end, *n_out what to consume. */
enum parse pop3_line_take(
    struct span in, size_t max, struct span *line_out, size_t *n_out);

/* Split a line. ERR_SYNTAX: empty, a control character other than tab, or
 * no keyword. */
MUST_USE int pop3_line_parse(struct span line, struct pop3_line *out);

/* The rest as up to two arguments between spaces; spaces at the end do not
 * count. Missing ones are empty. ERR_SYNTAX: more than two. */
MUST_USE int pop3_line_args(
    const struct pop3_line *line, struct span *a_out, struct span *b_out);

/* A message number, 1 to 2^32-1. ERR_SYNTAX. */
MUST_USE int pop3_line_number(struct span s, uint32_t *out);

#endif
