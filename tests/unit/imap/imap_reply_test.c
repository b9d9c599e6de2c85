#include "imap/imap_reply.h"

#include "test.h"

enum how { STRING, NSTRING, ASTRING, MAILBOX };

static const struct {
	enum how how;
	bool is_utf8;
	struct span in;
	const char *want;
} rows[] = {
	{ STRING, false, SPAN("a b"), "\"a b\"" },
	{ STRING, false, SPAN(""), "\"\"" },
	{ STRING, false, SPAN("a\"b\\c"), "\"a\\\"b\\\\c\"" },
	{ STRING, false, SPAN("a\r\nb"), "{4}\r\na\r\nb" },
	{ STRING, false, SPAN("a\0\0b"),
	    "{4}\r\na\x80\x80"
	    "b" },
	{ STRING, false, SPAN("\xc3\xa9"), "{2}\r\n\xc3\xa9" },
	{ STRING, true, SPAN("\xc3\xa9"), "\"\xc3\xa9\"" },
	{ STRING, true, SPAN("\xe9"), "{1}\r\n\xe9" },
	{ NSTRING, false, { NULL, 0 }, "NIL" },
	{ NSTRING, false, SPAN("NIL"), "\"NIL\"" },
	{ ASTRING, false, SPAN("INBOX"), "INBOX" },
	{ ASTRING, false, SPAN("a]b"), "a]b" },
	{ ASTRING, false, SPAN("nil"), "\"nil\"" },
	{ ASTRING, false, SPAN("a b"), "\"a b\"" },
	{ ASTRING, false, SPAN("a%b"), "\"a%b\"" },
	{ ASTRING, false, SPAN(""), "\"\"" },
	{ MAILBOX, false, SPAN("INBOX/a"), "INBOX/a" },
	{ MAILBOX, false, SPAN("a&b"), "a&-b" },
	{ MAILBOX, false, SPAN("Entw\xc3\xbcrfe x"), "\"Entw&APw-rfe x\"" },
	{ MAILBOX, false, SPAN("Entw\xc3\xbcrfe"), "Entw&APw-rfe" },
	{ MAILBOX, true, SPAN("Entw\xc3\xbcrfe"), "\"Entw\xc3\xbcrfe\"" },
	{ MAILBOX, true, SPAN("a&b"), "a&b" },
};

static void
put(struct buf *out, size_t row)
{
	struct span in = rows[row].in;
	bool is_utf8 = rows[row].is_utf8;

	switch (rows[row].how) {
	case STRING:
		imap_put_string(out, in, is_utf8);
		break;
	case NSTRING:
		imap_put_nstring(out, in, is_utf8);
		break;
	case ASTRING:
		imap_put_astring(out, in, is_utf8);
		break;
	case MAILBOX:
		imap_put_mailbox(out, in, is_utf8);
		break;
	}
}

static const struct {
	int64_t unix_s;
	int16_t zone;
	const char *want;
} dates[] = {
	{ 1769943600, 60, "\" 1-Feb-2026 12:00:00 +0100\"" },
	{ 1769952600, -90, "\" 1-Feb-2026 12:00:00 -0130\"" },
	{ 0, 0, "\" 1-Jan-1970 00:00:00 +0000\"" },
	{ 1000000000, 0, "\" 9-Sep-2001 01:46:40 +0000\"" },
	{ 1795427323, 720, "\"23-Nov-2026 21:48:43 +1200\"" },
};

int
main(void)
{
	struct rangeset set;
	struct buf out;
	char tiny[4];
	char text[2000];

	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		put(&out, i);
		CHECK_SPAN(buf_span(&out), span_str(rows[i].want));
	}
	memset(text, 'x', sizeof(text));
	buf_reset(&out);
	imap_put_astring(&out, span_of(text, sizeof(text)), false);
	CHECK(span_starts(buf_span(&out), SPAN("{2000}\r\nxxx")));
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		buf_reset(&out);
		imap_put_date_time(&out, dates[i].unix_s, dates[i].zone);
		CHECK_SPAN(buf_span(&out), span_str(dates[i].want));
		CHECK_INT(out.len, 28);
	}
	rangeset_init(&set);
	buf_reset(&out);
	imap_put_set(&out, &set);
	CHECK_INT(out.len, 0);
	REQUIRE(rangeset_add(&set, 1, 3) == 0);
	REQUIRE(rangeset_add(&set, 5, 5) == 0);
	imap_put_set(&out, &set);
	CHECK_SPAN(buf_span(&out), SPAN("1:3,5"));
	rangeset_deinit(&set);
	buf_reset(&out);
	imap_put_object_id(&out, 'F', 0x0123456789abcdefU);
	CHECK_SPAN(buf_span(&out), SPAN("F0123456789abcdef"));
	buf_deinit(&out);
	buf_init_fixed(&out, tiny, sizeof(tiny));
	imap_put_mailbox(&out, SPAN("\xc3\xa9"), false);
	CHECK(buf_failed(&out));
	return test_done();
}
