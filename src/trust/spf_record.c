#include "trust/spf_record.h"

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

/* macro-string up to the end; *is_macro_end_out: the last is a macro. */
static bool
is_macro_string(struct span s, bool is_text, bool *is_macro_end_out)
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

/* RFC 7208 7.1: toplabel, with at least one letter or hyphen. */
static bool
is_toplabel(struct span s)
{
	bool has_other = false;

	if (s.len == 0 || s.p[0] == '-' || s.p[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!ascii_is_alnum(s.p[i]) && s.p[i] != '-')
			return false;
		if (!ascii_is_digit(s.p[i]))
			has_other = true;
	}
	return has_other;
}

static bool
is_domain_spec(struct span s)
{
	bool is_macro_end;
	size_t dot;

	if (s.len == 0 || !is_macro_string(s, false, &is_macro_end))
		return false;
	if (is_macro_end)
		return true;
	if (s.p[s.len - 1] == '.')
		s.len--;
	dot = span_rfind(s, '.');
	return dot < s.len && is_toplabel(span_sub(s, dot + 1, s.len));
}

bool
spf_record_is(struct span txt)
{
	struct span version = SPAN("v=spf1");

	return span_starts_nocase(txt, version) &&
	       (txt.len == version.len || txt.p[version.len] == ' ');
}

struct cur
spf_record_terms(struct span record)
{
	return cur_of(span_sub(record, SPAN("v=spf1").len, record.len));
}

/* Take a prefix length "/24" off the end of *s. -1: malformed; 0: there is
 * none; 1: *bits_out is set and *is_double_out says that two slashes stood. */
static int
take_bits(struct span *s, unsigned *bits_out, bool *is_double_out)
{
	size_t n = s->len;
	struct span digits;
	uint64_t v;

	while (n > 0 && ascii_is_digit(s->p[n - 1]))
		n--;
	if (n == s->len || n == 0 || s->p[n - 1] != '/')
		return 0;
	digits = span_sub(*s, n, s->len);
	if (span_to_u64(digits, 128, &v) < 0)
		return -1;
	if (digits.len > 1 && digits.p[0] == '0')
		return -1;
	n--;
	*is_double_out = n > 0 && s->p[n - 1] == '/';
	if (*is_double_out)
		n--;
	*bits_out = (unsigned)v;
	s->len = n;
	return 1;
}

/* RFC 7208 5.3: dual-cidr-length. */
static int
take_dual(struct span *s, struct spf_term *t)
{
	unsigned bits;
	bool is_double;
	int n = take_bits(s, &bits, &is_double);

	if (n == 1 && is_double) {
		t->bits6 = (uint8_t)bits;
		n = take_bits(s, &bits, &is_double);
		if (n == 1 && is_double)
			return ERR_SYNTAX;
	}
	if (n < 0 || (n == 1 && bits > 32))
		return ERR_SYNTAX;
	if (n == 1)
		t->bits4 = (uint8_t)bits;
	return 0;
}

/* [":" domain-spec] [dual-cidr-length] */
static int
parse_a(struct span arg, struct spf_term *t)
{
	if (take_dual(&arg, t) < 0)
		return ERR_SYNTAX;
	if (arg.len == 0)
		return 0;
	t->spec = span_sub(arg, 1, arg.len);
	return arg.p[0] == ':' && is_domain_spec(t->spec) ? 0 : ERR_SYNTAX;
}

/* Is it a dotted quad without leading zeros (RFC 7208 12, qnum)? */
static bool
is_quad(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == '0' && (i == 0 || s.p[i - 1] == '.') &&
		    i + 1 < s.len && s.p[i + 1] != '.')
			return false;
	return true;
}

/* ":" address ["/" length] */
static int
parse_ip(struct span arg, struct spf_term *t)
{
	bool is_ip6 = t->kind == SPF_IP6, is_double = false;
	unsigned bits = is_ip6 ? 128 : 32;
	struct peer p;

	if (arg.len == 0 || arg.p[0] != ':')
		return ERR_SYNTAX;
	arg = span_sub(arg, 1, arg.len);
	if (take_bits(&arg, &bits, &is_double) < 0 || is_double ||
	    (!is_ip6 && bits > 32) || peer_parse(arg, &p) < 0)
		return ERR_SYNTAX;
	if ((span_find(arg, ':') < arg.len) != is_ip6)
		return ERR_SYNTAX;
	if (!is_ip6 && !is_quad(arg))
		return ERR_SYNTAX;
	t->is_never = is_ip6 && p.family == PEER_IP4;
	memcpy(t->addr, p.addr, sizeof(t->addr));
	if (is_ip6)
		t->bits6 = (uint8_t)bits;
	else
		t->bits4 = (uint8_t)bits;
	return 0;
}

