/* POP3 sessions over loopback. */
#include "pop3_client.h"

#include "base/clock.h"
#include "base/fault.h"

static struct house h;

#define HELLO "+OK Tinpost is ready\r\n"
#define LOGIN "USER kim@mail.test\r\nPASS secret one\r\n"
#define BYE   "+OK Bye\r\n"

static void
sign_in(struct client *c, const char *opened)
{
	client_open(c, &h);
	SAYS(c, "", HELLO);
	SAYS(c, "USER kim@mail.test\r\n", "+OK And the password?\r\n");
	CHECK_ROW(client_says(c, "PASS secret one\r\n", opened), opened);
}

/* Each command where it has no business. */
static void
test_wrong_states(void)
{
	static const char *const early[] = { "STAT", "LIST", "UIDL", "RETR 1",
		"TOP 1 0", "DELE 1", "RSET", "NOOP" };
	static const char *const late[] = { "USER x", "PASS x", "AUTH PLAIN",
		"STLS", "UTF8" };
	struct client c;
	char line[32];

	h.env.max_errors = 100;
	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
		snprintf(line, sizeof(line), "%s\r\n", early[i]);
		CHECK_ROW(
		    client_says(&c, line, "-ERR Sign in first\r\n"), early[i]);
	}
	SAYS(&c, "PASS x\r\n", "-ERR USER first\r\n");
	SAYS(&c, "STLS\r\n", "-ERR TLS is not available\r\n");
	SAYS(&c, "APOP kim x\r\n", "-ERR Unknown command\r\n");
	SAYS(&c, "NOOPE\r\n", "-ERR Unknown command\r\n");
	SAYS(&c, "\r\n", "-ERR Cannot read this\r\n");
	SAYS(&c, "QUIT now\r\n", "-ERR No arguments here\r\n");
	SAYS(&c, "QUIT\r\n", BYE);
	CHECK(client_ends(&c));
	client_close(&c);
	sign_in(&c, "+OK 0 messages\r\n");
	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
		snprintf(line, sizeof(line), "%s\r\n", late[i]);
		CHECK_ROW(client_says(&c, line, "-ERR You are signed in\r\n"),
		    late[i]);
	}
	SAYS(&c, "STAT 1\r\n", "-ERR No arguments here\r\n");
	SAYS(&c, "quit\r\n", BYE);
	CHECK(client_ends(&c));
	client_close(&c);
	h.env.max_errors = pop3_defaults.max_errors;
}

static void
test_login(void)
{
	struct client c, d;

	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	SAYS(&c, "USER\r\n", "-ERR Cannot read the arguments\r\n");
	SAYS(&c, "USER \xff\r\n", "-ERR Names are UTF-8\r\n");
	SAYS(&c, "USER nobody\r\n", "+OK And the password?\r\n");
	SAYS(&c, "PASS x\r\n", "-ERR [AUTH] Wrong name or password\r\n");
	SAYS(&c, "PASS x\r\n", "-ERR USER first\r\n");
	SAYS(&c, "AUTH\r\n", "-ERR Cannot read the arguments\r\n");
	SAYS(&c, "AUTH CRAM-MD5\r\n", "-ERR No such mechanism\r\n");
	SAYS(&c, "AUTH PLAIN\r\n", "+ \r\n");
	SAYS(&c, "*\r\n", "-ERR Given up\r\n");
	SAYS(&c, "AUTH PLAIN\r\n", "+ \r\n");
	SAYS(&c, "!!\r\n", "-ERR Cannot read this answer\r\n");
	SAYS(&c, "AUTH LOGIN bGVl\r\n", "+ UGFzc3dvcmQ6\r\n");
	SAYS(&c, "*\r\n", "-ERR Given up\r\n");
	SAYS(&c, "AUTH PLAIN =\r\n", "-ERR Cannot read this answer\r\n");
	/* all in one go: PIPELINING (RFC 2449 6.6) */
	SAYS(&c, LOGIN "STAT\r\nNOOP\r\n",
	    "+OK And the password?\r\n+OK 0 messages\r\n+OK 0 0\r\n+OK\r\n");
	/* RFC 1939 4: one session at a time */
	sign_in(&d, "-ERR [IN-USE] Another session is open\r\n");
	SAYS(&c, "QUIT\r\n", BYE);
	CHECK(client_ends(&c));
	SAYS(&d, "AUTH PLAIN AGtpbUBtYWlsLnRlc3QAc2VjcmV0IG9uZQ==\r\n",
	    "+OK 0 messages\r\n");
	client_close(&c);
	client_close(&d); /* cut off: unlocked all the same */
	sign_in(&c, "+OK 0 messages\r\n");
	client_close(&c);
}

