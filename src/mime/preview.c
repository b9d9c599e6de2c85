#include "mime/preview.h"

#include "base/ascii.h"
#include "base/utf8.h"

enum { IN_TEXT, IN_TAG, IN_ENTITY };

void
preview_init(struct preview *p)
{
	*p = (struct preview){ 0 };
	buf_init(&p->text, MAX_PREVIEW_BYTES);
}

void
preview_deinit(struct preview *p)
{
	preview_end(p);
	buf_deinit(&p->text);
}

void
preview_begin(struct preview *p, enum encoding encoding, struct span charset,
    bool is_html)
{
	preview_end(p);
	if (p->is_done)
		return;
	p->base64 = (struct base64_stream){ 0 };
	p->qp = (struct qp_stream){ 0 };
	p->encoding = encoding;
	p->is_html = is_html;
	p->is_hidden = p->has_gap = false;
	p->place = IN_TEXT;
	/* An unknown charset is read as UTF-8: most often it is. */
	if (charset_open(&p->charset, charset) < 0)
		p->charset.kind = CHARSET_UTF8;
	p->is_on = true;
}

static void
put_char(struct preview *p, uint32_t code)
{
	/* Space and controls, C1 too: one space for any number. */
	if (code <= 0x20 || (code >= 0x7f && code <= 0xa0)) {
		p->has_gap = p->text.len > 0;
		return;
	}
	if (p->has_gap && p->n_chars + 1 < PREVIEW_CHARS) {
		buf_put_char(&p->text, ' ');
		p->n_chars++;
	}
	p->has_gap = false;
	utf8_put(&p->text, code);
	if (++p->n_chars >= PREVIEW_CHARS)
		p->is_done = true;
}

static void
end_tag(struct preview *p)
{
	static const char *const hiding[] = { "style", "script", "head" };
	struct span w = span_of(p->word, p->n_word);
	bool is_end = w.len > 0 && w.p[0] == '/';

	if (is_end)
		w = span_sub(w, 1, w.len);
	for (size_t i = 0; i < sizeof(hiding) / sizeof(hiding[0]); i++)
		if (span_is_nocase(w, span_str(hiding[i])))
			p->is_hidden = !is_end;
	if (!p->is_hidden)
		put_char(p, ' ');
	p->place = IN_TEXT;
}

static void
end_entity(struct preview *p)
{
	static const struct {
		const char *name;
		char ch;
	} names[] = { { "amp", '&' }, { "lt", '<' }, { "gt", '>' },
		{ "quot", '"' }, { "apos", '\'' }, { "nbsp", ' ' } };
	struct span w = span_of(p->word, p->n_word);
	uint64_t code = 0;

	p->place = IN_TEXT;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_is(w, span_str(names[i].name)))
			code = (unsigned char)names[i].ch;
	if (code == 0 && w.len > 1 && w.p[0] == '#' &&
	    span_to_u64(span_sub(w, 1, w.len), 0x10ffff, &code) < 0)
		code = 0;
	if (code >= 0xd800 && code <= 0xdfff)
		code = 0;
	if (!p->is_hidden && code > 0)
		put_char(p, (uint32_t)code);
}

/* Tags vanish, and what stands in <style>, <script> and <head>. */
static void
put_html(struct preview *p, uint32_t code)
{
	switch (p->place) {
	case IN_TEXT:
		p->n_word = 0;
		p->is_word_over = false;
		if (code == '<')
			p->place = IN_TAG;
		else if (code == '&')
			p->place = IN_ENTITY;
		else if (!p->is_hidden)
			put_char(p, code);
		return;
	case IN_TAG:
		if (code == '>') {
			end_tag(p);
		} else if (code <= 0x20 || code >= 0x7f) {
			p->is_word_over = true; /* attributes follow */
		} else if (!p->is_word_over && p->n_word < sizeof(p->word)) {
			p->word[p->n_word++] = (char)code;
		}
		return;
	case IN_ENTITY:
		if (code == ';' || code <= 0x20 || code >= 0x7f ||
		    p->n_word == sizeof(p->word))
			end_entity(p);
		else
			p->word[p->n_word++] = (char)code;
		return;
	}
}

static void
put_bytes(struct preview *p, struct span s)
{
	char storage[512];
	struct buf text;
	struct span rest;

	buf_init_fixed(&text, storage, sizeof(storage));
	charset_step(&p->charset, s, &text);
	rest = buf_span(&text);
	while (!p->is_done && rest.len > 0) {
		uint32_t code;
		int n = utf8_next(rest, &code);

		if (n < 0)
			break;
		if (p->is_html)
			put_html(p, code);
		else
			put_char(p, code);
		rest = span_sub(rest, (size_t)n, rest.len);
	}
}

void
preview_feed(struct preview *p, struct span piece)
{
	while (p->is_on && !p->is_done && piece.len > 0) {
		struct span s = span_sub(piece, 0, 48);
		char bytes[48 + 3];
		size_t n = s.len;

		switch (p->encoding) {
		case ENCODING_NONE:
			memcpy(bytes, s.p, s.len);
			break;
		case ENCODING_QP:
			n = qp_stream_step(&p->qp, s.p, s.len, bytes);
			break;
		case ENCODING_BASE64:
			n = base64_stream_step(&p->base64, s.p, s.len, bytes);
			break;
		}
		put_bytes(p, span_of(bytes, n));
		piece = span_sub(piece, s.len, piece.len);
	}
}

void
preview_end(struct preview *p)
{
	if (!p->is_on)
		return;
	charset_close(&p->charset);
	p->is_on = false;
	if (p->text.len > 0)
		p->is_done = true;
}
