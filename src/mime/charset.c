#include "mime/charset.h"

#include <errno.h>
#include <iconv.h>

#include "base/ascii.h"
#include "base/utf8.h"

#define REPLACEMENT    0xfffd
#define MAX_NAME_BYTES 40

/* Names as mail has them, letters and digits only and without "x" in front.
 * Many sets have more than one. What is not here is
 * given to iconv as it is. ISO-8859-1 is read as its superset, as by browsers:
 * the C1 range never is meant. */
static const struct alias {
	const char *name;
	enum charset_kind kind;
	const char *iconv_name;
} aliases[] = {
	{ "utf8", CHARSET_UTF8, NULL },
	{ "unicode11utf8", CHARSET_UTF8, NULL },
	{ "utf8mb4", CHARSET_UTF8, NULL },
	{ "cp65001", CHARSET_UTF8, NULL },
	{ "usascii", CHARSET_UTF8, NULL },
	{ "ascii", CHARSET_UTF8, NULL },
	{ "ansix341968", CHARSET_UTF8, NULL },
	{ "iso646us", CHARSET_UTF8, NULL },
	{ "us", CHARSET_UTF8, NULL },
	{ "646", CHARSET_UTF8, NULL },
	{ "7bit", CHARSET_UTF8, NULL },
	{ "iso88591", CHARSET_LATIN1, NULL },
	{ "iso885911987", CHARSET_LATIN1, NULL },
	{ "latin1", CHARSET_LATIN1, NULL },
	{ "l1", CHARSET_LATIN1, NULL },
	{ "cp819", CHARSET_LATIN1, NULL },
	{ "isoir100", CHARSET_LATIN1, NULL },
	{ "windows1252", CHARSET_WINDOWS1252, NULL },
	{ "cp1252", CHARSET_WINDOWS1252, NULL },
	{ "utf7", CHARSET_UTF7, NULL },
	{ "unicode11utf7", CHARSET_UTF7, NULL },
	{ "unicode20utf7", CHARSET_UTF7, NULL },
	{ "unicode", CHARSET_ICONV, "UTF-16" },
	{ "latin2", CHARSET_ICONV, "ISO-8859-2" },
	{ "latin5", CHARSET_ICONV, "ISO-8859-9" },
	{ "latin9", CHARSET_ICONV, "ISO-8859-15" },
	{ "latin0", CHARSET_ICONV, "ISO-8859-15" },
	{ "iso88596i", CHARSET_ICONV, "ISO-8859-6" },
	{ "iso88596e", CHARSET_ICONV, "ISO-8859-6" },
	{ "iso88598i", CHARSET_ICONV, "ISO-8859-8" },
	{ "iso88598e", CHARSET_ICONV, "ISO-8859-8" },
	{ "logical", CHARSET_ICONV, "ISO-8859-8" },
	{ "cp874", CHARSET_ICONV, "TIS-620" },
	{ "iso885911", CHARSET_ICONV, "TIS-620" },
	{ "koi8", CHARSET_ICONV, "KOI8-R" },
	{ "koi8ru", CHARSET_ICONV, "KOI8-U" },
	{ "shiftjis", CHARSET_ICONV, "CP932" },
	{ "sjis", CHARSET_ICONV, "CP932" },
	{ "mskanji", CHARSET_ICONV, "CP932" },
	{ "mscp932", CHARSET_ICONV, "CP932" },
	{ "cp31j", CHARSET_ICONV, "CP932" },
	{ "cp943", CHARSET_ICONV, "CP932" },
	{ "cp943c", CHARSET_ICONV, "CP932" },
	{ "euc", CHARSET_ICONV, "EUC-JP" },
	{ "cp51932", CHARSET_ICONV, "EUC-JP" },
	{ "iso2022jp1", CHARSET_ICONV, "ISO-2022-JP" },
	{ "iso2022jpms", CHARSET_ICONV, "ISO-2022-JP" },
	{ "cp50220", CHARSET_ICONV, "ISO-2022-JP" },
	{ "cp50221", CHARSET_ICONV, "ISO-2022-JP" },
	{ "cp50222", CHARSET_ICONV, "ISO-2022-JP" },
	{ "gb2312", CHARSET_ICONV, "GB18030" },
	{ "gb231280", CHARSET_ICONV, "GB18030" },
	{ "csgb2312", CHARSET_ICONV, "GB18030" },
	{ "euccn", CHARSET_ICONV, "GB18030" },
	{ "gbk", CHARSET_ICONV, "GB18030" },
	{ "cp936", CHARSET_ICONV, "GB18030" },
	{ "cp54936", CHARSET_ICONV, "GB18030" },
	{ "big5", CHARSET_ICONV, "BIG5-HKSCS" },
	{ "cnbig5", CHARSET_ICONV, "BIG5-HKSCS" },
	{ "euckr", CHARSET_ICONV, "CP949" },
	{ "ksc56011987", CHARSET_ICONV, "CP949" },
	{ "ksc5601", CHARSET_ICONV, "CP949" },
	{ "ksc56011992", CHARSET_ICONV, "CP949" },
	{ "korean", CHARSET_ICONV, "CP949" },
	{ "uhc", CHARSET_ICONV, "CP949" },
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
	return s.len > 0 && s.len <= MAX_NAME_BYTES;
}

