#include "imap/fetch_parse.h"

#include "base/ascii.h"

/* Under construction. */
struct reader {
	struct arena *arena;
	struct fetch *f;
	struct fetch_section **tail;
	uint32_t n_sections;
};

/* clang-format off */
static const struct {
	struct span name;
	uint32_t items;
} plain[] = {
	{ SPAN("UID"),           FETCH_UID },
	{ SPAN("FLAGS"),         FETCH_FLAGS },
	{ SPAN("INTERNALDATE"),  FETCH_INTERNALDATE },
	{ SPAN("RFC822.SIZE"),   FETCH_SIZE },
	{ SPAN("ENVELOPE"),      FETCH_ENVELOPE },
	{ SPAN("BODY"),          FETCH_BODY },
	{ SPAN("BODYSTRUCTURE"), FETCH_BODYSTRUCTURE },
	{ SPAN("MODSEQ"),        FETCH_MODSEQ },
	{ SPAN("SAVEDATE"),      FETCH_SAVEDATE },
	{ SPAN("EMAILID"),       FETCH_EMAILID },
	{ SPAN("THREADID"),      FETCH_THREADID },
	{ SPAN("PREVIEW"),       FETCH_PREVIEW },
}, macros[] = { /* RFC 9051 6.4.5 */
	{ SPAN("FAST"), FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE },
	{ SPAN("ALL"),  FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE |
	                FETCH_ENVELOPE },
	{ SPAN("FULL"), FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE |
	                FETCH_ENVELOPE | FETCH_BODY },
};

/* With the bytes of a message; a "[" stands behind these that have it. */
static const struct {
	struct span name;
	enum fetch_name what;
	enum fetch_text text;
	bool has_brackets, is_peek, allows_partial;
} sections[] = {
	{ SPAN("BODY"),          FETCH_SECTION,       FETCH_WHOLE,  true,  false, true },
	{ SPAN("BODY.PEEK"),     FETCH_SECTION,       FETCH_WHOLE,  true,  true,  true },
	{ SPAN("BINARY"),        FETCH_BINARY,        FETCH_WHOLE,  true,  false, true },
	{ SPAN("BINARY.PEEK"),   FETCH_BINARY,        FETCH_WHOLE,  true,  true,  true },
	{ SPAN("BINARY.SIZE"),   FETCH_BINARY_SIZE,   FETCH_WHOLE,  true,  true,  false },
	{ SPAN("RFC822"),        FETCH_RFC822,        FETCH_WHOLE,  false, false, false },
	{ SPAN("RFC822.HEADER"), FETCH_RFC822_HEADER, FETCH_HEADER, false, true,  false },
	{ SPAN("RFC822.TEXT"),   FETCH_RFC822_TEXT,   FETCH_TEXT,   false, false, false },
};
/* clang-format on */

static bool
is_word_char(char ch)
{
	return ascii_is_alnum(ch) || ch == '.';
}

/* What a parser says when the wrong thing, or nothing, is there. */
static enum parse
wrong(const struct cur *c)
{
	return cur_is_end(c) ? PARSE_MORE : PARSE_BAD;
}

/* --- inside the brackets --- */

/* header-list = "(" header-fld-name *(SP header-fld-name) ")" */
static enum parse
parse_names(struct cur *c, struct reader *r, struct fetch_section *s)
{
	struct span first[MAX_FETCH_NAMES];
	enum parse p = cur_expect(c, SPAN(" ("));

	while (p == PARSE_OK) {
		if (s->n_names == MAX_FETCH_NAMES)
			return PARSE_BAD;
		p = imap_parse_astring(c, r->arena, &first[s->n_names]);
		if (p != PARSE_OK)
			return p;
		if (first[s->n_names].len == 0)
			return PARSE_BAD;
		s->n_names++;
		if (cur_skip(c, ')'))
			break;
		p = imap_parse_sp(c);
	}
	if (p != PARSE_OK)
		return p;
	s->names = arena_alloc(r->arena, s->n_names * sizeof(first[0]));
	if (s->names == NULL)
		return PARSE_BAD;
	memcpy(s->names, first, s->n_names * sizeof(first[0]));
	return PARSE_OK;
}

