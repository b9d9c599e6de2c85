/* IMAP sessions over loopback: reading, the gate, signing in, APPEND, IDLE. */
#include "imap_client.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"

static struct house h;

#define EARLY                                                                  \
	"IMAP4rev1 IMAP4rev2 LITERAL+ ID SASL-IR ENABLE IDLE "                 \
	"AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN"
#define HELLO "* OK [CAPABILITY " EARLY "] Tinpost is ready\r\n"
#define LOGIN "LOGIN kim@mail.test \"secret one\"\r\n"

/* Send, and drop what comes up to a line that begins with start. */
static bool
answers(struct client *c, const char *text, const char *start)
{
	struct span line;
	size_t n;

	client_put(c, span_str(text));
	for (int i = 0; i < 3000 && !c->is_closed; i++) {
		client_turn(c);
		while ((n = span_find(buf_span(&c->got), '\n')) < c->got.len) {
			bool is_right;

			line = span_sub(buf_span(&c->got), 0, n);
			is_right = span_starts(line, span_str(start));
			buf_consume(&c->got, n + 1);
			if (is_right)
				return true;
		}
	}
	return false;
}

#define ANSWERS(c, text, start)                                                \
	CHECK_ROW(answers(c, text, start), text " -> " start)

static void
sign_in(struct client *c)
{
	client_open(c, &h);
	SAYS(c, "", HELLO);
	ANSWERS(c, "in " LOGIN, "in OK [CAPABILITY IMAP4rev1 ");
}

static void
test_reading(void)
{
	struct client c;

	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	SAYS(&c, "a NOOP\r\nb noop\r\n", "a OK Done\r\nb OK Done\r\n");
	SAYS(&c, "\r\n\r\na NOOP\r\n", "a OK Done\r\n");
	SAYS(&c, " NOOP\r\n", "* BAD A command begins with a tag\r\n");
	SAYS(&c, "+ NOOP\r\n", "* BAD A command begins with a tag\r\n");
	SAYS(&c, "a\r\n", "a BAD Say a tag, a space, and a command\r\n");
	SAYS(&c, "a  NOOP\r\n", "a BAD Say a tag, a space, and a command\r\n");
	SAYS(&c, "a NOOP \r\n", "a BAD No arguments here\r\n");
	SAYS(&c, "a LOGOUT now\r\n", "a BAD No arguments here\r\n");
	SAYS(&c, "a NOOPE\r\n", "a BAD Unknown command\r\n");
	SAYS(&c, "a UID NOOP\r\n", "a BAD Unknown command\r\n");
	SAYS(&c, "a UID\r\n", "a BAD UID of what?\r\n");
	SAYS(&c, "a CHECK\r\n", "a BAD Sign in first\r\n");
	SAYS(&c, "a LOGOUT\r\n", "* BYE Goodbye\r\na OK Signed out\r\n");
	CHECK(client_ends(&c));
	client_close(&c);
	/* what stands behind a bare LF may be somebody else's */
	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	SAYS(&c, "a NOOP\nb NOOP\r\n",
	    "* BYE Lines end with CR LF, and nothing else\r\n");
	CHECK(client_ends(&c));
	client_close(&c);
	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	client_put(&c, SPAN("POST / HTTP/1.1\r\na LOGOUT\r\n"));
	CHECK(client_ends(&c));
	client_close(&c);
}

static void
test_literals(void)
{
	struct client c;

	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	SAYS(&c, "a ID ({4}\r\n", "+ OK\r\n");
	SAYS(&c, "name {1+}\r\nx)\r\n",
	    "* ID (\"name\" \"Tinpost\")\r\na OK Pleased to meet you\r\n");
	/* refused before it is sent, and while it is sent */
	SAYS(&c, "a ID ({9000}\r\n",
	    "a BAD [TOOBIG] The literal is too long\r\n");
	SAYS(&c, "a ID ({99999999999999999999999}\r\n",
	    "a BAD [TOOBIG] The literal is too long\r\n");
	SAYS(&c, "a NOPE {3}\r\n", "a BAD Unknown command\r\n");
	SAYS(&c, "a NOPE {3+}\r\nb\r\n {2+}\r\n\r\n\r\nc NOOP\r\n",
	    "a BAD Unknown command\r\nc OK Done\r\n");
	SAYS(&c, "a NOPE {3+}\r\nabc {5}\r\nc NOOP\r\n",
	    "a BAD Unknown command\r\nc OK Done\r\n");
	SAYS(&c, "{3}\r\n", "* BAD A command begins with a tag\r\n");
	SAYS(&c, "a NOPE {70000+}\r\n", "* BYE [TOOBIG] Too much\r\n");
	CHECK(client_ends(&c));
	client_close(&c);
}

