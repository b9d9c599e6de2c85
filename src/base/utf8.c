#include "base/utf8.h"

#include <wctype.h>

#include "base/ascii.h"

#define EIGHTH_BITS 0x8080808080808080u

int
utf8_next(struct span s, uint32_t *code_out)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c;
	uint32_t v;
	size_t n;

	if (s.len == 0)
		return 0;
	c = (unsigned char)s.p[0];
	if (c < 0x80) {
		*code_out = c;
		return 1;
	}
	n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4 || s.len < n)
		return -1;
	v = c & (0xffU >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return -1;
		v = v << 6 | ((unsigned char)s.p[i] & 0x3f);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return -1;
	*code_out = v;
	return (int)n;
}

bool
utf8_is_valid(struct span s)
{
	size_t i = 0;

	while (i < s.len) {
		uint64_t w;
		uint32_t code;
		int n;

		if (s.len - i >= sizeof(w)) {
			memcpy(&w, s.p + i, sizeof(w));
			if ((w & EIGHTH_BITS) == 0) {
				i += sizeof(w);
				continue;
			}
		}
		if (!ascii_is_8bit(s.p[i])) {
			i++;
			continue;
		}
		/* most that is not ASCII: two bytes */
		if (s.len - i >= 2 && (unsigned char)s.p[i] - 0xc2u < 0x1e &&
		    ((unsigned char)s.p[i + 1] & 0xc0) == 0x80) {
			i += 2;
			continue;
		}
		n = utf8_next(span_of(s.p + i, s.len - i), &code);
		if (n < 0)
			return false;
		i += (size_t)n;
	}
	return true;
}

bool
utf8_has_8bit(struct span s)
{
	size_t i = 0;

	for (; s.len - i >= 32; i += 32) {
		uint64_t w[4];

		memcpy(w, s.p + i, sizeof(w));
		if ((w[0] | w[1] | w[2] | w[3]) & EIGHTH_BITS)
			return true;
	}
	for (; i < s.len; i++)
		if (ascii_is_8bit(s.p[i]))
			return true;
	return false;
}

void
utf8_put(struct buf *b, uint32_t code)
{
	if (code < 0x80) {
		buf_put_char(b, (char)code);
		return;
	}
	if (code < 0x800) {
		buf_put_char(b, (char)(0xc0 | code >> 6));
	} else {
		if (code < 0x10000) {
			buf_put_char(b, (char)(0xe0 | code >> 12));
		} else {
			buf_put_char(b, (char)(0xf0 | code >> 18));
			buf_put_char(b, (char)(0x80 | (code >> 12 & 0x3f)));
		}
		buf_put_char(b, (char)(0x80 | (code >> 6 & 0x3f)));
	}
	buf_put_char(b, (char)(0x80 | (code & 0x3f)));
}

int
utf8_fold(struct buf *b, struct span s)
{
	while (s.len > 0) {
		uint32_t code;
		int n = utf8_next(s, &code);

		if (n < 0)
			return ERR_SYNTAX;
		if (n == 1)
			buf_put_char(b, ascii_lower((char)code));
		else
			utf8_put(b, (uint32_t)towlower((wint_t)code));
		s = span_sub(s, (size_t)n, s.len);
	}
	return buf_failed(b) ? ERR_LIMIT : 0;
}

struct span
utf8_cut(struct span s, size_t max)
{
	if (s.len <= max)
		return s;
	while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
		max--;
	return span_sub(s, 0, max);
}
