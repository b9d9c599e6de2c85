#include "imap/search_parse.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "store/message.h"

/* What stands behind the word of a key. */
enum argument {
	ARG_NONE,
	ARG_STRING,
	ARG_HEADER, /* a field's name and a string */
	ARG_DATE,
	ARG_SIZE,     /* number64 (RFC 9051 9) */
	ARG_INTERVAL, /* nz-number */
	ARG_KEYWORD,
	ARG_UID,
	ARG_MODSEQ,
	ARG_OBJECT,
	/* not keys, but operators */
	ARG_NOT,
	ARG_OR
};

/* clang-format off */
static const struct word {
	const char *word;
	enum search_kind kind;
	enum argument argument;
	uint16_t number; /* a flag, or an enum search_field */
	bool is_not;
} words[] = {
	{ "ALL", SEARCH_ALL, ARG_NONE, 0, false },
	{ "ANSWERED", SEARCH_FLAG, ARG_NONE, MESSAGE_ANSWERED, false },
	{ "BCC", SEARCH_ENVELOPE, ARG_STRING, SEARCH_BCC, false },
	{ "BEFORE", SEARCH_BEFORE, ARG_DATE, 0, false },
	{ "BODY", SEARCH_BODY, ARG_STRING, 0, false },
	{ "CC", SEARCH_ENVELOPE, ARG_STRING, SEARCH_CC, false },
	{ "DELETED", SEARCH_FLAG, ARG_NONE, MESSAGE_DELETED, false },
	{ "DRAFT", SEARCH_FLAG, ARG_NONE, MESSAGE_DRAFT, false },
	{ "EMAILID", SEARCH_EMAILID, ARG_OBJECT, 'M', false },
	{ "FLAGGED", SEARCH_FLAG, ARG_NONE, MESSAGE_FLAGGED, false },
	{ "FROM", SEARCH_ENVELOPE, ARG_STRING, SEARCH_FROM, false },
	{ "HEADER", SEARCH_HEADER, ARG_HEADER, 0, false },
	{ "KEYWORD", SEARCH_KEYWORD, ARG_KEYWORD, 0, false },
	{ "LARGER", SEARCH_LARGER, ARG_SIZE, 0, false },
	{ "MODSEQ", SEARCH_MODSEQ, ARG_MODSEQ, 0, false },
	{ "NEW", SEARCH_NEW, ARG_NONE, 0, false },
	{ "NOT", SEARCH_ALL, ARG_NOT, 0, false },
	{ "OLD", SEARCH_RECENT, ARG_NONE, 0, true },
	{ "OLDER", SEARCH_OLDER, ARG_INTERVAL, 0, false },
	{ "ON", SEARCH_ON, ARG_DATE, 0, false },
	{ "OR", SEARCH_OR, ARG_OR, 0, false },
	{ "RECENT", SEARCH_RECENT, ARG_NONE, 0, false },
	{ "SAVEDATESUPPORTED", SEARCH_ALL, ARG_NONE, 0, false },
	{ "SAVEDBEFORE", SEARCH_SAVED_BEFORE, ARG_DATE, 0, false },
	{ "SAVEDON", SEARCH_SAVED_ON, ARG_DATE, 0, false },
	{ "SAVEDSINCE", SEARCH_SAVED_SINCE, ARG_DATE, 0, false },
	{ "SEEN", SEARCH_FLAG, ARG_NONE, MESSAGE_SEEN, false },
	{ "SENTBEFORE", SEARCH_SENT_BEFORE, ARG_DATE, 0, false },
	{ "SENTON", SEARCH_SENT_ON, ARG_DATE, 0, false },
	{ "SENTSINCE", SEARCH_SENT_SINCE, ARG_DATE, 0, false },
	{ "SINCE", SEARCH_SINCE, ARG_DATE, 0, false },
	{ "SMALLER", SEARCH_SMALLER, ARG_SIZE, 0, false },
	{ "SUBJECT", SEARCH_ENVELOPE, ARG_STRING, SEARCH_SUBJECT, false },
	{ "TEXT", SEARCH_TEXT, ARG_STRING, 0, false },
	{ "THREADID", SEARCH_THREADID, ARG_OBJECT, 'T', false },
	{ "TO", SEARCH_ENVELOPE, ARG_STRING, SEARCH_TO, false },
	{ "UID", SEARCH_SET, ARG_UID, 0, false },
	{ "UNANSWERED", SEARCH_FLAG, ARG_NONE, MESSAGE_ANSWERED, true },
	{ "UNDELETED", SEARCH_FLAG, ARG_NONE, MESSAGE_DELETED, true },
	{ "UNDRAFT", SEARCH_FLAG, ARG_NONE, MESSAGE_DRAFT, true },
	{ "UNFLAGGED", SEARCH_FLAG, ARG_NONE, MESSAGE_FLAGGED, true },
	{ "UNKEYWORD", SEARCH_KEYWORD, ARG_KEYWORD, 0, true },
	{ "UNSEEN", SEARCH_FLAG, ARG_NONE, MESSAGE_SEEN, true },
	{ "YOUNGER", SEARCH_YOUNGER, ARG_INTERVAL, 0, false },
};
/* clang-format on */

