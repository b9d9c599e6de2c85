/* Fields that are not ASCII, as a client that knows only ASCII reads them. */
#include "imap/downgrade.h"
#include "imap/fetch_envelope.h"
#include "test.h"

static void
test_fields(void)
{
	static const struct {
		const char *field, *want;
	} rows[] = {
		{ "Subject: Gr\xc3\xbc\xc3\x9f"
		  "e\r\n",
		    "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n" },
		/* windows-1252 */
		{ "Subject: Gr\xfc\xdf"
		  "e\r\n",
		    "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n" },
		{ "From: \xc3\xbc <a@b.test>, c@d.test\r\n",
		    "From: =?utf-8?B?w7w=?= <a@b.test>,\r\n <c@d.test>\r\n" },
		{ "to: \xc3\xbc@b.test\r\n",
		    "to: =?utf-8?B?w7xAYi50ZXN0?= "
		    "<invalid@internationalized-address.invalid>\r\n" },
		{ "Cc: \xc3\xbc: a@b, \"c d\" <c@d>;, e@f\r\n",
		    "Cc: =?utf-8?B?w7w=?=:\r\n <a@b>,\r\n \"c d\" "
		    "<c@d>;,\r\n <e@f>\r\n" },
		{ "Content-Type: text/plain; name=\"\xc3\xbc.txt\"; a=b\r\n",
		    "Content-Type: text/plain;\r\n name*=utf-8''%C3%BC.txt;"
		    "\r\n a=b\r\n" },
		{ "X-Other: \xc3\xbc\r\n", "" },
		{ "Message-ID: <\xc3\xbc@x>\r\n", "" },
		{ "no field \xc3\xbc\r\n", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span field = span_str(rows[i].field);
		char *copy = test_copy(field);
		struct buf out;

		buf_init(&out, MAX_DOWNGRADED_FIELD);
		downgrade_put_field(&out, span_of(copy, field.len));
		CHECK_SPAN(buf_span(&out), span_str(rows[i].want));
		for (size_t n = 0; n < field.len; n++) {
			buf_reset(&out);
			downgrade_put_field(&out, span_of(copy, n));
			for (size_t k = 0; k < out.len; k++)
				CHECK_ROW(
				    (out.p[k] & 0x80) == 0, rows[i].field);
		}
		buf_deinit(&out);
		free(copy);
	}
}

/* The worst that a field may make stays under its bound. */
static void
test_bound(void)
{
	static char field[MAX_DOWNGRADE_FIELD];
	struct buf out;
	size_t n = 4;

	memcpy(field, "To: ", 4);
	for (; n + 3 <= sizeof(field); n += 3)
		memcpy(field + n, "\xc3\xbc,", 3);
	buf_init(&out, MAX_DOWNGRADED_FIELD);
	downgrade_put_field(&out, span_of(field, n));
	CHECK(!buf_failed(&out));
	memset(field + 4, 0xe4, sizeof(field) - 4);
	buf_reset(&out);
	downgrade_put_field(&out, span_of(field, sizeof(field)));
	CHECK(!buf_failed(&out));
	buf_deinit(&out);
}

static void
test_envelope(void)
{
	struct envelope e = { .subject = SPAN("\xc3\xbc"),
		.from = SPAN("\xc3\xbc <a@b>, <>"),
		.sender = SPAN(""),
		.to = SPAN("g:;, lost, @h, \xc3\xbc@x"),
		.message_id = SPAN("<\xc3\xbc>") };
	struct buf out, scratch;
	struct fetch_writer w = { &out, &scratch, false };

	buf_init(&out, 1 << 16);
	buf_init(&scratch, FETCH_SCRATCH_BYTES);
	fetch_put_envelope(&w, &e);
	CHECK_SPAN(
	    buf_span(&out), SPAN("(NIL \"=?utf-8?B?w7w=?=\" "
	                         "((\"=?utf-8?B?w7w=?=\" NIL \"a\" \"b\")) "
	                         "((\"=?utf-8?B?w7w=?=\" NIL \"a\" \"b\")) "
	                         "((\"=?utf-8?B?w7w=?=\" NIL \"a\" \"b\")) "
	                         "((NIL NIL \"g\" NIL)(NIL NIL NIL NIL)"
	                         "(NIL NIL \"lost\" \"missing.invalid\")"
	                         "(NIL NIL \"\" \"h\")"
	                         "(\"=?utf-8?B?w7xAeA==?=\" NIL \"invalid\" "
	                         "\"internationalized-address.invalid\")) "
	                         "NIL NIL NIL NIL)"));
	buf_reset(&out);
	w.is_utf8 = true;
	e = (struct envelope){ .subject = SPAN("\xc3\xbc"),
		.from = SPAN("<>") };
	fetch_put_envelope(&w, &e);
	CHECK_SPAN(buf_span(&out),
	    SPAN("(NIL \"\xc3\xbc\" NIL NIL NIL NIL NIL NIL NIL NIL)"));
	buf_deinit(&out);
	buf_deinit(&scratch);
}

int
main(void)
{
	test_fields();
	test_bound();
	test_envelope();
	return test_done();
}
