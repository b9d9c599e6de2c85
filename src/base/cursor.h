/* cursor.h - reading forward over bytes, for every parser.
 *
 * A parser answers PARSE_OK (the cursor moved), PARSE_MORE (the input ends
 * too early to tell) or PARSE_BAD (the cursor stands still).
 */
#ifndef TINPOST_BASE_CURSOR_H
#define TINPOST_BASE_CURSOR_H

#include "base/span.h"

enum parse { PARSE_OK, PARSE_MORE, PARSE_BAD };

struct cur {
	const char *p;
	const char *end;
};

static inline struct cur
cur_of(struct span s)
{
	return (struct cur){ s.p, s.p ? s.p + s.len : NULL };
}

static inline size_t
cur_left(const struct cur *c)
{
	return (size_t)(c->end - c->p);
}

static inline bool
cur_is_end(const struct cur *c)
{
	return c->p == c->end;
}

static inline struct span
cur_rest(const struct cur *c)
{
	return span_of(c->p, cur_left(c));
}

/* The next byte, or -1 at the end; the cursor stands still. */
static inline int
cur_peek(const struct cur *c)
{
	return c->p < c->end ? (unsigned char)*c->p : -1;
}

/* Step over one byte if it is ch. */
bool cur_skip(struct cur *c, char ch);

/* Step over a word, whatever its case. */
bool cur_skip_nocase(struct cur *c, struct span word);

/* Step over exactly these bytes: PARSE_MORE when the input is a proper
 * prefix of them. */
enum parse cur_expect(struct cur *c, struct span word);

/* Take the longest run of bytes of which is_member says yes (may be empty). */
struct span cur_while(struct cur *c, bool (*is_member)(char));

/* Take n bytes. PARSE_MORE: fewer are left. */
enum parse cur_take(struct cur *c, size_t n, struct span *out);

/* Binary numbers, the inverse of buf_put_be*, buf_put_varint. PARSE_MORE:
 * too few bytes; PARSE_BAD: a varint over 64 bits. */
enum parse cur_be16(struct cur *c, uint16_t *out);
enum parse cur_be32(struct cur *c, uint32_t *out);
enum parse cur_be64(struct cur *c, uint64_t *out);
enum parse cur_u8(struct cur *c, uint8_t *out);
enum parse cur_varint(struct cur *c, uint64_t *out);

#endif