/* section-msgtext, and "MIME" behind a part. */
static enum parse
parse_text(struct cur *c, struct reader *r, struct fetch_section *s)
{
	struct span word = cur_while(c, is_word_char);

	if (span_is_nocase(word, SPAN("HEADER")))
		s->text = FETCH_HEADER;
	else if (span_is_nocase(word, SPAN("TEXT")))
		s->text = FETCH_TEXT;
	else if (span_is_nocase(word, SPAN("MIME")) && s->n_path > 0)
		s->text = FETCH_MIME;
	else if (span_is_nocase(word, SPAN("HEADER.FIELDS")))
		s->text = FETCH_FIELDS;
	else if (span_is_nocase(word, SPAN("HEADER.FIELDS.NOT")))
		s->text = FETCH_FIELDS_NOT;
	else
		return wrong(c);
	if (s->text == FETCH_FIELDS || s->text == FETCH_FIELDS_NOT)
		return parse_names(c, r, s);
	return PARSE_OK;
}

/* section-part = nz-number *("." nz-number), and what stands behind it:
 * *is_done_out says nothing does. */
static enum parse
parse_path(
    struct cur *c, struct reader *r, struct fetch_section *s, bool *is_done_out)
{
	uint32_t path[MAX_FETCH_PATH];

	*is_done_out = true;
	while (cur_peek(c) >= '0' && cur_peek(c) <= '9') {
		enum parse p;

		if (s->n_path == MAX_FETCH_PATH)
			return PARSE_BAD;
		p = imap_parse_nz_number(c, &path[s->n_path]);
		if (p != PARSE_OK)
			return p;
		s->n_path++;
		*is_done_out = !cur_skip(c, '.');
		if (*is_done_out)
			break;
	}
	s->path = arena_alloc(r->arena, s->n_path * sizeof(path[0]) + 1);
	if (s->path == NULL)
		return PARSE_BAD;
	memcpy(s->path, path, s->n_path * sizeof(path[0]));
	return PARSE_OK;
}

/* section = "[" [section-spec] "]" */
static enum parse
parse_brackets(struct cur *c, struct reader *r, struct fetch_section *s)
{
	bool is_done;
	const char *start;
	enum parse p = cur_expect(c, SPAN("["));

	if (p != PARSE_OK)
		return p;
	start = c->p;
	p = parse_path(c, r, s, &is_done);
	if (p != PARSE_OK)
		return p;
	if (!is_done || (s->n_path == 0 && cur_peek(c) != ']')) {
		if (s->name != FETCH_SECTION)
			return wrong(c); /* RFC 3516 4.1: parts only */
		p = parse_text(c, r, s);
	}
	s->raw = span_of(start, (size_t)(c->p - start));
	return p == PARSE_OK ? cur_expect(c, SPAN("]")) : p;
}

/* partial = "<" number64 "." nz-number64 ">" */
static enum parse
parse_partial(struct cur *c, struct fetch_section *s)
{
	enum parse p;

	if (!cur_skip(c, '<'))
		return PARSE_OK;
	s->has_partial = true;
	p = imap_parse_number64(c, &s->offset);
	if (p == PARSE_OK)
		p = cur_expect(c, SPAN("."));
	if (p == PARSE_OK)
		p = imap_parse_number64(c, &s->count);
	if (p == PARSE_OK && s->count == 0)
		p = PARSE_BAD;
	return p == PARSE_OK ? cur_expect(c, SPAN(">")) : p;
}

/* --- items --- */