/* Plain text passwords are refused, and not even asked for. */
static void
test_needs_tls(void)
{
	struct client c;

	h.env.allows_plain_loopback = false;
	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	SAYS(
	    &c, "USER kim@mail.test\r\n", "-ERR Only with TLS: STLS first\r\n");
	SAYS(&c, "AUTH PLAIN\r\n", "-ERR Only with TLS: STLS first\r\n");
	SAYS(&c, "CAPA\r\n",
	    "+OK What I can do\r\nUTF8 USER\r\nUIDL\r\nTOP\r\n"
	    "SASL SCRAM-SHA-256\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
	    "PIPELINING\r\nEXPIRE NEVER\r\nIMPLEMENTATION Tinpost\r\n.\r\n");
	client_close(&c);
	h.env.allows_plain_loopback = true;
}

static void
test_limits(void)
{
	struct client c;
	char long_line[2000];

	memset(long_line, 'A', sizeof(long_line));
	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	client_put(&c, span_of(long_line, sizeof(long_line)));
	client_turn(&c);
	client_put(&c, span_of(long_line, sizeof(long_line)));
	SAYS(&c, "\r\nUTF8\r\n", "-ERR Line too long\r\n+OK UTF-8 it is\r\n");
	for (int i = 0; i < 8; i++)
		SAYS(&c, "X\r\n", "-ERR Unknown command\r\n");
	SAYS(&c, "X\r\nUTF8\r\n", "-ERR Too many errors, goodbye\r\n");
	CHECK(client_ends(&c));
	client_close(&c);
	/* a browser's request is not even answered */
	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	client_put(&c, SPAN("POST / HTTP/1.1\r\nHost: x\r\n\r\nQUIT\r\n"));
	CHECK(client_ends(&c));
	client_close(&c);
	/* guessing on one connection */
	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	for (int i = 0; i < 4; i++)
		SAYS(&c, "USER nobody\r\nPASS y\r\n",
		    "+OK And the password?\r\n"
		    "-ERR [AUTH] Wrong name or password\r\n");
	SAYS(&c, "USER nobody\r\nPASS y\r\n",
	    "+OK And the password?\r\n"
	    "-ERR [AUTH] Too many failures, goodbye\r\n");
	CHECK(client_ends(&c));
	client_close(&c);
}

/* After some wrong guesses the next try is held back, and then answered; one
 * whose client leaves meanwhile is dropped. */
static void
test_held_back(void)
{
	struct client c, d;
	char line[64];
	int64_t start_ms;

	h.env.max_failures = 100;
	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	for (int i = 0; i < 6; i++) {
		snprintf(line, sizeof(line), "USER lee\r\nPASS no%d\r\n", i);
		CHECK(client_says(&c, line,
		    "+OK And the password?\r\n"
		    "-ERR [AUTH] Wrong name or password\r\n"));
	}
	start_ms = clock_mono_ms();
	client_open(&d, &h);
	SAYS(
	    &d, "USER lee\r\nPASS gone\r\n", HELLO "+OK And the password?\r\n");
	client_close(&d);
	SAYS(&c, "USER lee\r\nPASS p\xc3\xa4ss\r\n",
	    "+OK And the password?\r\n+OK 0 messages\r\n");
	CHECK(clock_mono_ms() - start_ms >= 500);
	client_close(&c);
	h.env.max_failures = pop3_defaults.max_failures;
}