static const enum search_level levels[] = {
	[SEARCH_ALL] = SEARCH_NOTHING,
	[SEARCH_SET] = SEARCH_NOTHING,
	[SEARCH_FLAG] = SEARCH_RECORD,
	[SEARCH_RECENT] = SEARCH_NOTHING,
	[SEARCH_NEW] = SEARCH_RECORD,
	[SEARCH_KEYWORD] = SEARCH_RECORD,
	[SEARCH_LARGER] = SEARCH_RECORD,
	[SEARCH_SMALLER] = SEARCH_RECORD,
	[SEARCH_BEFORE] = SEARCH_RECORD,
	[SEARCH_ON] = SEARCH_RECORD,
	[SEARCH_SINCE] = SEARCH_RECORD,
	[SEARCH_SAVED_BEFORE] = SEARCH_RECORD,
	[SEARCH_SAVED_ON] = SEARCH_RECORD,
	[SEARCH_SAVED_SINCE] = SEARCH_RECORD,
	[SEARCH_OLDER] = SEARCH_RECORD,
	[SEARCH_YOUNGER] = SEARCH_RECORD,
	[SEARCH_MODSEQ] = SEARCH_RECORD,
	[SEARCH_EMAILID] = SEARCH_RECORD,
	[SEARCH_THREADID] = SEARCH_RECORD,
	[SEARCH_SENT_BEFORE] = SEARCH_SUMMARY,
	[SEARCH_SENT_ON] = SEARCH_SUMMARY,
	[SEARCH_SENT_SINCE] = SEARCH_SUMMARY,
	[SEARCH_ENVELOPE] = SEARCH_SUMMARY,
	[SEARCH_HEADER] = SEARCH_IN_HEADER,
	[SEARCH_BODY] = SEARCH_IN_BODY,
	[SEARCH_TEXT] = SEARCH_IN_HEADER,
};

/* A list of keys that is not complete: "(" ... ")", the two of an OR, or the
 * whole program. */
struct frame {
	struct search_key *key;
	uint32_t n_missing; /* of an OR */
	bool is_not;        /* the next key is turned */
	bool is_behind_not; /* a NOT, or more of them, stand before it */
};

struct parser {
	struct cur c;
	struct arena *arena;
	struct search_program *out;
	struct charset charset;
	struct frame stack[MAX_SEARCH_DEPTH];
	uint32_t depth;
};

static int
syntax(enum parse r)
{
	return r == PARSE_OK ? 0 : ERR_SYNTAX;
}

/* --- what stands behind a word --- */

/* A string in the program's charset as UTF-8. What is not of the charset is
 * read as it is in mail: as windows-1252. */
static int
take_utf8(struct parser *p, struct span raw, struct span *out)
{
	struct buf b;
	int rc;

	if (p->charset.kind == CHARSET_UTF8 && utf8_is_valid(raw)) {
		*out = raw;
		return 0;
	}
	buf_init(&b, raw.len * 4 + 16);
	if (p->charset.kind == CHARSET_UTF8) {
		text_search_put_utf8(&b, raw);
	} else {
		charset_step(&p->charset, raw, &b);
		charset_finish(&p->charset, &b);
	}
	rc = buf_failed(&b) ? ERR_NOMEM
	                    : arena_copy(p->arena, buf_span(&b), out);
	buf_deinit(&b);
	return rc;
}

static int
parse_needle(struct parser *p, struct search_key *k)
{
	struct span raw, text;
	int rc;

	if (imap_parse_sp(&p->c) != PARSE_OK ||
	    imap_parse_astring(&p->c, p->arena, &raw) != PARSE_OK)
		return ERR_SYNTAX;
	if (++p->out->n_needles > MAX_SEARCH_NEEDLES)
		return ERR_LIMIT;
	rc = take_utf8(p, raw, &text);
	if (rc < 0)
		return rc;
	k->needle = arena_alloc(p->arena, sizeof(*k->needle));
	if (k->needle == NULL)
		return ERR_NOMEM;
	return needle_init(k->needle, p->arena, text);
}

