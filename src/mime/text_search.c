#include "mime/text_search.h"

#include "base/utf8.h"
#include "mime/header.h"

void
text_search_init(struct text_search *t)
{
	*t = (struct text_search){ 0 };
	buf_init(&t->decoded, 256 * 1024);
	buf_init(&t->text, 256 * 1024);
}

static void
close_text(struct text_search *t)
{
	if (t->is_open)
		charset_close(&t->charset);
	t->is_open = false;
}

void
text_search_deinit(struct text_search *t)
{
	close_text(t);
	buf_deinit(&t->decoded);
	buf_deinit(&t->text);
}

void
text_search_begin(struct text_search *t, const struct needle_set *set,
    struct span encoding, struct span charset)
{
	close_text(t);
	t->base64 = (struct base64_stream){ 0 };
	t->qp = (struct qp_stream){ 0 };
	t->is_base64 = span_is_nocase(encoding, SPAN("base64"));
	t->is_qp = span_is_nocase(encoding, SPAN("quoted-printable"));
	/* What is unknown is ASCII, or UTF-8: it converts so. */
	t->is_open = charset_open(&t->charset, charset) == 0;
	needle_set_begin(set);
}

/* The piece without its transfer-encoding; may be the piece itself. */
static struct span
decode(struct text_search *t, struct span piece)
{
	struct buf *b = &t->decoded;

	if (!t->is_base64 && !t->is_qp)
		return piece;
	buf_reset(b);
	if (buf_reserve(b, piece.len + 3) < 0) {
		t->has_failed = true;
		return span_of(NULL, 0);
	}
	b->len = t->is_base64
	             ? base64_stream_step(&t->base64, piece.p, piece.len, b->p)
	             : qp_stream_step(&t->qp, piece.p, piece.len, b->p);
	return buf_span(b);
}

bool
text_search_feed(
    struct text_search *t, const struct needle_set *set, struct span piece)
{
	struct span s = decode(t, piece);

	if ((charset_keeps_ascii(&t->charset) && needle_set_is_ascii(set)) ||
	    charset_is_same(&t->charset, s))
		return needle_set_feed(set, s);
	buf_reset(&t->text);
	charset_step(&t->charset, s, &t->text);
	if (buf_failed(&t->text))
		t->has_failed = true;
	return needle_set_feed(set, buf_span(&t->text));
}

bool
text_search_end(struct text_search *t, const struct needle_set *set)
{
	bool has_new = false;

	/* An escape that was not whole is text. */
	if (t->is_qp && t->qp.n_held > 0) {
		char held[sizeof(t->qp.held)];
		size_t n = t->qp.n_held;

		memcpy(held, t->qp.held, n);
		t->qp.n_held = 0;
		t->is_qp = false;
		has_new = text_search_feed(t, set, span_of(held, n));
	}
	buf_reset(&t->text);
	charset_finish(&t->charset, &t->text);
	close_text(t);
	return needle_set_feed(set, buf_span(&t->text)) || has_new;
}

void
text_search_put_utf8(struct buf *b, struct span raw)
{
	struct charset c;

	if (utf8_is_valid(raw)) {
		buf_put(b, raw);
		return;
	}
	if (charset_open(&c, SPAN("windows-1252")) < 0)
		return;
	charset_step(&c, raw, b);
	charset_finish(&c, b);
	charset_close(&c);
}

static bool
has_encoded_word(struct span s)
{
	for (size_t i = span_find(s, '='); i + 1 < s.len;
	     i += 1 + span_find(span_sub(s, i + 1, s.len), '='))
		if (s.p[i + 1] == '?')
			return true;
	return false;
}

bool
text_search_value(
    struct text_search *t, const struct needle_set *set, struct span value)
{
	bool is_ascii = !utf8_has_8bit(value);

	if (is_ascii && !has_encoded_word(value))
		return needle_set_feed(set, value);
	if (!is_ascii) {
		buf_reset(&t->decoded);
		text_search_put_utf8(&t->decoded, value);
		value = buf_span(&t->decoded);
	}
	buf_reset(&t->text);
	header_put_decoded(&t->text, value);
	if (buf_failed(&t->decoded) || buf_failed(&t->text))
		t->has_failed = true;
	return needle_set_feed(set, buf_span(&t->text));
}