#define A_TEXT  "Subject: a\r\n\r\nfirst\r\n.second\r\n..\r\n"
#define A_LINES "Received: x\r\nSubject: a\r\n\r\nfirst\r\n..second\r\n...\r\n"
#define B_TEXT  "Subject: b\r\n\r\nno end"

static void
test_messages(void)
{
	struct client c;

	house_deliver(&h, h.world.kim, SPAN(A_TEXT));
	house_deliver(&h, h.world.kim, SPAN(B_TEXT));
	house_deliver(&h, h.world.kim, SPAN("\r\nc\r\n"));
	sign_in(&c, "+OK 3 messages\r\n");
	SAYS(&c, "STAT\r\n", "+OK 3 98\r\n");
	SAYS(&c, "LIST\r\n",
	    "+OK 3 messages (98 octets)\r\n1 47\r\n2 33\r\n3 18\r\n.\r\n" + 0);
	SAYS(&c, "LIST 2\r\n", "+OK 2 33\r\n");
	SAYS(&c, "RETR 1\r\n", "+OK 47 octets\r\n" A_LINES ".\r\n");
	SAYS(&c, "RETR 2\r\n",
	    "+OK 33 octets\r\nReceived: x\r\n" B_TEXT "\r\n.\r\n");
	SAYS(
	    &c, "TOP 1 0\r\n", "+OK\r\nReceived: x\r\nSubject: a\r\n\r\n.\r\n");
	SAYS(&c, "TOP 1 2\r\n",
	    "+OK\r\nReceived: x\r\nSubject: a\r\n\r\nfirst\r\n..second\r\n"
	    ".\r\n");
	SAYS(&c, "TOP 1 99\r\n", "+OK\r\n" A_LINES ".\r\n");
	SAYS(&c, "TOP 1\r\n", "-ERR Cannot read the arguments\r\n");
	SAYS(&c, "TOP 1 -1\r\n", "-ERR Cannot read the arguments\r\n");
	SAYS(&c, "RETR\r\n", "-ERR Cannot read the arguments\r\n");
	SAYS(&c, "RETR 0\r\n", "-ERR Cannot read the arguments\r\n");
	SAYS(&c, "RETR 4\r\n", "-ERR No such message\r\n");
	SAYS(&c, "RETR 4294967297\r\n", "-ERR Cannot read the arguments\r\n");
	SAYS(&c, "DELE 4\r\n", "-ERR No such message\r\n");
	SAYS(&c, "DELE 2\r\n", "+OK Deleted at QUIT\r\n");
	SAYS(&c, "DELE 2\r\n", "-ERR No such message\r\n");
	SAYS(&c, "RETR 2\r\n", "-ERR No such message\r\n");
	SAYS(&c, "UIDL 2\r\n", "-ERR No such message\r\n");
	SAYS(&c, "STAT\r\n", "+OK 2 65\r\n");
	SAYS(&c, "LIST\r\n",
	    "+OK 2 messages (65 octets)\r\n1 47\r\n3 18\r\n.\r\n");
	SAYS(&c, "RSET\r\n", "+OK Nothing is to be deleted\r\n");
	SAYS(&c, "STAT\r\n", "+OK 3 98\r\n");
	SAYS(&c, "DELE 2\r\n", "+OK Deleted at QUIT\r\n");
	client_close(&c); /* no QUIT: nothing is deleted (RFC 1939 6) */
	sign_in(&c, "+OK 3 messages\r\n");
	SAYS(&c, "DELE 1\r\nDELE 3\r\nQUIT\r\n",
	    "+OK Deleted at QUIT\r\n+OK Deleted at QUIT\r\n"
	    "+OK Deleted, bye\r\n");
	CHECK(client_ends(&c));
	client_close(&c);
	sign_in(&c, "+OK 1 messages\r\n");
	SAYS(&c, "LIST\r\n", "+OK 1 messages (33 octets)\r\n1 33\r\n.\r\n");
	client_close(&c);
}

