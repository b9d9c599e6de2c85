#include "base/span.h"

#include "base/ascii.h"

bool
span_is_nocase(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

int
span_cmp(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	if (c != 0)
		return c;
	return a.len < b.len ? -1 : a.len > b.len;
}

bool
span_starts(struct span s, struct span prefix)
{
	return s.len >= prefix.len && span_is(span_of(s.p, prefix.len), prefix);
}

bool
span_starts_nocase(struct span s, struct span prefix)
{
	return s.len >= prefix.len &&
	       span_is_nocase(span_of(s.p, prefix.len), prefix);
}

bool
span_ends_nocase(struct span s, struct span suffix)
{
	return s.len >= suffix.len &&
	       span_is_nocase(
	           span_of(s.p + (s.len - suffix.len), suffix.len), suffix);
}

size_t
span_find(struct span s, char c)
{
	const char *hit = s.len ? memchr(s.p, c, s.len) : NULL;

	return hit ? (size_t)(hit - s.p) : s.len;
}

size_t
span_rfind(struct span s, char c)
{
	for (size_t i = s.len; i > 0; i--)
		if (s.p[i - 1] == c)
			return i - 1;
	return s.len;
}

struct span
span_sub(struct span s, size_t from, size_t len)
{
	if (from > s.len)
		from = s.len;
	if (len > s.len - from)
		len = s.len - from;
	return span_of(s.p ? s.p + from : NULL, len);
}

struct span
span_trim(struct span s)
{
	while (s.len > 0 && ascii_is_space(s.p[0]))
		s = span_sub(s, 1, s.len);
	while (s.len > 0 && ascii_is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

struct span
span_split(struct span *rest, char c)
{
	size_t at = span_find(*rest, c);
	struct span head = span_sub(*rest, 0, at);

	*rest = span_sub(*rest, at + 1, rest->len);
	return head;
}

int
span_to_u64(struct span s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.len == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_digit(s.p[i]))
			return ERR_SYNTAX;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t d = (uint64_t)(s.p[i] - '0');

		if (v > (UINT64_MAX - d) / 10)
			return ERR_LIMIT;
		v = v * 10 + d;
		if (v > max)
			return ERR_LIMIT;
	}
	*out = v;
	return 0;
}

int
span_to_cstr(struct span s, char *out, size_t cap_bytes)
{
	if (s.len >= cap_bytes)
		return ERR_LIMIT;
	if (s.len > 0 && memchr(s.p, 0, s.len) != NULL)
		return ERR_INVALID;
	if (s.len > 0)
		memcpy(out, s.p, s.len);
	out[s.len] = 0;
	return 0;
}

bool
span_is_secret(struct span a, struct span b)
{
	unsigned char diff = a.len != b.len;
	size_t n = a.len < b.len ? a.len : b.len;

	for (size_t i = 0; i < n; i++)
		diff |= (unsigned char)(a.p[i] ^ b.p[i]);
	return diff == 0;
}

void
wipe(void *p, size_t len)
{
	if (len == 0)
		return;
	memset(p, 0, len);
	/* The compiler must think that it is read. */
	__asm__ __volatile__("" : : "r"(p) : "memory");
}
