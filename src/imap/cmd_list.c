/* cmd_list.c - LIST with all its options (RFC 9051 6.3.9, RFC 5258, RFC 5819,
 * RFC 6154) and LSUB (RFC 3501 6.3.9).
 *
 * Decisions  the reference and the pattern are simply put together. Whether a
 *            mailbox has children, and its special use, is told without being
 *            asked. Every level of a name is a mailbox that can be selected.
 *            In the extended form an empty pattern matches nothing. Patterns
 *            of more than MAX_IMAP_PATTERN bytes together are refused.
 */
#include "imap/imap_list.h"

struct request {
	struct imap_list *list;
	struct span reference;
	bool is_extended;
	bool is_root; /* a pattern that is empty: for the delimiter */
	bool is_valid;
	int rc; /* of the patterns */
};

/* Take one of these words. */
struct option {
	struct span name;
	uint32_t bit;
};

static enum parse
parse_option(
    struct cur *c, const struct option *options, size_t n, uint32_t *bits)
{
	struct span name;
	enum parse r = imap_parse_atom(c, &name);

	if (r != PARSE_OK)
		return r;
	for (size_t k = 0; k < n; k++) {
		if (span_is_nocase(name, options[k].name)) {
			*bits |= options[k].bit;
			return PARSE_OK;
		}
	}
	return PARSE_BAD;
}

/* RFC 9051 9: list-select-opts */
static enum parse
parse_selection(struct cur *c, uint32_t *bits)
{
	static const struct option options[] = {
		{ SPAN("SUBSCRIBED"), LIST_SUBSCRIBED | LIST_TELL_SUBSCRIBED },
		{ SPAN("RECURSIVEMATCH"), LIST_RECURSIVE },
		{ SPAN("SPECIAL-USE"), LIST_SPECIAL },
		{ SPAN("REMOTE"), 0 }, /* nothing of ours is elsewhere */
	};
	enum parse r = cur_expect(c, SPAN("("));

	if (r != PARSE_OK || cur_skip(c, ')'))
		return r;
	do {
		r = parse_option(
		    c, options, sizeof(options) / sizeof(options[0]), bits);
		if (r != PARSE_OK)
			return r;
	} while (cur_skip(c, ' '));
	/* RFC 5258 3.1: RECURSIVEMATCH of what? */
	if ((*bits & LIST_RECURSIVE) && !(*bits & LIST_SUBSCRIBED))
		return PARSE_BAD;
	return cur_expect(c, SPAN(")"));
}

/* RFC 9051 9: return-option; RFC 5819 2: "STATUS" SP "(" ... ")" */
static enum parse
parse_return_option(struct cur *c, struct imap_list *t)
{
	static const struct option options[] = {
		{ SPAN("SUBSCRIBED"), LIST_TELL_SUBSCRIBED },
		{ SPAN("CHILDREN"), 0 },
		{ SPAN("SPECIAL-USE"), 0 },
	};
	enum parse r;

	if (imap_parse_word(c, SPAN("STATUS")) != PARSE_OK)
		return parse_option(c, options,
		    sizeof(options) / sizeof(options[0]), &t->options);
	r = imap_parse_sp(c);
	if (r == PARSE_OK)
		r = imap_status_parse(c, &t->status.items);
	return r;
}

/* RFC 9051 9: list-return-opts */
static enum parse
parse_return(struct cur *c, struct imap_list *t)
{
	enum parse r = imap_parse_word(c, SPAN("RETURN"));

	if (r == PARSE_OK)
		r = cur_expect(c, SPAN(" ("));
	if (r != PARSE_OK || cur_skip(c, ')'))
		return r;
	do {
		r = parse_return_option(c, t);
		if (r != PARSE_OK)
			return r;
	} while (cur_skip(c, ' '));
	return cur_expect(c, SPAN(")"));
}

/* Add what the reference and a pattern make together. */
static void
add_pattern(struct imap *i, struct request *r, struct span pattern)
{
	size_t len = r->reference.len + pattern.len;
	char *p = arena_alloc(&i->arena, len > 0 ? len : 1);

	if (p == NULL) {
		r->rc = ERR_NOMEM;
		return;
	}
	memcpy(p, r->reference.p, r->reference.len);
	memcpy(p + r->reference.len, pattern.p, pattern.len);
	if (r->rc == 0)
		r->rc = imap_patterns_add(&r->list->patterns, span_of(p, len));
}

