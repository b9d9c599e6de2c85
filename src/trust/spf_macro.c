#include "trust/spf_macro.h"

#include "base/ascii.h"
#include "net/dns.h"
#include "net/peer.h"

/* --- grammar --- */

static bool
is_delimiter(char c)
{
	return c != '\0' && strchr(".-+,/_=", c) != NULL;
}

/* What stands in one %{...}. */
struct macro {
	char letter; /* lower case */
	bool is_escaped, is_reversed;
	unsigned n_keep; /* 0: all */
	struct span delimiters;
};

static bool
is_macro_letter(char c, bool is_text)
{
	return c != '\0' && strchr(is_text ? "slodiphvcrt" : "slodiphv", c);
}

/* RFC 7208 7.1: macro-expand, behind "%{". */
static enum parse
parse_macro(struct cur *c, bool is_text, struct macro *out)
{
	struct cur at = *c;
	uint64_t n = 0;
	struct span digits;

	*out = (struct macro){ .letter = 0 };
	if (cur_is_end(&at))
		return PARSE_BAD;
	out->letter = ascii_lower(*at.p);
	out->is_escaped = ascii_is_upper(*at.p);
	if (!is_macro_letter(out->letter, is_text))
		return PARSE_BAD;
	at.p++;
	digits = cur_while(&at, ascii_is_digit);
	if (digits.len > 0) {
		if (span_to_u64(digits, 1000000, &n) == ERR_SYNTAX || n == 0)
			n = digits.p[0] == '0' && n == 0 ? 0 : 1000;
		if (n == 0)
			return PARSE_BAD;
		out->n_keep = n > 1000 ? 1000 : (unsigned)n;
	}
	out->is_reversed = cur_skip(&at, 'r') || cur_skip(&at, 'R');
	out->delimiters = cur_while(&at, is_delimiter);
	if (!cur_skip(&at, '}'))
		return PARSE_BAD;
	*c = at;
	return PARSE_OK;
}

bool
spf_is_macro_string(struct span s, bool is_text, bool *is_macro_end_out)
{
	struct cur c = cur_of(s);
	struct macro m;

	*is_macro_end_out = false;
	while (!cur_is_end(&c)) {
		char ch = *c.p++;

		*is_macro_end_out = false;
		if (ch != '%') {
			if (!ascii_is_vchar(ch) && !(is_text && ch == ' '))
				return false;
			continue;
		}
		if (cur_skip(&c, '{')) {
			if (parse_macro(&c, is_text, &m) != PARSE_OK)
				return false;
			*is_macro_end_out = true;
		} else if (!cur_skip(&c, '%') && !cur_skip(&c, '_') &&
		           !cur_skip(&c, '-')) {
			return false;
		}
	}
	return true;
}

/* --- expansion --- */

bool
spf_uses_ptr(struct span spec)
{
	for (size_t i = 0; i + 2 < spec.len; i++) {
		if (spec.p[i] != '%')
			continue;
		if (spec.p[i + 1] == '{' && ascii_lower(spec.p[i + 2]) == 'p')
			return true;
		i++; /* what is behind the % is no second one */
	}
	return false;
}

static void
put_addr(struct buf *out, const struct spf_vars *v, bool is_readable)
{
	struct peer p = { .family = v->is_ip6 ? PEER_IP6 : PEER_IP4 };

	memcpy(p.addr, v->addr, sizeof(p.addr));
	if (is_readable || !v->is_ip6) {
		peer_put(out, &p);
		return;
	}
	/* RFC 7208 7.3: dotted nibbles. */
	for (int i = 0; i < 32; i++) {
		unsigned n = (v->addr[i / 2] >> (i % 2 ? 0 : 4)) & 15;

		if (i > 0)
			buf_put_char(out, '.');
		buf_put_char(out, "0123456789ABCDEF"[n]);
	}
}

/* The value of a letter, before its transformers. */
static void
put_value(struct buf *out, char letter, const struct spf_vars *v)
{
	switch (letter) {
	case 's':
		buf_put(out, v->local);
		buf_put_char(out, '@');
		buf_put(out, v->sender_domain);
		break;
	case 'l':
		buf_put(out, v->local);
		break;
	case 'o':
		buf_put(out, v->sender_domain);
		break;
	case 'd':
		buf_put(out, v->domain);
		break;
	case 'i':
		put_addr(out, v, false);
		break;
	case 'c':
		put_addr(out, v, true);
		break;
	case 'p':
		buf_put(out, v->ptr);
		break;
	case 'v':
		buf_put_str(out, v->is_ip6 ? "ip6" : "in-addr");
		break;
	case 'h':
		buf_put(out, v->helo);
		break;
	case 'r':
		buf_put(
		    out, v->receiver.len > 0 ? v->receiver : SPAN("unknown"));
		break;
	case 't':
		buf_put_i64(out, v->wall_s);
		break;
	}
}

