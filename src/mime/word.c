/* Encoded words (RFC 2047). Part of header.h. */
#include "base/ascii.h"
#include "base/utf8.h"
#include "mime/charset.h"
#include "mime/encode.h"
#include "mime/header.h"

struct word {
	struct span charset, text;
	bool is_base64;
};

static bool
is_word_char(char c)
{
	return c != '?' && !ascii_is_space(c) && c != '\0';
}

/* RFC 2047 2: "=?" charset ["*" language] "?" encoding "?" text "?=". Spaces
 * inside a Q text are against the rule, but seen. */
static bool
take_word(struct cur *c, struct word *w)
{
	struct cur at = *c;
	char encoding;

	if (!cur_skip(&at, '=') || !cur_skip(&at, '?'))
		return false;
	w->charset = cur_while(&at, is_word_char);
	/* RFC 2231 5: a language behind the charset. */
	w->charset.len = span_find(w->charset, '*');
	if (w->charset.len == 0 || !cur_skip(&at, '?') || cur_is_end(&at))
		return false;
	encoding = ascii_lower(*at.p++);
	if ((encoding != 'q' && encoding != 'b') || !cur_skip(&at, '?'))
		return false;
	w->is_base64 = encoding == 'b';
	w->text.p = at.p;
	while (at.p < at.end && *at.p != '?' && *at.p != '\n')
		at.p++;
	w->text.len = (size_t)(at.p - w->text.p);
	if (!cur_skip(&at, '?') || !cur_skip(&at, '='))
		return false;
	*c = at;
	return true;
}

/* RFC 2047 4.2: "_" is a space, =XX a byte. */
static char
take_q(struct span s, size_t *i)
{
	char ch = s.p[(*i)++];

	if (ch == '_')
		return ' ';
	if (ch == '=' && s.len - *i >= 2 && ascii_hex_value(s.p[*i]) >= 0 &&
	    ascii_hex_value(s.p[*i + 1]) >= 0) {
		ch = (char)(ascii_hex_value(s.p[*i]) << 4 |
		            ascii_hex_value(s.p[*i + 1]));
		*i += 2;
	}
	return ch;
}

static void
put_word_text(struct charset *cs, const struct word *w, struct buf *b)
{
	struct base64_stream b64 = { 0 };
	size_t i = 0;

	while (i < w->text.len) {
		char bytes[3 + 3];
		size_t n = 1;

		if (w->is_base64)
			n = base64_stream_step(&b64, w->text.p + i++, 1, bytes);
		else
			bytes[0] = take_q(w->text, &i);
		charset_step(cs, span_of(bytes, n), b);
	}
}

/* A charset and how it was written, kept over adjacent words, for some split
 * a character between two of them (against RFC 2047 5). */
struct decoder {
	struct charset cs;
	struct span name;
	bool is_open;
};

static void
close_charset(struct decoder *d, struct buf *b)
{
	if (d->is_open) {
		charset_finish(&d->cs, b);
		charset_close(&d->cs);
	}
	d->is_open = false;
}

static bool
put_word(struct decoder *d, const struct word *w, struct buf *b)
{
	if (d->is_open && !span_is_nocase(d->name, w->charset))
		close_charset(d, b);
	if (!d->is_open && charset_open(&d->cs, w->charset) < 0)
		return false;
	d->is_open = true;
	d->name = w->charset;
	put_word_text(&d->cs, w, b);
	return true;
}

/* Plain text up to the next "=?", made UTF-8. */
static void
put_plain(struct span s, struct buf *b)
{
	struct charset utf8;

	if (charset_open(&utf8, SPAN("utf-8")) < 0)
		return;
	charset_step(&utf8, s, b);
	charset_finish(&utf8, b);
	charset_close(&utf8);
}

/* What was decoded may not bring line ends or controls back in, whatever the
 * charset. ASCII bytes of UTF-8 are whole characters. */
static void
blank_controls(struct buf *b, size_t from)
{
	for (size_t i = from; i < b->len; i++)
		if (ascii_is_ctl(b->p[i]))
			b->p[i] = ' ';
}

void
header_put_decoded(struct buf *b, struct span value)
{
	size_t from = b->len;
	struct cur c = cur_of(value);
	struct decoder d = { 0 };
	const char *plain = c.p; /* not yet written */
	bool is_after_word = false;

	while (c.p < c.end) {
		const char *at = c.p;
		struct span between = span_of(plain, (size_t)(at - plain));
		struct word w;

		if (*at != '=' || !take_word(&c, &w)) {
			c.p = at + 1;
			continue;
		}
		/* RFC 2047 6.2: space between two words is none. */
		if (!is_after_word || span_trim(between).len > 0) {
			close_charset(&d, b);
			put_plain(between, b);
		}
		is_after_word = put_word(&d, &w, b);
		if (!is_after_word)
			put_plain(span_of(at, (size_t)(c.p - at)), b);
		plain = c.p;
	}
	close_charset(&d, b);
	put_plain(span_of(plain, (size_t)(c.end - plain)), b);
	blank_controls(b, from);
}