static enum parse
parse_section(struct cur *c, struct reader *r, size_t row)
{
	struct fetch_section *s = arena_alloc(r->arena, sizeof(*s));
	enum parse p = PARSE_OK;

	if (s == NULL || r->n_sections == MAX_FETCH_SECTIONS)
		return PARSE_BAD;
	s->name = sections[row].what;
	s->text = sections[row].text;
	s->is_peek = sections[row].is_peek;
	if (sections[row].has_brackets)
		p = parse_brackets(c, r, s);
	if (p == PARSE_OK && sections[row].allows_partial)
		p = parse_partial(c, s);
	if (p != PARSE_OK)
		return p;
	r->f->sets_seen = r->f->sets_seen || !s->is_peek;
	r->n_sections++;
	*r->tail = s;
	r->tail = &s->next;
	return PARSE_OK;
}

/* RFC 8970 3.1: PREVIEW (LAZY). We have it at hand either way. */
static enum parse
parse_lazy(struct cur *c)
{
	struct cur at = *c;

	if (cur_expect(&at, SPAN(" (")) != PARSE_OK)
		return PARSE_OK;
	if (!cur_skip_nocase(&at, SPAN("LAZY")))
		return PARSE_OK; /* the modifiers of the command */
	*c = at;
	return cur_expect(c, SPAN(")"));
}

/* fetch-att */
static enum parse
parse_item(struct cur *c, struct reader *r)
{
	struct span word = cur_while(c, is_word_char);
	bool has_bracket = cur_peek(c) == '[';

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (has_bracket == sections[i].has_brackets &&
		    span_is_nocase(word, sections[i].name))
			return parse_section(c, r, i);
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (has_bracket || !span_is_nocase(word, plain[i].name))
			continue;
		r->f->items |= plain[i].items;
		return plain[i].items == FETCH_PREVIEW ? parse_lazy(c)
		                                       : PARSE_OK;
	}
	return wrong(c);
}

/* "(" fetch-att *(SP fetch-att) ")", one fetch-att, or a macro alone. */
static enum parse
parse_items(struct cur *c, struct reader *r)
{
	struct cur at = *c;
	struct span word = cur_while(&at, is_word_char);
	enum parse p;

	for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++) {
		if (!span_is_nocase(word, macros[i].name))
			continue;
		r->f->items |= macros[i].items;
		*c = at;
		return PARSE_OK;
	}
	if (!cur_skip(c, '('))
		return parse_item(c, r);
	for (;;) {
		p = parse_item(c, r);
		if (p != PARSE_OK || cur_skip(c, ')'))
			return p;
		p = imap_parse_sp(c);
		if (p != PARSE_OK)
			return p;
	}
}

/* --- modifiers --- */

/* RFC 4466 2.1: each at most once. */
static enum parse
parse_modifier(struct cur *c, struct fetch *f)
{
	struct span word = cur_while(c, ascii_is_alpha);
	enum parse p;

	if (span_is_nocase(word, SPAN("VANISHED")) && !f->wants_vanished) {
		f->wants_vanished = true;
		return PARSE_OK;
	}
	if (!span_is_nocase(word, SPAN("CHANGEDSINCE")) || f->has_changed_since)
		return wrong(c);
	f->has_changed_since = true;
	p = imap_parse_sp(c);
	/* Deviation: RFC 7162 7 begins at 1; 0 means all to those who say it.
	 */
	return p == PARSE_OK ? imap_parse_number64(c, &f->changed_since) : p;
}

static enum parse
parse_modifiers(struct cur *c, struct fetch *f)
{
	enum parse p = cur_expect(c, SPAN(" ("));

	while (p == PARSE_OK) {
		p = parse_modifier(c, f);
		if (p != PARSE_OK)
			return p;
		if (cur_skip(c, ')'))
			return imap_parse_end(c);
		p = imap_parse_sp(c);
	}
	return p;
}

enum parse
fetch_parse(struct cur *c, struct arena *a, struct fetch *out)
{
	struct cur at = *c;
	struct reader r = { .arena = a, .f = out };
	enum parse p;

	*out = (struct fetch){ 0 };
	r.tail = &out->sections;
	p = parse_items(&at, &r);
	if (p == PARSE_OK && !cur_is_end(&at))
		p = parse_modifiers(&at, out);
	if (p == PARSE_OK)
		*c = at;
	return p;
}
