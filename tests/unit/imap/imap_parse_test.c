#include "imap/imap_parse.h"

#include "base/limits.h"
#include "store/message.h"
#include "test.h"

/* Each rule as a function that reads all of its input and writes what it read:
 * "?" stands for PARSE_MORE, "!" for PARSE_BAD, and what is left over follows
 * a "|". */
typedef enum parse (*rule)(struct cur *c, struct arena *a, struct buf *out);

static enum parse
rule_tag(struct cur *c, struct arena *a, struct buf *out)
{
	struct span s = { 0 };
	enum parse r = imap_parse_tag(c, &s);

	(void)a;
	buf_put(out, s);
	return r;
}

static enum parse
rule_atom(struct cur *c, struct arena *a, struct buf *out)
{
	struct span s = { 0 };
	enum parse r = imap_parse_atom(c, &s);

	(void)a;
	buf_put(out, s);
	return r;
}

static enum parse
rule_word(struct cur *c, struct arena *a, struct buf *out)
{
	(void)a;
	(void)out;
	return imap_parse_word(c, SPAN("SEEN"));
}

static enum parse
rule_astring(struct cur *c, struct arena *a, struct buf *out)
{
	struct span s = { 0 };
	enum parse r = imap_parse_astring(c, a, &s);

	buf_put(out, s);
	return r;
}

static enum parse
rule_nstring(struct cur *c, struct arena *a, struct buf *out)
{
	struct span s = { 0 };
	enum parse r = imap_parse_nstring(c, a, &s);

	if (r == PARSE_OK && s.p == NULL)
		buf_put_str(out, "(nil)");
	buf_put(out, s);
	return r;
}

static enum parse
rule_number(struct cur *c, struct arena *a, struct buf *out)
{
	uint32_t v = 0;
	enum parse r = imap_parse_number(c, &v);

	(void)a;
	if (r == PARSE_OK)
		buf_put_u64(out, v);
	return r;
}

static enum parse
rule_nz_number(struct cur *c, struct arena *a, struct buf *out)
{
	uint32_t v = 0;
	enum parse r = imap_parse_nz_number(c, &v);

	(void)a;
	if (r == PARSE_OK)
		buf_put_u64(out, v);
	return r;
}

static enum parse
rule_number64(struct cur *c, struct arena *a, struct buf *out)
{
	uint64_t v = 0;
	enum parse r = imap_parse_number64(c, &v);

	(void)a;
	if (r == PARSE_OK)
		buf_put_u64(out, v);
	return r;
}

static enum parse
put_mailbox(struct cur *c, struct arena *a, bool is_utf8, struct buf *out)
{
	struct span s = { 0 };
	bool is_valid = true;
	enum parse r = imap_parse_mailbox(c, a, is_utf8, &s, &is_valid);

	if (r == PARSE_OK)
		buf_put_str(out, is_valid ? "" : "invalid:");
	buf_put(out, s);
	return r;
}

static enum parse
rule_mailbox(struct cur *c, struct arena *a, struct buf *out)
{
	return put_mailbox(c, a, false, out);
}

static enum parse
rule_mailbox8(struct cur *c, struct arena *a, struct buf *out)
{
	return put_mailbox(c, a, true, out);
}

static enum parse
rule_set(struct cur *c, struct arena *a, struct buf *out)
{
	struct imap_set s = { 0 };
	enum parse r = imap_parse_set(c, a, &s);

	if (r != PARSE_OK)
		return r;
	buf_put_str(out, s.is_saved ? "saved" : "");
	for (uint32_t i = 0; i < s.n; i++)
		buf_putf(out, "%s%u-%u", i > 0 ? " " : "", s.r[i].first,
		    s.r[i].last);
	return r;
}

static enum parse
put_flags(struct cur *c, struct arena *a, bool is_bare, struct buf *out)
{
	struct imap_flags f = { 0 };
	enum parse r = imap_parse_flags(c, a, is_bare, &f);

	if (r != PARSE_OK)
		return r;
	buf_putf(out, "%02x", f.flags);
	for (uint32_t i = 0; i < f.n_keywords; i++) {
		buf_put_char(out, ' ');
		buf_put(out, f.keywords[i]);
	}
	return r;
}

static enum parse
rule_flags(struct cur *c, struct arena *a, struct buf *out)
{
	return put_flags(c, a, false, out);
}

static enum parse
rule_bare_flags(struct cur *c, struct arena *a, struct buf *out)
{
	return put_flags(c, a, true, out);
}

