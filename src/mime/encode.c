#include "mime/encode.h"

#include <errno.h>
#include <iconv.h>

#include "base/ascii.h"
#include "base/utf8.h"

#define REPLACEMENT 0xfffd

size_t
qp_stream_step(struct qp_stream *q, const char *in, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = in[i];

		if (q->n_held == 0) {
			if (c == '=')
				q->held[q->n_held++] = c;
			else
				out[n++] = c;
			continue;
		}
		q->held[q->n_held++] = c;
		if (q->n_held == 2) {
			if (c == '\n') /* a soft line break without CR */
				q->n_held = 0;
			else if (c != '\r' && ascii_hex_value(c) < 0)
				goto bad;
			continue;
		}
		if (q->held[1] == '\r' && c == '\n') {
			q->n_held = 0; /* RFC 2045 6.7 (5) */
			continue;
		}
		if (q->held[1] != '\r' && ascii_hex_value(c) >= 0) {
			out[n++] = (char)(ascii_hex_value(q->held[1]) << 4 |
			                  ascii_hex_value(c));
			q->n_held = 0;
			continue;
		}
	bad:
		/* Not an escape: it stays. The last may begin another. */
		for (size_t k = 0; k + 1 < q->n_held; k++)
			out[n++] = q->held[k];
		q->n_held = 0;
		i--;
	}
	return n;
}

/* Names without iconv. ISO-8859-1 is read as its superset, as by browsers:
 * the C1 range never is meant. */
static const struct {
	const char *name;
	enum charset_kind kind;
} builtin[] = {
	{ "utf-8", CHARSET_UTF8 },
	{ "utf8", CHARSET_UTF8 },
	{ "us-ascii", CHARSET_UTF8 },
	{ "ascii", CHARSET_UTF8 },
	{ "iso-8859-1", CHARSET_LATIN1 },
	{ "latin1", CHARSET_LATIN1 },
	{ "windows-1252", CHARSET_WINDOWS1252 },
	{ "cp1252", CHARSET_WINDOWS1252 },
};

/* A charset's name goes to iconv only if it is a plain word: no options, no
 * path (RFC 2978 2.3 allows more characters; none is in use). */
static bool
is_name(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_' &&
		    s.p[i] != '.' && s.p[i] != ':')
			return false;
	return s.len > 0;
}

int
charset_open(struct charset *c, struct span name)
{
	char text[41];
	iconv_t cd;

	*c = (struct charset){ .kind = CHARSET_UTF8 };
	for (size_t i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++)
		if (span_is_nocase(name, span_str(builtin[i].name))) {
			c->kind = builtin[i].kind;
			return 0;
		}
	if (!is_name(name) || span_to_cstr(name, text, sizeof(text)) < 0)
		return ERR_UNSUPPORTED;
	cd = iconv_open("UTF-8", text);
	if (cd == (iconv_t)-1)
		return ERR_UNSUPPORTED;
	c->iconv = cd;
	c->kind = CHARSET_ICONV;
	return 0;
}

void
charset_close(struct charset *c)
{
	if (c->kind == CHARSET_ICONV)
		iconv_close(c->iconv);
	*c = (struct charset){ .kind = CHARSET_UTF8 };
}

/* Windows-1252, 0x80 to 0x9f. */
static const uint16_t windows1252[32] = { 0x20ac, 0xfffd, 0x201a, 0x192, 0x201e,
	0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0xfffd,
	0x17d, 0xfffd, 0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013,
	0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0xfffd, 0x17e, 0x178 };

static void
step_bytes(struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		unsigned char ch = (unsigned char)in.p[i];

		if (ch >= 0x80 && ch < 0xa0)
			utf8_put(out, windows1252[ch - 0x80]);
		else
			utf8_put(out, ch);
	}
}

/* How long the sequence that begins with c would be; 1 for what begins
 * none. */
static size_t
sequence_len(char ch)
{
	unsigned char c = (unsigned char)ch;

	return c < 0xc2 || c > 0xf4 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
}

/* Could s, too short, become a character? Then it is held. */
static bool
is_prefix(struct span s)
{
	char full[4] = { 0 };
	uint32_t code;

	if (s.len >= sequence_len(s.p[0]))
		return false;
	/* Try both ends of the range of the bytes to come. */
	memcpy(full, s.p, s.len);
	for (int fill = 0x80; fill <= 0xbf; fill += 0x3f) {
		memset(full + s.len, fill, sequence_len(s.p[0]) - s.len);
		if (utf8_next(span_of(full, sequence_len(s.p[0])), &code) > 0)
			return true;
	}
	return false;
}

/* Copy what is well formed; the rest is held (is_last: replaced). Returns
 * the number of bytes used. */
static size_t
put_utf8(struct span in, struct buf *out, bool is_last)
{
	size_t i = 0;

	while (i < in.len) {
		struct span rest = span_sub(in, i, in.len);
		uint32_t code;
		int n = utf8_next(rest, &code);

		if (n < 0 && !is_last && is_prefix(rest))
			break;
		if (n < 0)
			utf8_put(out, REPLACEMENT);
		else
			buf_put(out, span_sub(rest, 0, (size_t)n));
		i += n < 0 ? 1 : (size_t)n;
	}
	return i;
}

/* Convert with iconv; returns the number of bytes used, fewer than in.len
 * when a character is not whole. */
static size_t
put_iconv(struct charset *c, struct span in, struct buf *out)
{
	char text[256], input[64];
	size_t used = 0;

	while (used < in.len) {
		size_t left = in.len - used;
		size_t n = left < sizeof(input) ? left : sizeof(input);
		char *from = input, *to = text;
		size_t from_len = n, to_len = sizeof(text), rc;

		memcpy(input, in.p + used, n);
		rc = iconv(c->iconv, &from, &from_len, &to, &to_len);
		buf_put(out, span_of(text, sizeof(text) - to_len));
		used += n - from_len;
		if (rc != (size_t)-1 || from_len < n)
			continue;
		if (errno == EINVAL && left < sizeof(c->held))
			break; /* not whole: wait for more */
		utf8_put(out, REPLACEMENT);
		used++;
	}
	return used;
}

static size_t
put_some(struct charset *c, struct span in, struct buf *out)
{
	switch (c->kind) {
	case CHARSET_UTF8:
		return put_utf8(in, out, false);
	case CHARSET_LATIN1:
	case CHARSET_WINDOWS1252:
		step_bytes(in, out);
		return in.len;
	case CHARSET_ICONV:
		return put_iconv(c, in, out);
	}
	return in.len;
}

void
charset_step(struct charset *c, struct span in, struct buf *out)
{
	/* First what is held, with new bytes one by one behind it. */
	while (c->n_held > 0 && in.len > 0) {
		size_t n;

		c->held[c->n_held++] = in.p[0];
		in = span_sub(in, 1, in.len);
		n = put_some(c, span_of(c->held, c->n_held), out);
		memmove(c->held, c->held + n, c->n_held - n);
		c->n_held = (uint8_t)(c->n_held - n);
	}
	if (in.len > 0) {
		size_t n = put_some(c, in, out);

		memcpy(c->held, in.p + n, in.len - n);
		c->n_held = (uint8_t)(in.len - n);
	}
}

void
charset_finish(struct charset *c, struct buf *out)
{
	if (c->n_held > 0)
		utf8_put(out, REPLACEMENT);
	c->n_held = 0;
}
