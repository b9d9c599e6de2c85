/* The other half of address_text.h: the addresses of header fields. */
#include "base/ascii.h"
#include "mime/address_text.h"
#include "mime/token.h"

/* Where in an address the reader is. */
enum place {
	IN_PHRASE, /* a display name, or a local part: not known yet */
	IN_HOST,   /* behind "@", without angle brackets */
	IN_ROUTE,  /* behind "<@" */
	IN_LOCAL,  /* behind "<" or the route's ":" */
	IN_ANGLE_HOST,
	IN_REST /* behind ">" */
};

/* Pieces grow at the end of the scratch buffer, one behind the other; a
 * piece is (from, to). */
struct piece {
	size_t from, to;
};

struct reader {
	struct buf *b;
	enum place place;
	struct piece name, route, mailbox, host;
	struct span comment;
	bool is_begun;
};

void
address_iter_init(
    struct address_iter *it, struct span value, struct buf *scratch)
{
	it->c = cur_of(value);
	it->scratch = scratch;
	it->is_in_group = false;
}

/* Add a token's text to a piece, which is the newest in the buffer. */
static void
grow(struct reader *r, struct piece *p, const struct token *t, bool has_spaces)
{
	if (p->to != r->b->len || p->to == p->from)
		p->from = p->to = r->b->len;
	else if (has_spaces && t->has_gap)
		buf_put_char(r->b, ' ');
	if (t->kind == TOKEN_QUOTED)
		token_put_unquoted(r->b, t->text);
	else
		buf_put(r->b, t->text);
	p->to = r->b->len;
}

/* The phrase was a local part: RFC 5322 4.4 allows space around its dots. */
static void
phrase_to_mailbox(struct reader *r)
{
	char *p = r->b->p;
	size_t to = r->name.from;

	for (size_t i = r->name.from; i < r->name.to; i++) {
		bool is_at_dot =
		    p[i] == ' ' && ((i > r->name.from && p[i - 1] == '.') ||
		                       (i + 1 < r->name.to && p[i + 1] == '.'));

		if (!is_at_dot)
			p[to++] = p[i];
	}
	if (r->name.to == r->b->len)
		buf_truncate(r->b, to);
	r->mailbox = (struct piece){ r->name.from, to };
	r->name = (struct piece){ 0, 0 };
}

static void
read_special(struct reader *r, const struct token *t)
{
	char ch = t->text.p[0];

	switch (r->place) {
	case IN_PHRASE:
		if (ch == '<')
			r->place = IN_LOCAL;
		else if (ch == '@') {
			phrase_to_mailbox(r);
			r->place = IN_HOST;
		} else {
			grow(r, &r->name, t, true);
		}
		return;
	case IN_LOCAL:
		if (ch == '@' && r->mailbox.to == r->mailbox.from) {
			r->place = IN_ROUTE;
			grow(r, &r->route, t, false);
		} else if (ch == '@') {
			r->place = IN_ANGLE_HOST;
		} else if (ch == '>') {
			r->place = IN_REST;
		} else {
			grow(r, &r->mailbox, t, false);
		}
		return;
	case IN_ROUTE:
		if (ch == ':')
			r->place = IN_LOCAL;
		else if (ch == '>')
			r->place = IN_REST;
		else
			grow(r, &r->route, t, false);
		return;
	case IN_ANGLE_HOST:
		if (ch == '>')
			r->place = IN_REST;
		return;
	case IN_HOST:
	case IN_REST:
		return;
	}
}

static void
read_word(struct reader *r, const struct token *t)
{
	switch (r->place) {
	case IN_PHRASE:
		grow(r, &r->name, t, true);
		return;
	case IN_LOCAL:
		grow(r, &r->mailbox, t, false);
		return;
	case IN_ROUTE:
		grow(r, &r->route, t, false);
		return;
	case IN_HOST:
	case IN_ANGLE_HOST:
		grow(r, &r->host, t, false);
		return;
	case IN_REST:
		return;
	}
}

/* Does this special character end the address where the reader stands?
 * Commas belong to a route; ";" ends only groups (some use it as a comma). */
static bool
is_terminator(const struct reader *r, char ch)
{
	if (ch == ',')
		return r->place != IN_ROUTE;
	return ch == ';';
}

static struct span
span_of_piece(const struct reader *r, struct piece p)
{
	return span_of(r->b->p + p.from, p.to - p.from);
}