static enum parse
rule_date(struct cur *c, struct arena *a, struct buf *out)
{
	int64_t days = 0;
	enum parse r = imap_parse_date(c, &days);

	(void)a;
	if (r == PARSE_OK)
		buf_put_i64(out, days);
	return r;
}

static enum parse
rule_date_time(struct cur *c, struct arena *a, struct buf *out)
{
	int64_t s = 0;
	int16_t zone = 0;
	enum parse r = imap_parse_date_time(c, &s, &zone);

	(void)a;
	if (r == PARSE_OK) {
		buf_put_i64(out, s);
		buf_putf(out, " %d", zone);
	}
	return r;
}

static const struct {
	rule run;
	const char *in;
	const char *want;
} rows[] = {
	{ rule_tag, "a1 x", "a1| x" },
	{ rule_tag, "A]. x", "A].| x" },
	{ rule_tag, "+ x", "!" },
	{ rule_tag, "a+b", "a|+b" },
	{ rule_tag, "*", "!" },
	{ rule_tag, "", "?" },
	{ rule_atom, "$Forwarded)", "$Forwarded|)" },
	{ rule_atom, "a[b]", "a[b|]" },
	{ rule_atom, "(", "!" },
	{ rule_atom, "\xc3\xa9", "!" },
	{ rule_atom, "\x7f", "!" },
	{ rule_word, "seen", "" },
	{ rule_word, "Seen)", "|)" },
	{ rule_word, "Seen2", "!" },
	{ rule_word, "See", "?" },
	{ rule_word, "Sex", "!" },

	{ rule_astring, "abc def", "abc| def" },
	{ rule_astring, "a]b", "a]b" },
	{ rule_astring, "%", "!" },
	{ rule_astring, "\"\"", "" },
	{ rule_astring, "\"a b\" c", "a b| c" },
	{ rule_astring, "\"a\\\"b\\\\\"", "a\"b\\" },
	{ rule_astring, "\"a\\n\"", "!" },
	{ rule_astring, "\"a\r\nb\"", "!" },
	{ rule_astring, "\"a", "?" },
	{ rule_astring, "\"a\\", "?" },
	{ rule_astring, "\"a\xc3\xa9\"", "a\xc3\xa9" },
	{ rule_astring, "{3}\r\na\"b c", "a\"b| c" },
	{ rule_astring, "{3+}\r\na\r\n|", "a\r\n||" },
	{ rule_astring, "{0}\r\n", "" },
	{ rule_astring, "{4}\r\nabc", "?" },
	{ rule_astring, "{3}\nabc", "!" },
	{ rule_astring, "{3-}\r\nabc", "!" },
	{ rule_astring, "{}\r\n", "!" },
	{ rule_astring, "{x}\r\n", "!" },
	{ rule_astring, "{99999999999999999999}\r\n", "!" },
	{ rule_astring, "{9223372036854775807}\r\nabc", "?" },
	{ rule_astring, "~{3}\r\nabc", "~|{3}\r\nabc" },
	{ rule_nstring, "NIL", "(nil)" },
	{ rule_nstring, "nil)", "(nil)|)" },
	{ rule_nstring, "\"NIL\"", "NIL" },
	{ rule_nstring, "NILS", "!" },
	{ rule_nstring, "abc", "!" },

	{ rule_number, "0", "0" },
	{ rule_number, "007x", "7|x" },
	{ rule_number, "4294967295", "4294967295" },
	{ rule_number, "4294967296", "!" },
	{ rule_number, "-1", "!" },
	{ rule_number, "", "?" },
	{ rule_nz_number, "1", "1" },
	{ rule_nz_number, "0", "!" },
	{ rule_nz_number, "01", "!" },
	{ rule_number64, "9223372036854775807", "9223372036854775807" },
	{ rule_number64, "9223372036854775808", "!" },

	{ rule_mailbox, "inbox", "INBOX" },
	{ rule_mailbox, "\"InBoX/a\"", "INBOX/a" },
	{ rule_mailbox, "inboxes", "inboxes" },
	{ rule_mailbox, "{5}\r\niNBOX x", "INBOX| x" },
	{ rule_mailbox, "Entw&APw-rfe", "Entw\xc3\xbcrfe" },
	{ rule_mailbox, "a/", "a/" },
	{ rule_mailbox, "\"a&-b\"", "a&b" },
	{ rule_mailbox, "a&b", "invalid:a&b" },
	{ rule_mailbox, "\"\xc3\xa9\"", "invalid:\xc3\xa9" },
	{ rule_mailbox, "\"a\tb\"", "invalid:a\tb" },
	{ rule_mailbox, "\"\"", "" },
	{ rule_mailbox8, "a&b", "a&b" },
	{ rule_mailbox8, "\"\xc3\xa9\"", "\xc3\xa9" },
	{ rule_mailbox8, "\"\xe9\"", "invalid:\xe9" },
	{ rule_mailbox8, "&APw-", "&APw-" },

	{ rule_set, "1", "1-1" },
	{ rule_set, "4:2,7,*", "2-4 7-7 4294967295-4294967295" },
	{ rule_set, "*:5 x", "5-4294967295| x" },
	{ rule_set, "*:*", "4294967295-4294967295" },
	{ rule_set, "$", "saved" },
	{ rule_set, "$,1", "saved|,1" },
	{ rule_set, "0", "!" },
	{ rule_set, "1:0", "!" },
	{ rule_set, "1,", "?" },
	{ rule_set, "1:", "?" },
	{ rule_set, "1,,2", "!" },
	{ rule_set, "1:2:3", "1-2|:3" },
	{ rule_set, "a", "!" },

	{ rule_flags, "()", "00" },
	{ rule_flags, "(\\Seen \\dELETED)", "09" },
	{ rule_flags, "(a \\Draft A $b) x", "10 a $b| x" },
	{ rule_flags, "(\\Recent)", "00" },
	{ rule_flags, "(\\Seen \\RECENT a)", "01 a" },
	{ rule_flags, "(\\Recent2)", "!" },
	{ rule_bare_flags, "(\\Recent)", "!" },
	{ rule_flags, "(\\*)", "!" },
	{ rule_flags, "(\\)", "!" },
	{ rule_flags, "(a  b)", "!" },
	{ rule_flags, "(a", "?" },
	{ rule_flags, "( a)", "!" },
	{ rule_flags, "a", "!" },
	{ rule_bare_flags, "\\Seen a", "01 a" },
	{ rule_bare_flags, "(\\Seen)", "01" },
	{ rule_bare_flags, "", "?" },

	{ rule_date, "1-Jan-1970", "0" },
	{ rule_date, "\"01-jan-1970\"", "0" },
	{ rule_date, "31-Dec-1969", "-1" },
	{ rule_date, "29-Feb-2024", "19782" },
	{ rule_date, "29-Feb-2023", "!" },
	{ rule_date, "31-Apr-2023", "!" },
	{ rule_date, "0-Jan-2000", "!" },
	{ rule_date, "1-Jan-0000", "!" },
	{ rule_date, "123-Jan-2000", "!" },
	{ rule_date, "1-Jab-2000", "!" },
	{ rule_date, "1-Jan-00", "?" },
	{ rule_date, "1-Jan-20000", "!" },
	{ rule_date, "\"1-Jan-2000", "?" },
	{ rule_date_time, "\" 1-Feb-2026 12:00:00 +0100\"", "1769943600 60" },
	{ rule_date_time, "\"01-Feb-2026 12:00:00 -0130\"", "1769952600 -90" },
	{ rule_date_time, "\"1-Feb-2026 12:00:00 +0100\"", "1769943600 60" },
	{ rule_date_time, "\" 01-Feb-2026 12:00:00 +0100\"", "!" },
	{ rule_date_time, "\" 1-Feb-2026 24:00:00 +0100\"", "!" },
	{ rule_date_time, "\" 1-Feb-2026 12:60:00 +0100\"", "!" },
	{ rule_date_time, "\" 1-Feb-2026 12:00:00 +2400\"", "!" },
	{ rule_date_time, "\" 1-Feb-2026 12:00:00 +0160\"", "!" },
	{ rule_date_time, "\" 1-Feb-2026 12:00:00 GMT\"", "!" },
	{ rule_date_time, "\" 1-Feb-2026 12:00:00 +0100", "?" },
};

