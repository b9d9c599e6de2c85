#include "imap/imap_pattern.h"

#include "base/clock.h"
#include "store/mailbox.h"
#include "test.h"

static const struct {
	const char *pattern;
	const char *path;
	bool is_match;
} rows[] = {
	{ "*", "a", true },
	{ "*", "a/b/c", true },
	{ "%", "a", true },
	{ "%", "a/b", false },
	{ "%/%", "a/b", true },
	{ "%/%", "a/b/c", false },
	{ "%/*", "a/b/c", true },
	{ "*%", "a/b", true },
	{ "%*", "a/b", true },
	{ "%%", "a", true },
	{ "%%", "a/b", false },
	{ "a", "a", true },
	{ "a", "ab", false },
	{ "a", "A", false },
	{ "ab", "a", false },
	{ "a%", "a", true },
	{ "a*c", "abbc", true },
	{ "a*c", "abcb", false },
	{ "a*b*c", "a/b/c", true },
	{ "*b*b*", "abab", true },
	{ "*b*b*", "abaa", false },
	{ "a%c", "a/c", false },
	{ "a/", "a", false },
	{ "", "a", false },
	{ "inbox", "INBOX", true },
	{ "InBoX/%", "INBOX/a", true },
	{ "INBOX/A", "INBOX/a", false },
	{ "i%x", "INBOX", true },
	{ "i%", "INBOXES", false },
	{ "%/inbox", "a/INBOX", false },
	{ "\xc3%", "\xc3\xa9", true },
};

/* By the definition, without care for time. */
static bool
match_slowly(struct span pattern, struct span path)
{
	if (pattern.len == 0)
		return path.len == 0;
	if (pattern.p[0] != '*' && pattern.p[0] != '%')
		return path.len > 0 && pattern.p[0] == path.p[0] &&
		       match_slowly(span_sub(pattern, 1, pattern.len),
		           span_sub(path, 1, path.len));
	for (size_t n = 0; n <= path.len; n++) {
		if (match_slowly(span_sub(pattern, 1, pattern.len),
		        span_sub(path, n, path.len)))
			return true;
		if (n < path.len && pattern.p[0] == '%' && path.p[n] == '/')
			return false;
	}
	return false;
}

/* All patterns and names of up to five characters of few letters. */
static void
test_all(void)
{
	static const char letters[] = "a/%*";
	char pattern[5], path[5];

	for (unsigned a = 0; a < 4 * 4 * 4 * 4 * 4; a++) {
		struct imap_patterns p = { 0 };

		for (unsigned k = 0; k < 5; k++)
			pattern[k] = letters[a >> (2 * k) & 3];
		CHECK(imap_patterns_add(&p, span_of(pattern, 5)) == 0);
		for (unsigned b = 0; b < 32; b++) {
			struct span name = span_of(path, 5);

			for (unsigned k = 0; k < 5; k++)
				path[k] = letters[b >> k & 1];
			CHECK_ROW(imap_patterns_match(&p, name) ==
			              match_slowly(span_of(pattern, 5), name),
			    "all");
		}
	}
}

static void
test_several(void)
{
	struct imap_patterns p = { 0 };
	struct imap_match m;

	CHECK_INT(imap_patterns_add(&p, SPAN("a/%")), 0);
	CHECK_INT(imap_patterns_add(&p, SPAN("")), 0);
	CHECK_INT(imap_patterns_add(&p, SPAN("b*")), 0);
	CHECK(p.has_percent);
	CHECK(imap_patterns_match(&p, SPAN("a/x")));
	CHECK(imap_patterns_match(&p, SPAN("b/x/y")));
	CHECK(!imap_patterns_match(&p, SPAN("a")));
	CHECK(!imap_patterns_match(&p, SPAN("c")));
	/* What cannot match any more is dead. */
	imap_match_begin(&p, &m);
	imap_match_step(&p, &m, SPAN("a/"), false, &m);
	CHECK(!imap_match_is_dead(&m));
	imap_match_step(&p, &m, SPAN("x"), false, &m);
	CHECK(imap_match_is_whole(&p, &m));
	imap_match_step(&p, &m, SPAN("/"), false, &m);
	CHECK(imap_match_is_dead(&m));
	CHECK_INT(imap_patterns_add(&p, span_of("a\0", 2)), ERR_INVALID);
}

/* The worst that fits: a name of one level against wildcards and one letter. */
static void
test_bomb(void)
{
	static char text[MAX_IMAP_PATTERN + 10], name[MAX_MAILBOX_PART];
	struct imap_patterns p = { 0 };
	struct imap_match m;
	int64_t start;

	memset(name, 'a', sizeof(name));
	for (size_t k = 0; k < sizeof(text); k++)
		text[k] = k % 2 ? 'a' : '%';
	CHECK_INT(
	    imap_patterns_add(&p, span_of(text, MAX_IMAP_PATTERN)), ERR_LIMIT);
	CHECK_INT(p.n, 0);
	CHECK_INT(
	    imap_patterns_add(&p, span_of(text, MAX_IMAP_PATTERN - 2)), 0);
	CHECK_INT(imap_patterns_add(&p, SPAN("a")), ERR_LIMIT);
	CHECK_INT(imap_patterns_add(&p, SPAN("")), 0);
	CHECK_INT(imap_patterns_add(&p, SPAN("")), ERR_LIMIT);
	start = clock_mono_us();
	imap_match_begin(&p, &m);
	imap_match_step(&p, &m, span_of(name, sizeof(name)), false, &m);
	CHECK(!imap_match_is_whole(&p, &m));
	/* 255 * 1024 places; a quarter of a millisecond without sanitizers */
	fprintf(stderr, "bomb: %d us\n", (int)(clock_mono_us() - start));
	CHECK(clock_mono_us() - start < 100000);
	/* Runs of wildcards are one. */
	memset(text, '*', sizeof(text));
	p = (struct imap_patterns){ 0 };
	CHECK_INT(imap_patterns_add(&p, span_of(text, sizeof(text))), 0);
	CHECK_INT(p.n, 2);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct imap_patterns p = { 0 };

		CHECK_INT(imap_patterns_add(&p, span_str(rows[i].pattern)), 0);
		CHECK_ROW(imap_patterns_match(&p, span_str(rows[i].path)) ==
		              rows[i].is_match,
		    rows[i].pattern);
	}
	test_all();
	test_several();
	test_bomb();
	return test_done();
}