/* Letters and digits in lower case; windows-N, win-N and ibm-N become cpN. */
static void
squeeze(struct span name, char out[MAX_NAME_BYTES + 3])
{
	static const char *const code_pages[] = { "windows", "win", "cp",
		"ibm" };
	struct span s;
	size_t n = 0;

	for (size_t i = 0; i < name.len; i++)
		if (ascii_is_alnum(name.p[i]))
			out[n++] = ascii_lower(name.p[i]);
	out[n] = '\0';
	s = span_of(out, n);
	for (size_t i = 0; i < sizeof(code_pages) / sizeof(*code_pages); i++) {
		struct span word = span_str(code_pages[i]);

		if (s.len <= word.len || !span_starts(s, word) ||
		    !ascii_is_digit(s.p[word.len]))
			continue;
		memmove(out + 2, out + word.len, n - word.len + 1);
		memcpy(out, "cp", 2);
		return;
	}
}

/* Does ASCII stay as it is, whatever stood before? Sets that shift with
 * escapes look so and are not. */
static bool
is_ascii_based(iconv_t cd, const char *name)
{
	char in[97], out[128];
	char *from = in, *to = out;
	size_t n = 0, from_len, to_len = sizeof(out);

	for (char ch = 0x20; ch < 0x7f; ch++)
		in[n++] = ch;
	in[n++] = '\r';
	in[n++] = '\n';
	from_len = n;
	if (strstr(name, "2022") != NULL || strstr(name, "hz") == name)
		return false;
	return iconv(cd, &from, &from_len, &to, &to_len) == 0 &&
	       sizeof(out) - to_len == n && memcmp(in, out, n) == 0;
}

static int
open_iconv(struct charset *c, const char *name)
{
	iconv_t cd = iconv_open("UTF-8", name);

	if (cd == (iconv_t)-1)
		return ERR_UNSUPPORTED;
	c->is_ascii_based = is_ascii_based(cd, name);
	/* As new: the probe may have been taken for a byte order mark. */
	if (!c->is_ascii_based) {
		iconv_close(cd);
		cd = iconv_open("UTF-8", name);
	}
	if (cd == (iconv_t)-1) {
		c->is_ascii_based = true;
		return ERR_UNSUPPORTED;
	}
	c->iconv = cd;
	c->kind = CHARSET_ICONV;
	return 0;
}

int
charset_open(struct charset *c, struct span name)
{
	char text[MAX_NAME_BYTES + 1], squeezed[MAX_NAME_BYTES + 3];

	*c = (struct charset){ .kind = CHARSET_UTF8, .is_ascii_based = true };
	if (!is_name(name))
		return ERR_UNSUPPORTED;
	if (span_starts_nocase(name, SPAN("x-")))
		name = span_sub(name, 2, name.len);
	squeeze(name, squeezed);
	if (squeezed[0] == '\0')
		return ERR_UNSUPPORTED; /* iconv would take its own */
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		const struct alias *a = &aliases[i];

		if (strcmp(squeezed, a->name) != 0)
			continue;
		if (a->kind == CHARSET_ICONV)
			return open_iconv(c, a->iconv_name);
		c->kind = a->kind;
		c->is_ascii_based = a->kind != CHARSET_UTF7;
		return 0;
	}
	if (strncmp(squeezed, "cp", 2) == 0 && open_iconv(c, squeezed) == 0)
		return 0;
	if (span_to_cstr(name, text, sizeof(text)) < 0)
		return ERR_UNSUPPORTED;
	return open_iconv(c, text);
}

void
charset_close(struct charset *c)
{
	if (c->kind == CHARSET_ICONV)
		iconv_close(c->iconv);
	*c = (struct charset){ .kind = CHARSET_UTF8, .is_ascii_based = true };
}

bool
charset_is_same(const struct charset *c, struct span piece)
{
	if (!c->is_ascii_based || c->n_held > 0)
		return false;
	return c->kind == CHARSET_UTF8 ? utf8_is_valid(piece)
	                               : !utf8_has_8bit(piece);
}

bool
charset_keeps_ascii(const struct charset *c)
{
	return c->kind == CHARSET_UTF8 && c->n_held == 0;
}

/* Windows-1252, 0x80 to 0x9f. */
static const uint16_t windows1252[32] = { 0x20ac, 0xfffd, 0x201a, 0x192, 0x201e,
	0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0xfffd,
	0x17d, 0xfffd, 0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013,
	0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0xfffd, 0x17e, 0x178 };