/* One ":" domain-spec, which must be there. */
static int
parse_spec(struct span arg, struct spf_term *t)
{
	if (arg.len == 0 || arg.p[0] != ':')
		return ERR_SYNTAX;
	t->spec = span_sub(arg, 1, arg.len);
	return is_domain_spec(t->spec) ? 0 : ERR_SYNTAX;
}

static int
parse_ptr(struct span arg, struct spf_term *t)
{
	return arg.len == 0 ? 0 : parse_spec(arg, t);
}

static int
parse_all(struct span arg, struct spf_term *t)
{
	(void)t;
	return arg.len == 0 ? 0 : ERR_SYNTAX;
}

/* RFC 7208 5. */
static const struct {
	const char *name;
	enum spf_kind kind;
	int (*parse)(struct span arg, struct spf_term *t);
} mechanisms[] = {
	{ "all", SPF_ALL, parse_all },
	{ "include", SPF_INCLUDE, parse_spec },
	{ "a", SPF_A, parse_a },
	{ "mx", SPF_MX, parse_a },
	{ "ptr", SPF_PTR, parse_ptr },
	{ "ip4", SPF_IP4, parse_ip },
	{ "ip6", SPF_IP6, parse_ip },
	{ "exists", SPF_EXISTS, parse_spec },
};

static int
parse_mechanism(struct span s, struct spf_term *t)
{
	size_t n = 0;
	struct span name, arg;

	t->qualifier = '+';
	if (s.len > 0 && strchr("+-?~", s.p[0]) != NULL && s.p[0] != '\0') {
		t->qualifier = s.p[0];
		s = span_sub(s, 1, s.len);
	}
	while (n < s.len && s.p[n] != ':' && s.p[n] != '/')
		n++;
	name = span_sub(s, 0, n);
	arg = span_sub(s, n, s.len);
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]);
	     i++) {
		if (!span_is_nocase(name, span_str(mechanisms[i].name)))
			continue;
		t->kind = mechanisms[i].kind;
		return mechanisms[i].parse(arg, t);
	}
	return ERR_SYNTAX;
}

static bool
is_name_char(char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* RFC 7208 6. False: it is none. */
static bool
parse_modifier(struct span s, struct spf_term *t, int *rc_out)
{
	struct cur c = cur_of(s);
	struct span name = cur_while(&c, is_name_char);
	bool is_macro_end;

	if (name.len == 0 || !ascii_is_alpha(name.p[0]) || !cur_skip(&c, '='))
		return false;
	t->spec = cur_rest(&c);
	t->kind = SPF_OTHER;
	if (span_is_nocase(name, SPAN("redirect")))
		t->kind = SPF_REDIRECT;
	else if (span_is_nocase(name, SPAN("exp")))
		t->kind = SPF_EXP;
	if (t->kind == SPF_OTHER)
		*rc_out = is_macro_string(t->spec, false, &is_macro_end)
		              ? 0
		              : ERR_SYNTAX;
	else
		*rc_out = is_domain_spec(t->spec) ? 0 : ERR_SYNTAX;
	return true;
}

static bool
is_space(char c)
{
	return c == ' ';
}

static bool
is_not_space(char c)
{
	return c != ' ';
}

int
spf_term_next(struct cur *c, struct spf_term *out)
{
	struct span term;
	int rc;

	*out = (struct spf_term){ .bits4 = 32, .bits6 = 128 };
	cur_while(c, is_space);
	term = cur_while(c, is_not_space);
	if (term.len == 0)
		return ERR_NONE;
	if (parse_modifier(term, out, &rc))
		return rc;
	return parse_mechanism(term, out);
}

int
spf_record_check(
    struct span record, struct span *redirect_out, struct span *exp_out)
{
	struct cur c = spf_record_terms(record);
	struct spf_term t;
	int rc;

	*redirect_out = *exp_out = span_of(NULL, 0);
	while ((rc = spf_term_next(&c, &t)) == 0) {
		struct span *once = t.kind == SPF_REDIRECT ? redirect_out
		                    : t.kind == SPF_EXP    ? exp_out
		                                           : NULL;

		if (once == NULL)
			continue;
		if (once->p != NULL) /* RFC 7208 6: at most once */
			return ERR_SYNTAX;
		*once = t.spec;
	}
	return rc == ERR_NONE ? 0 : rc;
}

/* --- macros --- */

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

	if (!is_macro_string(text, true, &is_macro_end))
		return ERR_SYNTAX;
	rc = expand(out, text, v, true);
	for (size_t i = start; rc == 0 && i < out->len; i++)
		if (!ascii_is_vchar(out->p[i]) && out->p[i] != ' ')
			rc = ERR_SYNTAX;
	return rc;
}
