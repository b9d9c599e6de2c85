/* Authentication-Results: no value of a stranger can end the field. */
#include "trust/authres.h"

#include "../test.h"

static const struct {
	const char *value, *written;
} rows[] = {
	{ "a@b.test", "a@b.test" },
	{ "b.test", "b.test" },
	{ "", "\"\"" },
	{ "a b@c", "\"a b@c\"" },
	{ "a;spf=pass@c", "\"a;spf=pass@c\"" },
	{ "a\r\nX: y", "\"a??X: y\"" },
	{ "a\"\\@c", "\"a\\\"\\\\@c\"" },
	{ "a@", "\"a@\"" },
	{ "a@[192.0.2.1]", "\"a@[192.0.2.1]\"" },
	{ "\xc3\xa4@c", "\"??@c\"" },
	{ "0123456789012345678901234567890123456789x",
	    "0123456789012345678901234567890123456789x" },
};

static const struct {
	const char *value, *result, *from; /* NULL: none */
} read_rows[] = {
	{ "h; dmarc=pass header.from=a.test", "pass", "a.test" },
	{ "h 1;dmarc/1 (x) = (y (z;) \\) ;) PASS (a;) header.from = \"a.test\"",
	    "PASS", "a.test" },
	{ "h;\r\n spf=pass smtp.mailfrom=x@y;\r\n DMARC=fail;x=y", "fail",
	    NULL },
	{ "h; spf=pass header.from=a; dmarc=none reason=\"; dmarc=pass\" b.c=d "
	  "header.from=e header.from=f",
	    "none", "e" },
	{ "h (; dmarc=pass); none", NULL, NULL },
	{ "\"h; dmarc=pass\"; none", NULL, NULL },
	{ "h; x=\"; dmarc=pass", NULL, NULL },
	{ "h; dmarc", "", NULL },
	{ "h; dmarc=", "", NULL },
	{ "dmarc=pass", NULL, NULL },
	{ ";;;=;dmarc=x;", "x", NULL },
	{ "", NULL, NULL },
};

static void
test_reading(void)
{
	for (size_t i = 0; i < sizeof(read_rows) / sizeof(read_rows[0]); i++) {
		struct span all = span_str(read_rows[i].value);
		struct span result, from;
		bool is_there = false;

		for (size_t n = 0; n <= all.len; n++) {
			char *p = test_copy(span_sub(all, 0, n));

			is_there = authres_find(span_of(p, n), SPAN("dmarc"),
			    SPAN("header.from"), &result, &from);
			free(p);
		}
		CHECK_ROW(is_there == (read_rows[i].result != NULL),
		    read_rows[i].value);
		is_there = authres_find(
		    all, SPAN("dmarc"), SPAN("header.from"), &result, &from);
		if (!is_there)
			continue;
		CHECK_SPAN(result, span_str(read_rows[i].result));
		CHECK_SPAN(from, span_str(read_rows[i].from));
	}
}

int
main(void)
{
	struct authres a;
	struct buf out, want;

	buf_init(&out, 4096);
	buf_init(&want, 4096);
	authres_begin(&a, &out, SPAN("us.test"));
	authres_end(&a);
	CHECK_SPAN(
	    buf_span(&out), SPAN("Authentication-Results: us.test; none\r\n"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		buf_reset(&want);
		authres_begin(&a, &out, SPAN("us.test"));
		authres_method(&a, "spf", "fail", i == 0 ? "why not" : "");
		authres_property(&a, "smtp.helo", span_str(rows[i].value));
		authres_end(&a);
		buf_putf(&want,
		    "Authentication-Results: us.test;\r\n\tspf=fail%s%s"
		    "smtp.helo=%s\r\n",
		    i == 0 ? " reason=\"why not\"" : "",
		    strlen(rows[i].value) > 40 ? "\r\n\t " : " ",
		    rows[i].written);
		CHECK_SPAN(buf_span(&out), buf_span(&want));
	}
	buf_deinit(&out);
	buf_deinit(&want);
	test_reading();
	return test_done();
}
