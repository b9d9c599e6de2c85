#include "mime/header.h"

#include "base/ascii.h"

enum {
	AT_LINE,
	IN_NAME,
	IN_VALUE,
	AT_FOLD, /* behind a line of a field: does it go on? */
	AT_END
};

void
header_parser_init(struct header_parser *h, uint64_t offset,
    const char *const *wanted, size_t max_value_bytes)
{
	*h = (struct header_parser){ .wanted = wanted };
	buf_init(&h->value, max_value_bytes);
	header_parser_again(h, offset);
}

void
header_parser_deinit(struct header_parser *h)
{
	buf_deinit(&h->value);
}

void
header_parser_again(struct header_parser *h, uint64_t offset)
{
	h->offset = h->start = h->block_start = offset;
	h->n_lines = 0;
	h->state = AT_LINE;
	h->n_name = 0;
	h->is_cut = h->is_open = h->is_wanted = h->has_cr = false;
	buf_reset(&h->value);
}

static bool
is_wanted(const struct header_parser *h)
{
	struct span name = span_trim(span_of(h->name, h->n_name));

	if (h->n_lines > MAX_HEADER_LINES ||
	    h->offset - h->block_start > MAX_HEADER_BYTES)
		return false;
	if (h->wanted == NULL)
		return true;
	for (size_t i = 0; h->wanted[i] != NULL; i++)
		if (span_is_nocase(name, span_str(h->wanted[i])))
			return true;
	return false;
}

static void
consume(struct header_parser *h, struct cur *c, size_t n)
{
	c->p += n;
	h->offset += n;
}

static void
begin_line(struct header_parser *h, struct cur *c)
{
	if (!h->has_cr) {
		h->start = h->offset;
		h->n_name = 0;
		h->is_open = h->is_wanted = h->is_cut = false;
		buf_reset(&h->value);
	}
	if (*c->p == '\n') {
		consume(h, c, 1);
		h->state = AT_END;
	} else if (*c->p == '\r' && !h->has_cr) {
		consume(h, c, 1);
		h->has_cr = true;
	} else {
		h->has_cr = false;
		h->n_lines++;
		h->state = IN_NAME;
	}
}

static void
step_name(struct header_parser *h, struct cur *c)
{
	char ch = *c->p;

	if (ch != ':' && ch != '\n' && h->n_name < sizeof(h->name)) {
		h->name[h->n_name++] = ch;
		consume(h, c, 1);
		return;
	}
	h->is_open = ch == ':' && h->n_name > 0;
	h->is_wanted = h->is_open && is_wanted(h);
	if (h->is_open)
		consume(h, c, 1);
	h->state = IN_VALUE;
}

/* Keep as much of the value as fits. */
static void
keep(struct header_parser *h, struct span s)
{
	size_t room = h->value.max - h->value.len;

	if (s.len > room || h->offset - h->block_start > MAX_HEADER_BYTES)
		h->is_cut = true;
	if (h->offset - h->block_start <= MAX_HEADER_BYTES)
		buf_put(&h->value, span_sub(s, 0, room));
	if (buf_failed(&h->value)) /* never for its maximum: room */
		h->has_failed = true;
}

static void
step_value(struct header_parser *h, struct cur *c)
{
	struct span rest = cur_rest(c);
	size_t n = span_find(rest, '\n');

	if (n < rest.len) {
		n++;
		h->state = AT_FOLD;
	}
	if (h->is_wanted)
		keep(h, span_sub(rest, 0, n));
	consume(h, c, n);
}

static void
give(struct header_parser *h, struct field *out)
{
	struct span v = buf_span(&h->value);

	while (v.len > 0 && (v.p[v.len - 1] == '\n' || v.p[v.len - 1] == '\r'))
		v.len--;
	*out = (struct field){ .name = span_trim(span_of(h->name, h->n_name)),
		.value = v,
		.start = h->start,
		.end = h->offset,
		.is_cut = h->is_cut };
	h->is_open = h->is_wanted = false;
	h->state = AT_LINE;
}

enum header_event
header_parser_step(struct header_parser *h, struct cur *c, struct field *out)
{
	while (c->p < c->end) {
		switch (h->state) {
		case AT_LINE:
			begin_line(h, c);
			break;
		case IN_NAME:
			step_name(h, c);
			break;
		case IN_VALUE:
			step_value(h, c);
			break;
		case AT_FOLD:
			h->state = IN_VALUE;
			if (ascii_is_wsp(*c->p)) {
				h->n_lines++;
				break;
			}
			h->state = AT_LINE;
			if (h->is_wanted) {
				give(h, out);
				return HEADER_FIELD;
			}
			break;
		case AT_END:
			return HEADER_END;
		}
	}
	return h->state == AT_END ? HEADER_END : HEADER_MORE;
}

enum header_event
header_parser_finish(struct header_parser *h, struct field *out)
{
	if (!h->is_wanted)
		return HEADER_END;
	give(h, out);
	return HEADER_FIELD;
}

void
header_put_unfolded(struct buf *b, struct span raw)
{
	raw = span_trim(raw);
	for (size_t i = 0; i < raw.len;) {
		size_t n = i;

		while (n < raw.len && raw.p[n] != '\r' && raw.p[n] != '\n' &&
		       raw.p[n] != '\0')
			n++;
		buf_put(b, span_sub(raw, i, n - i));
		i = n + 1;
	}
}
