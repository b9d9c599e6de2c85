/* Objects of JSON: members, texts, and what is none, cut at every byte. */
#include "base/json_read.h"

#include "test.h"

/* clang-format off */
static const struct {
	const char *text, *want; /* "key=kind value|"; NULL: an error */
	int rc;
} rows[] = {
	{ "{}", "", 0 },
	{ " \t\r\n{ } \n", "", 0 },
	{ "{\"a\":\"b\"}", "a=0 b|", 0 },
	{ "{ \"a\" : -1.5e+3 , \"b\":true,\"c\" : null}", "a=1 -1.5e+3|b=2 true|c=2 null|", 0 },
	{ "{\"a\":[1,{\"]\":\"}\\\"\"}],\"b\":{}}", "a=3 [1,{\"]\":\"}\\\"\"}]|b=3 {}|", 0 },
	{ "{\"a\\\"b\":\"\"}", "a\\\"b=0 |", 0 },
	{ "", NULL, ERR_SYNTAX },
	{ "[]", NULL, ERR_SYNTAX },
	{ "{} x", NULL, ERR_SYNTAX },
	{ "{,}", NULL, ERR_SYNTAX },
	{ "{\"a\":1 \"b\":2}", NULL, ERR_SYNTAX },
	{ "{\"a\":1,,\"b\":2}", NULL, ERR_SYNTAX },
	{ "{\"a\" 1}", NULL, ERR_SYNTAX },
	{ "{a:1}", NULL, ERR_SYNTAX },
	{ "{\"a\":True}", NULL, ERR_SYNTAX },
	{ "{\"a\":}", NULL, ERR_SYNTAX },
	{ "{\"a\":'b'}", NULL, ERR_SYNTAX },
	{ "{\"a\":\"b\nc\"}", NULL, ERR_SYNTAX },
	{ "{\"a\":[}]}", NULL, ERR_SYNTAX },
	{ "{\"a\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}", NULL, ERR_LIMIT },
	{ "{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", "a=3 [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]|", 0 },
};

static const struct {
	const char *value, *text; /* NULL: ERR_SYNTAX */
} texts[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t" },
	{ "\\u0041\\u00e4\\u20AC", "A\xc3\xa4\xe2\x82\xac" },
	{ "\\ud83d\\ude00", "\xf0\x9f\x98\x80" },
	{ "\xc3\xa4", "\xc3\xa4" },
	{ "\\", NULL },
	{ "\\x", NULL },
	{ "\\u12", NULL },
	{ "\\u12g4", NULL },
	{ "\\ud83d", NULL },
	{ "\\ud83d\\u0041", NULL },
	{ "\\ude00", NULL },
	{ "\xff", NULL },
};
/* clang-format on */

static int
read_all(struct span text, struct buf *out)
{
	struct json_reader r;
	struct json_member m;
	int rc;

	json_init(&r, text);
	while ((rc = json_next(&r, &m)) == 0) {
		buf_put(out, m.key);
		buf_putf(out, "=%d ", (int)m.kind);
		buf_put(out, m.value);
		buf_put_char(out, '|');
	}
	return rc == ERR_NONE ? 0 : rc;
}

int
main(void)
{
	struct buf out;

	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct span in = span_str(rows[i].text);

		for (size_t n = 0; n <= in.len; n++) {
			char *copy = test_copy(span_sub(in, 0, n));
			int rc;

			buf_reset(&out);
			rc = read_all(span_of(copy, n), &out);
			free(copy);
			if (n == in.len)
				CHECK_ROW(rc == rows[i].rc, rows[i].text);
			/* All but the white space at the end is needed. */
			else if (rows[i].want != NULL && in.p[n] != '\n' &&
			         in.p[n] != ' ')
				CHECK_ROW(rc < 0, rows[i].text);
		}
		if (rows[i].want != NULL)
			CHECK_SPAN(buf_span(&out), span_str(rows[i].want));
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct span in = span_str(texts[i].value);

		for (size_t n = 0; n <= in.len; n++) {
			char *copy = test_copy(span_sub(in, 0, n));
			int rc;

			buf_reset(&out);
			rc = json_text(span_of(copy, n), &out);
			free(copy);
			if (n == in.len)
				CHECK_ROW((rc == 0) == (texts[i].text != NULL),
				    texts[i].value);
		}
		if (texts[i].text != NULL)
			CHECK_SPAN(buf_span(&out), span_str(texts[i].text));
	}
	buf_deinit(&out);
	buf_init(&out, 3);
	CHECK(json_text(SPAN("four"), &out) == ERR_LIMIT);
	buf_deinit(&out);
	return test_done();
}
