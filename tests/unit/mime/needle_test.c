#include "mime/needle.h"

#include "base/casemap.h"
#include "test.h"

static const struct {
	const char *needle, *text;
	bool is_there;
} rows[] = {
	{ "b", "abc", true },
	{ "x", "abc", false },
	{ "", "", true },
	{ "", "abc", true },
	{ "abc", "ab", false },
	{ "ABC", "xxabCxx", true },
	{ "needle", "hay needl NEEDLE hay", true },
	{ "aab", "aaaaaaaaaaaaaab", true },
	{ "abab", "abaabab", true },
	{ "aaaa", "aaabaaabaaab", false },
	{ "abcabd", "abcabcabd", true },
	{ "\xc3\xa4pfel", "\xc3\x84PFEL", true },
	{ "\xc3\x84", "a\xc3\xa4", true },
	/* final sigma, Kelvin, long s, dotless and dotted i */
	{ "\xce\xa3", "x\xcf\x82", true },
	{ "k", "\xe2\x84\xaa", true },
	{ "s", "\xc5\xbf", true },
	{ "istanbul", "\xc4\xb0stanbul", true },
	{ "i", "\xc4\xb0", true },
	{ "nadel", "\xc3\xa4 nad NADEL \xc3\xa4", true },
	{ "nadel", "n\xc3\xa4 nad\xc3\xa4l", false },
	{ "\xd0\x9f\xd0\xa0\xd0\x98\xd0\x92\xd0\x95\xd0\xa2",
	    "x \xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", true },
	/* U+023A is two bytes, its small letter three */
	{ "\xc8\xba\xc8\xba", "\xe2\xb1\xa5\xe2\xb1\xa5", true },
	{ "\xe6\xbc\xa2", "\xe6\xbc\xa3\xe6\xbc\xa2", true },
	{ "@[`{", "@[`{", true },
	{ "@", "`", false },
};

static bool
has(struct needle *n, struct span text, size_t first, size_t step)
{
	struct needle *list[1] = { n };
	struct needle_set set = { list, 1 };
	bool is_new = false;

	needle_reset(n);
	needle_set_begin(&set);
	for (size_t at = 0, k = first; at < text.len; k = step) {
		struct span piece;
		char *p;

		/* whole characters */
		while (at + k < text.len && (text.p[at + k] & 0xc0) == 0x80)
			k++;
		piece = span_sub(text, at, k);
		p = test_copy(piece);
		is_new = needle_set_feed(&set, span_of(p, piece.len)) || is_new;
		free(p);
		at += piece.len;
	}
	CHECK(is_new == (n->is_found && n->len > 0));
	return n->is_found;
}

static void
table(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span text = span_str(rows[i].text);
		struct needle n;
		struct arena a;

		arena_init(&a, 65536);
		CHECK(needle_init(&n, &a, span_str(rows[i].needle)) == 0);
		for (size_t first = 1; first <= text.len + 1; first++) {
			CHECK_ROW(has(&n, text, first, 100) == rows[i].is_there,
			    rows[i].needle);
			CHECK_ROW(has(&n, text, first, 1) == rows[i].is_there,
			    rows[i].needle);
		}
		arena_reset(&a);
	}
}

/* Against the plain way, with few letters, so that there is much to match. */
static void
random_texts(void)
{
	uint32_t seed = 1;

	for (int round = 0; round < 3000; round++) {
		char needle[12], text[400];
		size_t n = 0, len = 0;
		bool is_there = false;
		struct needle x;
		struct arena a;

		seed = seed * 1664525 + 1013904223;
		n = 1 + (seed >> 20) % sizeof(needle);
		for (size_t i = 0; i < n; i++) {
			seed = seed * 1664525 + 1013904223;
			needle[i] = (char)('a' + (seed >> 24) % 2);
		}
		for (len = 0; len < sizeof(text); len++) {
			seed = seed * 1664525 + 1013904223;
			text[len] = "abAB"[(seed >> 24) % 4];
		}
		for (size_t i = 0; i + n <= len; i++)
			if (span_is_nocase(
			        span_of(text + i, n), span_of(needle, n)))
				is_there = true;
		arena_init(&a, 65536);
		CHECK(needle_init(&x, &a, span_of(needle, n)) == 0);
		CHECK(has(&x, span_of(text, len), 1 + round % 50,
		          1 + round % 37) == is_there);
		arena_reset(&a);
	}
}

/* Long ones, whose skips do not fit a byte; and the worst case in linear
 * time. */
static void
long_ones(void)
{
	size_t len = 1 << 20, n = 20000;
	char *text = malloc(len), *p = malloc(n);
	struct needle x;
	struct arena a;

	REQUIRE(text != NULL && p != NULL);
	memset(text, 'a', len);
	memset(p, 'a', n);
	p[0] = 'b';
	arena_init(&a, 256 * 1024);
	CHECK(needle_init(&x, &a, span_of(p, n)) == 0);
	CHECK(!has(&x, span_of(text, len), 8192, 8192));
	text[len - n] = 'B';
	CHECK(has(&x, span_of(text, len), 8192, 8192));
	CHECK(has(&x, span_of(text, len), len, len));
	arena_reset(&a);
	for (size_t i = 0; i < n; i++)
		p[i] = (char)('a' + i % 23 % 7);
	memcpy(text + 4000, p, n);
	CHECK(needle_init(&x, &a, span_of(p, n)) == 0);
	CHECK(has(&x, span_of(text, len), 8192, 8192));
	text[4000 + n / 2] = 'z';
	CHECK(!has(&x, span_of(text, len), 8192, 8192));
	arena_reset(&a);
	CHECK(needle_init(&x, &a, span_of(text, MAX_NEEDLE_BYTES + 1)) ==
	      ERR_LIMIT);
	CHECK(needle_init(&x, &a, SPAN("\xff")) == ERR_SYNTAX);
	arena_init(&a, 100);
	CHECK(needle_init(&x, &a, span_of(text, 1000)) == ERR_NOMEM);
	free(text);
	free(p);
}

static void
folding(void)
{
	CHECK_INT(casemap_fold('A'), 'a');
	CHECK_INT(casemap_fold('['), '[');
	CHECK_INT(casemap_fold(0xd7), 0xd7); /* the sign of multiplication */
	CHECK_INT(casemap_fold(0x100), 0x101);
	CHECK_INT(casemap_fold(0x101), 0x101);
	CHECK_INT(casemap_fold(0x1f), 0x1f);
	CHECK_INT(casemap_fold(0x10400), 0x10428);
	CHECK_INT(casemap_fold(0x10ffff), 0x10ffff);
	CHECK_INT(casemap_fold(0x4e00), 0x4e00);
	CHECK_INT(casemap_fold(0xff21), 0xff41);
	for (uint32_t c = 0; c < 0x20000; c++)
		CHECK(casemap_fold(casemap_fold(c)) == casemap_fold(c));
}

/* What needle_init counts on. */
static void
what_becomes_ascii(void)
{
	for (uint32_t code = 0x80; code < 0x110000; code++) {
		uint32_t to = casemap_fold(code);

		CHECK(to >= 0x80 || to == 'i' || to == 'k' || to == 's');
	}
}

int
main(void)
{
	what_becomes_ascii();
	folding();
	table();
	random_texts();
	long_ones();
	return test_done();
}
