/* The SMTP client before servers of all kinds. */
#include "out_peer.h"

#include "base/clock.h"
#include "base/fault.h"
#include "../net/pems.h"

#define ESMTP                                                                  \
	"250-peer.test\r\n250-PIPELINING\r\n250-SIZE 100000\r\n"               \
	"250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250 "                      \
	"ENHANCEDSTATUSCODES\r\n"

static struct stage g;
static uint64_t body;

static void
check_result(size_t i, enum smtp_out_what what, enum smtp_out_stage stage,
    const char *enhanced, const char *text, const char *row)
{
	struct smtp_out_result r;

	smtp_out_result(g.out, i, &r);
	CHECK_ROW(r.what == what, row);
	CHECK_ROW(r.stage == stage, row);
	if (enhanced != NULL)
		CHECK_STR(r.enhanced, enhanced);
	if (text != NULL)
		CHECK_SPAN(r.text, span_str(text));
}

static struct smtp_out_rcpt two[] = {
	{ .address = { "a@b.test", 8 } },
	{ .address = { "c@d.test", 8 } },
};

static struct smtp_out_message
message_to(size_t n)
{
	return (struct smtp_out_message){ .body = body,
		.from = SPAN("kim@mail.test"),
		.rcpts = two,
		.n_rcpts = n };
}

/* Connect and send one message at once. */
static enum smtp_out_state
send_one(const struct row *rows, struct smtp_out_message m)
{
	struct smtp_route r = { .host = SPAN("b.test"), .tls = TLS_NEVER };

	stage_dial(&g, rows, &r);
	CHECK(smtp_out_send(g.out, &m) == 0);
	CHECK(smtp_out_send(g.out, &m) == ERR_BUSY);
	return stage_wait(&g);
}

