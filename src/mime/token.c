#include "mime/token.h"

#include "base/ascii.h"

/* For each byte the sets of specials that it is of; space and NUL end every
 * atom. */
static const uint8_t ends[256] = {
	['\0'] = 7,
	[' '] = 7,
	['\t'] = 7,
	['\r'] = 7,
	['\n'] = 7,
	['('] = 7,
	[')'] = 7,
	['<'] = 7,
	['>'] = 7,
	['['] = 7,
	[']'] = 7,
	[':'] = 7,
	[';'] = 7,
	['@'] = 7,
	['\\'] = 7,
	[','] = 7,
	['"'] = 7,
	['/'] = TOKEN_MIME_SPECIALS | TOKEN_DATE_SPECIALS,
	['?'] = TOKEN_MIME_SPECIALS,
	['='] = TOKEN_MIME_SPECIALS,
	['.'] = TOKEN_DATE_SPECIALS,
};

bool
token_ends_address_atom(char ch)
{
	return ends[(unsigned char)ch] & TOKEN_ADDRESS_SPECIALS;
}

/* RFC 5322 3.2.2: a comment, nested to any depth: counted, not recursed. */
static struct span
take_comment(struct cur *c)
{
	const char *start = ++c->p;
	size_t depth = 1;

	while (c->p < c->end) {
		char ch = *c->p++;

		if (ch == '\\' && c->p < c->end)
			c->p++;
		else if (ch == '(')
			depth++;
		else if (ch == ')' && --depth == 0)
			return span_of(start, (size_t)(c->p - 1 - start));
	}
	return span_of(start, (size_t)(c->end - start));
}

/* Up to the closing character; the opening one is stepped over. */
static struct span
take_until(struct cur *c, char close)
{
	const char *start = ++c->p;

	while (c->p < c->end) {
		char ch = *c->p++;

		if (ch == '\\' && c->p < c->end)
			c->p++;
		else if (ch == close)
			return span_of(start, (size_t)(c->p - 1 - start));
	}
	return span_of(start, (size_t)(c->end - start));
}

static void
skip_gap(struct cur *c, struct token *t)
{
	while (c->p < c->end) {
		if (*c->p == '(')
			t->comment = take_comment(c);
		else if (ascii_is_space(*c->p) || *c->p == '\0')
			c->p++;
		else
			return;
		t->has_gap = true;
	}
}

struct token
token_next(struct cur *c, enum token_specials specials)
{
	struct token t = { .kind = TOKEN_END };
	const char *start;

	skip_gap(c, &t);
	if (c->p == c->end)
		return t;
	start = c->p;
	if (*c->p == '"') {
		t.kind = TOKEN_QUOTED;
		t.text = take_until(c, '"');
		return t;
	}
	if (*c->p == '[') {
		t.kind = TOKEN_LITERAL;
		take_until(c, ']');
		t.text = span_of(start, (size_t)(c->p - start));
		return t;
	}
	t.kind = TOKEN_ATOM;
	while (c->p < c->end && !(ends[(unsigned char)*c->p] & specials))
		c->p++;
	if (c->p == start) {
		t.kind = TOKEN_SPECIAL;
		c->p++;
	}
	t.text = span_of(start, (size_t)(c->p - start));
	return t;
}

void
token_put_unquoted(struct buf *b, struct span inside)
{
	for (size_t i = 0; i < inside.len; i++) {
		char ch = inside.p[i];

		if (ch == '\\' && i + 1 < inside.len)
			ch = inside.p[++i];
		if (ch != '\r' && ch != '\n' && ch != '\0')
			buf_put_char(b, ch);
	}
}