/* However much a client sends, so much is kept. */
static void
test_bounds(void)
{
	static char many[20000];
	struct client c;
	size_t before = mem_used();

	h.env.max_errors = 100;
	memset(many, '(', sizeof(many));
	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	SAYS(&c, "a ID ", "");
	for (int i = 0; i < 3; i++) {
		client_put(&c, span_of(many, sizeof(many)));
		for (int k = 0; k < 5; k++)
			client_turn(&c);
		CHECK(mem_used() < before + 40000);
	}
	SAYS(&c, "\r\nb NOOP\r\n",
	    "a BAD [TOOBIG] The command is too long\r\nb OK Done\r\n");
	/* many small literals are as much as one large */
	SAYS(&c, "a ID (", "");
	for (int i = 0; i < 3000; i++)
		client_put(&c, SPAN("{0+}\r\n "));
	client_put(&c, SPAN("\r\n"));
	ANSWERS(&c, "", "a BAD [TOOBIG]");
	ANSWERS(&c, "b NOOP\r\n", "b OK");
	client_close(&c);
	h.env.max_errors = 3;
	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	SAYS(&c, "a\r\nb X\r\nc NOOP x\r\nd NOOP\r\n",
	    "a BAD Say a tag, a space, and a command\r\n"
	    "b BAD Unknown command\r\nc BAD No arguments here\r\n"
	    "* BYE Too many errors\r\n");
	CHECK(client_ends(&c));
	client_close(&c);
	h.env.max_errors = imap_defaults.max_errors;
}

static void
test_login(void)
{
	struct client c;

	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	SAYS(
	    &c, "a LOGIN x\r\n", "a BAD LOGIN takes a name and a password\r\n");
	SAYS(&c, "a LOGIN kim@mail.test x\r\n",
	    "a NO [AUTHENTICATIONFAILED] Wrong name or password\r\n");
	SAYS(&c, "a AUTHENTICATE X\r\n", "a NO [CANNOT] No such mechanism\r\n");
	SAYS(&c, "a AUTHENTICATE\r\n",
	    "a BAD AUTHENTICATE takes a mechanism\r\n");
	SAYS(&c, "a AUTHENTICATE PLAIN\r\n", "+ \r\n");
	SAYS(&c, "*\r\n", "a BAD Given up\r\n");
	SAYS(&c, "a AUTHENTICATE PLAIN !!\r\n",
	    "a BAD Cannot read this answer\r\n");
	SAYS(&c, "a AUTHENTICATE PLAIN =\r\n",
	    "a BAD Cannot read this answer\r\n");
	SAYS(&c, "a AUTHENTICATE LOGIN bGVl\r\n", "+ UGFzc3dvcmQ6\r\n");
	SAYS(&c, "*\r\n", "a BAD Given up\r\n");
	SAYS(&c, "a LOGIN {13}\r\n", "+ OK\r\n");
	SAYS(&c, "kim@mail.test {10}\r\n", "+ OK\r\n");
	ANSWERS(&c, "secret one\r\n", "a OK [CAPABILITY ");
	SAYS(&c, "b " LOGIN, "b BAD You are signed in already\r\n");
	SAYS(&c, "b STARTTLS\r\n", "b BAD You are signed in already\r\n");
	SAYS(&c, "b CHECK\r\n", "b BAD Select a mailbox first\r\n");
	client_close(&c);
	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	ANSWERS(&c,
	    "a AUTHENTICATE PLAIN AGtpbUBtYWlsLnRlc3QAc2VjcmV0IG9uZQ==\r\n",
	    "a OK [CAPABILITY ");
	client_close(&c);
	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	SAYS(&c, "a STARTTLS\r\n", "a NO [CANNOT] TLS is not available\r\n");
	/* nothing but the login before it, in one go */
	ANSWERS(&c, "a " LOGIN "b NOOP\r\n", "b OK Done");
	client_close(&c);
}

