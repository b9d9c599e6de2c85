#include "base/rangeset.h"

#include "base/mem.h"

enum form { FORM_RANGES = 0, FORM_BITMAP = 1 };

void
rangeset_init(struct rangeset *s)
{
	*s = (struct rangeset){ 0 };
}

void
rangeset_deinit(struct rangeset *s)
{
	mem_free(s->r);
	rangeset_init(s);
}

void
rangeset_clear(struct rangeset *s)
{
	s->n = 0;
	s->n_members = 0;
}

static uint64_t
width(struct range r)
{
	return (uint64_t)r.last - r.first + 1;
}

/* The index of the first range whose end is >= v. */
static size_t
find(const struct rangeset *s, uint32_t v)
{
	size_t lo = 0, hi = s->n;

	if (hi > 0 && s->r[hi - 1].last < v)
		return hi;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->r[mid].last < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int
rangeset_reserve(struct rangeset *s, size_t n)
{
	size_t cap = s->cap ? s->cap * 2 : 4;
	struct range *r;

	if (s->cap - s->n >= n)
		return 0;
	if (cap < s->n + n)
		cap = s->n + n;
	r = mem_resize(s->r, cap * sizeof(*r));
	if (r == NULL)
		return ERR_NOMEM;
	s->r = r;
	s->cap = cap;
	return 0;
}

/* Replace the n ranges from index at by one range (or none, if n_new is 0). */
static void
splice(struct rangeset *s, size_t at, size_t n, size_t n_new)
{
	memmove(
	    s->r + at + n_new, s->r + at + n, (s->n - at - n) * sizeof(*s->r));
	s->n = s->n - n + n_new;
}

int
rangeset_add(struct rangeset *s, uint32_t first, uint32_t last)
{
	size_t at = find(s, first > 1 ? first - 1 : first); /* may touch */
	size_t end = at;
	struct range r = { first, last };

	if (rangeset_reserve(s, 1) < 0)
		return ERR_NOMEM;
	while (end < s->n &&
	       (s->r[end].first <= last || s->r[end].first == last + 1)) {
		if (s->r[end].first < r.first)
			r.first = s->r[end].first;
		if (s->r[end].last > r.last)
			r.last = s->r[end].last;
		s->n_members -= width(s->r[end]);
		end++;
	}
	splice(s, at, end - at, 1);
	s->r[at] = r;
	s->n_members += width(r);
	return 0;
}

int
rangeset_remove(struct rangeset *s, uint32_t first, uint32_t last)
{
	size_t at = find(s, first);

	if (rangeset_reserve(s, 1) < 0) /* a split needs one more */
		return ERR_NOMEM;
	while (at < s->n && s->r[at].first <= last) {
		struct range r = s->r[at];

		s->n_members -= width(r);
		splice(s, at, 1, 0);
		if (r.first < first) {
			splice(s, at, 0, 1);
			s->r[at] = (struct range){ r.first, first - 1 };
			s->n_members += width(s->r[at++]);
		}
		if (r.last > last) {
			splice(s, at, 0, 1);
			s->r[at] = (struct range){ last + 1, r.last };
			s->n_members += width(s->r[at++]);
		}
	}
	return 0;
}

int
rangeset_copy(struct rangeset *to, const struct rangeset *from)
{
	struct range *r;

	if (from->n == 0) {
		rangeset_clear(to);
		return 0;
	}
	r = mem_resize(to->r, from->n * sizeof(*r));
	if (r == NULL)
		return ERR_NOMEM;
	memcpy(r, from->r, from->n * sizeof(*r));
	to->r = r;
	to->n = to->cap = from->n;
	to->n_members = from->n_members;
	return 0;
}

int
rangeset_remove_all(struct rangeset *s, const struct rangeset *other)
{
	size_t n = s->n, out = 0, k = 0;
	const struct range *in;

	/* Each removed range splits one at most: with so much room in front of
	 * what is read, what is written never comes upon it. */
	if (rangeset_reserve(s, other->n) < 0)
		return ERR_NOMEM;
	if (n == 0 || other->n == 0)
		return 0;
	memmove(s->r + other->n, s->r, n * sizeof(*s->r));
	in = s->r + other->n;
	s->n_members = 0;
	for (size_t i = 0; i < n; i++) {
		struct range x = in[i];
		bool is_left = true;

		while (k < other->n && other->r[k].last < x.first)
			k++;
		/* The last range of other may reach into the next one. */
		for (; k < other->n && other->r[k].first <= x.last; k++) {
			struct range y = other->r[k];

			if (x.first < y.first) {
				s->r[out] =
				    (struct range){ x.first, y.first - 1 };
				s->n_members += width(s->r[out++]);
			}
			is_left = y.last < x.last;
			if (!is_left)
				break;
			x.first = y.last + 1;
		}
		if (is_left) {
			s->r[out++] = x;
			s->n_members += width(x);
		}
	}
	s->n = out;
	return 0;
}

int
rangeset_intersect(
    const struct rangeset *a, const struct rangeset *b, struct rangeset *out)
{
	size_t i = 0, k = 0;

	rangeset_clear(out);
	while (i < a->n && k < b->n) {
		struct range x = a->r[i], y = b->r[k];
		uint32_t first = x.first > y.first ? x.first : y.first;
		uint32_t last = x.last < y.last ? x.last : y.last;

		if (first <= last && rangeset_add(out, first, last) < 0)
			return ERR_NOMEM;
		if (x.last < y.last)
			i++;
		else
			k++;
	}
	return 0;
}

int
rangeset_subtract(
    const struct rangeset *a, const struct rangeset *b, struct rangeset *out)
{
	size_t k = 0;

	rangeset_clear(out);
	for (size_t i = 0; i < a->n; i++) {
		struct range x = a->r[i];

		while (k < b->n && b->r[k].last < x.first)
			k++;
		/* The last range of b may reach into the next one of a. */
		for (; k < b->n && b->r[k].first <= x.last; k++) {
			struct range y = b->r[k];

			if (x.first < y.first &&
			    rangeset_add(out, x.first, y.first - 1) < 0)
				return ERR_NOMEM;
			if (y.last >= x.last)
				break;
			x.first = y.last + 1;
		}
		if ((k == b->n || b->r[k].first > x.last) &&
		    rangeset_add(out, x.first, x.last) < 0)
			return ERR_NOMEM;
	}
	return 0;
}

bool
rangeset_has(const struct rangeset *s, uint32_t v)
{
	size_t at = find(s, v);

	return at < s->n && s->r[at].first <= v;
}

bool
rangeset_run(const struct rangeset *s, uint32_t v, struct range *out)
{
	size_t at = find(s, v);

	if (at == s->n || s->r[at].first > v)
		return false;
	*out = s->r[at];
	return true;
}

bool
rangeset_next(const struct rangeset *s, uint32_t v, uint32_t *out)
{
	size_t at = find(s, v);

	if (at == s->n)
		return false;
	*out = s->r[at].first > v ? s->r[at].first : v;
	return true;
}

uint64_t
rangeset_rank(const struct rangeset *s, uint32_t v)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n && s->r[i].first < v; i++)
		n += s->r[i].last < v ? width(s->r[i]) : v - s->r[i].first;
	return n;
}

