#include "trust/dkim_canon.h"

#include "base/ascii.h"

static struct span
without_end(struct span field)
{
	if (field.len > 0 && field.p[field.len - 1] == '\n')
		field.len--;
	if (field.len > 0 && field.p[field.len - 1] == '\r')
		field.len--;
	return field;
}

/* RFC 6376 3.4.2: unfolded, each run of white space one space, none at the
 * ends. */
static void
put_relaxed_value(struct buf *out, struct span value)
{
	bool has_space = false, has_begun = false;

	for (size_t i = 0; i < value.len; i++) {
		char c = value.p[i];

		/* A line end here is a fold's. */
		if (c == '\r' || c == '\n')
			continue;
		if (ascii_is_wsp(c)) {
			has_space = has_begun;
			continue;
		}
		if (has_space)
			buf_put_char(out, ' ');
		buf_put_char(out, c);
		has_space = false;
		has_begun = true;
	}
}

void
dkim_canon_put_relaxed(struct buf *out, struct span name, struct span value)
{
	while (name.len > 0 && ascii_is_wsp(name.p[name.len - 1]))
		name.len--;
	for (size_t i = 0; i < name.len; i++)
		buf_put_char(out, ascii_lower(name.p[i]));
	buf_put_char(out, ':');
	put_relaxed_value(out, value);
	buf_put_str(out, "\r\n");
}

void
dkim_canon_field(struct buf *out, enum dkim_canon how, struct span field)
{
	size_t colon;

	field = without_end(field);
	if (how == DKIM_RELAXED) {
		colon = span_find(field, ':');
		dkim_canon_put_relaxed(out, span_sub(field, 0, colon),
		    span_sub(field, colon + 1, field.len));
		return;
	}
	buf_put(out, field); /* RFC 6376 3.4.1 */
	buf_put_str(out, "\r\n");
}

void
dkim_body_init(struct dkim_body *b, enum dkim_canon how,
    void (*sink)(void *arg, struct span bytes), void *arg)
{
	*b = (struct dkim_body){ .how = how, .sink = sink, .arg = arg };
}

static void
give(struct dkim_body *b, struct span bytes)
{
	b->n_bytes += bytes.len;
	b->sink(b->arg, bytes);
}

/* Something that is no line end comes: what was held back was not the last
 * of the body. */
static void
give_held(struct dkim_body *b)
{
	for (; b->n_crlf > 0; b->n_crlf--)
		give(b, SPAN("\r\n"));
	if (b->has_wsp)
		give(b, SPAN(" "));
	if (b->has_cr)
		give(b, SPAN("\r"));
	b->has_wsp = false;
	b->has_cr = false;
}

static bool
is_plain(const struct dkim_body *b, char c)
{
	return c != '\r' && (b->how == DKIM_SIMPLE || !ascii_is_wsp(c));
}

/* Take one byte that stands behind a CR, or is a CR or white space. */
static void
take(struct dkim_body *b, char c)
{
	if (b->has_cr && c == '\n') {
		b->has_cr = false;
		b->has_wsp = false; /* RFC 6376 3.4.4 a: at a line's end */
		b->n_crlf++;
		return;
	}
	if (b->has_cr)
		give_held(b);
	if (c == '\r')
		b->has_cr = true;
	else
		b->has_wsp = true;
}

void
dkim_body_feed(struct dkim_body *b, struct span bytes)
{
	size_t i = 0;

	while (i < bytes.len) {
		size_t from = i;

		if ((b->has_cr && bytes.p[i] == '\n') ||
		    !is_plain(b, bytes.p[i])) {
			take(b, bytes.p[i++]);
			continue;
		}
		while (i < bytes.len && is_plain(b, bytes.p[i]))
			i++;
		give_held(b);
		give(b, span_sub(bytes, from, i - from));
	}
}

void
dkim_body_finish(struct dkim_body *b)
{
	if (b->has_cr)
		give_held(b);
	b->has_wsp = false;
	/* RFC 6376 3.4.3: an empty body is a CRLF; 3.4.4: it is empty. */
	if (b->how == DKIM_SIMPLE || b->n_bytes > 0)
		give(b, SPAN("\r\n"));
	b->n_crlf = 0;
}