static enum parse
parse_pattern(struct imap *i, struct cur *c, struct request *r)
{
	struct span pattern;
	bool is_valid = false;
	enum parse p = imap_parse_list_mailbox(
	    c, &i->arena, imap_is_utf8(i), &pattern, &is_valid);

	if (p != PARSE_OK)
		return p;
	r->is_valid = r->is_valid && is_valid;
	r->is_root = pattern.len == 0;
	add_pattern(i, r, pattern);
	return PARSE_OK;
}

/* RFC 9051 9: mbox-or-pat */
static enum parse
parse_patterns(struct imap *i, struct cur *c, struct request *r)
{
	enum parse p;

	if (!cur_skip(c, '('))
		return parse_pattern(i, c, r);
	r->is_extended = true;
	do {
		p = parse_pattern(i, c, r);
		if (p != PARSE_OK)
			return p;
	} while (cur_skip(c, ' '));
	return cur_expect(c, SPAN(")"));
}

/* mailbox SP, before mbox-or-pat */
static enum parse
parse_reference(struct imap *i, struct cur *c, struct request *r)
{
	enum parse p = imap_parse_mailbox(
	    c, &i->arena, imap_is_utf8(i), &r->reference, &r->is_valid);

	if (p == PARSE_OK)
		p = imap_parse_sp(c);
	return p;
}

/* RFC 9051 9: list */
static enum parse
parse_list(struct imap *i, struct cur *c, struct request *r)
{
	enum parse p = imap_parse_sp(c);

	if (p == PARSE_OK && cur_peek(c) == '(') {
		r->is_extended = true;
		p = parse_selection(c, &r->list->options);
		if (p == PARSE_OK)
			p = imap_parse_sp(c);
	}
	if (p == PARSE_OK)
		p = parse_reference(i, c, r);
	if (p == PARSE_OK)
		p = parse_patterns(i, c, r);
	if (p == PARSE_OK && cur_skip(c, ' ')) {
		r->is_extended = true;
		p = parse_return(c, r->list);
	}
	return p == PARSE_OK ? imap_parse_end(c) : p;
}

/* RFC 3501 9: lsub */
static enum parse
parse_lsub(struct imap *i, struct cur *c, struct request *r)
{
	enum parse p = imap_parse_sp(c);

	if (p == PARSE_OK)
		p = parse_reference(i, c, r);
	if (p == PARSE_OK)
		p = parse_pattern(i, c, r);
	return p == PARSE_OK ? imap_parse_end(c) : p;
}

static void
answer(struct imap *i, const struct request *r)
{
	struct imap_list *t = r->list;

	if (!r->is_valid) {
		imap_done(i, "NO [CANNOT] No mailbox can have this name");
	} else if (r->is_root && !r->is_extended) {
		/* RFC 9051 6.3.9: an empty name asks for the delimiter. */
		conn_put_str(
		    i->conn, t->options & LIST_LSUB ? "* LSUB" : "* LIST");
		conn_put_str(i->conn, " (\\Noselect) \"/\" \"\"\r\n");
		imap_done(i, "OK That is the delimiter");
	} else if (r->rc < 0) {
		imap_error(i, r->rc);
	} else {
		if (imap_status_wants_modseq(t->status.items))
			imap_enable_condstore(i);
		imap_list_start(i, t);
	}
}

void
imap_list(struct imap *i, struct cur *args)
{
	struct request r = { .list = imap_alloc(i, sizeof(*r.list)) };

	if (r.list == NULL)
		return;
	if (parse_list(i, args, &r) == PARSE_OK)
		answer(i, &r);
	else
		imap_bad(i, "LIST takes options, a reference and patterns");
}

void
imap_lsub(struct imap *i, struct cur *args)
{
	struct request r = { .list = imap_alloc(i, sizeof(*r.list)) };

	if (r.list == NULL)
		return;
	r.list->options = LIST_LSUB;
	if (parse_lsub(i, args, &r) == PARSE_OK)
		answer(i, &r);
	else
		imap_bad(i, "LSUB takes a reference and a pattern");
}
