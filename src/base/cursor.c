#include "base/cursor.h"

#include "base/ascii.h"

bool
cur_skip(struct cur *c, char ch)
{
	if (c->p == c->end || *c->p != ch)
		return false;
	c->p++;
	return true;
}

bool
cur_skip_nocase(struct cur *c, struct span word)
{
	if (!span_starts_nocase(cur_rest(c), word))
		return false;
	c->p += word.len;
	return true;
}

enum parse
cur_expect(struct cur *c, struct span word)
{
	size_t n = cur_left(c) < word.len ? cur_left(c) : word.len;

	if (!span_is(span_of(c->p, n), span_of(word.p, n)))
		return PARSE_BAD;
	if (n < word.len)
		return PARSE_MORE;
	c->p += n;
	return PARSE_OK;
}

struct span
cur_while(struct cur *c, bool (*is_member)(char))
{
	const char *start = c->p;

	while (c->p < c->end && is_member(*c->p))
		c->p++;
	return span_of(start, (size_t)(c->p - start));
}

enum parse
cur_take(struct cur *c, size_t n, struct span *out)
{
	if (cur_left(c) < n)
		return PARSE_MORE;
	*out = span_of(c->p, n);
	if (n > 0)
		c->p += n;
	return PARSE_OK;
}

/* Written out, so that the compiler makes one load of each. */
static uint32_t
be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

enum parse
cur_u8(struct cur *c, uint8_t *out)
{
	if (cur_left(c) < 1)
		return PARSE_MORE;
	*out = (uint8_t)*c->p++;
	return PARSE_OK;
}

enum parse
cur_be16(struct cur *c, uint16_t *out)
{
	const unsigned char *p = (const unsigned char *)c->p;

	if (cur_left(c) < 2)
		return PARSE_MORE;
	*out = (uint16_t)(p[0] << 8 | p[1]);
	c->p += 2;
	return PARSE_OK;
}

enum parse
cur_be32(struct cur *c, uint32_t *out)
{
	if (cur_left(c) < 4)
		return PARSE_MORE;
	*out = be32((const unsigned char *)c->p);
	c->p += 4;
	return PARSE_OK;
}

enum parse
cur_be64(struct cur *c, uint64_t *out)
{
	const unsigned char *p = (const unsigned char *)c->p;

	if (cur_left(c) < 8)
		return PARSE_MORE;
	*out = (uint64_t)be32(p) << 32 | be32(p + 4);
	c->p += 8;
	return PARSE_OK;
}

enum parse
cur_varint(struct cur *c, uint64_t *out)
{
	uint64_t v = 0;
	const char *p = c->p;

	if (p < c->end && (unsigned char)*p < 0x80) { /* most of them */
		*out = (unsigned char)*p;
		c->p++;
		return PARSE_OK;
	}
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint64_t b;

		if (p == c->end)
			return PARSE_MORE;
		b = (unsigned char)*p++;
		if (shift == 63 && b > 1)
			return PARSE_BAD;
		v |= (b & 0x7f) << shift;
		if (b < 0x80) {
			c->p = p;
			*out = v;
			return PARSE_OK;
		}
	}
	return PARSE_BAD;
}
