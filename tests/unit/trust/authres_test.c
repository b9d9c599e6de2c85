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
	return test_done();
}
