#include "trust/spf_record.h"

#include "base/ascii.h"
#include "net/peer.h"
#include "trust/spf_macro.h"

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

	if (s.len == 0 || !spf_is_macro_string(s, false, &is_macro_end))
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
		*rc_out = spf_is_macro_string(t->spec, false, &is_macro_end)
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