bool
rangeset_nth(const struct rangeset *s, uint64_t n, uint32_t *out)
{
	for (size_t i = 0; i < s->n; i++) {
		if (n < width(s->r[i])) {
			*out = s->r[i].first + (uint32_t)n;
			return true;
		}
		n -= width(s->r[i]);
	}
	return false;
}

uint32_t
rangeset_last(const struct rangeset *s)
{
	return s->n > 0 ? s->r[s->n - 1].last : 0;
}

static size_t
varint_len(uint64_t v)
{
	size_t n = 1;

	while (v >= 0x80) {
		v >>= 7;
		n++;
	}
	return n;
}

static size_t
ranges_len(const struct rangeset *s)
{
	size_t len = 0;
	uint32_t before = 0;

	for (size_t i = 0; i < s->n; i++) {
		len += varint_len(s->r[i].first - before);
		len += varint_len(s->r[i].last - s->r[i].first);
		before = s->r[i].last;
	}
	return len;
}

static void
put_bitmap(struct buf *b, const struct rangeset *s)
{
	uint32_t base = s->r[0].first;
	uint64_t n_bits = (uint64_t)rangeset_last(s) - base + 1;
	size_t i = 0;

	buf_put_varint(b, base);
	buf_put_varint(b, n_bits);
	for (uint64_t at = 0; at < n_bits; at += 8) {
		unsigned char byte = 0;

		for (uint64_t k = 0; k < 8 && at + k < n_bits; k++) {
			uint32_t v = base + (uint32_t)(at + k);

			while (i < s->n && s->r[i].last < v)
				i++;
			if (i < s->n && s->r[i].first <= v)
				byte |= (unsigned char)(1U << k);
		}
		buf_put_char(b, (char)byte);
	}
}

