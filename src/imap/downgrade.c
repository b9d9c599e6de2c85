#include "imap/downgrade.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "base/utf8.h"

/* RFC 2047 2: an encoded word has at most 75 characters: 45 bytes are 60 of
 * base64, with "=?utf-8?B??=" around them 72. */
#define WORD_BYTES 45

/* --- text --- */

/* Append s as UTF-8, encoded words decoded, controls blanked. */
static void
put_decoded(struct buf *out, struct span s)
{
	struct charset latin;
	struct buf text;

	if (utf8_is_valid(s)) {
		header_put_decoded(out, s);
		return;
	}
	buf_init(&text, 3 * s.len + 16);
	if (charset_open(&latin, SPAN("windows-1252")) == 0) {
		charset_step(&latin, s, &text);
		charset_finish(&latin, &text);
	}
	charset_close(&latin);
	if (buf_failed(&text))
		out->has_failed = true;
	header_put_decoded(out, buf_span(&text));
	buf_deinit(&text);
}

void
downgrade_put_words(struct buf *out, struct span s, const char *between)
{
	const char *space = "";
	struct span rest;
	struct buf text;

	buf_init(&text, 3 * s.len + 16);
	put_decoded(&text, s);
	rest = buf_span(&text);
	while (rest.len > 0) {
		struct span word = utf8_cut(rest, WORD_BYTES);

		buf_put_str(out, space);
		buf_put_str(out, "=?utf-8?B?");
		base64_encode(out, word);
		buf_put_str(out, "?=");
		rest = span_sub(rest, word.len, rest.len);
		space = between;
	}
	if (buf_failed(&text))
		out->has_failed = true;
	buf_deinit(&text);
}

/* RFC 2231 7: attribute-char. */
static bool
is_attribute_char(char ch)
{
	return ascii_is_alnum(ch) || span_find(SPAN("-._~"), ch) < 4;
}

void
downgrade_put_extended(struct buf *out, struct span value)
{
	struct buf text;

	buf_init(&text, 3 * value.len + 16);
	put_decoded(&text, value);
	buf_put_str(out, "utf-8''");
	for (size_t i = 0; i < text.len; i++) {
		static const char hex[] = "0123456789ABCDEF";
		unsigned char ch = (unsigned char)text.p[i];

		if (is_attribute_char((char)ch)) {
			buf_put_char(out, (char)ch);
			continue;
		}
		buf_put_char(out, '%');
		buf_put_char(out, hex[ch >> 4]);
		buf_put_char(out, hex[ch & 15]);
	}
	if (buf_failed(&text))
		out->has_failed = true;
	buf_deinit(&text);
}

/* --- addresses --- */

/* A display name or a group's: encoded words stand bare, all else in quotes. */
static void
put_phrase(struct buf *out, struct span name)
{
	if (utf8_has_8bit(name)) {
		downgrade_put_words(out, name, "\r\n ");
	} else if (span_starts(name, SPAN("=?")) &&
	           span_ends_nocase(name, SPAN("?="))) {
		buf_put(out, name);
	} else {
		buf_put_char(out, '"');
		for (size_t i = 0; i < name.len; i++) {
			if (name.p[i] == '"' || name.p[i] == '\\')
				buf_put_char(out, '\\');
			buf_put_char(out, name.p[i]);
		}
		buf_put_char(out, '"');
	}
}

/* RFC 6858 2.1: what stood there becomes the display name. */
static void
put_invalid(struct buf *out, const struct address *a)
{
	struct buf text;

	buf_init(&text, MAX_DOWNGRADE_FIELD * 3);
	buf_put(&text, a->name);
	buf_put_str(&text, a->name.len > 0 ? " " : "");
	address_put(&text, a->mailbox, a->host);
	downgrade_put_words(out, buf_span(&text), "\r\n ");
	buf_put_str(out, " <" DOWNGRADE_LOCAL "@" DOWNGRADE_HOST ">");
	if (buf_failed(&text))
		out->has_failed = true;
	buf_deinit(&text);
}

static void
put_address(struct buf *out, const struct address *a)
{
	if (utf8_has_8bit(a->mailbox) || utf8_has_8bit(a->host)) {
		put_invalid(out, a);
		return;
	}
	if (a->name.len > 0) {
		put_phrase(out, a->name);
		buf_put_char(out, ' ');
	}
	buf_put_char(out, '<');
	address_put(out, a->mailbox, a->host);
	buf_put_char(out, '>');
}

