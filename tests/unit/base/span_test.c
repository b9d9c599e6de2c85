#include "base/ascii.h"
#include "test.h"

static void
test_numbers(void)
{
	static const struct {
		const char *in;
		uint64_t max;
		int rc;
		uint64_t out;
	} rows[] = {
		{ "0", 10, 0, 0 },
		{ "10", 10, 0, 10 },
		{ "11", 10, ERR_LIMIT, 0 },
		{ "", 10, ERR_SYNTAX, 0 },
		{ "1x", 10, ERR_SYNTAX, 0 },
		{ "-1", 10, ERR_SYNTAX, 0 },
		{ " 1", 10, ERR_SYNTAX, 0 },
		{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, ERR_LIMIT, 0 },
		{ "99999999999999999999999", UINT64_MAX, ERR_LIMIT, 0 },
		{ "99999999999999999999999x", UINT64_MAX, ERR_SYNTAX, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t v = 0;
		char *p = test_copy(span_str(rows[i].in));
		int rc = span_to_u64(
		    span_of(p, strlen(rows[i].in)), rows[i].max, &v);

		CHECK_ROW(rc == rows[i].rc && v == rows[i].out, rows[i].in);
		free(p);
	}
}

static void
test_parts(void)
{
	struct span rest = SPAN("a,b,,c");
	char small[4];

	CHECK(span_is(span_split(&rest, ','), SPAN("a")));
	CHECK(span_is(span_split(&rest, ','), SPAN("b")));
	CHECK(span_is(span_split(&rest, ','), SPAN("")));
	CHECK(span_is(span_split(&rest, ','), SPAN("c")));
	CHECK(rest.len == 0);
	CHECK(span_is(span_trim(SPAN(" \t x y\r\n")), SPAN("x y")));
	CHECK(span_trim(SPAN(" \t\r\n")).len == 0);
	CHECK(span_is(span_sub(SPAN("hello"), 1, 3), SPAN("ell")));
	CHECK(span_sub(SPAN("hello"), 9, 3).len == 0);
	CHECK(span_sub(SPAN("hello"), 4, SIZE_MAX).len == 1);
	CHECK(span_rfind(SPAN("a@b@c"), '@') == 3);
	CHECK(span_rfind(SPAN("abc"), '@') == 3);
	CHECK(span_to_cstr(SPAN("abc"), small, sizeof(small)) == 0);
	CHECK(span_to_cstr(SPAN("abcd"), small, sizeof(small)) == ERR_LIMIT);
	CHECK(span_to_cstr(SPAN("a\0b"), small, sizeof(small)) == ERR_INVALID);
}

static void
test_comparisons(void)
{
	CHECK(span_is_nocase(SPAN("Mail@X"), SPAN("mAIL@x")));
	/* '@' and '`' differ by the case bit, but are no letters. */
	CHECK(!span_is_nocase(SPAN("@"), SPAN("`")));
	CHECK(!span_is_nocase(SPAN("["), SPAN("{")));
	CHECK(span_cmp(SPAN("ab"), SPAN("abc")) < 0);
	CHECK(span_cmp(SPAN("b"), SPAN("abc")) > 0);
	CHECK(span_starts_nocase(SPAN("BODY=8bit"), SPAN("body=")));
	CHECK(!span_starts(SPAN("bo"), SPAN("body")));
	CHECK(span_ends_nocase(SPAN("a.EML"), SPAN(".eml")));
	CHECK(span_is_secret(SPAN("same"), SPAN("same")));
	CHECK(!span_is_secret(SPAN("same"), SPAN("sane")));
	CHECK(!span_is_secret(SPAN("same"), SPAN("samesame")));
}

static void
test_ascii(void)
{
	for (int c = 0; c < 256; c++) {
		char ch = (char)c;
		bool is_letter =
		    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		CHECK(ascii_is_alpha(ch) == is_letter);
		CHECK(ascii_is_8bit(ch) == (c >= 128));
		CHECK(ascii_is_ctl(ch) == (c < 32 || c == 127));
		CHECK(ascii_is_vchar(ch) == (c > 32 && c < 127));
	}
	CHECK(ascii_hex_value('f') == 15 && ascii_hex_value('F') == 15);
	CHECK(ascii_hex_value('g') < 0 && ascii_hex_value('@') < 0);
}

int
main(void)
{
	test_numbers();
	test_parts();
	test_comparisons();
	test_ascii();
	return test_done();
}