/* The unique-id of message 1, copied. */
static void
get_uidl(struct client *c, char out[17])
{
	client_put(c, SPAN("UIDL 1\r\n"));
	buf_reset(&c->got);
	for (int i = 0; i < 3000 && c->got.len < 24; i++)
		client_turn(c);
	CHECK(c->got.len == 24);
	CHECK(span_to_cstr(span_sub(buf_span(&c->got), 6, 16), out, 17) == 0);
	buf_reset(&c->got);
}

/* Others change the mailbox while a session is open. */
static void
test_changes(void)
{
	struct client c;
	struct rangeset uids;
	struct message m;
	char before[17], after[17];
	uint32_t mailbox, n;

	sign_in(&c, "+OK 1 messages\r\n");
	get_uidl(&c, before);
	house_deliver(&h, h.world.kim, SPAN("\r\nnew\r\n"));
	SAYS(&c, "STAT\r\n", "+OK 1 33\r\n"); /* the view stands still */
	client_close(&c);
	sign_in(&c, "+OK 2 messages\r\n");
	get_uidl(&c, after);
	CHECK(strcmp(before, after) == 0);
	REQUIRE(mailbox_find(
	            h.world.store, h.world.kim, SPAN("INBOX"), &mailbox) == 0);
	REQUIRE(message_next(h.world.store, mailbox, 1, &m) == 0);
	rangeset_init(&uids);
	REQUIRE(rangeset_add(&uids, m.uid, m.uid) == 0);
	SAYS(&c, "DELE 1\r\n", "+OK Deleted at QUIT\r\n");
	SAYS(&c, "RSET\r\n", "+OK Nothing is to be deleted\r\n");
	REQUIRE(message_expunge(h.world.store, mailbox, &uids, &n) == 0);
	SAYS(&c, "RETR 1\r\n", "-ERR The message was deleted elsewhere\r\n");
	SAYS(&c, "LIST\r\n", "+OK 2 messages (53 octets)\r\n2 20\r\n.\r\n");
	SAYS(&c, "DELE 2\r\nQUIT\r\n",
	    "+OK Deleted at QUIT\r\n+OK Deleted, bye\r\n");
	rangeset_deinit(&uids);
	client_close(&c);
	sign_in(&c, "+OK 0 messages\r\n");
	client_close(&c);
}

/* A message larger than all buffers comes whole to one who reads slowly, and
 * the others are answered meanwhile. */
static void
test_large(void)
{
	static char text[3000000];
	struct client c, d;
	size_t want;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "\r\n.0123456789abcdefghijklmnopqrstuvwxyz+"[i % 40];
	memcpy(text, "\r\n", 2);
	house_deliver(&h, h.world.kim, span_of(text, sizeof(text)));
	sign_in(&c, "+OK 1 messages\r\n");
	client_put(&c, SPAN("RETR 1\r\n"));
	for (int i = 0; i < 10; i++)
		CHECK(loop_turn(h.loop, 1) == 0); /* nothing is read here */
	client_open(&d, &h);
	SAYS(&d, "", HELLO);
	SAYS(&d, "UTF8\r\n", "+OK UTF-8 it is\r\n");
	client_close(&d);
	/* 13 of the prefix, a dot for each line but the first empty one */
	want = strlen("+OK 3000013 octets\r\n") + 13 + sizeof(text) +
	       sizeof(text) / 40 + 5;
	for (int i = 0; i < 20000 && c.got.len < want; i++)
		client_turn(&c);
	CHECK(c.got.len == want);
	CHECK(span_ends_nocase(buf_span(&c.got), SPAN("+\r\n.\r\n")));
	buf_reset(&c.got);
	SAYS(&c, "DELE 1\r\nQUIT\r\n",
	    "+OK Deleted at QUIT\r\n+OK Deleted, bye\r\n");
	client_close(&c);
}

#define N_MANY 3000

