#include "mime/text.h"

static void
put_crlfs(struct crlf_stream *t, uint32_t n, struct buf *out)
{
	for (; n > 0; n--)
		buf_put(out, SPAN("\r\n"));
	t->n_cr = 0;
	t->is_mid_line = false;
}

void
crlf_stream_step(struct crlf_stream *t, struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.len;) {
		size_t from = i;

		if (in.p[i] == '\n') {
			put_crlfs(t, 1, out); /* CR* LF */
			i++;
			continue;
		}
		if (in.p[i] == '\r') {
			if (++t->n_cr == UINT32_MAX)
				put_crlfs(t, 1, out);
			i++;
			continue;
		}
		if (t->n_cr > 0)
			put_crlfs(t, t->n_cr, out); /* CR* X */
		while (i < in.len && in.p[i] != '\n' && in.p[i] != '\r')
			i++;
		buf_put(out, span_of(in.p + from, i - from));
		t->is_mid_line = true;
	}
}

void
crlf_stream_finish(struct crlf_stream *t, struct buf *out)
{
	if (t->n_cr > 0)
		put_crlfs(t, t->n_cr, out);
	else if (t->is_mid_line)
		put_crlfs(t, 1, out);
}

void
lf_stream_step(struct lf_stream *t, struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.len;) {
		size_t n = span_find(span_sub(in, i, in.len), '\r');

		if (t->has_cr && in.p[i] != '\n')
			buf_put_char(out, '\r');
		t->has_cr = false;
		buf_put(out, span_sub(in, i, n));
		i += n;
		if (i < in.len) {
			t->has_cr = true;
			i++;
		}
	}
}

void
lf_stream_finish(struct lf_stream *t, struct buf *out)
{
	if (t->has_cr)
		buf_put_char(out, '\r');
	t->has_cr = false;
}

#define FROM_WORD "From "
#define FROM_LEN  5

static void
put_quotes(struct mbox_stream *m, uint32_t n, struct buf *out)
{
	for (; n > 0; n--)
		buf_put_char(out, '>');
	m->n_quotes = 0;
}

void
mbox_stream_finish(struct mbox_stream *m, struct buf *out)
{
	put_quotes(m, m->n_quotes, out);
	buf_put(out, span_of(FROM_WORD, m->n_matched));
	m->n_matched = 0;
}

/* One byte at the start of a line. True: it was held or used. */
static bool
hold(struct mbox_stream *m, char c, int change, struct buf *out)
{
	if (c == '>' && m->n_matched == 0 && m->n_quotes < UINT32_MAX) {
		m->n_quotes++;
		return true;
	}
	if (c != FROM_WORD[m->n_matched]) {
		mbox_stream_finish(m, out);
		return false;
	}
	if (++m->n_matched == FROM_LEN) {
		if (change > 0)
			m->n_quotes++;
		else if (m->n_quotes > 0)
			m->n_quotes--;
		mbox_stream_finish(m, out);
		m->is_mid_line = true;
	}
	return true;
}

static void
requote(struct mbox_stream *m, struct span in, int change, struct buf *out)
{
	for (size_t i = 0; i < in.len;) {
		struct span rest = span_sub(in, i, in.len);
		size_t n;

		if (!m->is_mid_line && hold(m, in.p[i], change, out)) {
			i++;
			continue;
		}
		n = span_find(rest, '\n');
		m->is_mid_line = n == rest.len;
		if (n < rest.len)
			n++;
		buf_put(out, span_sub(rest, 0, n));
		i += n;
	}
}

void
mbox_quote_step(struct mbox_stream *m, struct span in, struct buf *out)
{
	requote(m, in, 1, out);
}

void
mbox_unquote_step(struct mbox_stream *m, struct span in, struct buf *out)
{
	requote(m, in, -1, out);
}

bool
mbox_is_separator(struct span line)
{
	return span_starts(line, SPAN(FROM_WORD));
}
