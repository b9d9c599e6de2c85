#include "base/json_read.h"

#include "base/ascii.h"
#include "base/utf8.h"

void
json_init(struct json_reader *r, struct span text)
{
	*r = (struct json_reader){ .c = cur_of(text) };
}

static bool
is_space(char c)
{
	return ascii_is_space(c);
}

/* RFC 8259 7; the text between the quotation marks. */
static int
take_string(struct cur *c, struct span *out)
{
	const char *from;

	if (!cur_skip(c, '"'))
		return ERR_SYNTAX;
	from = c->p;
	while (!cur_is_end(c) && *c->p != '"') {
		bool is_escape = *c->p == '\\';

		if ((unsigned char)*c->p < 0x20)
			return ERR_SYNTAX;
		c->p++;
		if (is_escape && cur_is_end(c))
			return ERR_SYNTAX;
		c->p += is_escape;
	}
	*out = span_of(from, (size_t)(c->p - from));
	return cur_skip(c, '"') ? 0 : ERR_SYNTAX;
}

static bool
is_of_number(char c)
{
	return ascii_is_digit(c) || c == '-' || c == '+' || c == '.' ||
	       c == 'e' || c == 'E';
}

static bool
is_of_word(char c)
{
	return ascii_is_alpha(c);
}

/* RFC 8259 4, 5: arrays and objects; their inside is looked at for brackets and
 * strings only. */
static int
skip_nested(struct cur *c, struct span *out)
{
	char closing[JSON_MAX_DEPTH];
	size_t depth = 0;
	const char *from = c->p;
	struct span text;

	do {
		int ch = cur_peek(c);

		if (ch == '"') {
			if (take_string(c, &text) < 0)
				return ERR_SYNTAX;
			continue;
		}
		if (ch < 0 ||
		    ((ch == '}' || ch == ']') && ch != closing[depth - 1]))
			return ERR_SYNTAX;
		if (ch == '{' || ch == '[') {
			if (depth == JSON_MAX_DEPTH)
				return ERR_LIMIT;
			closing[depth++] = ch == '{' ? '}' : ']';
		} else if (ch == '}' || ch == ']') {
			depth--;
		}
		c->p++;
	} while (depth > 0);
	*out = span_of(from, (size_t)(c->p - from));
	return 0;
}

static int
take_value(struct cur *c, struct json_member *out)
{
	int ch = cur_peek(c);

	if (ch == '"') {
		out->kind = JSON_STRING;
		return take_string(c, &out->value);
	}
	if (ch == '{' || ch == '[') {
		out->kind = JSON_NESTED;
		return skip_nested(c, &out->value);
	}
	out->kind = is_of_word((char)ch) ? JSON_WORD : JSON_NUMBER;
	out->value =
	    cur_while(c, out->kind == JSON_WORD ? is_of_word : is_of_number);
	if (out->kind == JSON_WORD)
		return span_is(out->value, SPAN("true")) ||
		               span_is(out->value, SPAN("false")) ||
		               span_is(out->value, SPAN("null"))
		           ? 0
		           : ERR_SYNTAX;
	return out->value.len > 0 ? 0 : ERR_SYNTAX;
}

int
json_next(struct json_reader *r, struct json_member *out)
{
	struct cur *c = &r->c;
	int rc;

	if (r->is_over)
		return ERR_NONE;
	(void)cur_while(c, is_space);
	if (!r->is_begun && !cur_skip(c, '{'))
		return ERR_SYNTAX;
	(void)cur_while(c, is_space);
	if (cur_skip(c, '}')) {
		(void)cur_while(c, is_space);
		r->is_over = true;
		return cur_is_end(c) ? ERR_NONE : ERR_SYNTAX;
	}
	if (r->is_begun && !cur_skip(c, ','))
		return ERR_SYNTAX;
	r->is_begun = true;
	(void)cur_while(c, is_space);
	rc = take_string(c, &out->key);
	if (rc < 0)
		return rc;
	(void)cur_while(c, is_space);
	if (!cur_skip(c, ':'))
		return ERR_SYNTAX;
	(void)cur_while(c, is_space);
	return take_value(c, out);
}

/* Four digits behind \u. */
static int
take_hex(struct cur *c, uint32_t *out)
{
	struct span digits;

	*out = 0;
	if (cur_take(c, 4, &digits) != PARSE_OK)
		return ERR_SYNTAX;
	for (size_t i = 0; i < 4; i++) {
		int v = ascii_hex_value(digits.p[i]);

		if (v < 0)
			return ERR_SYNTAX;
		*out = *out * 16 + (uint32_t)v;
	}
	return 0;
}

static int
put_code(struct cur *c, struct buf *out)
{
	uint32_t code, low;

	if (take_hex(c, &code) < 0 || (code >= 0xdc00 && code <= 0xdfff))
		return ERR_SYNTAX;
	if (code >= 0xd800 && code <= 0xdbff) { /* RFC 8259 7: a pair */
		if (!cur_skip(c, '\\') || !cur_skip(c, 'u') ||
		    take_hex(c, &low) < 0 || low < 0xdc00 || low > 0xdfff)
			return ERR_SYNTAX;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	utf8_put(out, code);
	return 0;
}

static int
put_escaped(struct cur *c, struct buf *out)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	int ch = cur_peek(c);
	const char *at = ch > 0 ? strchr(names, ch) : NULL;

	if (ch == 'u') {
		c->p++;
		return put_code(c, out);
	}
	if (at == NULL)
		return ERR_SYNTAX;
	c->p++;
	buf_put_char(out, values[at - names]);
	return 0;
}

int
json_text(struct span value, struct buf *out)
{
	struct cur c = cur_of(value);

	while (!cur_is_end(&c)) {
		uint32_t code;
		int n = utf8_next(cur_rest(&c), &code);

		if (n <= 0)
			return ERR_SYNTAX;
		if (code == '\\') {
			c.p++;
			if (put_escaped(&c, out) < 0)
				return ERR_SYNTAX;
			continue;
		}
		buf_put(out, span_of(c.p, (size_t)n));
		c.p += n;
	}
	return buf_error(out);
}