static void
test_plain(void)
{
	static const struct row rows[] = { { NULL, "220 peer.test\r\n" },
		{ "EHLO us.test", ESMTP }, { "MAIL", "250 2.1.0 ok\r\n" },
		{ "RCPT", "250 2.1.5 ok\r\n" },
		{ "RCPT", "550 5.1.1 no\x01 such\tperson\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "250 2.0.0 queued as 1\r\n" },
		{ "MAIL", "250 ok\r\n" }, { "RCPT", "451 4.7.1 later\r\n" },
		{ "DATA", "503 no\r\n" }, { "RSET", "250 ok\r\n" },
		{ "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" },
		{ ".", "452-4.3.1 full\r\n452 4.3.1 really\r\n" },
		{ "QUIT", "221 bye\r\n" }, { 0 } };
	struct smtp_out_facts f;
	struct smtp_out_message m = message_to(2);

	CHECK(send_one(rows, m) == OUT_DONE);
	check_result(0, OUT_SENT, OUT_AT_END, "2.0.0", "queued as 1", "first");
	check_result(
	    1, OUT_PERM, OUT_AT_RCPT, "5.1.1", "no? such person", "second");
	CHECK_SPAN(buf_span(&g.said),
	    SPAN("EHLO us.test\r\nMAIL FROM:<kim@mail.test> SIZE=39\r\n"
	         "RCPT TO:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n"));
	CHECK_SPAN(buf_span(&g.text),
	    SPAN("Subject: hi\r\n\r\n..\r\n..dot\r\nbare\r\nbare\r\nlast."
	         "\r\n.\r\n"));
	m.n_rcpts = 1;
	CHECK(smtp_out_send(g.out, &m) == 0);
	CHECK(smtp_out_state(g.out) == OUT_BUSY);
	CHECK(stage_wait(&g) == OUT_DONE);
	check_result(0, OUT_TEMP, OUT_AT_RCPT, "4.7.1", "later", "third");
	CHECK(smtp_out_send(g.out, &m) == 0);
	CHECK(stage_wait(&g) == OUT_DONE);
	check_result(0, OUT_TEMP, OUT_AT_END, "4.3.1", "full really", "4th");
	smtp_out_facts(g.out, &f);
	CHECK(f.n_messages == 3 && !f.is_tls && f.address.port == g.port);
	smtp_out_quit(g.out);
	g.out = NULL;
	stage_turns(&g, 10);
	CHECK(!g.is_wrong && g.rows[g.at].reply == NULL);
}

/* One message to two recipients; what the server does, what comes of it. */
static const struct {
	const char *name;
	struct row rows[16];
	enum smtp_out_state state;
	struct {
		enum smtp_out_what what;
		enum smtp_out_stage stage;
		const char *text;
	} r[2];
	bool is_host, is_unknown;
} peers[] = {
	{ "no pipelining, HELO",
	    { { NULL, "220-peer\r\n220 ready\r\n" },
	        { "EHLO", "502 5.5.1 what?\r\n" },
	        { "HELO us.test", "250 peer\r\n" },
	        { "MAIL FROM:<kim@mail.test>\r\n", "250 ok\r\n" },
	        { "RCPT TO:<a@b.test>\r\n", "250 ok\r\n" },
	        { "RCPT TO:<c@d.test>\r\n", "251 ok\r\n" },
	        { "DATA", "354 go\r\n" }, { ".", "250\r\n" } },
	    OUT_DONE,
	    { { OUT_SENT, OUT_AT_END, "" }, { OUT_SENT, OUT_AT_END, "" } },
	    false, false },
	{ "MAIL refused",
	    { { NULL, "220 x\r\n" }, { "EHLO", "250 x\r\n" },
	        { "MAIL", "550 5.7.1 not you\r\n" } },
	    OUT_DONE,
	    { { OUT_PERM, OUT_AT_MAIL, "not you" },
	        { OUT_PERM, OUT_AT_MAIL, "not you" } },
	    false, false },
	{ "MAIL refused, pipelined, DATA accepted",
	    { { NULL, "220 x\r\n" }, { "EHLO", ESMTP },
	        { "MAIL", "451 4.3.0 hm\r\n" }, { "RCPT", "503 no\r\n" },
	        { "RCPT", "503 no\r\n" }, { "DATA", "354 go\r\n" },
	        { ".", "554 nobody\r\n" } },
	    OUT_DONE,
	    { { OUT_TEMP, OUT_AT_MAIL, "hm" },
	        { OUT_TEMP, OUT_AT_MAIL, "hm" } },
	    false, false },
	{ "nobody accepted, not pipelined: no DATA",
	    { { NULL, "220 x\r\n" }, { "EHLO", "250 x\r\n" },
	        { "MAIL", "250 ok\r\n" }, { "RCPT", "550 no\r\n" },
	        { "RCPT", "552 too many\r\n" } },
	    OUT_DONE,
	    { { OUT_PERM, OUT_AT_RCPT, "no" },
	        { OUT_TEMP, OUT_AT_RCPT, "too many" } },
	    false, false },
	{ "DATA refused",
	    { { NULL, "220 x\r\n" }, { "EHLO", "250 x\r\n" },
	        { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
	        { "RCPT", "550 no\r\n" }, { "DATA", "554 5.5.0 nope\r\n" } },
	    OUT_DONE,
	    { { OUT_PERM, OUT_AT_DATA, "nope" },
	        { OUT_PERM, OUT_AT_RCPT, "no" } },
	    false, false },
	{ "text refused",
	    { { NULL, "220 x\r\n" }, { "EHLO", "250 x\r\n" },
	        { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
	        { "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },
	        { ".", "554 5.7.1 spam\r\n" } },
	    OUT_DONE,
	    { { OUT_PERM, OUT_AT_END, "spam" },
	        { OUT_PERM, OUT_AT_END, "spam" } },
	    false, false },
	{ "CHUNKING",
	    { { NULL, "220 x\r\n" }, { "EHLO", "250-x\r\n250 CHUNKING\r\n" },
	        { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
	        { "RCPT", "550 no\r\n" }, { "BDAT 43 LAST", "250 yes\r\n" } },
	    OUT_DONE,
	    { { OUT_SENT, OUT_AT_END, "yes" },
	        { OUT_PERM, OUT_AT_RCPT, "no" } },
	    false, false },
	{ "SIZE too small: not asked",
	    { { NULL, "220 x\r\n" }, { "EHLO", "250-x\r\n250 SIZE 20\r\n" } },
	    OUT_DONE,
	    { { OUT_PERM, OUT_AT_MAIL,
	          "The message is larger than the next host takes" },
	        { OUT_PERM, OUT_AT_MAIL, NULL } },
	    false, false },
	{ "banner 554", { { NULL, "554 go away\r\n" } }, OUT_DEAD,
	    { { OUT_TEMP, OUT_AT_BANNER, "go away" },
	        { OUT_TEMP, OUT_AT_BANNER, "go away" } },
	    true, false },
	{ "banner 521", { { NULL, "521 no mail here\r\n" } }, OUT_DEAD,
	    { { OUT_PERM, OUT_AT_BANNER, "no mail here" },
	        { OUT_PERM, OUT_AT_BANNER, NULL } },
	    true, false },
	{ "closes at once", { { NULL, "@close" } }, OUT_DEAD,
	    { { OUT_TEMP, OUT_AT_BANNER, "The host closed the connection" },
	        { OUT_TEMP, OUT_AT_BANNER, NULL } },
	    true, false },
	{ "EHLO 421",
	    { { NULL, "220 x\r\n" }, { "EHLO", "421 4.3.2 busy\r\n" } },
	    OUT_DEAD,
	    { { OUT_TEMP, OUT_AT_HELLO, "busy" },
	        { OUT_TEMP, OUT_AT_HELLO, NULL } },
	    true, false },
	{ "no HELO either",
	    { { NULL, "220 x\r\n" }, { "EHLO", "550 no\r\n" },
	        { "HELO", "550 not you\r\n" } },
	    OUT_DEAD,
	    { { OUT_TEMP, OUT_AT_HELLO, "not you" },
	        { OUT_TEMP, OUT_AT_HELLO, NULL } },
	    true, false },
	{ "421 at RCPT",
	    { { NULL, "220 x\r\n" }, { "EHLO", "250 x\r\n" },
	        { "MAIL", "250 ok\r\n" }, { "RCPT", "550 no\r\n" },
	        { "RCPT", "421 4.7.0 enough\r\n" } },
	    OUT_DEAD,
	    { { OUT_PERM, OUT_AT_RCPT, "no" },
	        { OUT_TEMP, OUT_AT_RCPT, "enough" } },
	    false, false },
	{ "closes before the text",
	    { { NULL, "220 x\r\n" }, { "EHLO", "250 x\r\n" },
	        { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
	        { "RCPT", "250 ok\r\n" }, { "DATA", "@close" } },
	    OUT_DEAD,
	    { { OUT_TEMP, OUT_AT_DATA, "The host closed the connection" },
	        { OUT_TEMP, OUT_AT_DATA, NULL } },
	    true, false },
	{ "loses the last reply",
	    { { NULL, "220 x\r\n" }, { "EHLO", "250 x\r\n" },
	        { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
	        { "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },
	        { ".", "@close" } },
	    OUT_DEAD,
	    { { OUT_TEMP, OUT_AT_END, NULL }, { OUT_TEMP, OUT_AT_END, NULL } },
	    true, true },
	{ "421 for the text",
	    { { NULL, "220 x\r\n" }, { "EHLO", "250 x\r\n" },
	        { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
	        { "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },
	        { ".", "421 4.3.0 stopping\r\n" } },
	    OUT_DEAD,
	    { { OUT_TEMP, OUT_AT_END, "stopping" },
	        { OUT_TEMP, OUT_AT_END, "stopping" } },
	    true, false },
	{ "binary", { { NULL, "\x01\x02\x03\xff\xfe" } }, OUT_DEAD,
	    { { OUT_TEMP, OUT_AT_BANNER,
	          "The host sent what is no SMTP reply, or no end of one" },
	        { OUT_TEMP, OUT_AT_BANNER, NULL } },
	    true, false },
	{ "HTTP",
	    { { NULL, "220 x\r\n" }, { "EHLO", "HTTP/1.1 400 Bad\r\n\r\n" } },
	    OUT_DEAD,
	    { { OUT_TEMP, OUT_AT_HELLO, NULL },
	        { OUT_TEMP, OUT_AT_HELLO, NULL } },
	    true, false },
	{ "a reply too many",
	    { { NULL, "220 x\r\n" }, { "EHLO", "250 x\r\n" },
	        { "MAIL", "250 ok\r\n250 ok\r\n250 ok\r\n" } },
	    OUT_DEAD,
	    { { OUT_TEMP, OUT_AT_RCPT, NULL },
	        { OUT_TEMP, OUT_AT_RCPT, NULL } },
	    true, false },
	{ "354 for RCPT",
	    { { NULL, "220 x\r\n" }, { "EHLO", "250 x\r\n" },
	        { "MAIL", "250 ok\r\n" }, { "RCPT", "354 go\r\n" } },
	    OUT_DEAD,
	    { { OUT_TEMP, OUT_AT_MAIL, NULL },
	        { OUT_TEMP, OUT_AT_MAIL, NULL } },
	    true, false },
};

static void
test_peers(void)
{
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
		const char *name = peers[i].name;
		uint64_t n_unknown = smtp_out_n_unknown();
		struct smtp_out_result r;
		enum smtp_out_state state;

		state = send_one(peers[i].rows, message_to(2));
		CHECK_ROW(state == peers[i].state, name);
		CHECK_ROW(!g.is_wrong, name);
		for (size_t k = 0; k < 2; k++) {
			smtp_out_result(g.out, k, &r);
			CHECK_ROW(r.what == peers[i].r[k].what, name);
			CHECK_ROW(r.is_unknown == peers[i].is_unknown, name);
			if (peers[i].r[k].stage != OUT_AT_RCPT ||
			    peers[i].state == OUT_DONE)
				CHECK_ROW(r.stage == peers[i].r[k].stage, name);
			if (peers[i].r[k].text != NULL)
				CHECK_SPAN(
				    r.text, span_str(peers[i].r[k].text));
			if (peers[i].is_host)
				CHECK_ROW(r.is_host, name);
		}
		CHECK_ROW(
		    smtp_out_n_unknown() - n_unknown == peers[i].is_unknown,
		    name);
		g.is_wrong = false;
	}
}

static void
test_endless_replies(void)
{
	static char many[30000], wide[5000];
	struct row rows[] = { { NULL, "220 x\r\n" }, { "EHLO", many }, { 0 } };

	for (int i = 0; i < 3000; i++)
		memcpy(many + i * 9, "250-abc\r\n", 9);
	CHECK(send_one(rows, message_to(1)) == OUT_DEAD);
	check_result(0, OUT_TEMP, OUT_AT_HELLO, "4.5.0", NULL, "many");
	memset(wide, 'x', sizeof(wide) - 1);
	memcpy(wide, "250 ", 4);
	rows[1].reply = wide;
	CHECK(send_one(rows, message_to(1)) == OUT_DEAD);
	check_result(0, OUT_TEMP, OUT_AT_HELLO, "4.5.0", NULL, "wide");
	/* Nothing at all. */
	g.times.hello_ms = 30;
	rows[1].reply = "";
	CHECK(send_one(rows, message_to(1)) == OUT_DEAD);
	check_result(0, OUT_TEMP, OUT_AT_HELLO, "4.4.1",
	    "The host did not answer in time", "late");
	g.times.hello_ms = smtp_out_times_default.hello_ms;
}

static void
test_parameters(void)
{
	static const struct row rows[] = { { NULL, "220 x\r\n" },
		{ "EHLO", ESMTP }, { "MAIL", "250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "250 ok\r\n" }, { 0 } };
	struct smtp_out_rcpt rcpts[] = {
		{ SPAN("a@b.test"), QUEUE_NOTIFY_NEVER, SPAN("rfc822;a@x") },
		{ SPAN("\xc3\xa4@b.test"),
		    QUEUE_NOTIFY_SUCCESS | QUEUE_NOTIFY_DELAY, SPAN("") },
	};
	struct smtp_out_message m = message_to(2);

	m.rcpts = rcpts;
	m.from = SPAN("");
	m.flags = QUEUE_8BIT;
	m.ret = QUEUE_RET_HDRS;
	m.envid = SPAN("QQ314159");
	m.prefix = SPAN("X-Signature: yes\r\n");
	CHECK(send_one(rows, m) == OUT_DONE);
	CHECK_SPAN(buf_span(&g.said),
	    SPAN("EHLO us.test\r\nMAIL FROM:<> SIZE=57 BODY=8BITMIME SMTPUTF8 "
	         "RET=HDRS ENVID=QQ314159\r\n"
	         "RCPT TO:<a@b.test> NOTIFY=NEVER ORCPT=rfc822;a@x\r\n"
	         "RCPT TO:<\xc3\xa4@b.test> NOTIFY=SUCCESS,DELAY\r\nDATA\r\n"));
	CHECK(span_starts(
	    buf_span(&g.text), SPAN("X-Signature: yes\r\nSubject: hi\r\n")));
}

/* RFC 6533 3: a host that reads ASCII only gets an ORCPT in ASCII, or none. */
static void
test_orcpt_in_ascii(void)
{
	static const struct row rows[] = { { NULL, "220 x\r\n" },
		{ "EHLO", "250-x\r\n250 DSN\r\n" }, { "MAIL", "250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "250 ok\r\n" }, { 0 } };
	char longer[400] = "utf-8;";
	struct smtp_out_rcpt rcpts[] = {
		{ SPAN("a@b.test"), 0, SPAN("utf-8;\xc3\xa4@x") },
		{ SPAN("b@b.test"), 0, { longer, sizeof(longer) } },
	};
	struct smtp_out_message m = message_to(2);

	for (size_t i = 6; i < sizeof(longer); i += 2)
		memcpy(longer + i, "\xc3\xa4", 2);
	m.rcpts = rcpts;
	m.from = SPAN("");
	CHECK(send_one(rows, m) == OUT_DONE);
	CHECK_SPAN(buf_span(&g.said),
	    SPAN("EHLO us.test\r\nMAIL FROM:<>\r\n"
	         "RCPT TO:<a@b.test> ORCPT=utf-8;\\x{E4}@x\r\n"
	         "RCPT TO:<b@b.test>\r\nDATA\r\n"));
}

/* What the host cannot do, and what cannot be sent. */
static void
test_refused_by_us(void)
{
	static const struct row rows[] = { { NULL, "220 x\r\n" },
		{ "EHLO", "250 x\r\n" }, { "MAIL", "250 ok\r\n" },
		{ "RCPT TO:<a@b.test>", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "250 ok\r\n" }, { 0 } };
	struct smtp_out_rcpt rcpts[] = {
		{ .address = SPAN("\xc3\xa4@b.test") },
		{ .address = SPAN("a@b.test") },
		{ .address = SPAN("a>\r\nDATA@b.test") },
	};
	struct smtp_out_message m = message_to(2);

	m.flags = QUEUE_UTF8;
	CHECK(send_one(rows, m) == OUT_DONE);
	check_result(0, OUT_PERM, OUT_AT_MAIL, "5.6.7", NULL, "UTF-8");
	check_result(1, OUT_PERM, OUT_AT_MAIL, "5.6.7", NULL, "UTF-8");
	m.flags = QUEUE_REQUIRETLS;
	CHECK(send_one(rows, m) == OUT_DONE);
	check_result(0, OUT_PERM, OUT_AT_MAIL, "5.7.30", NULL, "REQUIRETLS");
	m = message_to(3);
	m.rcpts = rcpts;
	CHECK(send_one(rows, m) == OUT_DONE);
	check_result(0, OUT_PERM, OUT_AT_RCPT, "5.6.7", NULL, "one of them");
	check_result(1, OUT_SENT, OUT_AT_END, "", "ok", "the other");
	check_result(2, OUT_PERM, OUT_AT_RCPT, "5.1.3", NULL, "injection");
	CHECK(!g.is_wrong);
}

/* Text of many pieces, by DATA and by BDAT, arrives as it is. */
static void
test_big(bool is_chunked, bool is_pipelined)
{
	static char text[300000];
	struct row rows[200] = { { NULL, "220 x\r\n" },
		{ "EHLO", is_pipelined
		              ? "250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
		              : "250-x\r\n250 CHUNKING\r\n" },
		{ "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" } };
	struct smtp_out_message m = message_to(1);
	size_t n = 0;

	while (n < sizeof(text) - 50)
		n += (size_t)snprintf(text + n, 50, ".line %zu\r\n", n);
	m.body = stage_store(&g, span_of(text, n));
	if (is_chunked) {
		for (size_t i = 4; i < 150; i++)
			rows[i] = (struct row){ "BDAT ", "250 ok\r\n" };
	} else {
		rows[1].reply = ESMTP "";
		rows[1].reply = "250 x\r\n";
		rows[4] = (struct row){ "DATA", "354 go\r\n" };
		rows[5] = (struct row){ ".", "250 ok\r\n" };
	}
	CHECK(send_one(rows, m) == OUT_DONE);
	check_result(0, OUT_SENT, OUT_AT_END, "", "ok", "big");
	if (is_chunked)
		CHECK(span_is(buf_span(&g.text), span_of(text, n)));
	else
		CHECK(g.text.len > n && text[0] == '.' &&
		      span_starts(buf_span(&g.text), SPAN("..line 0\r\n..")));
	CHECK(!g.is_wrong);
}

static void
test_chunk_refused(void)
{
	static char text[60000];
	struct row rows[40] = { { NULL, "220 x\r\n" },
		{ "EHLO", "250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n" },
		{ "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "BDAT", "250 ok\r\n" }, { "BDAT", "552 5.3.4 big\r\n" } };
	struct smtp_out_message m = message_to(1);

	memset(text, 'x', sizeof(text));
	for (size_t i = 100; i < sizeof(text); i += 100)
		memcpy(text + i, "\r\n", 2);
	m.body = stage_store(&g, span_of(text, sizeof(text)));
	for (size_t i = 6; i < 30; i++)
		rows[i] = (struct row){ "BDAT", "503 no\r\n" };
	CHECK(send_one(rows, m) == OUT_DONE);
	check_result(0, OUT_PERM, OUT_AT_DATA, "5.3.4", "big", "chunk");
}

static void
test_addresses(void)
{
	static const struct row rows[] = { { NULL, "421 busy\r\n" },
		{ NULL, "220 x\r\n" }, { "EHLO", "250 x\r\n" }, { 0 } };
	struct peer list[4];
	struct smtp_route r = {
		.host = SPAN("b.test"), .addresses = list, .n_addresses = 4
	};
	struct smtp_out_facts f;
	struct smtp_out_result why;

	/* No way; nobody listens; busy; works. */
	REQUIRE(peer_parse(SPAN("fe80::1"), &list[0]) == 0);
	REQUIRE(peer_parse(SPAN("127.9.9.9"), &list[1]) == 0);
	REQUIRE(peer_parse(SPAN("127.0.0.1"), &list[2]) == 0);
	REQUIRE(peer_parse(SPAN("127.0.0.1"), &list[3]) == 0);
	stage_dial(&g, rows, &r);
	CHECK(stage_wait(&g) == OUT_READY);
	smtp_out_facts(g.out, &f);
	CHECK(g.rows[g.at].reply == NULL);
	r.n_addresses = 2;
	stage_dial(&g, rows, &r);
	CHECK(stage_wait(&g) == OUT_DEAD);
	smtp_out_why(g.out, &why);
	CHECK(
	    why.what == OUT_TEMP && why.is_host && why.stage == OUT_AT_CONNECT);
	CHECK_SPAN(why.text, SPAN("the host refused the connection"));
	/* Left alone it parts. */
	r.addresses = &list[2];
	r.n_addresses = 2;
	g.times.idle_ms = 20;
	stage_dial(&g, rows, &r);
	CHECK(stage_wait(&g) == OUT_READY);
	CHECK(stage_wait(&g) == OUT_DEAD);
	CHECK(span_ends_nocase(buf_span(&g.said), SPAN("QUIT\r\n")) ||
	      !g.is_wrong);
	g.is_wrong = false;
	g.times.idle_ms = smtp_out_times_default.idle_ms;
	/* Nothing to begin with. */
	r.n_addresses = 0;
	struct smtp_out_env env = { g.loop, g.world.store, NULL, stage_wake,
		&g };
	struct smtp_out *o = NULL;
	CHECK(smtp_out_new(&env, &r, &o) == ERR_INVALID);
}

/* A host that takes 7 bits. */
static void
test_converted(void)
{
	static const struct row rows[] = { { NULL, "220 x\r\n" },
		{ "EHLO", "250 x\r\n" },
		{ "MAIL FROM:<kim@mail.test>\r\n", "250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },
		{ ".", "250 ok\r\n" }, { 0 } };
	struct smtp_out_message m = message_to(1);
	static char text[100000];
	size_t n = (size_t)snprintf(text, sizeof(text),
	    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\n");
	size_t n_lines = 0;

	while (n < sizeof(text) - 20) {
		memcpy(text + n, ".gr\xc3\xbc\xc3\x9f\r\n", 9);
		n += 9;
		n_lines++;
	}
	m.body = stage_store(&g, span_of(text, n));
	m.flags = QUEUE_8BIT;
	CHECK(send_one(rows, m) == OUT_DONE);
	check_result(0, OUT_SENT, OUT_AT_END, "", "ok", "converted");
	CHECK(span_starts(buf_span(&g.text),
	    SPAN("MIME-Version: 1.0\r\nContent-Type: text/plain; "
	         "charset=utf-8\r\nContent-Transfer-Encoding: "
	         "quoted-printable\r\n\r\n..gr=C3=BC=C3=9F\r\n..gr")));
	CHECK(span_ends_nocase(
	    buf_span(&g.text), SPAN("\r\n..gr=C3=BC=C3=9F\r\n.\r\n")));
	CHECK_INT(g.text.len, 107 + n_lines * 18 + 3);
	CHECK(!g.is_wrong);
}

/* With the n-th allocation failing: an end, and nobody is told a lie. */
static void
test_no_memory(void)
{
	static const struct row rows[] = { { NULL, "220 peer.test\r\n" },
		{ "EHLO us.test", "250 x\r\n" }, { "MAIL", "250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },
		{ ".", "250 ok\r\n" }, { 0 } };
	struct smtp_out_env env = { g.loop, g.world.store, &g.times, stage_wake,
		&g };
	struct smtp_out_message m = message_to(1);
	struct smtp_route r = { .host = SPAN("b.test"),
		.port = g.port,
		.ehlo = SPAN("us.test"),
		.n_addresses = 1 };
	struct peer here;

	REQUIRE(peer_parse(SPAN("127.0.0.1"), &here) == 0);
	r.addresses = &here;
	m.flags = QUEUE_8BIT; /* the most that is allocated */
	for (uint64_t n = 1; n < 60; n++) {
		struct smtp_out_result res;
		int n_wakes = g.n_wakes;

		g.rows = rows;
		g.at = 0;
		fault_arm(FAULT_ALLOC, n, false);
		if (smtp_out_new(&env, &r, &g.out) == 0) {
			if (smtp_out_send(g.out, &m) == 0) {
				for (int i = 0; i < 200 && g.n_wakes == n_wakes;
				     i++)
					CHECK(loop_turn(g.loop, 1) == 0);
				fault_arm(FAULT_ALLOC, 0, false);
				CHECK(g.n_wakes > n_wakes);
				smtp_out_result(g.out, 0, &res);
				CHECK(res.what != OUT_PERM);
			}
			fault_arm(FAULT_ALLOC, 0, false);
			smtp_out_free(g.out);
			g.out = NULL;
		}
		fault_arm(FAULT_ALLOC, 0, false);
		stage_turns(&g, 3);
	}
	g.is_wrong = false;
}

/* Free at every moment of a delivery. */
static void
test_free_anywhere(void)
{
	static const struct row rows[] = { { NULL, "220 peer.test\r\n" },
		{ "EHLO us.test", "250 x\r\n" }, { "MAIL", "250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },
		{ ".", "250 ok\r\n" }, { 0 } };
	struct smtp_out_message m = message_to(1);

	for (int n = 0; n < 40; n++) {
		struct smtp_route r = { .host = SPAN("b.test") };

		stage_dial(&g, rows, &r);
		CHECK(smtp_out_send(g.out, &m) == 0);
		stage_turns(&g, n);
		if (n & 1)
			smtp_out_quit(g.out);
		else
			smtp_out_free(g.out);
		g.out = NULL;
		stage_turns(&g, 3);
	}
	g.is_wrong = false;
}

int
main(void)
{
	stage_open(&g, NULL, false);
	body = stage_store(
	    &g, SPAN("Subject: hi\r\n\r\n.\r\n.dot\r\nbare\nbare\rlast."));
	test_plain();
	test_peers();
	test_endless_replies();
	test_parameters();
	test_orcpt_in_ascii();
	test_refused_by_us();
	test_big(false, false);
	test_big(true, false);
	test_big(true, true);
	test_chunk_refused();
	test_addresses();
	test_converted();
	test_free_anywhere();
	test_no_memory();
	stage_close(&g);
	return test_done();
}