/* Plain text passwords are refused, and not even asked for. */
static void
test_needs_tls(void)
{
	struct client c;

	h.env.allows_plain_loopback = false;
	client_open(&c, &h);
	SAYS(&c, "",
	    "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID SASL-IR ENABLE "
	    "IDLE LOGINDISABLED AUTH=SCRAM-SHA-256] Tinpost is ready\r\n");
	SAYS(&c, "a LOGIN {3}\r\n",
	    "a NO [PRIVACYREQUIRED] Only with TLS: STARTTLS first\r\n");
	SAYS(&c, "a LOGIN {3+}\r\nkim {3+}\r\nxyz\r\nb NOOP\r\n",
	    "a NO [PRIVACYREQUIRED] Only with TLS: STARTTLS first\r\n"
	    "b OK Done\r\n");
	SAYS(&c, "a AUTHENTICATE PLAIN\r\n",
	    "a NO [PRIVACYREQUIRED] Only with TLS: STARTTLS first\r\n");
	client_close(&c);
	h.env.allows_plain_loopback = true;
}

static void
test_enable(void)
{
	struct client c;

	client_open(&c, &h);
	SAYS(&c, "", HELLO);
	SAYS(&c, "a ENABLE CONDSTORE\r\n", "a BAD Sign in first\r\n");
	client_close(&c);
	sign_in(&c);
	SAYS(&c, "a ENABLE\r\n", "a BAD ENABLE takes names of extensions\r\n");
	SAYS(&c, "a ENABLE  X\r\n",
	    "a BAD ENABLE takes names of extensions\r\n");
	SAYS(&c, "a ENABLE X qresync UTF8=ACCEPT\r\n",
	    "* ENABLED QRESYNC UTF8=ACCEPT\r\na OK Done\r\n");
	SAYS(&c, "a ENABLE X\r\n", "* ENABLED\r\na OK Done\r\n");
	client_close(&c);
}

static void
test_idle(void)
{
	struct client c;

	sign_in(&c);
	SAYS(&c, "a IDLE x\r\n", "a BAD No arguments here\r\n");
	SAYS(&c, "a IDLE\r\n", "+ idling\r\n");
	SAYS(&c, "done\r\n", "a OK Done\r\n");
	SAYS(&c, "a IDLE\r\nDONE\r\nb NOOP\r\n",
	    "+ idling\r\na OK Done\r\nb OK Done\r\n");
	SAYS(&c, "a IDLE\r\nb NOOP\r\n", "+ idling\r\na BAD Say DONE\r\n");
	client_close(&c);
}