/* The fields that a message has once, or that a client takes for such, are
 * in its summary. */
static bool
is_in_summary(struct span name, enum search_field *out)
{
	static const struct {
		const char *name;
		enum search_field field;
	} fields[] = {
		{ "Subject", SEARCH_SUBJECT },
		{ "From", SEARCH_FROM },
		{ "To", SEARCH_TO },
		{ "Cc", SEARCH_CC },
		{ "Bcc", SEARCH_BCC },
		{ "Sender", SEARCH_SENDER },
		{ "Reply-To", SEARCH_REPLY_TO },
		{ "Date", SEARCH_DATE },
		{ "In-Reply-To", SEARCH_IN_REPLY_TO },
		{ "Message-ID", SEARCH_MESSAGE_ID },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (span_is_nocase(name, span_str(fields[i].name))) {
			*out = fields[i].field;
			return true;
		}
	return false;
}

static int
parse_header(struct parser *p, struct search_key *k)
{
	if (imap_parse_sp(&p->c) != PARSE_OK ||
	    imap_parse_astring(&p->c, p->arena, &k->text) != PARSE_OK)
		return ERR_SYNTAX;
	/* Some clients name the field with its colon. */
	if (k->text.len > 0 && k->text.p[k->text.len - 1] == ':')
		k->text.len--;
	if (is_in_summary(k->text, &k->field))
		k->kind = SEARCH_ENVELOPE;
	else if (++p->out->n_fields > MAX_SEARCH_FIELDS)
		return ERR_LIMIT;
	return parse_needle(p, k);
}

static int
parse_object(struct parser *p, struct search_key *k, char kind)
{
	struct span s;
	uint64_t v = 0;

	if (imap_parse_sp(&p->c) != PARSE_OK ||
	    imap_parse_astring(&p->c, p->arena, &s) != PARSE_OK)
		return ERR_SYNTAX;
	/* An id that we never gave: no message has it. */
	k->is_uid = s.len != 17 || s.p[0] != kind;
	for (size_t i = 1; i < s.len && !k->is_uid; i++) {
		int digit = ascii_hex_value(s.p[i]);

		k->is_uid = digit < 0 || ascii_is_upper(s.p[i]);
		v = v << 4 | (uint64_t)(digit & 15);
	}
	if (k->is_uid) {
		k->kind = SEARCH_ALL;
		k->is_not = !k->is_not;
		k->is_uid = false;
	}
	k->number = v;
	return 0;
}

/* RFC 7162 3.1.5: ["/flags/" name SP ("priv" / "shared" / "all") SP] number.
 * There is one MODSEQ for all entries of a message. */
static int
parse_modseq(struct parser *p, struct search_key *k)
{
	struct span name, type;

	if (imap_parse_sp(&p->c) != PARSE_OK)
		return ERR_SYNTAX;
	if (cur_peek(&p->c) == '"') {
		if (imap_parse_string(&p->c, p->arena, &name) != PARSE_OK ||
		    !span_starts_nocase(name, SPAN("/flags/")) ||
		    imap_parse_sp(&p->c) != PARSE_OK ||
		    imap_parse_atom(&p->c, &type) != PARSE_OK ||
		    imap_parse_sp(&p->c) != PARSE_OK)
			return ERR_SYNTAX;
		if (!span_is_nocase(type, SPAN("priv")) &&
		    !span_is_nocase(type, SPAN("shared")) &&
		    !span_is_nocase(type, SPAN("all")))
			return ERR_SYNTAX;
	}
	p->out->has_modseq = true;
	return syntax(imap_parse_number64(&p->c, &k->number));
}

static int
parse_interval(struct parser *p, struct search_key *k)
{
	uint32_t n;

	if (imap_parse_sp(&p->c) != PARSE_OK ||
	    imap_parse_nz_number(&p->c, &n) != PARSE_OK)
		return ERR_SYNTAX;
	k->number = n;
	return 0;
}

static int
parse_argument(
    struct parser *p, enum argument argument, uint16_t n, struct search_key *k)
{
	struct cur *c = &p->c;
	int rc;

	switch (argument) {
	case ARG_NONE:
	case ARG_NOT:
	case ARG_OR:
		return 0;
	case ARG_STRING:
		rc = parse_needle(p, k);
		if (rc == 0 && k->kind != SEARCH_ENVELOPE &&
		    k->needle->len == 0) {
			k->kind = SEARCH_ALL; /* in any text */
			k->needle = NULL;
		}
		return rc;
	case ARG_HEADER:
		return parse_header(p, k);
	case ARG_DATE:
		if (imap_parse_sp(c) != PARSE_OK)
			return ERR_SYNTAX;
		return syntax(imap_parse_date(c, &k->day));
	case ARG_SIZE:
		if (imap_parse_sp(c) != PARSE_OK)
			return ERR_SYNTAX;
		return syntax(imap_parse_number64(c, &k->number));
	case ARG_INTERVAL:
		return parse_interval(p, k);
	case ARG_KEYWORD:
		if (imap_parse_sp(c) != PARSE_OK)
			return ERR_SYNTAX;
		return syntax(imap_parse_atom(c, &k->text));
	case ARG_UID:
		k->is_uid = true;
		if (imap_parse_sp(c) != PARSE_OK)
			return ERR_SYNTAX;
		return syntax(imap_parse_set(c, p->arena, &k->set));
	case ARG_MODSEQ:
		return parse_modseq(p, k);
	case ARG_OBJECT:
		return parse_object(p, k, (char)n);
	}
	return ERR_SYNTAX;
}

/* --- the tree --- */

static struct frame *
top(struct parser *p)
{
	return &p->stack[p->depth - 1];
}

/* A new key at the end of the open list, which a NOT before it turns. */
static int
add(struct parser *p, enum search_kind kind, struct search_key **out)
{
	struct frame *f = p->depth > 0 ? top(p) : NULL;
	struct search_key *k;

	if (++p->out->n_keys > MAX_SEARCH_KEYS)
		return ERR_LIMIT;
	k = arena_alloc(p->arena, sizeof(*k));
	if (k == NULL)
		return ERR_NOMEM;
	k->kind = kind;
	*out = k;
	if (f == NULL)
		return 0;
	k->is_not = f->is_not;
	f->is_not = f->is_behind_not = false;
	if (f->key->last != NULL)
		f->key->last->next = k;
	else
		f->key->first = k;
	f->key->last = k;
	if (f->n_missing > 0)
		f->n_missing--;
	return 0;
}

static int
push(struct parser *p, enum search_kind kind)
{
	struct search_key *k;
	int rc;

	if (p->depth == MAX_SEARCH_DEPTH)
		return ERR_LIMIT;
	rc = add(p, kind, &k);
	if (rc < 0)
		return rc;
	p->stack[p->depth++] =
	    (struct frame){ .key = k, .n_missing = kind == SEARCH_OR ? 2 : 0 };
	return 0;
}

static const struct word *
find_word(struct span s)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_is_nocase(s, span_str(words[i].word)))
			return &words[i];
	return NULL;
}

