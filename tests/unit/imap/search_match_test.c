/* Messages in a store, and programs that find them or do not. */
#include "imap/search_match.h"

#include "store/fixture.h"

static const char mail[] =
    "From: =?iso-8859-1?Q?J=F6rg?= <joerg@example.test>\r\n"
    "To: Kim <kim@example.test>,\r\n bob@example.test\r\n"
    "Cc: \r\n"
    "Subject: =?utf-8?B?R3LDvMOfZQ==?= and\r\n more\r\n"
    "Date: Fri, 1 Jan 2021 23:30:00 -0500\r\n"
    "Message-ID: <one@example.test>\r\n"
    "X-Note: first\r\n"
    "X-Note: K\xe4se\r\n"
    "X-A-Name-That-Is-Longer-Than-Those-Of-Most-Other-Fields: far\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n"
    "\r\n"
    "preamble\r\n"
    "--b\r\n"
    "Content-Type: text/plain; charset=utf-8; name=notes.txt\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n"
    "\r\n"
    "Der K=C3=A4se ist al=\r\nle.\r\n"
    "--b\r\n"
    "Content-Type: text/html; charset=windows-1251\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "\r\n"
    "PGI+z/Do4uXyPC9iPg==\r\n"
    "--b\r\n"
    "Content-Type: application/pdf; name=secret.pdf\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "\r\n"
    "aGlkZGVu\r\n"
    "--b\r\n"
    "Content-Type: message/rfc822\r\n"
    "\r\n"
    "Subject: inner =?utf-8?q?s=C3=BCbject?=\r\n"
    "\r\n"
    "inner text\r\n"
    "--b--\r\n";

static struct store *store;

static struct message
deliver(struct span text, bool has_summary)
{
	struct mime_parser *p = mime_parser_new();
	struct upload *u = NULL;
	struct message m;
	struct buf summary;
	struct body body;
	uint32_t uid = 1;

	REQUIRE(p != NULL);
	mime_parser_feed(p, text);
	buf_init(&summary, MAX_SUMMARY_BYTES);
	REQUIRE(mime_parser_finish(p, &summary) == 0);
	mime_parser_free(p);
	REQUIRE(upload_new(store, &u) == 0);
	REQUIRE(upload_put(u, text) == 0);
	if (!has_summary)
		buf_reset(&summary);
	REQUIRE(upload_finish(u, SPAN(""), buf_span(&summary), &body) == 0);
	REQUIRE(fx_deliver(store, &body, NULL) == 0);
	upload_free(u);
	buf_deinit(&summary);
	while (message_next(store, fx_inbox, uid, &m) == 0)
		uid = m.uid + 1;
	REQUIRE(message_get(store, fx_inbox, uid - 1, &m) == 0);
	return m;
}

/* Does the program find the message? */
/* Of the session that searches. */
static struct rangeset recent;

static bool
finds(const char *program, const struct message *m)
{
	struct search_program p;
	struct search_match x;
	struct cur c = cur_of(span_str(program));
	struct arena a;
	enum search_answer r;

	arena_init(&a, 1 << 20);
	REQUIRE(search_parse(&c, &a, &p) == 0);
	REQUIRE(search_match_init(&x, store, &a, &p, &recent) == 0);
	r = search_match_message(&x, m);
	for (int n = 0; r == SEARCH_OPEN; n++) {
		REQUIRE(n < 100000);
		r = search_match_step(&x);
	}
	CHECK(!search_match_failed(&x));
	search_match_deinit(&x);
	arena_reset(&a);
	return r == SEARCH_YES;
}

