#include "mime/text_search.h"

#include "test.h"

static const struct {
	const char *needle, *encoding, *charset, *text;
	bool is_there;
} rows[] = {
	{ "hello", "7bit", "", "say Hello", true },
	{ "hello world", "quoted-printable", "us-ascii", "hello=\r\n world",
	    true },
	{ "k\xc3\xa4se", "quoted-printable", "iso-8859-1", "K=C4SE", true },
	{ "k\xc3\xa4se", "QUOTED-PRINTABLE", "UTF-8", "K=C3=84SE", true },
	{ "k\xc3\xa4se", "quoted-printable", "koi8-r", "K=C4SE", false },
	{ "hello", "base64", "utf-8", "c2F5IEhl\r\nbGxvIQ==\r\n", true },
	{ "help", "base64", "utf-8", "c2F5IEhl\r\nbGxvIQ==\r\n", false },
	{ "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", "8bit", "koi8-r",
	    "\xf0\xf2\xe9\xf7\xe5\xf4", true },
	{ "\xe6\x97\xa5\xe6\x9c\xac", "7bit", "iso-2022-jp",
	    "\x1b$BF|K\\\x1b(B", true },
	/* unknown charset, unknown encoding: ASCII */
	{ "plain", "x-none", "x-none", "some PLAIN text", true },
	{ "\xc3\xa4", "8bit", "x-none", "a\xe4z", false },
	{ "z", "8bit", "x-none", "a\xe4z", true },
	{ "=zz", "quoted-printable", "", "a=zz", true },
	{ "end=", "quoted-printable", "", "the end=", true },
	{ "<b>", "7bit", "", "<B>bold</B>", true },
};

static bool
search(size_t row, size_t first, size_t step)
{
	struct span text = span_str(rows[row].text);
	struct needle n, *list[1] = { &n };
	struct needle_set set = { list, 1 };
	struct text_search t;
	struct arena a;

	arena_init(&a, 65536);
	REQUIRE(needle_init(&n, &a, span_str(rows[row].needle)) == 0);
	text_search_init(&t);
	/* Something is left over from another text. */
	text_search_begin(&t, &set, SPAN("base64"), SPAN("utf-16"));
	text_search_feed(&t, &set, SPAN("QU"));
	text_search_begin(&t, &set, span_str(rows[row].encoding),
	    span_str(rows[row].charset));
	for (size_t at = 0, k = first; at < text.len; at += k, k = step) {
		struct span piece = span_sub(text, at, k);
		char *p = test_copy(piece);

		text_search_feed(&t, &set, span_of(p, piece.len));
		free(p);
	}
	text_search_end(&t, &set);
	CHECK(!t.has_failed);
	text_search_deinit(&t);
	arena_reset(&a);
	return n.is_found;
}

static const struct {
	const char *needle, *value;
	bool is_there;
} values[] = {
	{ "subject", "the Subject", true },
	{ "k\xc3\xa4se", "=?iso-8859-1?Q?K=C4?= =?iso-8859-1?q?SE?=", true },
	{ "iso", "=?iso-8859-1?Q?K=C4SE?=", false },
	{ "k\xc3\xa4se", "K\xc4se raw", true },
	{ "k\xc3\xa4se", "K\xc3\x84se raw", true },
	{ "a = b", "a = b =?", true },
	{ "\xe4\xbd\xa0\xe5\xa5\xbd", "=?gb2312?B?xOO6ww==?=", true },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t n = 1; n <= strlen(rows[i].text); n++) {
			CHECK_ROW(search(i, n, 100) == rows[i].is_there,
			    rows[i].needle);
			CHECK_ROW(search(i, n, 1) == rows[i].is_there,
			    rows[i].needle);
		}
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct needle n, *list[1] = { &n };
		struct needle_set set = { list, 1 };
		struct text_search t;
		struct arena a;

		arena_init(&a, 65536);
		text_search_init(&t);
		REQUIRE(needle_init(&n, &a, span_str(values[i].needle)) == 0);
		needle_set_begin(&set);
		text_search_value(&t, &set, span_str(values[i].value));
		CHECK_ROW(n.is_found == values[i].is_there, values[i].value);
		text_search_deinit(&t);
		arena_reset(&a);
	}
	return test_done();
}
