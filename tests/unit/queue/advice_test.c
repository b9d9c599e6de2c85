/* When a provider refuses the sender, by the words of real ones. */
#include "queue/advice.h"

#include "../test.h"

static const struct {
	enum smtp_out_stage stage;
	uint16_t code;
	const char *enhanced, *text;
	bool is_refused;
} rows[] = {
	{ OUT_AT_MAIL, 550, "5.7.1", "not yours", true },
	{ OUT_AT_MAIL, 553, "", "sorry", true },
	{ OUT_AT_MAIL, 553, "5.1.8", "Bad sender's domain", true },
	{ OUT_AT_RCPT, 553, "5.7.1",
	    "<a@b.test>: Sender address rejected: not owned by user c", true },
	{ OUT_AT_END, 554, "5.7.60",
	    "SMTP; Client does not have permissions to send as this sender",
	    true },
	{ OUT_AT_RCPT, 550, "5.1.8", "no", true },
	/* not about the sender */
	{ OUT_AT_MAIL, 552, "5.3.4", "too large", false },
	{ OUT_AT_MAIL, 451, "4.7.1", "later", false },
	{ OUT_AT_RCPT, 550, "5.1.1", "No such user", false },
	{ OUT_AT_RCPT, 554, "5.7.1", "Relay access denied", false },
	{ OUT_AT_END, 550, "5.7.1", "This looks like spam", false },
	{ OUT_AT_RCPT, 550, "", "The sender is odd", false },
};

int
main(void)
{
	struct buf b;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_out_result r = { .stage = rows[i].stage,
			.what = rows[i].code / 100 == 5 ? OUT_PERM : OUT_TEMP,
			.is_reply = true,
			.code = rows[i].code,
			.text = span_str(rows[i].text) };

		memcpy(r.enhanced, rows[i].enhanced, strlen(rows[i].enhanced));
		CHECK_ROW(advice_is_sender_refused(&r) == rows[i].is_refused,
		    rows[i].text);
		r.is_reply = false; /* nobody said so */
		CHECK_ROW(!advice_is_sender_refused(&r), rows[i].text);
	}
	buf_init(&b, 2000);
	advice_put_sender(
	    &b, SPAN("smtp.big.test"), SPAN("a\n@b.test"), SPAN("me@big.test"));
	CHECK(span_starts(buf_span(&b),
	    SPAN("The provider smtp.big.test does not let you send mail as "
	         "a?@b.test, since that address does not belong to the account "
	         "me@big.test there.\nSend it again")));
	buf_deinit(&b);
	return test_done();
}
