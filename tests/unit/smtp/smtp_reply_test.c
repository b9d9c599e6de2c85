/* Replies and offers of other servers, and text on its way out. */
#include "test.h"

#include "smtp/smtp_offer.h"
#include "smtp/smtp_reply.h"
#include "smtp/stuff.h"

static const struct {
	const char *in;
	enum parse parse;
	int code, n_lines;
	const char *enhanced, *text;
} rows[] = {
	{ "250 ok\r\n", PARSE_OK, 250, 1, "", "ok" },
	{ "250\r\n", PARSE_OK, 250, 1, "", "" },
	{ "250 \n", PARSE_OK, 250, 1, "", "" },
	{ "250 2.1.0 fine\r\n", PARSE_OK, 250, 1, "2.1.0", "fine" },
	{ "550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 one\r\n", PARSE_OK, 550,
	    3, "5.1.1", "no such one" },
	{ "550 5.123.456\r\n", PARSE_OK, 550, 1, "5.123.456", "" },
	{ "550 4.1.1 lies\r\n", PARSE_OK, 550, 1, "", "4.1.1 lies" },
	{ "550 5.1234.1 long\r\n", PARSE_OK, 550, 1, "", "5.1234.1 long" },
	{ "550 5.1 short\r\n", PARSE_OK, 550, 1, "", "5.1 short" },
	{ "550 5.1.1x\r\n", PARSE_OK, 550, 1, "", "5.1.1x" },
	{ "450 \t a\tb\x1b[2J\x7f\xc3\xa4\r\n", PARSE_OK, 450, 1, "",
	    "a b?[2J???" },
	{ "299 x\r\n", PARSE_OK, 299, 1, "", "x" },
	{ "250-a\r\n550 b\r\n", PARSE_OK, 550, 2, "", "a b" },
	{ "", PARSE_MORE, 0, 0, NULL, NULL },
	{ "25", PARSE_MORE, 0, 0, NULL, NULL },
	{ "250 ok", PARSE_MORE, 0, 0, NULL, NULL },
	{ "250-ok\r\n", PARSE_MORE, 0, 0, NULL, NULL },
	{ "25x ok", PARSE_BAD, 0, 0, NULL, NULL },
	{ "150 ok\r\n", PARSE_BAD, 0, 0, NULL, NULL },
	{ "650 ok\r\n", PARSE_BAD, 0, 0, NULL, NULL },
	{ "2500 ok\r\n", PARSE_BAD, 0, 0, NULL, NULL },
	{ "\r\n", PARSE_BAD, 0, 0, NULL, NULL },
	{ "25\r\n", PARSE_BAD, 0, 0, NULL, NULL },
	{ "HTTP/1.0 200 OK\r\n", PARSE_BAD, 0, 0, NULL, NULL },
	{ "\xff\xfe", PARSE_BAD, 0, 0, NULL, NULL },
};

static enum parse
take(struct smtp_reply *r, struct span in)
{
	char *copy = test_copy(in);
	struct cur c = cur_of(span_of(copy, in.len));
	enum parse p = smtp_reply_take(r, &c, NULL, NULL);

	free(copy);
	return p;
}

static void
test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct span in = span_str(rows[i].in);
		struct smtp_reply r = { 0 };

		CHECK_ROW(take(&r, in) == rows[i].parse, rows[i].in);
		if (rows[i].parse != PARSE_OK)
			continue;
		CHECK_INT(r.code, rows[i].code);
		CHECK_INT(r.n_lines, rows[i].n_lines);
		CHECK_STR(r.enhanced, rows[i].enhanced);
		CHECK_SPAN(smtp_reply_text(&r), span_str(rows[i].text));
		for (size_t n = 0; n < in.len; n++) {
			struct smtp_reply cut = { 0 };

			CHECK_ROW(take(&cut, span_sub(in, 0, n)) == PARSE_MORE,
			    rows[i].in);
		}
	}
}

