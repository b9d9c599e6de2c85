#include "mime/sevenbit.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "mime/header.h"

/* Of one line that are looked at together; the rest of a longer one follows. */
#define LINE_BYTES         1000
#define MAX_TYPE_BYTES     4096 /* of a Content-Type that is looked at */
#define MAX_ENC_BYTES      128
#define MAX_BOUNDARY_BYTES 200 /* RFC 2046 5.1.1 allows 70 */
/* RFC 2045 6.7 (5), 6.8: lines of 76 characters. */
#define QP_BYTES       76
#define BASE64_IN_LINE 57

enum encoder {
	ENC_NONE, /* as it is, but for 8-bit bytes */
	ENC_QP,
	ENC_BASE64
};

enum disposition { FIELD_PASS, FIELD_TYPE, FIELD_ENC };

struct level {
	uint16_t from, len; /* of the boundary, in boundaries */
	bool is_digest;     /* RFC 2046 5.1.5 */
};

struct sevenbit {
	struct buf type, encoding; /* values of this header */
	struct buf boundaries;
	struct level levels[MAX_MIME_DEPTH];
	uint32_t n_levels;
	uint32_t n_nested; /* message/rfc822 within each other */
	enum disposition field;
	enum encoder encoder;
	bool is_header;
	bool is_message; /* the header of a message, not of a part */
	bool has_version, has_type, has_encoding;
	bool is_in_line;    /* the last piece had no end */
	bool has_held_crlf; /* base64: it may belong to a boundary */
	uint8_t n_group;
	uint16_t n_line;
	uint32_t column; /* of quoted-printable */
	char group[BASE64_IN_LINE];
	char line[LINE_BYTES];
};

static void
begin_header(struct sevenbit *s, bool is_message)
{
	s->is_header = true;
	s->is_message = is_message;
	s->has_version = s->has_type = s->has_encoding = false;
	s->field = FIELD_PASS;
	buf_reset(&s->type);
	buf_reset(&s->encoding);
}

struct sevenbit *
sevenbit_new(void)
{
	struct sevenbit *s = mem_alloc(sizeof(*s));

	if (s == NULL)
		return NULL;
	buf_init(&s->type, MAX_TYPE_BYTES);
	buf_init(&s->encoding, MAX_ENC_BYTES);
	buf_init(&s->boundaries, MAX_MIME_DEPTH * MAX_BOUNDARY_BYTES);
	begin_header(s, true);
	return s;
}

void
sevenbit_free(struct sevenbit *s)
{
	if (s == NULL)
		return;
	buf_deinit(&s->type);
	buf_deinit(&s->encoding);
	buf_deinit(&s->boundaries);
	mem_free(s);
}

/* --- encoders --- */

static void
put_plain(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_put_char(out, ascii_is_8bit(text.p[i]) ? '?' : text.p[i]);
}

/* RFC 2045 6.7. What ends a line or a piece of one is no bare space. */
static void
put_qp(struct sevenbit *s, struct span text, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];
		bool is_literal = (ascii_is_vchar((char)c) && c != '=') ||
		                  (ascii_is_wsp((char)c) && i + 1 < text.len);
		uint32_t width = is_literal ? 1 : 3;

		if (s->column + width > QP_BYTES - 1) {
			buf_put_str(out, "=\r\n");
			s->column = 0;
		}
		if (is_literal) {
			buf_put_char(out, (char)c);
		} else {
			buf_put_char(out, '=');
			buf_put_char(out, hex[c >> 4]);
			buf_put_char(out, hex[c & 15]);
		}
		s->column += width;
	}
}

static void
flush_group(struct sevenbit *s, struct buf *out)
{
	if (s->n_group == 0)
		return;
	base64_encode(out, span_of(s->group, s->n_group));
	buf_put_str(out, "\r\n");
	s->n_group = 0;
}

static void
put_base64(struct sevenbit *s, struct span text, struct buf *out)
{
	while (text.len > 0) {
		size_t n = BASE64_IN_LINE - s->n_group;

		if (n > text.len)
			n = text.len;
		memcpy(s->group + s->n_group, text.p, n);
		s->n_group = (uint8_t)(s->n_group + n);
		text = span_sub(text, n, text.len);
		if (s->n_group == BASE64_IN_LINE)
			flush_group(s, out);
	}
}

/* A line of a leaf, or a piece of one. end: "\r\n", "\n" or nothing. */
static void
put_text(struct sevenbit *s, struct span text, struct span end, struct buf *out)
{
	switch (s->encoder) {
	case ENC_NONE:
		put_plain(out, text);
		buf_put(out, end);
		break;
	case ENC_QP:
		put_qp(s, text, out);
		if (end.len > 0) {
			buf_put_str(out, "\r\n");
			s->column = 0;
		}
		break;
	case ENC_BASE64:
		if (s->has_held_crlf)
			put_base64(s, SPAN("\r\n"), out);
		put_base64(s, text, out);
		s->has_held_crlf = end.len == 2;
		if (end.len == 1)
			put_base64(s, end, out);
		break;
	}
}

