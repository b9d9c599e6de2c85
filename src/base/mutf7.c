#include "base/mutf7.h"

#include "base/utf8.h"

/* RFC 3501 5.1.3: the alphabet of base64 with "," in place of "/". */
static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static bool
is_direct(uint32_t code)
{
	return code >= 0x20 && code <= 0x7e;
}

/* --- to modified UTF-7 --- */

/* Bits that wait to be written: always less than 6 of them. */
struct shift {
	uint32_t bits;
	unsigned n;
};

static void
put_unit(struct buf *out, struct shift *s, uint32_t unit)
{
	s->bits = s->bits << 16 | unit;
	s->n += 16;
	while (s->n >= 6) {
		s->n -= 6;
		buf_put_char(out, alphabet[s->bits >> s->n & 0x3f]);
	}
}

static void
put_shift_end(struct buf *out, struct shift *s)
{
	if (s->n > 0)
		buf_put_char(out, alphabet[s->bits << (6 - s->n) & 0x3f]);
	*s = (struct shift){ 0 };
	buf_put_char(out, '-');
}

void
mutf7_put(struct buf *out, struct span utf8)
{
	struct shift s = { 0 };
	bool is_shifted = false;

	while (utf8.len > 0) {
		uint32_t code = 0;
		int n = utf8_next(utf8, &code);

		if (n < 0) {
			code = 0xfffd;
			n = 1;
		}
		utf8 = span_sub(utf8, (size_t)n, utf8.len);
		if (is_shifted == is_direct(code)) {
			is_shifted = !is_shifted;
			if (is_shifted)
				buf_put_char(out, '&');
			else
				put_shift_end(out, &s);
		}
		if (!is_shifted) {
			buf_put_char(out, (char)code);
			if (code == '&')
				buf_put_char(out, '-');
		} else if (code < 0x10000) {
			put_unit(out, &s, code);
		} else { /* RFC 2781 2.1: a pair of surrogates */
			put_unit(out, &s, 0xd800 | (code - 0x10000) >> 10);
			put_unit(out, &s, 0xdc00 | (code & 0x3ff));
		}
	}
	if (is_shifted)
		put_shift_end(out, &s);
}

/* --- and back --- */

/* Put a unit of UTF-16; *high is the first half of a pair, or 0. */
static int
get_unit(struct buf *out, uint32_t unit, uint32_t *high)
{
	bool is_low = unit >= 0xdc00 && unit <= 0xdfff;

	if (is_low != (*high != 0) || is_direct(unit))
		return ERR_SYNTAX;
	if (unit >= 0xd800 && unit <= 0xdbff) {
		*high = unit;
		return 0;
	}
	if (is_low)
		unit = 0x10000 + ((*high & 0x3ff) << 10 | (unit & 0x3ff));
	*high = 0;
	utf8_put(out, unit);
	return 0;
}

/* The inside of "&" ... "-". */
static int
get_shift(struct buf *out, struct span base64)
{
	uint32_t bits = 0, high = 0;
	unsigned n = 0;

	for (size_t i = 0; i < base64.len; i++) {
		size_t v = span_find(span_str(alphabet), base64.p[i]);

		if (v >= 64)
			return ERR_SYNTAX;
		bits = bits << 6 | (uint32_t)v;
		n += 6;
		if (n >= 16) {
			int rc;

			n -= 16;
			rc = get_unit(out, bits >> n & 0xffff, &high);
			if (rc < 0)
				return rc;
		}
	}
	/* Less than a character is left over, and no bit of it is set. */
	if (high != 0 || n >= 6 || (bits & ((1U << n) - 1)) != 0)
		return ERR_SYNTAX;
	return 0;
}

int
mutf7_get(struct buf *out, struct span in)
{
	bool was_shift = false; /* right before: "&...-" with content */

	while (in.len > 0) {
		struct span rest = span_sub(in, 1, in.len);

		if (!is_direct((unsigned char)in.p[0]))
			return ERR_SYNTAX;
		if (in.p[0] != '&') {
			buf_put_char(out, in.p[0]);
			was_shift = false;
		} else {
			size_t n = span_find(rest, '-');
			int rc = 0;

			if (n == rest.len)
				return ERR_SYNTAX;
			/* "&-" is "&": the same character right behind a
			 * shift is direct, all others would go on in it. */
			if (n == 0)
				buf_put_char(out, '&');
			else if (was_shift)
				return ERR_SYNTAX;
			else
				rc = get_shift(out, span_sub(rest, 0, n));
			if (rc < 0)
				return rc;
			was_shift = n > 0;
			rest = span_sub(rest, n + 1, rest.len);
		}
		in = rest;
	}
	return buf_failed(out) ? ERR_LIMIT : 0;
}