static void
test_bounds(void)
{
	static char in[200000];
	struct smtp_reply r = { 0 };

	/* A line. */
	memset(in, 'x', sizeof(in));
	memcpy(in, "250 ", 4);
	CHECK(take(&r, span_of(in, MAX_REPLY_LINE_BYTES)) == PARSE_MORE);
	CHECK(take(&r, span_of(in, MAX_REPLY_LINE_BYTES + 2)) == PARSE_BAD);
	memcpy(in + MAX_REPLY_LINE_BYTES, "\n", 1);
	r = (struct smtp_reply){ 0 };
	CHECK(take(&r, span_of(in, MAX_REPLY_LINE_BYTES + 1)) == PARSE_OK);
	CHECK_INT(r.text_len, MAX_REPLY_TEXT);
	/* Ten thousand lines. */
	for (size_t i = 0; i < 10000; i++)
		memcpy(in + i * 10, "250-abcd\r\n", 10);
	r = (struct smtp_reply){ 0 };
	CHECK(take(&r, span_of(in, 100000)) == PARSE_BAD);
	CHECK_INT(r.n_lines, MAX_REPLY_LINES + 1);
	/* Few, but large. */
	memset(in, 'y', sizeof(in));
	for (size_t i = 0; i < 100; i++) {
		memcpy(in + i * 2000, "250-", 4);
		in[i * 2000 + 1999] = '\n';
	}
	r = (struct smtp_reply){ 0 };
	CHECK(take(&r, span_of(in, sizeof(in))) == PARSE_BAD);
	CHECK(r.n_bytes < MAX_REPLY_BYTES + 2000);
}

static void
test_offer(void)
{
	static const char *const lines[] = { "SIZE 10 is my name", "PIPELINING",
		"size 1048576", "8bitmime", "AUTH PLAIN foo",
		"AUTH=LOGIN PLAIN", "XSTARTTLS", "Chunking", "SIZES 5",
		"auth scram-sha-256" };
	struct smtp_offer f = { 0 };

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		smtp_offer_take(&f, span_str(lines[i]));
	CHECK_INT(f.words, OFFER_PIPELINING | OFFER_SIZE | OFFER_8BITMIME |
	                       OFFER_AUTH | OFFER_CHUNKING);
	CHECK_INT(f.mechs, MECH_PLAIN | MECH_LOGIN | MECH_SCRAM_SHA_256);
	CHECK_INT(f.size, 1048576);
	smtp_offer_take(&f, SPAN("SIZE lots"));
	CHECK_INT(f.size, 0);
}

static void
test_stuff(void)
{
	static const struct {
		const char *in, *data, *bdat;
	} texts[] = {
		{ "", ".\r\n", "" },
		{ "a", "a\r\n.\r\n", "a\r\n" },
		{ ".\r\n..\r\na.\r\n", "..\r\n...\r\na.\r\n.\r\n",
		    ".\r\n..\r\na.\r\n" },
		/* RFC 5321 2.3.8: what others may take for an end. */
		{ "a\n.\nb", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n" },
		{ "a\r.\rb\r", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n" },
		{ "a\r\r\n.\r\r\n", "a\r\n\r\n..\r\n\r\n.\r\n",
		    "a\r\n\r\n.\r\n\r\n" },
		{ "a\n\r\n\r.", "a\r\n\r\n\r\n..\r\n.\r\n",
		    "a\r\n\r\n\r\n.\r\n" },
	};
	struct buf out;

	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct span in = span_str(texts[i].in);

		for (size_t cut = 1; cut <= in.len + 1; cut++) {
			for (int is_data = 0; is_data < 2; is_data++) {
				struct stuff s;

				buf_reset(&out);
				stuff_init(&s, is_data);
				for (size_t at = 0; at < in.len; at += cut)
					stuff_put(
					    &s, span_sub(in, at, cut), &out);
				stuff_end(&s, &out);
				CHECK(out.len <= stuff_room(in.len));
				CHECK_SPAN(buf_span(&out),
				    span_str(is_data ? texts[i].data
				                     : texts[i].bdat));
			}
		}
	}
	buf_deinit(&out);
}

int
main(void)
{
	test_rows();
	test_bounds();
	test_offer();
	test_stuff();
	return test_done();
}
