#include "trust/authres.h"

#include "base/ascii.h"
#include "base/cursor.h"

/* Of one value: more than any address or domain needs. */
#define MAX_VALUE 320

void
authres_begin(struct authres *a, struct buf *out, struct span host)
{
	*a = (struct authres){ .out = out };
	buf_put_str(out, "Authentication-Results: ");
	buf_put(out, host);
}

void
authres_begin_arc(
    struct authres *a, struct buf *out, unsigned instance, struct span host)
{
	*a = (struct authres){ .out = out };
	buf_putf(out, "ARC-Authentication-Results: i=%u; ", instance);
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

/* --- reading --- */

/* Step over what stands up to the end of a quoted string or a comment, which
 * has begun; of a comment, those inside too (RFC 5322 3.2.2, 3.2.4). */
static struct span
take_enclosed(struct cur *c, char end)
{
	const char *start = c->p;
	size_t depth = 1, n = 0;

	while (c->p < c->end && depth > 0) {
		char ch = *c->p++;

		if (ch == '\\' && c->p < c->end)
			c->p++;
		else if (ch == end)
			depth--;
		else if (ch == '(' && end == ')')
			depth++;
	}
	n = (size_t)(c->p - start);
	return span_of(start, depth == 0 ? n - 1 : n);
}

static void
skip_cfws(struct cur *c)
{
	do {
		cur_while(c, ascii_is_space);
	} while (cur_skip(c, '(') && (take_enclosed(c, ')'), true));
}

static bool
is_word_char(char c)
{
	return !ascii_is_space(c) && strchr(";(\"=", c) == NULL;
}

/* The next word of a result. False: the result is over. */
static bool
next_word(struct cur *c, struct span *out)
{
	skip_cfws(c);
	if (cur_skip(c, '"')) {
		*out = take_enclosed(c, '"');
		return true;
	}
	*out = cur_while(c, is_word_char);
	return out->len > 0 || cur_skip(c, '=');
}

/* The next "name=value" of a result, or a word alone. */
static bool
next_pair(struct cur *c, struct span *name, struct span *value)
{
	*value = span_of(NULL, 0);
	if (!next_word(c, name))
		return false;
	skip_cfws(c);
	if (cur_skip(c, '='))
		(void)next_word(c, value);
	return true;
}

bool
authres_find(struct span value, struct span method, struct span property,
    struct span *result_out, struct span *property_out)
{
	struct cur c = cur_of(value);
	struct span name, v;

	while (next_pair(&c, &name, &v)) /* authserv-id, version */
		;
	*property_out = span_of(NULL, 0);
	while (cur_skip(&c, ';')) {
		bool is_it = next_pair(&c, &name, result_out) &&
		             span_is_nocase(span_split(&name, '/'), method);

		while (next_pair(&c, &name, &v))
			if (is_it && property_out->p == NULL &&
			    span_is_nocase(name, property))
				*property_out = v;
		if (is_it)
			return true;
	}
	return false;
}
