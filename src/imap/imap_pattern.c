#include "imap/imap_pattern.h"

#include "base/ascii.h"

static bool
is_wildcard(char c)
{
	return c == '*' || c == '%';
}

int
imap_patterns_add(struct imap_patterns *p, struct span pattern)
{
	uint32_t start = p->n, n = p->n;

	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.p[i];

		if (c == '\0')
			return ERR_INVALID;
		if (is_wildcard(c) && n > start &&
		    is_wildcard(p->text[n - 1])) {
			if (c == '*') /* "%*" and "*%" are "*" */
				p->text[n - 1] = c;
			continue;
		}
		if (n + 1 >= MAX_IMAP_PATTERN)
			return ERR_LIMIT;
		p->text[n++] = c;
	}
	if (n >= MAX_IMAP_PATTERN)
		return ERR_LIMIT;
	p->text[n++] = '\0';
	p->has_percent =
	    p->has_percent || span_find(pattern, '%') < pattern.len;
	p->n = n;
	return 0;
}

static void
set_bit(struct imap_match *m, uint32_t at)
{
	m->bits[at / 64] |= (uint64_t)1 << at % 64;
}

/* A wildcard is also nothing: what stands behind it may come next. */
static void
add_place(const struct imap_patterns *p, struct imap_match *m, uint32_t at)
{
	set_bit(m, at);
	if (is_wildcard(p->text[at]))
		set_bit(m, at + 1); /* never a wildcard, at the least the NUL */
}

void
imap_match_begin(const struct imap_patterns *p, struct imap_match *out)
{
	*out = (struct imap_match){ 0 };
	for (uint32_t at = 0; at < p->n; at++)
		if (at == 0 || p->text[at - 1] == '\0')
			add_place(p, out, at);
}

/* Where does the byte lead from this place? */
static void
step_place(const struct imap_patterns *p, uint32_t at, char byte,
    bool is_nocase, struct imap_match *to)
{
	char c = p->text[at];

	if (c == '*' || (c == '%' && byte != '/'))
		add_place(p, to, at);
	else if (c == '\0' || c == '%')
		return;
	else if (c == byte ||
	         (is_nocase && ascii_lower(c) == ascii_lower(byte)))
		add_place(p, to, at + 1);
}

void
imap_match_step(const struct imap_patterns *p, const struct imap_match *from,
    struct span bytes, bool is_nocase, struct imap_match *out)
{
	struct imap_match now = *from;

	for (size_t i = 0; i < bytes.len; i++) {
		struct imap_match next = { 0 };

		for (uint32_t w = 0; w * 64 < p->n; w++) {
			uint64_t bits = now.bits[w];

			for (; bits != 0; bits &= bits - 1)
				step_place(p,
				    w * 64 + (uint32_t)__builtin_ctzll(bits),
				    bytes.p[i], is_nocase, &next);
		}
		now = next;
	}
	*out = now;
}

bool
imap_match_is_whole(const struct imap_patterns *p, const struct imap_match *m)
{
	for (uint32_t at = 0; at < p->n; at++)
		if (p->text[at] == '\0' &&
		    (m->bits[at / 64] >> at % 64 & 1) != 0)
			return true;
	return false;
}

bool
imap_match_is_dead(const struct imap_match *m)
{
	uint64_t all = 0;

	for (size_t w = 0; w < IMAP_MATCH_WORDS; w++)
		all |= m->bits[w];
	return all == 0;
}

bool
imap_patterns_match(const struct imap_patterns *p, struct span path)
{
	size_t n = span_find(path, '/');
	struct span top = span_sub(path, 0, n);
	struct imap_match m;

	imap_match_begin(p, &m);
	/* RFC 9051 5.1 */
	imap_match_step(p, &m, top, span_is_nocase(top, SPAN("INBOX")), &m);
	imap_match_step(p, &m, span_sub(path, n, path.len), false, &m);
	return imap_match_is_whole(p, &m);
}