/* Run a rule over an exact copy: the answer as text. */
static enum parse
run_rule(rule run, struct span in, struct buf *out)
{
	char *copy = test_copy(in);
	struct cur c = cur_of(span_of(copy, in.len));
	struct arena a;
	enum parse r;

	arena_init(&a, 64 * 1024);
	buf_reset(out);
	r = run(&c, &a, out);
	if (r != PARSE_OK) {
		CHECK(c.p == copy); /* the cursor stands still */
		buf_reset(out);
		buf_put_char(out, r == PARSE_MORE ? '?' : '!');
	} else if (!cur_is_end(&c)) {
		buf_put_char(out, '|');
		buf_put(out, cur_rest(&c));
	}
	arena_reset(&a);
	free(copy);
	return r;
}

static void
test_rows(void)
{
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span in = span_str(rows[i].in);
		enum parse whole = run_rule(rows[i].run, in, &out);

		CHECK_ROW(span_is(buf_span(&out), span_str(rows[i].want)),
		    rows[i].in);
		/* Cut: what is a beginning is never wrong. */
		for (size_t n = 0; n < in.len; n++) {
			enum parse cut =
			    run_rule(rows[i].run, span_sub(in, 0, n), &out);

			CHECK_ROW(
			    whole == PARSE_BAD || cut != PARSE_BAD, rows[i].in);
		}
	}
	buf_deinit(&out);
}

