#include "auth/saslprep.h"

#include "base/utf8.h"

struct code_range {
	uint32_t first, last;
};

/* RFC 3454 C.1.2: become a space. */
static const struct code_range spaces[] = {
	{ 0x00a0, 0x00a0 },
	{ 0x1680, 0x1680 },
	{ 0x2000, 0x200b },
	{ 0x202f, 0x202f },
	{ 0x205f, 0x205f },
	{ 0x3000, 0x3000 },
};

/* RFC 3454 B.1: become nothing. */
static const struct code_range nothings[] = {
	{ 0x00ad, 0x00ad },
	{ 0x034f, 0x034f },
	{ 0x1806, 0x1806 },
	{ 0x180b, 0x180d },
	{ 0x200c, 0x200d },
	{ 0x2060, 0x2060 },
	{ 0xfe00, 0xfe0f },
	{ 0xfeff, 0xfeff },
};

/* RFC 4013 2.3: C.2.1, C.2.2, C.3 to C.9, the planes' last two in prohibits().
 * Surrogates (C.5) are no UTF-8. */
static const struct code_range prohibited[] = {
	{ 0x0000, 0x001f },
	{ 0x007f, 0x009f },
	{ 0x0340, 0x0341 },
	{ 0x06dd, 0x06dd },
	{ 0x070f, 0x070f },
	{ 0x180e, 0x180e },
	{ 0x200e, 0x200f },
	{ 0x2028, 0x202e },
	{ 0x2061, 0x2063 },
	{ 0x206a, 0x206f },
	{ 0x2ff0, 0x2ffb },
	{ 0xe000, 0xf8ff },
	{ 0xfdd0, 0xfdef },
	{ 0xfff9, 0xfffd },
	{ 0x1d173, 0x1d17a },
	{ 0xe0001, 0xe0001 },
	{ 0xe0020, 0xe007f },
	{ 0xf0000, 0x10ffff },
};

static bool
has_code(const struct code_range *r, size_t n, uint32_t code)
{
	for (size_t i = 0; i < n; i++) {
		if (code >= r[i].first && code <= r[i].last)
			return true;
	}
	return false;
}

#define HAS(table, code) has_code(table, sizeof(table) / sizeof(table[0]), code)

static bool
prohibits(uint32_t code)
{
	/* RFC 3454 C.4: U+xFFFE and U+xFFFF are no characters. */
	return (code & 0xfffe) == 0xfffe || HAS(prohibited, code);
}

int
saslprep(struct buf *out, struct span s)
{
	size_t before = out->len;

	while (s.len > 0) {
		uint32_t code;
		int n = utf8_next(s, &code);

		if (n <= 0)
			return ERR_SYNTAX;
		if (HAS(spaces, code))
			buf_put_char(out, ' ');
		else if (!HAS(nothings, code)) {
			if (prohibits(code))
				return ERR_INVALID;
			buf_put(out, span_of(s.p, (size_t)n));
		}
		s = span_sub(s, (size_t)n, s.len);
	}
	if (buf_failed(out))
		return buf_error(out);
	return out->len > before ? 0 : ERR_INVALID;
}
