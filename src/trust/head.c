#include "trust/head.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"

struct head_place {
	uint32_t start, end;
	uint32_t n_name;
};

_Static_assert(MAX_HEADER_BYTES < UINT32_MAX, "places are 32 bits");

void
head_init(struct head *h)
{
	*h = (struct head){ .n_fields = 0 };
	buf_init(&h->text, MAX_HEADER_BYTES);
}

void
head_deinit(struct head *h)
{
	buf_deinit(&h->text);
	mem_free(h->places);
	h->places = NULL;
	h->n_fields = 0;
}

/* The next field of rest: its length, and that of its name (0: the line is no
 * field). */
static size_t
measure(struct span rest, size_t *n_name_out)
{
	size_t colon = span_find(rest, ':');
	size_t n = 0;

	do {
		size_t eol = span_find(span_sub(rest, n, rest.len), '\n');

		n += eol + 1;
	} while (n < rest.len && ascii_is_wsp(rest.p[n]));
	if (n > rest.len)
		n = rest.len;
	*n_name_out = 0;
	if (colon < n && colon > 0 && !ascii_is_wsp(rest.p[0]))
		*n_name_out = span_trim(span_sub(rest, 0, colon)).len;
	return n;
}

/* Count the fields, and note their places when there is room for them. */
static size_t
walk(struct head *h)
{
	struct span rest = buf_span(&h->text);
	size_t n_fields = 0, n_name, n;

	while (rest.len > 0) {
		n = measure(rest, &n_name);
		if (h->places != NULL) {
			uint32_t start = (uint32_t)(rest.p - h->text.p);

			h->places[n_fields] =
			    (struct head_place){ .start = start,
				    .end = start + (uint32_t)n,
				    .n_name = (uint32_t)n_name };
		}
		n_fields++;
		rest = span_sub(rest, n, rest.len);
	}
	return n_fields;
}

static void
end(struct head *h)
{
	size_t n = 0;

	h->is_over = true;
	if (!buf_failed(&h->text))
		n = walk(h);
	if (buf_failed(&h->text) || n > MAX_HEADER_LINES)
		h->is_cut = true;
	if (h->is_cut || n == 0) {
		buf_deinit(&h->text);
		return;
	}
	h->places = mem_alloc(n * sizeof(*h->places));
	if (h->places == NULL)
		h->is_cut = true;
	else
		h->n_fields = walk(h);
}

bool
head_feed(struct head *h, struct span *piece)
{
	while (piece->len > 0) {
		size_t n = span_find(*piece, '\n');
		bool is_line = n < piece->len;
		struct span part = span_sub(*piece, 0, n + is_line);

		if (h->line_bytes == 0)
			h->first = part.p[0];
		h->line_bytes += part.len;
		*piece = span_sub(*piece, part.len, piece->len);
		if (is_line && (h->line_bytes == 1 ||
		                   (h->line_bytes == 2 && h->first == '\r'))) {
			if (h->text.len > 0 && h->line_bytes > part.len)
				h->text.len--; /* its CR came before */
			end(h);
			return true;
		}
		buf_put(&h->text, part);
		if (is_line)
			h->line_bytes = 0;
	}
	return false;
}

void
head_finish(struct head *h)
{
	if (!h->is_over)
		end(h);
}

struct head_field
head_get(const struct head *h, size_t i)
{
	const struct head_place *p = &h->places[i];
	const char *start = h->text.p + p->start;

	return (struct head_field){ .name = span_of(start, p->n_name),
		.raw = span_of(start, p->end - p->start) };
}

struct span
head_value(const struct head_field *f)
{
	size_t colon = span_find(f->raw, ':');
	struct span v = span_sub(f->raw, colon + 1, f->raw.len);

	if (v.len > 0 && v.p[v.len - 1] == '\n')
		v.len--;
	if (v.len > 0 && v.p[v.len - 1] == '\r')
		v.len--;
	return v;
}
