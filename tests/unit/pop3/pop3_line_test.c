#include "pop3/pop3_line.h"

#include "pop3/dotstuff.h"
#include "test.h"

static void
test_take(void)
{
	static const struct {
		const char *in;
		size_t max;
		enum parse parse;
		const char *line;
		size_t n;
	} rows[] = {
		{ "NOOP\r\nSTAT\r\n", 512, PARSE_OK, "NOOP", 6 },
		{ "NOOP\nSTAT\r\n", 512, PARSE_OK, "NOOP", 5 },
		{ "\r\n", 512, PARSE_OK, "", 2 },
		{ "\n", 512, PARSE_OK, "", 1 },
		{ "A\r\r\n", 512, PARSE_OK, "A\r", 4 },
		{ "NOOP\r", 512, PARSE_MORE, "", 0 },
		{ "", 512, PARSE_MORE, "", 0 },
		{ "12345678", 8, PARSE_BAD, "", 0 },
		{ "123456\r\n", 8, PARSE_OK, "123456", 8 },
		{ "1234567\r\n", 8, PARSE_BAD, "", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span whole = span_str(rows[i].in);

		for (size_t len = 0; len <= whole.len; len++) {
			char *copy = test_copy(span_sub(whole, 0, len));
			struct span line = span_of(NULL, 0);
			size_t n = 0;
			enum parse r = pop3_line_take(
			    span_of(copy, len), rows[i].max, &line, &n);

			if (r == PARSE_OK || len == whole.len) {
				CHECK_ROW(r == rows[i].parse, rows[i].in);
				CHECK_ROW(n == rows[i].n, rows[i].in);
				CHECK_ROW(span_is(line, span_str(rows[i].line)),
				    rows[i].in);
			}
			free(copy);
		}
	}
}

static void
test_parse(void)
{
	static const struct {
		const char *in;
		int rc;
		const char *keyword, *rest;
	} rows[] = {
		{ "STAT", 0, "STAT", "" },
		{ "stat", 0, "stat", "" },
		{ "PASS  two spaces ", 0, "PASS", " two spaces " },
		{ "PASS ", 0, "PASS", "" },
		{ "LIST 1", 0, "LIST", "1" },
		{ "", ERR_SYNTAX, "", "" },
		{ " LIST", ERR_SYNTAX, "", "" },
		{ "LI\x01ST", ERR_SYNTAX, "", "" },
		{ "PASS a\rb", ERR_SYNTAX, "", "" },
		{ "PASS a\tb", 0, "PASS", "a\tb" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pop3_line line;
		int rc = pop3_line_parse(span_str(rows[i].in), &line);

		CHECK_ROW(rc == rows[i].rc, rows[i].in);
		if (rc < 0)
			continue;
		CHECK_ROW(span_is(line.keyword, span_str(rows[i].keyword)),
		    rows[i].in);
		CHECK_ROW(
		    span_is(line.rest, span_str(rows[i].rest)), rows[i].in);
	}
}

static void
test_args(void)
{
	static const struct {
		const char *rest;
		int rc;
		const char *a, *b;
	} rows[] = {
		{ "", 0, "", "" },
		{ "1", 0, "1", "" },
		{ "1 2", 0, "1", "2" },
		{ " 1  2 ", 0, "1", "2" },
		{ "1 2 3", ERR_SYNTAX, "", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pop3_line line = { .rest = span_str(rows[i].rest) };
		struct span a, b;
		int rc = pop3_line_args(&line, &a, &b);

		CHECK_ROW(rc == rows[i].rc, rows[i].rest);
		if (rc == 0) {
			CHECK_ROW(
			    span_is(a, span_str(rows[i].a)), rows[i].rest);
			CHECK_ROW(
			    span_is(b, span_str(rows[i].b)), rows[i].rest);
		}
	}
}

static void
test_number(void)
{
	static const struct {
		const char *text;
		int rc;
		uint32_t value;
	} rows[] = {
		{ "1", 0, 1 },
		{ "007", 0, 7 },
		{ "4294967295", 0, UINT32_MAX },
		{ "4294967296", ERR_SYNTAX, 0 },
		{ "18446744073709551617", ERR_SYNTAX, 0 },
		{ "0", ERR_SYNTAX, 0 },
		{ "-1", ERR_SYNTAX, 0 },
		{ "+1", ERR_SYNTAX, 0 },
		{ "1x", ERR_SYNTAX, 0 },
		{ "", ERR_SYNTAX, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t value = 0;

		CHECK_ROW(pop3_line_number(span_str(rows[i].text), &value) ==
		              rows[i].rc,
		    rows[i].text);
		CHECK_ROW(value == rows[i].value, rows[i].text);
	}
}

/* The same bytes go out however the message is cut into pieces. */
static void
test_dotstuff(void)
{
	static const struct {
		const char *in;
		uint32_t n_lines;
		const char *out;
	} rows[] = {
		{ "", DOTSTUFF_ALL_LINES, ".\r\n" },
		{ "a\r\n", DOTSTUFF_ALL_LINES, "a\r\n.\r\n" },
		{ "a", DOTSTUFF_ALL_LINES, "a\r\n.\r\n" },
		{ ".\r\n", DOTSTUFF_ALL_LINES, "..\r\n.\r\n" },
		{ ".", DOTSTUFF_ALL_LINES, "..\r\n.\r\n" },
		{ "a\r\n..b\r\n.c.\r\n", DOTSTUFF_ALL_LINES,
		    "a\r\n...b\r\n..c.\r\n.\r\n" },
		{ "H: 1\r\n\r\na\r\nb\r\n", 0, "H: 1\r\n\r\n.\r\n" },
		{ "H: 1\r\n\r\na\r\nb\r\n", 1, "H: 1\r\n\r\na\r\n.\r\n" },
		{ "H: 1\r\n\r\na\r\nb\r\n", 2, "H: 1\r\n\r\na\r\nb\r\n.\r\n" },
		{ "H: 1\r\n\r\na\r\nb", 9, "H: 1\r\n\r\na\r\nb\r\n.\r\n" },
		{ "H: 1\r\n\r\n\r\n\r\nb\r\n", 1, "H: 1\r\n\r\n\r\n.\r\n" },
		{ "H: 1\r\n f\r\n", 0, "H: 1\r\n f\r\n.\r\n" },
		{ "\r\n.x\r\ny\r\n", 1, "\r\n..x\r\n.\r\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span in = span_str(rows[i].in);

		for (size_t cut = 1; cut <= in.len + 1; cut++) {
			struct dotstuff d;
			struct buf out;

			buf_init(&out, 256);
			dotstuff_init(&d, rows[i].n_lines);
			for (size_t at = 0; at < in.len; at += cut) {
				struct span piece = span_sub(in, at, cut);
				size_t before = out.len;

				dotstuff_put(&d, piece, &out);
				CHECK(out.len - before <=
				      dotstuff_room(piece.len));
			}
			dotstuff_end(&d, &out);
			CHECK_ROW(
			    span_is(buf_span(&out), span_str(rows[i].out)),
			    rows[i].in);
			buf_deinit(&out);
		}
	}
}

int
main(void)
{
	test_take();
	test_parse();
	test_args();
	test_number();
	test_dotstuff();
	return test_done();
}
