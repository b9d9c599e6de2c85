#include "mime/needle.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "base/casemap.h"

#define FOLD_BYTES 1024

static unsigned char
lower(unsigned char c)
{
	return (unsigned char)((unsigned)c - 'A' < 26 ? c | 0x20 : c);
}

/* Fold characters of s from *at on as long as out has room; returns the bytes
 * put. */
static size_t
fold_some(struct span s, size_t *at, char *out, size_t cap)
{
	size_t n = 0, i = *at;

	while (i < s.len && n + 4 <= cap) {
		struct buf b;
		uint32_t code;
		int len;

		if (!ascii_is_8bit(s.p[i])) {
			out[n++] = (char)lower((unsigned char)s.p[i++]);
			continue;
		}
		len = utf8_next(span_sub(s, i, 4), &code);
		if (len < 0) {
			out[n++] = s.p[i++];
			continue;
		}
		buf_init_fixed(&b, out + n, cap - n);
		utf8_put(&b, casemap_fold(code));
		n += b.len;
		i += (size_t)len;
	}
	*at = i;
	return n;
}

static int
take_text(struct needle *n, struct arena *a, struct span text)
{
	size_t at = 0, cap = text.len * 2 + 4; /* a fold adds a byte at most */
	char *p;

	if (text.len > MAX_NEEDLE_BYTES)
		return ERR_LIMIT;
	if (!utf8_is_valid(text))
		return ERR_SYNTAX;
	p = arena_alloc(a, cap);
	if (p == NULL)
		return ERR_NOMEM;
	n->len = fold_some(text, &at, p, cap);
	n->p = (const unsigned char *)p;
	return 0;
}

/* fail[i]: the length of the longest proper prefix of p[0..i] that ends it. */
static void
fill_fail(struct needle *n)
{
	size_t k = 0;

	for (size_t i = 1; i < n->len; i++) {
		while (k > 0 && n->p[k] != n->p[i])
			k = n->fail[k - 1];
		if (n->p[k] == n->p[i])
			k++;
		n->fail[i] = (uint16_t)k;
	}
}

static void
fill_skip(struct needle *n)
{
	size_t last = n->len - 1;
	size_t most = n->len < 255 ? n->len : 255;

	memset(n->skip, (int)most, 256);
	n->again = (uint8_t)most;
	for (size_t i = last > 255 ? last - 255 : 0; i <= last; i++) {
		uint8_t far = (uint8_t)(last - i < most ? last - i : most);

		if (i < last && n->p[i] == n->p[last])
			n->again = far;
		n->skip[n->p[i]] = far;
		n->skip[(unsigned char)ascii_upper((char)n->p[i])] = far;
	}
}

/* U+0130 folds to i, U+017F to s, U+212A to k; nothing else becomes ASCII. */
static bool
is_ascii(const struct needle *n)
{
	for (size_t i = 0; i < n->len; i++)
		if (n->p[i] >= 0x80 || n->p[i] == 'i' || n->p[i] == 'k' ||
		    n->p[i] == 's')
			return false;
	return true;
}

int
needle_init(struct needle *n, struct arena *a, struct span text)
{
	int rc;

	*n = (struct needle){ 0 };
	rc = take_text(n, a, text);
	if (rc < 0 || n->len == 0)
		return rc;
	n->fail = arena_alloc(a, n->len * sizeof(*n->fail));
	n->skip = arena_alloc(a, 256);
	if (n->fail == NULL || n->skip == NULL)
		return ERR_NOMEM;
	fill_fail(n);
	fill_skip(n);
	n->is_ascii = is_ascii(n);
	return 0;
}

void
needle_reset(struct needle *n)
{
	n->is_found = false;
	n->n_matched = 0;
}

void
needle_begin(struct needle *n)
{
	n->n_matched = 0;
	if (n->len == 0)
		n->is_found = true;
}

/* Knuth-Morris-Pratt from byte i on, up to the end, or with is_short only
 * until nothing is matched. Returns where it stopped. */
static size_t
walk(struct needle *n, struct span s, size_t i, bool is_short)
{
	size_t k = n->n_matched;

	for (; i < s.len && !(is_short && k == 0); i++) {
		unsigned char c = lower((unsigned char)s.p[i]);

		while (k > 0 && n->p[k] != c)
			k = n->fail[k - 1];
		if (n->p[k] == c)
			k++;
		if (k == n->len) {
			n->is_found = true;
			return i;
		}
	}
	n->n_matched = k;
	return i;
}

/* Does the needle, but for its last byte, stand at p? *work counts the bytes
 * that were compared. */
static bool
is_at(const struct needle *n, const unsigned char *p, size_t *work)
{
	size_t i = 0;

	while (i + 1 < n->len && lower(p[i]) == n->p[i])
		i++;
	*work += i;
	return i + 1 >= n->len;
}

/* Horspool from byte i on. Returns the start of the first place that was not
 * looked at: near the end, or where comparing took more than it skipped. */
static size_t
skip(struct needle *n, struct span s, size_t i)
{
	const unsigned char *t = (const unsigned char *)s.p;
	size_t last = n->len - 1;
	size_t at = i + last; /* of the needle's last byte */
	size_t work = 0;

	while (at < s.len) {
		size_t far = n->skip[t[at]];

		if (far > 0) {
			at += far;
			/* Three more: standing still costs less than asking. */
			if (at + 3 * 255 < s.len) {
				at += n->skip[t[at]];
				at += n->skip[t[at]];
				at += n->skip[t[at]];
			}
			continue;
		}
		if (is_at(n, t + at - last, &work)) {
			n->is_found = true;
			return at;
		}
		at += n->again;
		if (work > (at - i) * 2 + 64)
			break;
	}
	return at - last;
}

static void
feed(struct needle *n, struct span s)
{
	size_t i = 0;

	if (n->n_matched > 0)
		i = walk(n, s, 0, true);
	if (n->is_found || i == s.len)
		return;
	if (s.len - i >= n->len)
		i = skip(n, s, i);
	if (!n->is_found && i < s.len)
		walk(n, s, i, false);
}

static bool
feed_folded(const struct needle_set *set, struct span s)
{
	bool has_new = false;

	for (size_t i = 0; i < set->n; i++) {
		struct needle *n = set->list[i];

		if (n->is_found)
			continue;
		feed(n, s);
		has_new = has_new || n->is_found;
	}
	return has_new;
}

void
needle_set_begin(const struct needle_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		needle_begin(set->list[i]);
}

bool
needle_set_is_ascii(const struct needle_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (!set->list[i]->is_found && !set->list[i]->is_ascii)
			return false;
	return true;
}

bool
needle_set_feed(const struct needle_set *set, struct span piece)
{
	char folded[FOLD_BYTES];
	bool has_new = false;
	size_t at = 0;

	if (needle_set_is_ascii(set) || !utf8_has_8bit(piece))
		return feed_folded(set, piece);
	while (at < piece.len) {
		size_t n = fold_some(piece, &at, folded, sizeof(folded));

		has_new = feed_folded(set, span_of(folded, n)) || has_new;
	}
	return has_new;
}
