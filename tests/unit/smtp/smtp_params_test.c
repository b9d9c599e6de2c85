/* The parameters of MAIL, RCPT and BDAT. */
#include "smtp/smtp_params.h"

#include "test.h"

struct mail_row {
	const char *in;
	int rc;
	struct smtp_mail_params want;
};

/* clang-format off */
static const struct mail_row mail_rows[] = {
	{ "", 0, { 0 } },
	{ " ", 0, { 0 } },
	{ "x", ERR_SYNTAX, { 0 } },
	{ " SIZE=0", 0, { 0 } },
	{ " size=1000", 0, { .size_bytes = 1000 } },
	{ " SIZE=9223372036854775807", 0, { .size_bytes = INT64_MAX } },
	{ " SIZE=9223372036854775808", ERR_LIMIT, { 0 } },
	{ " SIZE=99999999999999999999", ERR_LIMIT, { 0 } },
	{ " SIZE=999999999999999999999", ERR_INVALID, { 0 } },
	{ " SIZE=-1", ERR_SYNTAX, { 0 } },
	{ " SIZE=+1", ERR_SYNTAX, { 0 } },
	{ " SIZE=", ERR_SYNTAX, { 0 } },
	{ " SIZE", ERR_SYNTAX, { 0 } },
	{ " SIZE=1 SIZE=1", ERR_EXISTS, { 0 } },
	{ " BODY=8BITMIME", 0, { .body = SMTP_BODY_8BITMIME } },
	{ " BODY=7bit", 0, { .body = SMTP_BODY_7BIT } },
	{ " BODY=BINARYMIME", ERR_UNSUPPORTED, { 0 } },
	{ " BODY=9BIT", ERR_INVALID, { 0 } },
	{ " SMTPUTF8", 0, { .is_utf8 = true } },
	{ " SMTPUTF8=yes", ERR_INVALID, { 0 } },
	{ " SMTPUTF8 BODY=8BITMIME  SIZE=5", 0, { .is_utf8 = true, .body = SMTP_BODY_8BITMIME, .size_bytes = 5 } },
	{ " REQUIRETLS", 0, { .requires_tls = true } },
	{ " requiretls=1", ERR_INVALID, { 0 } },
	{ " REQUIRETLS REQUIRETLS", ERR_EXISTS, { 0 } },
	{ " RET=HDRS ENVID=a+3Db", 0, { .ret = SMTP_RET_HDRS, .envid = SPAN("a+3Db") } },
	{ " RET=ALL", ERR_INVALID, { 0 } },
	{ " ENVID=a+0Ab", ERR_INVALID, { 0 } },
	{ " ENVID=a+0", ERR_INVALID, { 0 } },
	{ " ENVID=a+", ERR_INVALID, { 0 } },
	{ " AUTH=<>", 0, { .auth = SPAN("<>") } },
	{ " AUTH=kim+40example.test", 0, { .auth = SPAN("kim+40example.test") } },
	{ " AUTH=kim+0D+0Ax", ERR_INVALID, { 0 } },
	{ " FOO=bar", ERR_UNSUPPORTED, { 0 } },
	{ " FOO", ERR_UNSUPPORTED, { 0 } },
	{ " =bar", ERR_SYNTAX, { 0 } },
	{ " -x", ERR_SYNTAX, { 0 } },
	{ " BODY=8BIT=MIME", ERR_SYNTAX, { 0 } },
	{ " <b@c>", ERR_SYNTAX, { 0 } },
};

static const struct {
	const char *in;
	int rc;
	unsigned notify;
	struct span orcpt;
} rcpt_rows[] = {
	{ "", 0, 0, SPAN("") },
	{ " NOTIFY=NEVER", 0, SMTP_NOTIFY_NEVER, SPAN("") },
	{ " NOTIFY=success,delay", 0, SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY, SPAN("") },
	{ " NOTIFY=NEVER,DELAY", ERR_INVALID, 0, SPAN("") },
	{ " NOTIFY=DELAY,", ERR_INVALID, 0, SPAN("") },
	{ " NOTIFY=,DELAY", ERR_INVALID, 0, SPAN("") },
	{ " NOTIFY=WHEN", ERR_INVALID, 0, SPAN("") },
	{ " NOTIFY", ERR_INVALID, 0, SPAN("") },
	{ " ORCPT=rfc822;kim+2Bx@example.test", 0, 0, SPAN("rfc822;kim+2Bx@example.test") },
	{ " ORCPT=utf-8;\xc3\xbc@example.test", 0, 0, SPAN("utf-8;\xc3\xbc@example.test") },
	{ " ORCPT=utf-8;\xc3@example.test", ERR_INVALID, 0, SPAN("") },
	{ " ORCPT=rfc822;a+0Ab", ERR_INVALID, 0, SPAN("") },
	{ " ORCPT=rfc822;", ERR_INVALID, 0, SPAN("") },
	{ " ORCPT=kim", ERR_INVALID, 0, SPAN("") },
	{ " SIZE=5", ERR_UNSUPPORTED, 0, SPAN("") },
	{ " ORCPT=rfc822;a ORCPT=rfc822;b", ERR_EXISTS, 0, SPAN("") },
};

