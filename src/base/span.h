/* span.h - a borrowed run of bytes: pointer and length, never NUL-terminated.
 *
 * Ownership  a span owns nothing. Whoever hands one out says how long it
 *            lives.
 */
#ifndef TINPOST_BASE_SPAN_H
#define TINPOST_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct span {
	const char *p;
	size_t len;
};

/* A span over a string literal. */
#define SPAN(literal) ((struct span){ "" literal, sizeof(literal) - 1 })

static inline struct span
span_of(const void *p, size_t len)
{
	return (struct span){ p, len };
}

static inline struct span
span_str(const char *s)
{
	return (struct span){ s, s ? strlen(s) : 0 };
}

static inline bool
span_is(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* Equal but for the case of ASCII letters. */
bool span_is_nocase(struct span a, struct span b);

/* Order as memcmp does, a shorter prefix first. */
int span_cmp(struct span a, struct span b);

bool span_starts(struct span s, struct span prefix);
bool span_starts_nocase(struct span s, struct span prefix);
bool span_ends_nocase(struct span s, struct span suffix);

/* The index of the first (last) byte c, or s.len when there is none. */
size_t span_find(struct span s, char c);
size_t span_rfind(struct span s, char c);

/* The part from byte `from` on, at most len bytes; empty past the end. */
struct span span_sub(struct span s, size_t from, size_t len);

/* Without space, tab, CR and LF at both ends. */
struct span span_trim(struct span s);

/* Split off and return what stands before the first byte c, which is dropped;
 * the whole when there is none, leaving *rest empty. */
struct span span_split(struct span *rest, char c);

/* An unsigned decimal number that fills the whole span, at most max.
 * ERR_SYNTAX: not digits only. ERR_LIMIT: over max. */
MUST_USE int span_to_u64(struct span s, uint64_t max, uint64_t *out);

/* Copy into a char array of cap_bytes with a NUL behind. ERR_LIMIT: too long
 * (nothing copied), ERR_INVALID: holds a NUL. */
MUST_USE int span_to_cstr(struct span s, char *out, size_t cap_bytes);

/* Compare secrets in a time that depends on the lengths only. */
bool span_is_secret(struct span a, struct span b);

/* Overwrite memory that held a secret; never optimised away. */
void wipe(void *p, size_t len);

#endif