/* The leaf is over; is_cut: by a boundary, whose line end the last one is. */
static void
end_leaf(struct sevenbit *s, bool is_cut, struct buf *out)
{
	if (s->encoder == ENC_QP && s->column > 0)
		buf_put_str(out, "\r\n");
	if (s->encoder == ENC_BASE64) {
		if (s->has_held_crlf && !is_cut)
			put_base64(s, SPAN("\r\n"), out);
		flush_group(s, out);
	}
	s->has_held_crlf = false;
	s->column = 0;
	s->encoder = ENC_NONE;
}

/* --- headers --- */

/* The boundary parameter becomes a level. False: there is none to use. */
static bool
push_level(struct sevenbit *s, struct cur *c, bool is_digest)
{
	struct params *ps;
	struct buf value;
	struct span name;
	bool is_extended, has_pushed = false;

	if (s->n_levels == MAX_MIME_DEPTH)
		return false;
	ps = mem_alloc(sizeof(*ps));
	if (ps == NULL)
		return false;
	buf_init(&value, MAX_TYPE_BYTES);
	params_parse(ps, c);
	while (
	    !has_pushed && params_next(ps, &name, &is_extended, &value) == 0) {
		struct level *l = &s->levels[s->n_levels];

		if (!span_is_nocase(name, SPAN("boundary")) || value.len == 0 ||
		    value.len > MAX_BOUNDARY_BYTES)
			continue;
		l->from = (uint16_t)s->boundaries.len;
		l->len = (uint16_t)value.len;
		l->is_digest = is_digest;
		buf_put(&s->boundaries, buf_span(&value));
		has_pushed = !buf_failed(&s->boundaries);
	}
	s->n_levels += has_pushed;
	buf_deinit(&value);
	mem_free(ps);
	return has_pushed;
}

static bool
is_encoded(const struct sevenbit *s)
{
	struct cur c = cur_of(buf_span(&s->encoding));
	struct span word;

	return s->has_encoding && header_get_word(&c, &word) == 0 &&
	       (span_is_nocase(word, SPAN("quoted-printable")) ||
	           span_is_nocase(word, SPAN("base64")));
}

static void
put_encoding(struct buf *out, const char *name)
{
	buf_put_str(out, "Content-Transfer-Encoding: ");
	buf_put_str(out, name);
	buf_put_str(out, "\r\n");
}

static void
put_old_encoding(struct sevenbit *s, struct buf *out)
{
	if (!s->has_encoding)
		return;
	buf_put_str(out, "Content-Transfer-Encoding:");
	put_plain(out, buf_span(&s->encoding));
	buf_put_str(out, "\r\n");
}

/* A leaf that is not encoded yet. */
static void
begin_leaf(struct sevenbit *s, bool is_text, struct buf *out)
{
	if (s->is_message && !s->has_version)
		buf_put_str(out, "MIME-Version: 1.0\r\n");
	if (s->is_message && !s->has_type)
		/* RFC 1428 3: nobody said what the bytes mean. */
		buf_put_str(
		    out, "Content-Type: text/plain; charset=unknown-8bit\r\n");
	put_encoding(out, is_text ? "quoted-printable" : "base64");
	s->encoder = is_text ? ENC_QP : ENC_BASE64;
}

/* The blank line has come: what is it the header of? Returns whether another
 * header follows at once. */
static bool
end_header(struct sevenbit *s, struct buf *out)
{
	struct cur c = cur_of(buf_span(&s->type));
	struct span type = SPAN("text"), subtype = SPAN("plain");
	bool is_in_digest =
	    s->n_levels > 0 && s->levels[s->n_levels - 1].is_digest;
	bool is_known =
	    s->has_type && header_get_type(&c, &type, &subtype) == 0;

	if (!is_known) {
		type = is_in_digest && !s->is_message ? SPAN("message")
		                                      : SPAN("text");
		subtype = SPAN("rfc822");
	}
	s->encoder = ENC_NONE;
	if (span_is_nocase(type, SPAN("multipart")) &&
	    push_level(s, &c, span_is_nocase(subtype, SPAN("digest")))) {
		if (s->has_encoding)
			put_encoding(out, "7bit");
		return false;
	}
	if (is_encoded(s)) {
		put_old_encoding(s, out);
		return false;
	}
	if (!span_is_nocase(type, SPAN("message"))) {
		begin_leaf(s,
		    span_is_nocase(type, SPAN("text")) ||
		        span_is_nocase(type, SPAN("multipart")),
		    out);
		return false;
	}
	if (s->has_encoding)
		put_encoding(out, "7bit");
	return (span_is_nocase(subtype, SPAN("rfc822")) ||
	           span_is_nocase(subtype, SPAN("global"))) &&
	       s->n_nested++ < MAX_MIME_DEPTH;
}