static void
test_append(void)
{
	struct client c;

	sign_in(&c);
	SAYS(&c, "a APPEND INBOX {5}\r\n", "+ OK\r\n");
	ANSWERS(&c, "A: b\n\r\n", "a OK [APPENDUID ");
	ANSWERS(&c,
	    "a APPEND {5+}\r\ninbox (\\Seen $x) "
	    "\" 1-Feb-2026 12:00:00 +0100\" ~{3+}\r\n\rx\n\r\n",
	    "a OK [APPENDUID ");
	ANSWERS(&c, "a APPEND INBOX {1+}\r\na (\\Deleted) {1+}\r\nb\r\n",
	    "a OK [APPENDUID ");
	SAYS(&c, "a APPEND Nope {5}\r\n",
	    "a NO [TRYCREATE] There is no such mailbox\r\n");
	SAYS(&c, "a APPEND Nope {5+}\r\nb NO\r\r\nc NOOP\r\n",
	    "a NO [TRYCREATE] There is no such mailbox\r\nc OK Done\r\n");
	SAYS(&c, "a APPEND INBOX {0}\r\n",
	    "a NO No message, nothing appended\r\n");
	SAYS(&c, "a APPEND INBOX {0+}\r\n\r\n",
	    "a NO No message, nothing appended\r\n");
	SAYS(&c, "a APPEND INBOX {1+}\r\nx {0+}\r\n\r\n",
	    "a NO No message, nothing appended\r\n");
	SAYS(&c, "a APPEND INBOX {60000000}\r\n",
	    "a NO [TOOBIG] The message is too large\r\n");
	SAYS(&c, "a APPEND INBOX\r\n",
	    "a BAD APPEND takes a mailbox, flags, a date, a message\r\n");
	SAYS(&c, "a APPEND INBOX (\\Bad) {1+}\r\nx\r\n",
	    "a BAD APPEND takes a mailbox, flags, a date, a message\r\n");
	SAYS(&c, "a APPEND INBOX {1+}\r\nxx\r\nb NOOP\r\n",
	    "a BAD APPEND takes a mailbox, flags, a date, a message\r\n"
	    "b OK Done\r\n");
	SAYS(&c, "a APPEND INBOX UTF8 (~{1+}\r\nx)\r\n",
	    "a NO [CANNOT] ENABLE UTF8=ACCEPT first\r\n");
	ANSWERS(&c, "a ENABLE UTF8=ACCEPT\r\n", "a OK");
	ANSWERS(&c, "a APPEND INBOX UTF8 (~{1+}\r\nx)\r\n", "a OK [APPENDUID");
	SAYS(&c, "a APPEND INBOX UTF8 (~{1+}\r\nx\r\n",
	    "a BAD APPEND takes a mailbox, flags, a date, a message\r\n");
	client_close(&c);
}

static void
test_append_nul(void)
{
	static const char text[] = "a APPEND INBOX {3+}\r\na\0b {1+}\r\nx\r\n";
	static const char binary[] = "c APPEND INBOX ~{3+}\r\na\0b\r\n";
	struct client c;

	sign_in(&c);
	client_put(&c, span_of(text, sizeof(text) - 1));
	ANSWERS(&c, "b NOOP\r\n", "a NO [CANNOT] NUL needs a literal8");
	SAYS(&c, "", "b OK Done\r\n");
	client_put(&c, span_of(binary, sizeof(binary) - 1));
	ANSWERS(&c, "", "c OK [APPENDUID ");
	client_close(&c);
}

/* As many as go together, and one more; and so large that they do not fit into
 * one frame of the journal. */
static void
test_append_many(void)
{
	static char large[20000];
	struct client c;

	sign_in(&c);
	client_put(&c, SPAN("a APPEND Sent"));
	for (int i = 0; i < DELIVER_MAX_MANY; i++)
		client_put(&c, SPAN(" {1+}\r\nx"));
	ANSWERS(&c, "\r\n", "a OK [APPENDUID ");
	client_put(&c, SPAN("a APPEND Sent"));
	for (int i = 0; i <= DELIVER_MAX_MANY; i++)
		client_put(&c, SPAN(" {1+}\r\nx"));
	SAYS(&c, "\r\nb NOOP\r\n",
	    "a NO [LIMIT] Too many messages or keywords\r\nb OK Done\r\n");
	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (char)('!' + i * i % 89);
	client_put(&c, SPAN("a APPEND Sent"));
	for (int i = 0; i < 20; i++) {
		client_put(&c, SPAN(" {20000+}\r\n"));
		client_put(&c, span_of(large, sizeof(large)));
		client_turn(&c);
	}
	ANSWERS(&c, "\r\n", "a OK [APPENDUID ");
	ANSWERS(
	    &c, "a STATUS Sent (MESSAGES)\r\n", "* STATUS Sent (MESSAGES 220)");
	client_close(&c);
}

int
main(void)
{
	log_open(LOG_TO_NOTHING, LOG_FAULT);
	house_open(&h);
	test_reading();
	test_literals();
	test_bounds();
	test_login();
	test_needs_tls();
	test_enable();
	test_idle();
	test_append();
	test_append_nul();
	test_append_many();
	house_close(&h);
	return test_done();
}
