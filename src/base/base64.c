#include "base/base64.h"

#include "base/ascii.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 0 to 63, or -1. */
static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

void
base64_encode(struct buf *out, struct span bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t v = (uint32_t)p[i] << 16;
		char q[4] = { '=', '=', '=', '=' };

		if (n > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (n > 2)
			v |= p[i + 2];
		for (size_t k = 0; k <= n; k++)
			q[k] = alphabet[v >> (18 - 6 * k) & 63];
		buf_put(out, span_of(q, sizeof(q)));
	}
}

int
base64_decode(struct buf *out, struct span s)
{
	if (s.len % 4 != 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.len; i += 4) {
		bool is_last = i + 4 == s.len;
		size_t n = 4; /* characters before the padding */
		uint32_t v = 0;
		char bytes[3];

		while (is_last && n > 2 && s.p[i + n - 1] == '=')
			n--;
		for (size_t k = 0; k < n; k++) {
			int d = value_of(s.p[i + k]);

			if (d < 0)
				return ERR_SYNTAX;
			v |= (uint32_t)d << (18 - 6 * k);
		}
		/* Bits beyond the last byte must be zero. */
		if (n < 4 && (v & (n == 2 ? 0xffff : 0xff)) != 0)
			return ERR_SYNTAX;
		bytes[0] = (char)(v >> 16);
		bytes[1] = (char)(v >> 8);
		bytes[2] = (char)v;
		buf_put(out, span_of(bytes, n - 1));
	}
	return buf_error(out);
}

size_t
base64_stream_step(
    struct base64_stream *b, const char *in, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len && !b->is_ended; i++) {
		int d = value_of(in[i]);

		if (d >= 0) {
			b->bits = b->bits << 6 | (uint32_t)d;
			if (++b->n_chars < 4)
				continue;
			out[n++] = (char)(b->bits >> 16);
			out[n++] = (char)(b->bits >> 8);
			out[n++] = (char)b->bits;
			b->n_chars = 0;
		} else if (in[i] == '=') {
			if (b->n_chars == 2) {
				out[n++] = (char)(b->bits >> 4);
			} else if (b->n_chars == 3) {
				out[n++] = (char)(b->bits >> 10);
				out[n++] = (char)(b->bits >> 2);
			}
			b->is_ended = true;
		}
	}
	return n;
}