static void
begin_field(struct sevenbit *s, struct span line)
{
	struct span name = span_trim(span_sub(line, 0, span_find(line, ':')));

	s->field = FIELD_PASS;
	if (span_is_nocase(name, SPAN("MIME-Version")))
		s->has_version = true;
	if (span_is_nocase(name, SPAN("Content-Type")) && !s->has_type) {
		s->has_type = true;
		s->field = FIELD_TYPE;
	}
	if (span_is_nocase(name, SPAN("Content-Transfer-Encoding"))) {
		s->field = FIELD_ENC;
		buf_reset(&s->encoding); /* of two the last counts */
		s->has_encoding = true;
	}
}

/* A line of a header, or a piece of one. */
static void
take_header(struct sevenbit *s, struct span text, struct span end,
    bool is_start, struct buf *out)
{
	struct span value = text;

	if (is_start && text.len == 0 && end.len > 0) {
		bool has_more = end_header(s, out);

		buf_put(out, end);
		s->is_header = false;
		if (has_more)
			begin_header(s, true);
		return;
	}
	if (is_start && text.len > 0 && !ascii_is_wsp(text.p[0])) {
		size_t colon = span_find(text, ':');

		begin_field(s, text);
		value = span_sub(text, colon + 1, text.len);
	}
	if (s->field == FIELD_TYPE) {
		buf_put(&s->type, value);
		buf_put_char(&s->type, ' ');
	}
	if (s->field == FIELD_ENC) {
		buf_put(&s->encoding, value);
		return; /* left out */
	}
	put_plain(out, text);
	buf_put(out, end);
}

/* --- bodies --- */

/* RFC 2046 5.1.1: which level's boundary is this line, if any? */
static bool
is_boundary(
    const struct sevenbit *s, struct span line, uint32_t *level, bool *is_last)
{
	struct span rest = span_sub(line, 2, line.len);

	if (!span_starts(line, SPAN("--")))
		return false;
	for (uint32_t i = s->n_levels; i-- > 0;) {
		const struct level *l = &s->levels[i];
		struct span b = span_of(s->boundaries.p + l->from, l->len);
		struct span tail = span_sub(rest, b.len, rest.len);

		if (!span_starts(rest, b))
			continue;
		*is_last = span_starts(tail, SPAN("--"));
		if (*is_last)
			tail = span_sub(tail, 2, tail.len);
		*level = i;
		if (*is_last || span_trim(tail).len == 0)
			return true;
	}
	return false;
}

static void
take_body(struct sevenbit *s, struct span text, struct span end, bool is_start,
    struct buf *out)
{
	uint32_t level;
	bool is_last;

	if (!is_start || !is_boundary(s, text, &level, &is_last)) {
		put_text(s, text, end, out);
		return;
	}
	end_leaf(s, true, out);
	put_plain(out, text);
	buf_put(out, end);
	s->n_levels = is_last ? level : level + 1;
	if (s->n_levels > 0) {
		const struct level *l = &s->levels[s->n_levels - 1];

		buf_truncate(&s->boundaries, (size_t)l->from + l->len);
	} else {
		buf_reset(&s->boundaries);
	}
	if (!is_last)
		begin_header(s, false);
}

static void
take_line(struct sevenbit *s, bool is_whole, struct buf *out)
{
	struct span line = span_of(s->line, s->n_line);
	struct span end = SPAN("");
	bool is_start = !s->is_in_line;

	if (is_whole) {
		size_t n = line.len > 1 && line.p[line.len - 2] == '\r' ? 2 : 1;

		end = span_sub(line, line.len - n, n);
		line.len -= n;
	}
	s->is_in_line = !is_whole;
	/* A boundary ends a header that did not end itself. */
	if (s->is_header) {
		uint32_t level;
		bool is_last;

		if (is_start && is_boundary(s, line, &level, &is_last)) {
			buf_put_str(out, "\r\n");
			s->is_header = false;
		}
	}
	if (s->is_header)
		take_header(s, line, end, is_start, out);
	else
		take_body(s, line, end, is_start, out);
	s->n_line = 0;
}

void
sevenbit_put(struct sevenbit *s, struct span piece, struct buf *out)
{
	while (piece.len > 0) {
		size_t n = span_find(piece, '\n') + 1;
		size_t room = LINE_BYTES - s->n_line;

		if (n > piece.len)
			n = piece.len;
		if (n > room)
			n = room;
		memcpy(s->line + s->n_line, piece.p, n);
		s->n_line = (uint16_t)(s->n_line + n);
		piece = span_sub(piece, n, piece.len);
		if (s->line[s->n_line - 1] == '\n')
			take_line(s, true, out);
		else if (s->n_line == LINE_BYTES) {
			/* Not between CR and LF. */
			bool has_cr = s->line[LINE_BYTES - 1] == '\r';

			s->n_line -= has_cr;
			take_line(s, false, out);
			if (has_cr)
				s->line[s->n_line++] = '\r';
		}
	}
}

void
sevenbit_end(struct sevenbit *s, struct buf *out)
{
	if (s->n_line > 0)
		take_line(s, false, out);
	end_leaf(s, false, out);
}
