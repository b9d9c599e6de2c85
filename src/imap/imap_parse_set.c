/* The sets and flags of imap_parse.h. */
#include "base/ascii.h"
#include "base/limits.h"
#include "imap/imap_parse.h"
#include "imap/imap_recent.h"
#include "store/message.h"

/* --- sets --- */

/* RFC 9051 9: seq-number = nz-number / "*" */
static enum parse
parse_seq_number(struct cur *c, uint32_t *out)
{
	if (cur_skip(c, '*')) {
		*out = UINT32_MAX;
		return PARSE_OK;
	}
	return imap_parse_nz_number(c, out);
}

/* RFC 9051 9: seq-number, or seq-range = seq-number ":" seq-number */
static enum parse
parse_range(struct cur *c, struct range *out)
{
	uint32_t a, b;
	enum parse r = parse_seq_number(c, &a);

	b = a;
	if (r == PARSE_OK && cur_skip(c, ':'))
		r = parse_seq_number(c, &b);
	if (r == PARSE_OK)
		*out = (struct range){ a < b ? a : b, a < b ? b : a };
	return r;
}

static bool
is_set_char(char ch)
{
	return ascii_is_digit(ch) || ch == ':' || ch == ',' || ch == '*';
}

/* How many members the set at the cursor has if it is well formed. */
static size_t
count_members(struct cur c)
{
	struct span text = cur_while(&c, is_set_char);
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.p[i] == ',';
	return n;
}

enum parse
imap_parse_set(struct cur *c, struct arena *a, struct imap_set *out)
{
	struct cur at = *c;
	struct imap_set set = { 0 };
	size_t n;

	if (cur_skip(&at, '$')) {
		set.is_saved = true;
		*out = set;
		*c = at;
		return PARSE_OK;
	}
	n = count_members(at);
	if (n > MAX_IMAP_RANGES)
		return PARSE_BAD;
	set.r = arena_alloc(a, n * sizeof(*set.r));
	if (set.r == NULL)
		return PARSE_BAD;
	do {
		enum parse r = parse_range(&at, &set.r[set.n]);

		if (r != PARSE_OK)
			return r;
		set.n++;
	} while (cur_skip(&at, ','));
	*out = set;
	*c = at;
	return PARSE_OK;
}

/* --- flags --- */

static const struct {
	struct span name;
	uint16_t flag;
} flags[] = {
	{ SPAN("Answered"), MESSAGE_ANSWERED },
	{ SPAN("Flagged"), MESSAGE_FLAGGED },
	{ SPAN("Deleted"), MESSAGE_DELETED },
	{ SPAN("Seen"), MESSAGE_SEEN },
	{ SPAN("Draft"), MESSAGE_DRAFT },
	{ SPAN("Recent"), IMAP_FLAG_RECENT },
};

static enum parse
parse_any_flag(struct cur *c, uint16_t *flag_out, struct span *keyword_out)
{
	struct cur at = *c;
	bool is_system = cur_skip(&at, '\\');
	struct span name;
	enum parse r = imap_parse_atom(&at, &name);

	if (r != PARSE_OK)
		return r;
	if (!is_system) {
		*flag_out = 0;
		*keyword_out = name;
		*c = at;
		return PARSE_OK;
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (cur_is_end(&at) && name.len < flags[i].name.len &&
		    span_starts_nocase(flags[i].name, name))
			return PARSE_MORE;
		if (!span_is_nocase(name, flags[i].name))
			continue;
		*flag_out = flags[i].flag;
		*keyword_out = span_of(NULL, 0);
		*c = at;
		return PARSE_OK;
	}
	return PARSE_BAD;
}

enum parse
imap_parse_flag(struct cur *c, uint16_t *flag_out, struct span *keyword_out)
{
	struct cur at = *c;
	enum parse r = parse_any_flag(&at, flag_out, keyword_out);

	if (r != PARSE_OK)
		return r;
	if (*flag_out == IMAP_FLAG_RECENT)
		return PARSE_BAD;
	*c = at;
	return PARSE_OK;
}

static enum parse
add_keyword(struct imap_flags *f, struct arena *a, struct span keyword)
{
	for (uint32_t i = 0; i < f->n_keywords; i++)
		if (span_is_nocase(f->keywords[i], keyword))
			return PARSE_OK;
	if (f->n_keywords == MAX_KEYWORDS)
		return PARSE_BAD;
	if (f->keywords == NULL)
		f->keywords = arena_alloc(a, MAX_KEYWORDS * sizeof(keyword));
	if (f->keywords == NULL)
		return PARSE_BAD;
	f->keywords[f->n_keywords++] = keyword;
	return PARSE_OK;
}

/* RFC 9051 9: flag *(SP flag) */
static enum parse
parse_flag_list(
    struct cur *c, struct arena *a, bool is_store, struct imap_flags *f)
{
	do {
		uint16_t flag;
		struct span keyword;
		enum parse r = is_store ? imap_parse_flag(c, &flag, &keyword)
		                        : parse_any_flag(c, &flag, &keyword);

		if (r == PARSE_OK && flag == 0)
			r = add_keyword(f, a, keyword);
		if (r != PARSE_OK)
			return r;
		f->flags |= flag & (uint16_t)~IMAP_FLAG_RECENT;
	} while (cur_skip(c, ' '));
	return PARSE_OK;
}

enum parse
imap_parse_flags(
    struct cur *c, struct arena *a, bool is_store, struct imap_flags *out)
{
	struct cur at = *c;
	struct imap_flags f = { 0 };
	bool has_parens = cur_skip(&at, '(');
	enum parse r = PARSE_OK;

	if (!has_parens && !is_store)
		return cur_is_end(&at) ? PARSE_MORE : PARSE_BAD;
	if (!has_parens || cur_peek(&at) != ')')
		r = parse_flag_list(&at, a, is_store, &f);
	if (r == PARSE_OK && has_parens)
		r = cur_expect(&at, SPAN(")"));
	if (r != PARSE_OK)
		return r;
	*out = f;
	*c = at;
	return PARSE_OK;
}