/* The bytes of s from i on that are ASCII. */
static struct span
ascii_run(struct span s, size_t i)
{
	size_t n = i;

	while (n < s.len && !ascii_is_8bit(s.p[n]))
		n++;
	return span_of(s.p + i, n - i);
}

static void
step_bytes(struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		struct span run = ascii_run(in, i);
		unsigned char ch;

		buf_put(out, run);
		i += run.len;
		if (i == in.len)
			break;
		ch = (unsigned char)in.p[i];
		utf8_put(out, ch < 0xa0 ? windows1252[ch - 0x80] : ch);
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

/* Copy what is well formed; the rest is held. Returns the number of bytes
 * used. */
static size_t
put_utf8(struct span in, struct buf *out)
{
	size_t i = 0, from = 0;

	while (i < in.len) {
		struct span rest;
		uint32_t code;
		int n;

		i += ascii_run(in, i).len;
		if (i == in.len)
			break;
		rest = span_sub(in, i, in.len);
		n = utf8_next(rest, &code);
		if (n > 0) {
			i += (size_t)n;
			continue;
		}
		buf_put(out, span_sub(in, from, i - from));
		if (is_prefix(rest))
			return i;
		utf8_put(out, REPLACEMENT);
		from = ++i;
	}
	buf_put(out, span_sub(in, from, i - from));
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

/* --- UTF-7 (RFC 2152) --- */

/* One unit of UTF-16. */
static void
put_unit(struct charset *c, uint16_t unit, struct buf *out)
{
	if (c->surrogate != 0 && (unit & 0xfc00) == 0xdc00) {
		utf8_put(out, 0x10000 +
		                  ((uint32_t)(c->surrogate & 0x3ff) << 10) +
		                  (unit & 0x3ff));
		c->surrogate = 0;
		return;
	}
	if (c->surrogate != 0)
		utf8_put(out, REPLACEMENT);
	c->surrogate = (unit & 0xfc00) == 0xd800 ? unit : 0;
	if (c->surrogate == 0)
		utf8_put(out, (unit & 0xfc00) == 0xdc00 ? REPLACEMENT : unit);
}

static void
end_base64(struct charset *c, struct buf *out)
{
	if (c->surrogate != 0)
		utf8_put(out, REPLACEMENT);
	c->surrogate = 0;
	c->is_in_base64 = false;
	c->n_bits = 0;
	c->bits = 0;
}

/* 0 to 63, or -1. */
static int
base64_value(char ch)
{
	if (ascii_is_upper(ch))
		return ch - 'A';
	if (ascii_is_alpha(ch))
		return ch - 'a' + 26;
	if (ascii_is_digit(ch))
		return ch - '0' + 52;
	return ch == '+' ? 62 : ch == '/' ? 63 : -1;
}

static void
step_utf7(struct charset *c, char ch, struct buf *out)
{
	int v = base64_value(ch);

	if (c->is_in_base64 && v >= 0) {
		c->held[0] = ch; /* it is not the "+-" of a plus */
		c->bits = c->bits << 6 | (uint32_t)v;
		c->n_bits = (uint8_t)(c->n_bits + 6);
		if (c->n_bits >= 16) {
			c->n_bits = (uint8_t)(c->n_bits - 16);
			put_unit(c, (uint16_t)(c->bits >> c->n_bits), out);
			c->bits &= (1u << c->n_bits) - 1;
		}
		return;
	}
	if (c->is_in_base64) {
		bool is_plus = ch == '-' && c->held[0] == '\0';

		end_base64(c, out);
		if (is_plus)
			buf_put_char(out, '+');
		if (ch == '-')
			return;
	}
	if (ch == '+') {
		c->is_in_base64 = true;
		c->held[0] = '\0';
	} else if (ascii_is_8bit(ch)) {
		utf8_put(out, REPLACEMENT);
	} else {
		buf_put_char(out, ch);
	}
}

static size_t
put_some(struct charset *c, struct span in, struct buf *out)
{
	switch (c->kind) {
	case CHARSET_UTF8:
		return put_utf8(in, out);
	case CHARSET_LATIN1:
	case CHARSET_WINDOWS1252:
		step_bytes(in, out);
		return in.len;
	case CHARSET_UTF7:
		for (size_t i = 0; i < in.len; i++)
			step_utf7(c, in.p[i], out);
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
	char text[64], *to = text;
	size_t to_len = sizeof(text);

	/* glibc keeps a letter back, to which a mark may be added. */
	if (c->kind == CHARSET_ICONV) {
		iconv(c->iconv, NULL, NULL, &to, &to_len);
		buf_put(out, span_of(text, sizeof(text) - to_len));
	}
	if (c->n_held > 0 || c->surrogate != 0)
		utf8_put(out, REPLACEMENT);
	c->surrogate = 0;
	c->n_held = 0;
}
