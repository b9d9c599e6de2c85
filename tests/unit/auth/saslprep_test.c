#include "auth/saslprep.h"
#include "test.h"

struct row {
	const char *in;
	int rc;
	const char *out;
};

static const struct row rows[] = {
	{ "user", 0, "user" },
	{ "USER", 0, "USER" }, /* RFC 4013 3: case is kept */
	{ "pass word ", 0, "pass word " },
	{ "I\xc2\xadX", 0, "IX" }, /* RFC 4013 3: soft hyphen */
	{ "a\xc2\xa0"
	  "b",
	    0, "a b" }, /* no-break space */
	{ "a\xe3\x80\x80"
	  "b",
	    0, "a b" }, /* ideographic space */
	{ "p\xc3\xa4ss", 0, "p\xc3\xa4ss" },
	{ "\xf0\x9f\x94\x91", 0, "\xf0\x9f\x94\x91" }, { "", ERR_INVALID, "" },
	{ "\xc2\xad", ERR_INVALID, "" },
	{ "\x07", ERR_INVALID, "" }, /* RFC 4013 3: prohibited */
	{ "a\tb", ERR_INVALID, "" }, { "a\x7f", ERR_INVALID, "" },
	{ "\xee\x80\x80", ERR_INVALID, "" },     /* private use */
	{ "\xef\xbf\xbe", ERR_INVALID, "" },     /* U+FFFE */
	{ "\xe2\x80\xae", ERR_INVALID, "" },     /* right-to-left override */
	{ "\xf4\x8f\xbf\xbf", ERR_INVALID, "" }, /* U+10FFFF */
	{ "\xff", ERR_SYNTAX, "" }, { "a\xc3", ERR_SYNTAX, "" },
	{ "\xed\xa0\x80", ERR_SYNTAX, "" }, /* a surrogate */
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span in = span_str(rows[i].in);
		char *copy = test_copy(in);
		char storage[64];
		struct buf out;
		int rc;

		buf_init_fixed(&out, storage, sizeof(storage));
		rc = saslprep(&out, span_of(copy, in.len));
		CHECK_ROW(rc == rows[i].rc, rows[i].in);
		if (rc == 0)
			CHECK_ROW(
			    span_is(buf_span(&out), span_str(rows[i].out)),
			    rows[i].in);
		free(copy);
	}
	return test_done();
}