void
rangeset_put(struct buf *b, const struct rangeset *s)
{
	uint32_t before = 0;
	uint64_t n_bits =
	    s->n ? (uint64_t)rangeset_last(s) - s->r[0].first + 1 : 0;

	if (s->n > 0 && n_bits / 8 + 12 < ranges_len(s)) {
		buf_put_char(b, FORM_BITMAP);
		put_bitmap(b, s);
		return;
	}
	buf_put_char(b, FORM_RANGES);
	buf_put_varint(b, s->n);
	for (size_t i = 0; i < s->n; i++) {
		buf_put_varint(b, s->r[i].first - before);
		buf_put_varint(b, s->r[i].last - s->r[i].first);
		before = s->r[i].last;
	}
}

static int
add_bounded(struct rangeset *s, uint64_t first, uint64_t last, size_t max)
{
	if (first == 0 || first > last || last > UINT32_MAX)
		return ERR_DAMAGED;
	if (s->n >= max && rangeset_last(s) + 1 != first)
		return ERR_LIMIT;
	return rangeset_add(s, (uint32_t)first, (uint32_t)last);
}

static int
get_ranges(struct rangeset *s, struct cur *c, size_t max)
{
	uint64_t n, gap, more, before = 0;

	if (cur_varint(c, &n) != PARSE_OK)
		return ERR_DAMAGED;
	for (uint64_t i = 0; i < n; i++) {
		int rc;

		if (cur_varint(c, &gap) != PARSE_OK ||
		    cur_varint(c, &more) != PARSE_OK || gap > UINT32_MAX ||
		    more > UINT32_MAX || gap == 0)
			return ERR_DAMAGED;
		rc = add_bounded(s, before + gap, before + gap + more, max);
		if (rc < 0)
			return rc;
		before += gap + more;
	}
	return 0;
}

static int
get_bitmap(struct rangeset *s, struct cur *c, size_t max)
{
	uint64_t base, n_bits;
	struct span bits;

	if (cur_varint(c, &base) != PARSE_OK ||
	    cur_varint(c, &n_bits) != PARSE_OK || base > UINT32_MAX ||
	    n_bits > UINT32_MAX ||
	    cur_take(c, (size_t)((n_bits + 7) / 8), &bits) != PARSE_OK)
		return ERR_DAMAGED;
	for (uint64_t i = 0; i < n_bits; i++) {
		int rc;

		if (((unsigned char)bits.p[i / 8] >> i % 8 & 1) == 0)
			continue;
		rc = add_bounded(s, base + i, base + i, max);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
rangeset_get(struct rangeset *s, struct cur *c, size_t max_ranges)
{
	uint8_t form;

	rangeset_clear(s);
	if (cur_u8(c, &form) != PARSE_OK)
		return ERR_DAMAGED;
	if (form == FORM_RANGES)
		return get_ranges(s, c, max_ranges);
	if (form == FORM_BITMAP)
		return get_bitmap(s, c, max_ranges);
	return ERR_DAMAGED;
}
