/* utf8.h - RFC 3629, strict: no overlong forms, surrogates, or code points
 * past U+10FFFF. */
#ifndef TINPOST_BASE_UTF8_H
#define TINPOST_BASE_UTF8_H

#include "base/buf.h"

/* The code point at the start of s, and its length in bytes (1 to 4).
 * Returns the length, 0 when s is empty, or -1 when the bytes are not UTF-8;
 * a truncated sequence is -1 too. */
int utf8_next(struct span s, uint32_t *code_out);

/* Is all of s well-formed? (ASCII is.) */
bool utf8_is_valid(struct span s);

/* Has s a byte outside ASCII? */
bool utf8_has_8bit(struct span s);

void utf8_put(struct buf *b, uint32_t code);

/* Append s in lower case, code point by code point (towlower of the C
 * library's C.UTF-8 tables, ASCII without them). ERR_SYNTAX: not UTF-8. */
MUST_USE int utf8_fold(struct buf *b, struct span s);

/* Cut s to at most max bytes without splitting a character. */
struct span utf8_cut(struct span s, size_t max);

#endif
