/* What stands inside structured field values: parameters, words, ids. Part
 * of header.h. */
#include "base/ascii.h"
#include "mime/charset.h"
#include "mime/header.h"
#include "mime/token.h"

/* RFC 2231 3 and 4: "name*2*" is section 2, extended. */
static void
read_name(struct param *p, struct span name)
{
	size_t star;
	uint64_t section;

	if (name.len > 1 && name.p[name.len - 1] == '*') {
		p->is_extended = true;
		name.len--;
	}
	star = span_find(name, '*');
	p->section = -1;
	if (star < name.len && span_to_u64(span_sub(name, star + 1, name.len),
	                           MAX_MIME_PARAMS - 1, &section) == 0) {
		p->section = (int)section;
		name.len = star;
	}
	p->name = name;
}

/* A value: a quoted string, or an atom; unquoted text with specials in it
 * is seen and taken up to the next ";". */
static void
read_value(struct param *p, struct cur *c)
{
	struct cur at = *c;
	struct token t = token_next(&at, TOKEN_MIME_SPECIALS);
	const char *start;

	if (t.kind == TOKEN_QUOTED) {
		p->is_quoted = true;
		p->value = t.text;
		*c = at;
		return;
	}
	/* RFC 2045 5.1: spaces and comments may stand before it. */
	if (t.kind == TOKEN_ATOM)
		c->p = t.text.p;
	while (c->p < c->end && ascii_is_space(*c->p))
		c->p++;
	start = c->p;
	while (c->p < c->end && *c->p != ';' && *c->p != '(')
		c->p++;
	p->value = span_trim(span_of(start, (size_t)(c->p - start)));
}

static bool
is_special(const struct token *t, char ch)
{
	return t->kind == TOKEN_SPECIAL && t->text.p[0] == ch;
}

void
params_parse(struct params *ps, struct cur *c)
{
	struct token t;

	ps->n = ps->at = 0;
	do
		t = token_next(c, TOKEN_MIME_SPECIALS);
	while (t.kind != TOKEN_END && !is_special(&t, ';'));
	while (t.kind != TOKEN_END && ps->n < MAX_MIME_PARAMS) {
		struct token name = token_next(c, TOKEN_MIME_SPECIALS);

		t = name;
		if (name.kind == TOKEN_ATOM) {
			t = token_next(c, TOKEN_MIME_SPECIALS);
			if (is_special(&t, '=')) {
				struct param *p = &ps->list[ps->n++];

				*p = (struct param){ 0 };
				read_name(p, name.text);
				read_value(p, c);
			}
		}
		while (t.kind != TOKEN_END && !is_special(&t, ';'))
			t = token_next(c, TOKEN_MIME_SPECIALS);
	}
}

static void
put_value(struct buf *b, const struct param *p)
{
	if (p->is_quoted)
		token_put_unquoted(b, p->value);
	else
		header_put_unfolded(b, p->value);
}

/* RFC 2231 4.1: sections 1, 2, ... of the same name, up to a gap. */
static void
put_sections(struct params *ps, const struct param *first, struct buf *value)
{
	for (int section = 1; section < MAX_MIME_PARAMS; section++) {
		size_t i = 0;

		while (i < ps->n &&
		       (ps->list[i].section != section ||
		           !span_is_nocase(ps->list[i].name, first->name)))
			i++;
		if (i == ps->n)
			return;
		/* Once only: else many sections 0 would cost a square. */
		ps->list[i].is_used = true;
		put_value(value, &ps->list[i]);
	}
}

int
params_next(struct params *ps, struct span *name_out, bool *is_extended_out,
    struct buf *value)
{
	while (ps->at < ps->n) {
		const struct param *p = &ps->list[ps->at++];

		if (p->section > 0)
			continue; /* belongs to section 0, or to none */
		buf_reset(value);
		put_value(value, p);
		if (p->section == 0)
			put_sections(ps, p, value);
		*name_out = p->name;
		*is_extended_out = p->is_extended;
		return 0;
	}
	return ERR_NONE;
}

void
params_put_decoded(struct buf *b, struct span extended)
{
	struct span charset = span_split(&extended, '\'');
	struct charset cs;

	(void)span_split(&extended, '\''); /* the language */
	if (charset_open(&cs, charset) < 0)
		charset.len = 0; /* read as UTF-8 */
	for (size_t i = 0; i < extended.len; i++) {
		char ch = extended.p[i];

		if (ch == '%' && i + 2 < extended.len &&
		    ascii_hex_value(extended.p[i + 1]) >= 0 &&
		    ascii_hex_value(extended.p[i + 2]) >= 0) {
			ch = (char)(ascii_hex_value(extended.p[i + 1]) << 4 |
			            ascii_hex_value(extended.p[i + 2]));
			i += 2;
		}
		charset_step(&cs, span_of(&ch, 1), b);
	}
	charset_finish(&cs, b);
	charset_close(&cs);
}

int
header_get_word(struct cur *c, struct span *word_out)
{
	struct token t = token_next(c, TOKEN_MIME_SPECIALS);

	*word_out = t.text;
	return t.kind == TOKEN_ATOM || t.kind == TOKEN_QUOTED ? 0 : ERR_SYNTAX;
}

int
header_get_type(struct cur *c, struct span *type_out, struct span *subtype_out)
{
	struct token t = token_next(c, TOKEN_MIME_SPECIALS);

	*type_out = t.text;
	if (t.kind != TOKEN_ATOM)
		return ERR_SYNTAX;
	t = token_next(c, TOKEN_MIME_SPECIALS);
	if (!is_special(&t, '/'))
		return ERR_SYNTAX;
	t = token_next(c, TOKEN_MIME_SPECIALS);
	*subtype_out = t.text;
	return t.kind == TOKEN_ATOM ? 0 : ERR_SYNTAX;
}

int
header_next_id(struct cur *c, struct span *id_out)
{
	for (;;) {
		struct span rest = cur_rest(c);
		size_t from = span_find(rest, '<');
		size_t n;

		if (from == rest.len) {
			c->p = c->end;
			return ERR_NONE;
		}
		c->p += from + 1;
		rest = cur_rest(c);
		n = span_find(rest, '>');
		if (n == rest.len) {
			c->p = c->end;
			return ERR_NONE;
		}
		c->p += n + 1;
		*id_out = span_trim(span_sub(rest, 0, n));
		if (id_out->len > 0)
			return 0;
	}
}
