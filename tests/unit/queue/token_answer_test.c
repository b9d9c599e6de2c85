/* What token endpoints say, honest and not, cut at every byte. */
#include "queue/token_answer.h"

#include "test.h"

/* clang-format off */
static const struct {
	const char *body, *access, *refresh, *error; /* access NULL: ERR_SYNTAX */
	uint32_t expires_s;
} rows[] = {
	{ "{\"access_token\":\"ya29.a-b_c~+/=\",\"expires_in\":3599,\"token_type\":\"Bearer\"}",
	  "ya29.a-b_c~+/=", "", "", 3599 },
	{ "{\"token_type\":\"bearer\",\"expires_in\":\"60\",\"access_token\":\"x\",\"refresh_token\":\"y\"}",
	  "x", "y", "", 60 },
	{ "{\"access_token\":\"x\"}", "x", "", "", TOKEN_DEFAULT_S },
	{ "{\"access_token\":\"x\",\"expires_in\":0}", "x", "", "", TOKEN_DEFAULT_S },
	{ "{\"access_token\":\"x\",\"expires_in\":-5}", "x", "", "", TOKEN_DEFAULT_S },
	{ "{\"access_token\":\"x\",\"expires_in\":99999999999999999999}", "x", "", "", 600 },
	{ "{\"access_token\":\"x\",\"expires_in\":86401}", "x", "", "", 86400 },
	{ "{\"error\":\"invalid_grant\"}", "", "", "invalid_grant", 600 },
	{ "{\"error\":\"invalid_grant\",\"error_description\":\"a\\nb \\u00e4\\u0001\"}",
	  "", "", "invalid_grant: a b ???", 600 },
	{ "{\"error\":\"e\",\"access_token\":\"x\",\"refresh_token\":\"y\"}", "", "", "e", 600 },
	{ "{\"error\":null,\"access_token\":\"x\"}", "x", "", "", 600 },
	{ "{\"access_token\":\"x\",\"token_type\":\"mac\"}", NULL, "", "", 0 },
	{ "{\"access_token\":\"\"}", NULL, "", "", 0 },
	{ "{\"access_token\":\"a b\"}", NULL, "", "", 0 },
	{ "{\"access_token\":\"a\\r\\nb\"}", NULL, "", "", 0 },
	{ "{\"access_token\":\"a\\u0001auth=\"}", NULL, "", "", 0 },
	{ "{\"access_token\":\"\\u00e4\"}", NULL, "", "", 0 },
	{ "{\"access_token\":5}", NULL, "", "", 0 },
	{ "{\"access_token\":\"x\",\"refresh_token\":[]}", NULL, "", "", 0 },
	{ "access_token=x", NULL, "", "", 0 },
	{ "{}", NULL, "", "", 0 },
	{ "", NULL, "", "", 0 },
};
/* clang-format on */

static void
test_long(void)
{
	static char body[6000];
	struct token_answer a;
	int n = snprintf(body, sizeof(body), "{\"access_token\":\"");

	memset(body + n, 'x', TOKEN_MAX_BYTES + 1);
	memcpy(body + n + TOKEN_MAX_BYTES + 1, "\"}", 2);
	token_answer_init(&a);
	CHECK(token_answer_parse(
	          &a, span_of(body, (size_t)n + TOKEN_MAX_BYTES + 3)) < 0);
	CHECK_INT(a.access.len, 0);
	token_answer_deinit(&a);
	n = snprintf(body, sizeof(body),
	    "{\"error\":\"e\","
	    "\"error_description\":\"");
	memset(body + n, 'y', 5000);
	memcpy(body + n + 5000, "\"}", 2);
	token_answer_init(&a);
	CHECK(token_answer_parse(&a, span_of(body, (size_t)n + 5002)) == 0);
	CHECK_INT(a.error.len, TOKEN_MAX_WORDS);
	CHECK(!buf_failed(&a.error));
	token_answer_deinit(&a);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct span in = span_str(rows[i].body);

		for (size_t n = 0; n <= in.len; n++) {
			char *copy = test_copy(span_sub(in, 0, n));
			struct token_answer a;
			int rc;

			token_answer_init(&a);
			rc = token_answer_parse(&a, span_of(copy, n));
			free(copy);
			if (n < in.len || rows[i].access == NULL) {
				CHECK_ROW(rc == ERR_SYNTAX, rows[i].body);
				CHECK(a.access.len == 0 && a.refresh.len == 0);
			} else {
				CHECK_ROW(rc == 0, rows[i].body);
				CHECK_SPAN(buf_span(&a.access),
				    span_str(rows[i].access));
				CHECK_SPAN(buf_span(&a.refresh),
				    span_str(rows[i].refresh));
				CHECK_SPAN(buf_span(&a.error),
				    span_str(rows[i].error));
				CHECK_INT(a.expires_s, rows[i].expires_s);
			}
			token_answer_deinit(&a);
		}
	}
	test_long();
	return test_done();
}