static const struct {
	const char *program;
	bool is_found;
} rows[] = {
	{ " ALL", true },
	{ " NEW", false },
	{ " SEEN", false },
	{ " UNSEEN UNDELETED", true },
	{ " LARGER 100 SMALLER 100000", true },
	{ " LARGER 100000", false },
	/* 1700000000 is 14-Nov-2023 22:13:20 UTC, 23:13:20 at +0100 */
	{ " ON 14-Nov-2023 SINCE 14-Nov-2023 BEFORE 15-Nov-2023", true },
	{ " BEFORE 14-Nov-2023", false },
	{ " SINCE 15-Nov-2023", false },
	/* the day at its own place, not 2-Jan */
	{ " SENTON 1-Jan-2021 SENTSINCE 1-Jan-2021 SENTBEFORE 2-Jan-2021",
	    true },
	{ " SENTON 2-Jan-2021", false },
	{ " OLDER 100000", true },
	{ " YOUNGER 100000", false },
	{ " MODSEQ 1", true },
	{ " MODSEQ 1000000", false },
	{ " SUBJECT \"gr\xc3\xbc\xc3\x9f"
	  "e and more\"",
	    true },
	{ " SUBJECT utf-8", false },
	{ " FROM \"j\xc3\x96rg\"", true },
	{ " FROM JOERG@EXAMPLE", true },
	{ " TO bob TO kim", true },
	{ " TO \"test>, bob\"", true },
	{ " CC x", false },
	{ " BCC \"\"", false },
	{ " SUBJECT \"\"", true },
	{ " HEADER Subject more", true },
	{ " HEADER Message-ID <one@example.test>", true },
	{ " HEADER Bcc \"\"", false },
	{ " HEADER X-Note first", true },
	{ " HEADER x-note \"k\xc3\xa4se\"", true },
	{ " HEADER X-Note \"\"", true },
	{ " HEADER X-None \"\"", false },
	{ " NOT HEADER X-None \"\"", true },
	{ " HEADER X-Note second", false },
	{ " HEADER X-A-Name-That-Is-Longer-Than-Those-Of-Most-Other-Fields far",
	    true },
	{ " HEADER MIME-Version 1.0", true },
	{ " BODY \"der k\xc3\x84se ist alle\"", true },
	{ " BODY \"\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82\"", true },
	{ " BODY <b>", true },
	{ " BODY hidden", false },
	{ " BODY preamble", false },
	{ " BODY \"inner text\"", true },
	{ " BODY \"s\xc3\xbc"
	  "bject\"",
	    true },
	{ " BODY joerg", false },
	{ " BODY notes.txt", false },
	{ " BODY \"\"", true },
	{ " TEXT notes.txt", true },
	{ " TEXT secret.pdf", true },
	{ " TEXT joerg", true },
	{ " TEXT \"from: j\xc3\xb6rg\"", true },
	{ " TEXT \"inner text\"", true },
	{ " TEXT hidden", false },
	{ " TEXT nowhere", false },
	{ " NOT TEXT nowhere", true },
	{ " OR TEXT nowhere BODY alle", true },
	{ " OR SEEN HEADER X-Note first", true },
	{ " SEEN BODY alle", false },
	{ " BODY alle BODY inner HEADER X-Note first SUBJECT gr", true },
	{ " BODY alle BODY inner HEADER X-Note first SUBJECT none", false },
	{ " BODY alle NOT BODY inner", false },
	{ " OR (BODY alle BODY none) (TEXT none TEXT inner)", false },
	{ " NOT OR BODY none HEADER X-Note none", true },
};

/* A match over the border of two chunks, and at every place of pieces. */
static void
borders(void)
{
	size_t len = 3 * CHUNK_BYTES;
	char *text = malloc(len);
	struct message m;

	REQUIRE(text != NULL);
	for (size_t at = CHUNK_BYTES - 12; at < CHUNK_BYTES + 3; at++) {
		memset(text, 'n', len);
		memcpy(text, "X: y\r\n\r\n", 8);
		memcpy(text + at, "needle", 6);
		memcpy(text + at + CHUNK_BYTES, "NADEL", 5);
		memcpy(text + len - 6, "finis\n", 6);
		m = deliver(span_of(text, len), true);
		CHECK(finds(" BODY needle", &m));
		CHECK(finds(" BODY nadel", &m));
		CHECK(finds(" TEXT nneedlenn", &m));
		CHECK(finds(" BODY finis", &m));
		CHECK(!finds(" BODY needless", &m));
		CHECK(!finds(" BODY y", &m));
	}
	free(text);
}

/* A field that is longer than what its summary keeps. */
static void
long_field(void)
{
	struct message m;
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_put_str(&b, "Subject: x\r\nTo: a@example.test");
	for (int i = 0; i < 600; i++)
		buf_putf(&b, ",\r\n person%d@example.test", i);
	buf_put_str(&b, "\r\n\r\nhello\r\n");
	m = deliver(buf_span(&b), true);
	CHECK(finds(" TO a@example.test", &m));
	CHECK(finds(" TO person599@example.test", &m));
	CHECK(!finds(" TO person600@example.test", &m));
	CHECK(finds(" NOT TO person600@example.test SUBJECT x", &m));
	CHECK(finds(" OR TO person600@example.test BODY hello", &m));
	buf_deinit(&b);
}

int
main(void)
{
	struct message m;

	fx_begin();
	store = fx_open();
	m = deliver(span_str(mail), true);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_ROW(finds(rows[i].program, &m) == rows[i].is_found,
		    rows[i].program);
	borders();
	long_field();
	/* Nothing can be read: no string is there. */
	m = deliver(SPAN("Subject: x\r\n\r\nx\r\n"), false);
	CHECK(finds(" UNSEEN", &m));
	CHECK(!finds(" SUBJECT x", &m));
	CHECK(!finds(" BODY x", &m));
	CHECK(!finds(" SENTSINCE 1-Jan-1970", &m));
	CHECK(finds(" NOT TEXT x", &m));
	store_close(store);
	fx_end();
	return test_done();
}
