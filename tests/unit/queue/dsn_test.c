/* The text of reports: its fields, and that nothing from outside begins a line
 * of its own. */
#include "queue/dsn.h"

#include "../test.h"

static const struct {
	const char *words;
	bool is_permanent;
	const char *status;
} statuses[] = {
	{ "550 5.1.1 No such user", true, "5.1.1" },
	{ "5.1.10 The domain takes no mail", true, "5.1.10" },
	{ "450 4.2.1 busy", false, "4.2.1" },
	{ "450 4.2.1 busy", true, "5.0.0" }, /* given up */
	{ "no code", false, "4.0.0" },
	{ "", true, "5.0.0" },
	{ "550 5.1 short", true, "5.0.0" },
	{ "550 5..1 odd", true, "5.0.0" },
	{ "550 9.1.1 odd", true, "5.0.0" },
};

static bool
has(const struct buf *b, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i + len <= b->len; i++)
		if (memcmp(b->p + i, text, len) == 0)
			return true;
	return false;
}

static void
check_has(const struct buf *b, const char *text)
{
	CHECK_ROW(has(b, text), text);
}

static struct dsn
make(struct dsn_rcpt *r)
{
	*r = (struct dsn_rcpt){ .action = DSN_FAILED,
		.address = SPAN("kim@far.test"),
		.orcpt = SPAN("rfc822;k+2Bim@far.test"),
		.status = SPAN("5.1.1"),
		.remote = SPAN("mx.far.test"),
		.words = SPAN("550 5.1.1 No such user"),
		.advice = SPAN("First.\nSecond.\n"),
		.last_s = 1800000000 };
	return (struct dsn){ .host = SPAN("mail.here.test"),
		.to = SPAN("me@here.test"),
		.envid = SPAN("QQ+3D1"),
		.random = 0xabc,
		.now_s = 1800000100,
		.arrived_s = 1799999000,
		.rcpts = r,
		.n_rcpts = 1 };
}

static void
fields_are_there(void)
{
	struct dsn_rcpt r;
	struct dsn d = make(&r);
	struct buf b;

	buf_init(&b, 100000);
	dsn_begin(&d, &b);
	check_has(&b, "multipart/report; report-type=delivery-status;");
	check_has(&b, "\r\nAuto-Submitted: auto-replied\r\n");
	check_has(&b, "\r\nTo: <me@here.test>\r\n");
	check_has(&b, "Content-Type: message/delivery-status\r\n\r\n"
	              "Original-Envelope-Id: QQ=1\r\n"
	              "Reporting-MTA: dns;mail.here.test\r\n"
	              "Arrival-Date: ");
	check_has(&b, "\r\n\r\nOriginal-Recipient: rfc822;k+im@far.test\r\n"
	              "Final-Recipient: rfc822;kim@far.test\r\n"
	              "Action: failed\r\nStatus: 5.1.1\r\n"
	              "Remote-MTA: dns;mx.far.test\r\n"
	              "Diagnostic-Code: smtp;550 5.1.1 No such user\r\n");
	check_has(&b, "Content-Type: text/rfc822-headers\r\n\r\n");
	check_has(&b, "No such user\r\n  First.\r\n  Second.\r\n");
	CHECK(!has(&b, "Will-Retry-Until"));
	buf_reset(&b);
	r.action = DSN_DELAYED;
	r.remote = span_of(NULL, 0);
	d.is_full = true;
	dsn_begin(&d, &b);
	check_has(&b, "Action: delayed\r\n");
	check_has(&b, "Will-Retry-Until: ");
	check_has(&b, "Content-Type: message/rfc822\r\n\r\n");
	CHECK(!has(&b, "Remote-MTA"));
	CHECK(!has(&b, "Diagnostic-Code"));
	buf_reset(&b);
	dsn_end(&d, &b);
	CHECK_SPAN(buf_span(&b), SPAN("\r\n--=_report-0000000000000abc--\r\n"));
	buf_deinit(&b);
}

/* RFC 6533: addresses in UTF-8 as they are for who can read them, else told
 * in ASCII. */
static void
addresses_in_utf8(void)
{
	struct dsn_rcpt r;
	struct dsn d = make(&r);
	struct buf b;

	r.address = SPAN("k\xc3\xbc+x@far.test");
	r.orcpt = SPAN("utf-8;k\xc3\xbc\\x{2B}x@far.test");
	buf_init(&b, 100000);
	dsn_begin(&d, &b);
	check_has(&b, "Content-Type: message/delivery-status\r\n\r\n");
	check_has(&b, "Final-Recipient: utf-8;k\\x{FC}\\x{2B}x@far.test\r\n");
	check_has(
	    &b, "Original-Recipient: utf-8;k\\x{FC}\\x{2B}x@far.test\r\n");
	check_has(&b, "Content-Type: text/rfc822-headers\r\n");
	buf_reset(&b);
	d.is_utf8 = d.has_utf8_header = true;
	dsn_begin(&d, &b);
	check_has(&b, "Content-Type: message/global-delivery-status\r\n"
	              "Content-Transfer-Encoding: 8bit\r\n\r\n");
	check_has(&b, "Final-Recipient: utf-8;k\xc3\xbc\\x{2B}x@far.test\r\n");
	check_has(
	    &b, "Original-Recipient: utf-8;k\xc3\xbc\\x{2B}x@far.test\r\n");
	check_has(&b, "Content-Type: message/global-headers\r\n");
	buf_reset(&b);
	d.is_full = true;
	dsn_begin(&d, &b);
	check_has(&b, "Content-Type: message/global\r\n");
	buf_deinit(&b);
}

static void
nothing_begins_a_line(void)
{
	struct dsn_rcpt r;
	struct dsn d = make(&r);
	struct buf b;

	r.address = SPAN("a\r\nEvil: 1@b.test");
	r.orcpt = SPAN("rfc822;x+0D+0AEvil:+201");
	r.words = SPAN("550 a\r\nEvil: 1");
	r.remote = SPAN("mx\nEvil: 1");
	d.envid = SPAN("a+0AEvil:+201");
	d.to = SPAN("x\r\nEvil: 1@here.test");
	buf_init(&b, 100000);
	dsn_begin(&d, &b);
	CHECK(!has(&b, "\nEvil"));
	for (size_t i = 0; i < b.len; i++)
		if (b.p[i] == '\n')
			CHECK(i > 0 && b.p[i - 1] == '\r');
	buf_deinit(&b);
}

/* Cut anywhere, xtext and statuses read nothing past their end. */
static void
cut_at_every_length(void)
{
	struct span x = SPAN("rfc822;a+2Bb+C3+A4@far.test");
	struct span words = SPAN("550 5.1.1 No such user");
	struct buf b;

	buf_init(&b, 100000);
	for (size_t n = 0; n <= x.len; n++) {
		struct dsn_rcpt r;
		struct dsn d = make(&r);
		char *copy = test_copy(span_of(x.p, n));
		char *said = test_copy(span_sub(words, 0, n));

		r.orcpt = span_of(copy, n);
		d.envid = r.orcpt;
		r.words = span_of(said, n < words.len ? n : words.len);
		r.status = dsn_status(r.words, true);
		buf_reset(&b);
		dsn_begin(&d, &b);
		CHECK(!buf_failed(&b));
		free(copy);
		free(said);
	}
	buf_deinit(&b);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		CHECK_SPAN(dsn_status(span_str(statuses[i].words),
		               statuses[i].is_permanent),
		    span_str(statuses[i].status));
	fields_are_there();
	addresses_in_utf8();
	nothing_begins_a_line();
	cut_at_every_length();
	return test_done();
}