static void
put_escaped(struct buf *out, struct span s, bool is_escaped)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (!is_escaped || ascii_is_alnum(c) ||
		    (c != '\0' && strchr("-._~", c) != NULL)) {
			buf_put_char(out, c);
		} else {
			/* RFC 3986 2.1 */
			buf_put_char(out, '%');
			buf_put_char(out, "0123456789ABCDEF"[(c >> 4) & 15]);
			buf_put_char(out, "0123456789ABCDEF"[c & 15]);
		}
	}
}

static bool
is_in(struct span set, char c)
{
	return set.len == 0 ? c == '.' : span_find(set, c) < set.len;
}

/* The i-th part of s between delimiters. */
static struct span
part_at(struct span s, struct span delimiters, size_t i)
{
	size_t start = 0, at = 0;

	for (at = 0; at < s.len; at++) {
		if (!is_in(delimiters, s.p[at]))
			continue;
		if (i-- == 0)
			break;
		start = at + 1;
	}
	return span_sub(s, start, at - start);
}

/* RFC 7208 7.3: split, reverse, keep the right-most, join with dots. A value
 * has at most MAX_VALUE bytes, and so are its parts. */
#define MAX_VALUE 640

static void
put_transformed(struct buf *out, struct span value, const struct macro *m)
{
	size_t n = 1, first = 0;

	if (!m->is_reversed && m->n_keep == 0 && m->delimiters.len == 0) {
		put_escaped(out, value, m->is_escaped);
		return;
	}
	for (size_t i = 0; i < value.len; i++)
		n += is_in(m->delimiters, value.p[i]);
	if (m->n_keep > 0 && m->n_keep < n)
		first = n - m->n_keep;
	for (size_t i = first; i < n; i++) {
		if (i > first)
			buf_put_char(out, '.');
		put_escaped(out,
		    part_at(
		        value, m->delimiters, m->is_reversed ? n - 1 - i : i),
		    m->is_escaped);
	}
}

static int
expand(
    struct buf *out, struct span spec, const struct spf_vars *v, bool is_text)
{
	struct cur c = cur_of(spec);
	char storage[MAX_VALUE];
	struct buf value;
	struct macro m;

	while (!cur_is_end(&c)) {
		char ch = *c.p++;

		if (ch != '%') {
			buf_put_char(out, ch);
		} else if (cur_skip(&c, '%')) {
			buf_put_char(out, '%');
		} else if (cur_skip(&c, '_')) {
			buf_put_char(out, ' ');
		} else if (cur_skip(&c, '-')) {
			buf_put_str(out, "%20");
		} else {
			if (!cur_skip(&c, '{') ||
			    parse_macro(&c, is_text, &m) != PARSE_OK)
				return ERR_SYNTAX;
			buf_init_fixed(&value, storage, sizeof(storage));
			put_value(&value, m.letter, v);
			if (buf_failed(&value))
				return ERR_LIMIT;
			put_transformed(out, buf_span(&value), &m);
		}
		if (buf_failed(out))
			return buf_error(out);
	}
	return buf_error(out);
}

/* A spec that expands to more than this is no name, wherever it is cut. */
#define MAX_EXPANDED 4096

int
spf_expand_domain(struct buf *out, struct span spec, const struct spf_vars *v)
{
	struct buf whole;
	struct span name;
	int rc;

	buf_init(&whole, MAX_EXPANDED);
	rc = expand(&whole, spec, v, false);
	name = buf_span(&whole);
	if (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	while (name.len > DNS_MAX_NAME) {
		size_t dot = span_find(name, '.');

		name = span_sub(name, dot + 1, name.len);
	}
	if (rc == 0)
		buf_put(out, name);
	buf_deinit(&whole);
	return rc < 0 ? rc : buf_error(out);
}

int
spf_expand_text(struct buf *out, struct span text, const struct spf_vars *v)
{
	size_t start = out->len;
	bool is_macro_end;
	int rc;

	if (!spf_is_macro_string(text, true, &is_macro_end))
		return ERR_SYNTAX;
	rc = expand(out, text, v, true);
	for (size_t i = start; rc == 0 && i < out->len; i++)
		if (!ascii_is_vchar(out->p[i]) && out->p[i] != ' ')
			rc = ERR_SYNTAX;
	return rc;
}