/* Turn what was read into an address. False: there was none. */
static bool
finish(struct reader *r, struct address *out)
{
	/* Deviation from the grammar: in "a@b (Name)" the comment is the
	 * display name, as everybody has read it since RFC 822. */
	if (r->place == IN_HOST && r->comment.p != NULL) {
		struct token t = { .kind = TOKEN_QUOTED, .text = r->comment };

		grow(r, &r->name, &t, false);
	}
	if (r->place == IN_PHRASE) {
		r->mailbox = r->name;
		r->name = (struct piece){ 0, 0 };
	}
	if (!r->is_begun)
		return false;
	*out = (struct address){ .kind = ADDRESS_MAILBOX };
	if (r->b->p == NULL)
		return true;
	out->name = span_trim(span_of_piece(r, r->name));
	out->route = span_of_piece(r, r->route);
	out->mailbox = span_of_piece(r, r->mailbox);
	out->host = span_of_piece(r, r->host);
	return true;
}

/* Read one address up to its end. Returns what ended it: a special, or 0 at
 * the end of the value. */
static char
read_address(struct address_iter *it, struct reader *r)
{
	for (;;) {
		struct token t = token_next(&it->c, TOKEN_ADDRESS_SPECIALS);

		if (t.comment.p != NULL)
			r->comment = t.comment;
		if (t.kind == TOKEN_END)
			return 0;
		if (t.kind != TOKEN_SPECIAL) {
			r->is_begun = true;
			read_word(r, &t);
			continue;
		}
		if (is_terminator(r, t.text.p[0]))
			return t.text.p[0];
		if (t.text.p[0] == ':' && r->place == IN_PHRASE &&
		    !it->is_in_group)
			return ':';
		r->is_begun = true;
		read_special(r, &t);
	}
}

/* The atom at p, up to its end. */
static const char *
skip_atom(const char *p, const char *end)
{
	while (p < end && !token_ends_address_atom(*p))
		p++;
	return p;
}

/* What most addresses are: words, each behind one space, then "<", a local
 * part, "@", a domain, ">", and the next address or the end. It needs no
 * scratch. */
static bool
read_simple(struct address_iter *it, struct address *out)
{
	const char *p = it->c.p, *end = it->c.end, *name, *local, *host;
	size_t name_len;

	if (p < end && *p == ' ')
		p++;
	name = p;
	for (;;) {
		const char *word = p;

		p = skip_atom(p, end);
		if (p == end || p == word || (*p != ' ' && *p != '<'))
			return false;
		name_len = (size_t)(p - name);
		if (*p == ' ')
			p++;
		if (p < end && *p == '<')
			break;
	}
	local = ++p;
	p = skip_atom(p, end);
	if (p == end || p == local || *p != '@')
		return false;
	host = ++p;
	p = skip_atom(p, end);
	if (p == end || p == host || *p != '>' ||
	    (size_t)(p - name) > it->scratch->max)
		return false;
	if (p + 1 < end && p[1] != ',')
		return false;
	*out = (struct address){ .kind = ADDRESS_MAILBOX,
		.name = span_of(name, name_len),
		.mailbox = span_of(local, (size_t)(host - 1 - local)),
		.host = span_of(host, (size_t)(p - host)) };
	it->c.p = p + 1 < end ? p + 2 : end;
	return true;
}

int
address_iter_next(struct address_iter *it, struct address *out)
{
	if (!it->is_in_group && read_simple(it, out))
		return 0;
	for (;;) {
		struct cur before = it->c;
		struct reader r = { .b = it->scratch };
		char end;

		buf_reset(it->scratch);
		if (it->is_in_group && cur_skip(&it->c, ';')) {
			it->is_in_group = false;
			*out = (struct address){ .kind = ADDRESS_GROUP_END };
			return 0;
		}
		end = read_address(it, &r);
		/* The group's end is told by the next call. */
		if (end == ';' && it->is_in_group)
			it->c.p--;
		if (finish(&r, out)) {
			if (end == ':') {
				out->kind = ADDRESS_GROUP_START;
				it->is_in_group = true;
			}
			return 0;
		}
		if (end == ':') {
			it->is_in_group = true;
			*out = (struct address){ .kind = ADDRESS_GROUP_START };
			return 0;
		}
		if (end == 0 && it->is_in_group) {
			it->is_in_group = false;
			*out = (struct address){ .kind = ADDRESS_GROUP_END };
			return 0;
		}
		if (it->c.p == before.p && end == 0)
			return ERR_NONE;
	}
}