static void
test_limits(void)
{
	struct arena a;
	struct buf b;
	struct imap_set set;
	struct imap_flags flags;
	struct cur c;
	struct span s;

	buf_init(&b, 64 * 1024);
	arena_init(&a, 256 * 1024);
	buf_put_char(&b, '1');
	for (int i = 1; i < MAX_IMAP_RANGES; i++)
		buf_put_str(&b, ",1");
	c = cur_of(buf_span(&b));
	CHECK_INT(imap_parse_set(&c, &a, &set), PARSE_OK);
	CHECK_INT(set.n, MAX_IMAP_RANGES);
	buf_put_str(&b, ",1");
	c = cur_of(buf_span(&b));
	CHECK_INT(imap_parse_set(&c, &a, &set), PARSE_BAD);

	for (int n = MAX_KEYWORDS; n <= MAX_KEYWORDS + 1; n++) {
		buf_reset(&b);
		for (int i = 0; i < n; i++)
			buf_putf(&b, "%ck%d", i > 0 ? ' ' : '(', i);
		buf_put_str(&b, " K0)");
		c = cur_of(buf_span(&b));
		CHECK_INT(imap_parse_flags(&c, &a, false, &flags),
		    n == MAX_KEYWORDS ? PARSE_OK : PARSE_BAD);
	}
	c = cur_of(span_of("{1}\r\n\0", 6)); /* NUL */
	CHECK_INT(imap_parse_astring(&c, &a, &s), PARSE_BAD);
	/* An arena that is full. */
	arena_reset(&a);
	arena_init(&a, 4);
	c = cur_of(SPAN("\"12345\\\"\""));
	CHECK_INT(imap_parse_astring(&c, &a, &s), PARSE_BAD);
	c = cur_of(SPAN("1"));
	CHECK_INT(imap_parse_set(&c, &a, &set), PARSE_BAD);
	c = cur_of(SPAN("()"));
	CHECK_INT(imap_parse_end(&c), PARSE_BAD);
	c = cur_of(SPAN(""));
	CHECK_INT(imap_parse_end(&c), PARSE_OK);
	arena_reset(&a);
	buf_deinit(&b);
}

/* want: "no", or bytes and "+" and "~". */
static const struct {
	const char *line;
	const char *want;
} literals[] = {
	{ "a LOGIN {5}", "5" },
	{ "a LOGIN {5+}", "5+" },
	{ "a APPEND x ~{5}", "5~" },
	{ "a APPEND x ~{5+}", "5+~" },
	{ "{0}", "0" },
	{ "a {99999999999999999999999}", "18446744073709551615" },
	{ "a {5} ", "no" },
	{ "a {}", "no" },
	{ "a {+}", "no" },
	{ "a {5-}", "no" },
	{ "a {5", "no" },
	{ "a 5}", "no" },
	{ "a {-5}", "no" },
	{ "a {{5}", "5" },
	{ "\"{5}\"", "no" },
	{ "}", "no" },
	{ "", "no" },
};

static void
test_literals(void)
{
	struct buf out;

	buf_init(&out, 100);
	for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
		struct span line = span_str(literals[i].line);

		for (size_t n = 0; n <= line.len; n++) {
			char *copy = test_copy(span_sub(line, 0, n));
			struct imap_literal l;
			bool is_one =
			    imap_ends_in_literal(span_of(copy, n), &l);

			free(copy);
			if (n < line.len)
				continue;
			buf_reset(&out);
			if (is_one)
				buf_put_u64(&out, l.bytes);
			else
				buf_put_str(&out, "no");
			if (is_one && !l.is_synchronizing)
				buf_put_char(&out, '+');
			if (is_one && l.is_binary)
				buf_put_char(&out, '~');
			CHECK_SPAN(buf_span(&out), span_str(literals[i].want));
		}
	}
	buf_deinit(&out);
}

int
main(void)
{
	test_rows();
	test_limits();
	test_literals();
	return test_done();
}