static int
parse_word(struct parser *p, const struct word *w)
{
	struct frame *f = top(p);
	struct search_key *k = NULL;
	int rc;

	if (w->argument == ARG_NOT) {
		f->is_not = !f->is_not;
		f->is_behind_not = true;
		return 0;
	}
	if (w->argument == ARG_OR && f->key->kind == SEARCH_OR && !f->is_not) {
		f->n_missing++; /* OR (OR a b) c has three */
		return 0;
	}
	if (w->argument == ARG_OR)
		return push(p, SEARCH_OR);
	rc = add(p, w->kind, &k);
	if (rc < 0)
		return rc;
	k->is_not ^= w->is_not;
	if (w->kind == SEARCH_ENVELOPE)
		k->field = (enum search_field)w->number;
	else
		k->number = w->number;
	return parse_argument(p, w->argument, w->number, k);
}

/* RFC 9051 9: one search-key, or the "(" of a list of them. */
static int
parse_key(struct parser *p)
{
	struct search_key *k;
	struct span run;
	int first = cur_peek(&p->c);
	int rc;

	if (first == '(') {
		p->c.p++;
		return push(p, SEARCH_AND);
	}
	if (first == '*' || first == '$' || ascii_is_digit((char)first)) {
		rc = add(p, SEARCH_SET, &k);
		if (rc < 0)
			return rc;
		return syntax(imap_parse_set(&p->c, p->arena, &k->set));
	}
	run = cur_while(&p->c, ascii_is_alpha);
	if (find_word(run) == NULL)
		return ERR_SYNTAX;
	return parse_word(p, find_word(run));
}

/* Close what is complete: ORs that have their keys, and lists at ")". The
 * space that stands between two keys is taken. Returns 1 at the end of the
 * program. */
