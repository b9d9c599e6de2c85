#include "trust/tag.h"

#include "base/ascii.h"

#define MAX_TAGS 64

static bool
is_name_char(char c)
{
	return ascii_is_alnum(c) || c == '_';
}

/* RFC 6376 3.2: VALCHAR, and FWS between. */
static bool
is_value(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_vchar(s.p[i]) && !ascii_is_space(s.p[i]) &&
		    !ascii_is_8bit(s.p[i])) /* RFC 8616 5: UTF-8 */
			return false;
	return true;
}

int
tag_next(struct cur *c, struct tag *out)
{
	struct cur at = *c;

	cur_while(&at, ascii_is_space);
	if (cur_is_end(&at)) {
		*c = at;
		return ERR_NONE;
	}
	out->name = cur_while(&at, is_name_char);
	if (out->name.len == 0 || !ascii_is_alpha(out->name.p[0]))
		return ERR_SYNTAX;
	cur_while(&at, ascii_is_space);
	if (!cur_skip(&at, '='))
		return ERR_SYNTAX;
	out->raw = cur_rest(&at);
	out->raw.len = span_find(out->raw, ';');
	out->value = span_trim(out->raw);
	if (!is_value(out->value))
		return ERR_SYNTAX;
	at.p += out->raw.len;
	(void)cur_skip(&at, ';');
	*c = at;
	return 0;
}

bool
tag_is_list(struct span list)
{
	struct cur c = cur_of(list);
	struct span names[MAX_TAGS];
	struct tag t;
	size_t n = 0;
	int rc;

	while ((rc = tag_next(&c, &t)) == 0) {
		if (n == MAX_TAGS)
			return false;
		for (size_t i = 0; i < n; i++)
			if (span_is(names[i], t.name))
				return false;
		names[n++] = t.name;
	}
	return rc == ERR_NONE;
}

struct span
tag_get(struct span list, struct span name)
{
	struct cur c = cur_of(list);
	struct tag t;

	while (tag_next(&c, &t) == 0)
		if (span_is(t.name, name))
			return t.value;
	return span_of(NULL, 0);
}

int
tag_item_next(struct cur *c, struct span *out)
{
	struct span rest = cur_rest(c);

	if (rest.len == 0)
		return ERR_NONE;
	rest.len = span_find(rest, ':');
	c->p += rest.len;
	(void)cur_skip(c, ':');
	*out = span_trim(rest);
	return 0;
}

void
tag_put_joined(struct buf *out, struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		if (!ascii_is_space(value.p[i]))
			buf_put_char(out, value.p[i]);
}
