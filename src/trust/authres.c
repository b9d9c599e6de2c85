#include "trust/authres.h"

#include "base/ascii.h"

/* Of one value: more than any address or domain needs. */
#define MAX_VALUE 320

void
authres_begin(struct authres *a, struct buf *out, struct span host)
{
	*a = (struct authres){ .out = out };
	buf_put_str(out, "Authentication-Results: ");
	buf_put(out, host);
}

/* RFC 2045 5.1: token. */
static bool
is_token_char(char c)
{
	return ascii_is_vchar(c) && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static bool
is_domain_char(char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '.' || c == '_';
}

/* RFC 8601 2.2: a pvalue is a token or quoted string, or [local "@"] domain. */
static bool
is_plain(struct span s)
{
	size_t at = span_rfind(s, '@');

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (i == at)
			continue;
		if (at < s.len && i > at ? !is_domain_char(s.p[i])
		                         : !is_token_char(s.p[i]))
			return false;
	}
	return at == s.len || at + 1 < s.len;
}

static void
put_value(struct buf *out, struct span s)
{
	s = span_sub(s, 0, MAX_VALUE);
	if (is_plain(s)) {
		buf_put(out, s);
		return;
	}
	buf_put_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (ascii_is_ctl(c) || ascii_is_8bit(c)) {
			buf_put_char(out, '?');
			continue;
		}
		if (c == '"' || c == '\\')
			buf_put_char(out, '\\');
		buf_put_char(out, c);
	}
	buf_put_char(out, '"');
}

void
authres_method(struct authres *a, const char *method, const char *result,
    const char *reason)
{
	a->n_methods++;
	buf_put_str(a->out, ";\r\n\t");
	buf_put_str(a->out, method);
	buf_put_char(a->out, '=');
	buf_put_str(a->out, result);
	if (*reason != '\0') {
		buf_put_str(a->out, " reason=");
		put_value(a->out, span_str(reason));
	}
}

void
authres_property(struct authres *a, const char *name, struct span value)
{
	/* RFC 5322 2.1.1: lines of 998 at most. */
	buf_put_str(a->out, value.len > 40 ? "\r\n\t " : " ");
	buf_put_str(a->out, name);
	buf_put_char(a->out, '=');
	put_value(a->out, value);
}

void
authres_end(struct authres *a)
{
	if (a->n_methods == 0)
		buf_put_str(a->out, "; none");
	buf_put_str(a->out, "\r\n");
}