static void
put_addresses(struct buf *out, struct span value)
{
	const char *comma = "";
	struct address_iter it;
	struct buf scratch;
	struct address a;
	uint32_t n = 0;

	buf_init(&scratch, MAX_DOWNGRADE_FIELD);
	address_iter_init(&it, value, &scratch);
	while (address_iter_next(&it, &a) == 0) {
		if (buf_error(&scratch) == ERR_NOMEM)
			out->has_failed = true;
		if (a.kind == ADDRESS_GROUP_END) {
			buf_put_char(out, ';');
			comma = ",\r\n ";
			continue;
		}
		if (n++ == MAX_DOWNGRADE_ADDRESSES)
			break;
		buf_put_str(out, comma);
		comma = ",\r\n ";
		if (a.kind == ADDRESS_MAILBOX) {
			put_address(out, &a);
			continue;
		}
		put_phrase(out, a.mailbox);
		buf_put_char(out, ':');
		comma = "\r\n ";
	}
	buf_deinit(&scratch);
}

/* --- parameters --- */

static bool
is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_alnum(s.p[i]) &&
		    span_find(SPAN("!#$&'*+-.^_`{|}~"), s.p[i]) == 16)
			return false;
	return s.len > 0;
}

/* Content-Type and Content-Disposition: the word, then its parameters. RFC
 * 6858 2.2 lets those go that are not ASCII; here they are kept, encoded. */
static void
put_params(struct buf *out, struct span value)
{
	struct cur c = cur_of(value);
	struct params ps;
	struct span name;
	struct buf v;
	bool is_extended;
	struct span word = span_sub(value, 0, span_find(value, ';'));

	if (utf8_has_8bit(word))
		return; /* nobody's type */
	c.p += word.len;
	buf_put(out, span_trim(word));
	buf_init(&v, MAX_DOWNGRADE_FIELD);
	params_parse(&ps, &c);
	while (params_next(&ps, &name, &is_extended, &v) == 0) {
		struct span text = buf_span(&v);
		bool is_8bit = utf8_has_8bit(text);

		if (buf_error(&v) == ERR_NOMEM)
			out->has_failed = true;
		if (!is_token(name))
			continue;
		buf_put_str(out, ";\r\n ");
		buf_put(out, name);
		buf_put_str(out, is_extended || is_8bit ? "*=" : "=");
		if (is_8bit)
			downgrade_put_extended(out, text);
		else if (is_extended || is_token(text))
			buf_put(out, text);
		else
			put_phrase(out, text);
	}
	buf_deinit(&v);
}

/* --- fields --- */

enum kind { UNSTRUCTURED, ADDRESSES, PARAMS };

/* Which fields are shown, and how; all others are left out when they are not
 * ASCII (RFC 6858 2.4). */
static const struct {
	struct span name;
	enum kind kind;
} fields[] = {
	{ SPAN("From"), ADDRESSES },
	{ SPAN("Sender"), ADDRESSES },
	{ SPAN("Reply-To"), ADDRESSES },
	{ SPAN("To"), ADDRESSES },
	{ SPAN("Cc"), ADDRESSES },
	{ SPAN("Bcc"), ADDRESSES },
	{ SPAN("Resent-From"), ADDRESSES },
	{ SPAN("Resent-Sender"), ADDRESSES },
	{ SPAN("Resent-Reply-To"), ADDRESSES },
	{ SPAN("Resent-To"), ADDRESSES },
	{ SPAN("Resent-Cc"), ADDRESSES },
	{ SPAN("Resent-Bcc"), ADDRESSES },
	{ SPAN("Return-Path"), ADDRESSES },
	{ SPAN("Subject"), UNSTRUCTURED },
	{ SPAN("Comments"), UNSTRUCTURED },
	{ SPAN("Keywords"), UNSTRUCTURED },
	{ SPAN("Organization"), UNSTRUCTURED },
	{ SPAN("Content-Description"), UNSTRUCTURED },
	{ SPAN("Content-Type"), PARAMS },
	{ SPAN("Content-Disposition"), PARAMS },
};

void
downgrade_put_field(struct buf *out, struct span field)
{
	size_t colon = span_find(field, ':');
	struct span name = span_trim(span_sub(field, 0, colon));
	size_t n = sizeof(fields) / sizeof(fields[0]);
	size_t i = 0;
	struct buf value;

	while (i < n && !span_is_nocase(name, fields[i].name))
		i++;
	if (i == n || colon == field.len)
		return;
	buf_init(&value, field.len);
	header_put_unfolded(&value, span_sub(field, colon + 1, field.len));
	buf_put(out, name);
	buf_put_str(out, ": ");
	switch (fields[i].kind) {
	case UNSTRUCTURED:
		downgrade_put_words(out, buf_span(&value), "\r\n ");
		break;
	case ADDRESSES:
		put_addresses(out, buf_span(&value));
		break;
	case PARAMS:
		put_params(out, buf_span(&value));
		break;
	}
	buf_put_str(out, "\r\n");
	if (buf_failed(&value))
		out->has_failed = true;
	buf_deinit(&value);
}