static const struct {
	const char *in;
	int rc;
	uint64_t size;
	bool is_last;
} bdat_rows[] = {
	{ "0", 0, 0, false },
	{ "0 LAST", 0, 0, true },
	{ "86 last", 0, 86, true },
	{ "9223372036854775807", 0, INT64_MAX, false },
	{ "9223372036854775808", ERR_LIMIT, 0, false },
	{ "18446744073709551616", ERR_LIMIT, 0, false },
	{ "99999999999999999999999999 LAST", ERR_LIMIT, 0, true },
	{ "-1", ERR_SYNTAX, 0, false },
	{ "+1", ERR_SYNTAX, 0, false },
	{ "0x10", ERR_SYNTAX, 0, false },
	{ "", ERR_SYNTAX, 0, false },
	{ "LAST", ERR_SYNTAX, 0, false },
	{ "5 LAST x", ERR_SYNTAX, 0, false },
	{ "5 FIRST", ERR_SYNTAX, 0, false },
	{ "5LAST", ERR_SYNTAX, 0, false },
};
/* clang-format on */

static void
test_mail(void)
{
	for (size_t i = 0; i < sizeof(mail_rows) / sizeof(mail_rows[0]); i++) {
		const struct mail_row *r = &mail_rows[i];
		struct span in = span_str(r->in);
		char *copy = test_copy(in);
		struct smtp_mail_params p;
		int rc = smtp_params_mail(span_of(copy, in.len), &p);

		CHECK_ROW(rc == r->rc, r->in);
		if (rc == 0 && r->rc == 0) {
			CHECK_ROW(p.size_bytes == r->want.size_bytes, r->in);
			CHECK_ROW(p.body == r->want.body, r->in);
			CHECK_ROW(p.ret == r->want.ret, r->in);
			CHECK_ROW(p.is_utf8 == r->want.is_utf8, r->in);
			CHECK_ROW(
			    p.requires_tls == r->want.requires_tls, r->in);
			CHECK_SPAN(p.envid, r->want.envid);
			CHECK_SPAN(p.auth, r->want.auth);
		}
		free(copy);
	}
}

/* Cut anywhere: another answer is fine, a read past the end is not. */
static void
test_cuts(void)
{
	struct span in = SPAN(" SIZE=12 AUTH=a+3Db RET=FULL ENVID=x+2By ZZ");

	for (size_t n = 0; n <= in.len; n++) {
		char *copy = test_copy(span_sub(in, 0, n));
		struct smtp_mail_params p;
		struct smtp_rcpt_params q;
		uint64_t size;
		bool is_last;

		CHECK(smtp_params_mail(span_of(copy, n), &p) <= 0);
		CHECK(smtp_params_rcpt(span_of(copy, n), &q) <= 0);
		CHECK(smtp_params_bdat(span_of(copy, n), &size, &is_last) < 0);
		free(copy);
	}
}

int
main(void)
{
	test_mail();
	for (size_t i = 0; i < sizeof(rcpt_rows) / sizeof(rcpt_rows[0]); i++) {
		struct smtp_rcpt_params p;
		int rc = smtp_params_rcpt(span_str(rcpt_rows[i].in), &p);

		CHECK_ROW(rc == rcpt_rows[i].rc, rcpt_rows[i].in);
		if (rc == 0) {
			CHECK_INT(p.notify, rcpt_rows[i].notify);
			CHECK_SPAN(p.orcpt, rcpt_rows[i].orcpt);
		}
	}
	for (size_t i = 0; i < sizeof(bdat_rows) / sizeof(bdat_rows[0]); i++) {
		uint64_t size = 0;
		bool is_last;
		int rc = smtp_params_bdat(
		    span_str(bdat_rows[i].in), &size, &is_last);

		CHECK_ROW(rc == bdat_rows[i].rc, bdat_rows[i].in);
		if (rc == 0) {
			CHECK_ROW(size == bdat_rows[i].size, bdat_rows[i].in);
			CHECK_ROW(
			    is_last == bdat_rows[i].is_last, bdat_rows[i].in);
		}
	}
	test_cuts();
	return test_done();
}