static void
test_many(void)
{
	struct client c;
	size_t n_lines = 0;

	for (int i = 0; i < N_MANY; i++)
		house_deliver(&h, h.world.kim, SPAN("\r\nx\r\n"));
	sign_in(&c, "+OK 3000 messages\r\n");
	client_put(&c, SPAN("UIDL\r\nLIST\r\nSTAT\r\n"));
	for (int i = 0; i < 5000 && !span_ends_nocase(buf_span(&c.got),
	                                SPAN(".\r\n+OK 3000 54000\r\n"));
	     i++)
		client_turn(&c);
	for (size_t i = 0; i < c.got.len; i++)
		n_lines += c.got.p[i] == '\n';
	CHECK(n_lines == 2 * N_MANY + 5);
	buf_reset(&c.got);
	for (int i = 1; i <= N_MANY; i += 2) {
		char line[32];

		snprintf(line, sizeof(line), "DELE %d\r\n", i);
		CHECK(client_says(&c, line, "+OK Deleted at QUIT\r\n"));
	}
	SAYS(&c, "QUIT\r\n", "+OK Deleted, bye\r\n");
	client_close(&c);
	sign_in(&c, "+OK 1500 messages\r\n");
	client_close(&c);
}

/* QUIT on a disk that fails: nobody is told that it worked, and nothing is
 * deleted (rule 5 of the store). */
static void
test_failed_flush(void)
{
	struct client c;

	sign_in(&c, "+OK 1500 messages\r\n");
	SAYS(&c, "DELE 7\r\n", "+OK Deleted at QUIT\r\n");
	fault_arm(FAULT_SYNC, 1, false);
	client_put(&c, SPAN("QUIT\r\n"));
	CHECK(client_ends(&c));
	fault_arm(FAULT_SYNC, 0, false);
	client_close(&c);
	sign_in(&c, "+OK 1500 messages\r\n");
	SAYS(&c, "DELE 7\r\nQUIT\r\n",
	    "+OK Deleted at QUIT\r\n+OK Deleted, bye\r\n");
	client_close(&c);
	sign_in(&c, "+OK 1499 messages\r\n");
	client_close(&c);
}

/* A session that says nothing ends, and what it marked stays. */
static void
test_idle(void)
{
	struct client c;

	h.env.idle_s = 1;
	sign_in(&c, "+OK 1499 messages\r\n");
	SAYS(&c, "DELE 1\r\n", "+OK Deleted at QUIT\r\n");
	CHECK(client_ends(&c));
	client_close(&c);
	h.env.idle_s = pop3_defaults.idle_s;
	sign_in(&c, "+OK 1499 messages\r\n");
	client_close(&c);
}

/* Connections of this protocol; who has left makes room. */
static void
test_sessions(void)
{
	struct client c, d;

	h.env.max_sessions = 1;
	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	client_open(&d, &h);
	SAYS(&d, "", "-ERR [SYS/TEMP] Too many connections, try later\r\n");
	CHECK(client_ends(&d));
	client_close(&d);
	SAYS(&c, "QUIT\r\n", BYE);
	CHECK(client_ends(&c));
	client_close(&c);
	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	client_close(&c);
	h.env.max_sessions = 0;
}

/* Who does not sign in is let go, and who has is left alone. */
static void
test_login_time(void)
{
	struct client c, known;

	h.env.login_s = 1;
	sign_in(&known, "+OK 1499 messages\r\n");
	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	CHECK(client_ends(&c));
	client_close(&c);
	SAYS(&known, "NOOP\r\n", "+OK\r\n");
	client_close(&known);
	h.env.login_s = pop3_defaults.login_s;
}

int
main(void)
{
	house_open(&h);
	test_wrong_states();
	test_login();
	test_needs_tls();
	test_limits();
	test_held_back();
	test_messages();
	test_changes();
	test_large();
	test_many();
	test_failed_flush();
	test_idle();
	test_login_time();
	test_sessions();
	house_close(&h);
	return test_done();
}