static int
close_lists(struct parser *p)
{
	for (;;) {
		struct frame *f = top(p);

		if (f->is_behind_not ||
		    (f->key->kind == SEARCH_OR && f->n_missing))
			return syntax(imap_parse_sp(&p->c));
		if (f->key->kind == SEARCH_OR) {
			p->depth--;
			continue;
		}
		if (p->depth > 1 && cur_skip(&p->c, ')')) {
			p->depth--;
			continue;
		}
		if (p->depth == 1 && cur_is_end(&p->c))
			return 1;
		return syntax(imap_parse_sp(&p->c));
	}
}

static int
parse_keys(struct parser *p)
{
	int rc = push(p, SEARCH_AND);

	p->out->root = rc == 0 ? p->stack[0].key : NULL;
	while (rc == 0) {
		uint32_t depth = p->depth;
		bool is_list = cur_peek(&p->c) == '(';

		rc = parse_key(p);
		/* behind "(" a key follows at once */
		if (rc == 0 && !(is_list && p->depth > depth))
			rc = close_lists(p);
	}
	return rc < 0 ? rc : 0;
}

/* Note at each key the least that must be read to know something of it. As deep
 * as the parser let the keys nest. */
static enum search_level
note_levels(struct search_key *k, enum search_level *deepest)
{
	enum search_level least = N_SEARCH_LEVELS;

	if (k->kind != SEARCH_AND && k->kind != SEARCH_OR) {
		k->least = levels[k->kind];
		if (k->least > *deepest)
			*deepest = k->least;
		if (k->kind == SEARCH_TEXT)
			*deepest = SEARCH_IN_BODY;
		return k->least;
	}
	for (struct search_key *x = k->first; x != NULL; x = x->next) {
		enum search_level of_child = note_levels(x, deepest);

		if (of_child < least)
			least = of_child;
	}
	k->least = least;
	return least;
}

/* --- before the keys --- */

/* RFC 9051 6.4.4: RETURN (options); "()" is ALL. */
static int
parse_return(struct parser *p)
{
	static const struct {
		const char *word;
		uint32_t bit;
	} options[] = {
		{ "MIN", SEARCH_RETURN_MIN },
		{ "MAX", SEARCH_RETURN_MAX },
		{ "ALL", SEARCH_RETURN_ALL },
		{ "COUNT", SEARCH_RETURN_COUNT },
		{ "SAVE", SEARCH_RETURN_SAVE },
	};
	uint32_t bits = 0;

	if (imap_parse_sp(&p->c) != PARSE_OK || !cur_skip(&p->c, '('))
		return ERR_SYNTAX;
	while (!cur_skip(&p->c, ')')) {
		struct span word;
		uint32_t bit = 0;

		if (bits != 0 && imap_parse_sp(&p->c) != PARSE_OK)
			return ERR_SYNTAX;
		word = cur_while(&p->c, ascii_is_alpha);
		for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
			if (span_is_nocase(word, span_str(options[i].word)))
				bit = options[i].bit;
		if (bit == 0)
			return ERR_SYNTAX;
		bits |= bit;
	}
	p->out->has_return = true;
	p->out->returns = bits != 0 ? bits : SEARCH_RETURN_ALL;
	return syntax(imap_parse_sp(&p->c));
}

/* Step over a word and nothing longer. */
static bool
skip_word(struct parser *p, struct span word)
{
	return imap_parse_word(&p->c, word) == PARSE_OK;
}

static int
parse_charset(struct parser *p, bool *is_known_out)
{
	struct span name;

	if (imap_parse_sp(&p->c) != PARSE_OK ||
	    imap_parse_astring(&p->c, p->arena, &name) != PARSE_OK)
		return ERR_SYNTAX;
	p->out->has_charset = true;
	*is_known_out = charset_open(&p->charset, name) == 0;
	return syntax(imap_parse_sp(&p->c));
}

int
search_parse(struct cur *c, struct arena *a, struct search_program *out)
{
	struct parser p = { .c = *c, .arena = a, .out = out };
	bool is_known = true;
	int rc;

	*out = (struct search_program){ 0 };
	rc = charset_open(&p.charset, SPAN("utf-8"));
	if (rc == 0)
		rc = syntax(imap_parse_sp(&p.c));
	if (rc == 0 && skip_word(&p, SPAN("RETURN")))
		rc = parse_return(&p);
	if (rc == 0 && skip_word(&p, SPAN("CHARSET")))
		rc = parse_charset(&p, &is_known);
	if (rc == 0)
		rc = parse_keys(&p);
	charset_close(&p.charset);
	if (rc == 0 && !is_known)
		rc = ERR_UNSUPPORTED;
	if (rc < 0)
		return rc;
	note_levels(out->root, &out->deepest);
	c->p = p.c.p;
	return 0;
}
