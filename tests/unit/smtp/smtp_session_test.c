/* What a transcript cannot show: what was stored and how often, quota, a full
 * disk, failing memory, and what an idle session holds. */
#include "smtp/smtp_client.h"

#include "base/fault.h"
#include "base/mem.h"

#define KIM "kim@mail.test"

/* Send, and take everything that comes back until `last` stands in it. */
static bool
talk(struct client *c, struct span text, const char *last)
{
	bool is_found = false;

	client_put(c, text);
	for (int i = 0; i < 500 && !is_found && !c->is_closed; i++) {
		client_turn(c);
		buf_put_char(&c->got, '\0');
		is_found = strstr(c->got.p, last) != NULL;
		buf_truncate(&c->got, c->got.len - 1);
	}
	if (!is_found)
		test_print(last, buf_span(&c->got));
	buf_reset(&c->got);
	return is_found;
}

#define TALK(c, text, last) CHECK(talk(c, SPAN(text), last))

static uint32_t
inbox(struct house *h, uint32_t account)
{
	uint32_t id = 0;

	REQUIRE(mailbox_find(h->world.store, account, SPAN("INBOX"), &id) == 0);
	return id;
}

static uint32_t
n_messages(struct house *h, uint32_t account)
{
	struct mailbox_view m;

	REQUIRE(mailbox_get(h->world.store, inbox(h, account), &m) == 0);
	return m.n_messages;
}

/* The text of the last message of a person, NUL-terminated in out. */
static void
read_last(struct house *h, uint32_t account, struct buf *out)
{
	struct mailbox_view m;
	struct message msg;

	REQUIRE(mailbox_get(h->world.store, inbox(h, account), &m) == 0);
	REQUIRE(message_get(h->world.store, m.id, m.uidnext - 1, &msg) == 0);
	buf_reset(out);
	REQUIRE(body_read(h->world.store, msg.body, 0, 60000, out) == 0);
	buf_put_char(out, '\0');
}

static void
greet(struct client *c, struct house *h)
{
	client_open(c, h);
	TALK(c, "", "220 mx.mail.test ESMTP");
	TALK(c, "EHLO client.test\r\n", "250 HELP");
}

/* Many recipients, one body. */
static void
test_stored_once(struct house *h)
{
	struct store_stats before, after;
	struct client c;
	struct buf text;

	buf_init(&text, 100000);
	store_stats(h->world.store, &before);
	greet(&c, h);
	TALK(&c,
	    "MAIL FROM:<a@client.test>\r\nRCPT TO:<" KIM ">\r\n"
	    "RCPT TO:<lee@mail.test>\r\nRCPT TO:<owner@mail.test>\r\nDATA\r\n",
	    "354 ");
	TALK(&c,
	    "Return-Path: <evil@client.test>\r\nBcc: x@client.test\r\n"
	    "Subject: s\r\n\r\n..\r\n.\r\n",
	    "250 2.0.0 Stored");
	store_stats(h->world.store, &after);
	CHECK_INT(after.n_bodies - before.n_bodies, 1);
	CHECK_INT(after.n_messages - before.n_messages, 3);
	read_last(h, h->world.kim, &text);
	CHECK(span_starts(buf_span(&text),
	    SPAN("Return-Path: <a@client.test>\r\nReceived: ")));
	CHECK(strstr(text.p, "evil") == NULL);
	CHECK(
	    strstr(text.p, "\tfor") == NULL && strstr(text.p, " for ") == NULL);
	CHECK(strstr(text.p, "Bcc: x@client.test\r\nSubject: s\r\n\r\n.\r\n") !=
	      NULL);
	client_close(&c);
	buf_deinit(&text);
}

/* A backup of another server may bring such an alias: it is refused as a whole,
 * not taken for some of its people. */
static void
test_foreign_target(struct house *h)
{
	static const char *const targets[] = { KIM, "x@far.test", NULL };
	struct client c;

	world_alias(&h->world, "mixed@mail.test", ADDRESS_ALIAS, targets);
	CHECK(store_flush(h->world.store) == 0);
	greet(&c, h);
	TALK(&c, "MAIL FROM:<a@client.test>\r\nRCPT TO:<mixed@mail.test>\r\n",
	    "550 5.7.1 This alias leads to other domains");
	/* but the postmaster's mail is taken (RFC 5321 4.5.1) */
	world_alias(
	    &h->world, "postmaster@mail.test", ADDRESS_ALIAS, targets + 1);
	CHECK(store_flush(h->world.store) == 0);
	TALK(&c, "RCPT TO:<Postmaster@mail.test>\r\n", "250 2.1.5 ");
	client_close(&c);
}

/* RFC 6409 8: what a client forgot is added, what is secret is removed. */
static void
test_submission(struct house *h)
{
	struct client c;
	struct buf text;

	buf_init(&text, 100000);
	h->env.role = SMTP_SUBMISSION;
	client_open(&c, h);
	TALK(&c, "", "220 ");
	TALK(&c, "EHLO client.test\r\n", "250 HELP");
	/* kim@mail.test, "secret one" */
	TALK(&c, "AUTH PLAIN AGtpbUBtYWlsLnRlc3QAc2VjcmV0IG9uZQ==\r\n", "235 ");
	TALK(&c, "MAIL FROM:<" KIM ">\r\nRCPT TO:<lee@mail.test>\r\nDATA\r\n",
	    "354 ");
	TALK(&c,
	    "From: " KIM
	    "\r\nBcc: x@client.test\r\nSubject: s\r\n\r\nt\r\n.\r\n",
	    "250 2.0.0 Stored");
	read_last(h, h->world.lee, &text);
	CHECK(strstr(text.p, "Bcc") == NULL);
	CHECK(strstr(text.p, "\r\nDate: ") != NULL);
	CHECK(strstr(text.p, "\r\nMessage-ID: <") != NULL);
	CHECK(strstr(text.p, "ESMTPA") != NULL);
	client_close(&c);
	h->env.role = SMTP_MX;
	buf_deinit(&text);
}

static void
test_quota(struct house *h)
{
	struct client c;

	REQUIRE(account_set_quota(h->world.store, h->world.lee, 5000) == 0);
	greet(&c, h);
	TALK(&c,
	    "MAIL FROM:<a@client.test> SIZE=9000\r\nRCPT "
	    "TO:<lee@mail.test>\r\n",
	    "452 4.2.2");
	TALK(&c, "RCPT TO:<" KIM ">\r\nRSET\r\n", "250 2.0.0");
	client_close(&c);
	REQUIRE(account_set_quota(h->world.store, h->world.lee, 0) == 0);
}

static void
test_full(struct house *h)
{
	struct client c;

	greet(&c, h);
	fault_arm(FAULT_FULL, 1, true);
	TALK(&c, "MAIL FROM:<a@client.test>\r\n", "452 4.3.1");
	fault_arm(FAULT_FULL, 0, false);
	TALK(&c, "MAIL FROM:<a@client.test>\r\n", "250 2.1.0");
	client_close(&c);
}

/* The n-th allocation fails: the session may end, the message is there at
 * most once, and always if that was promised. */
static void
test_no_memory(struct house *h)
{
	for (uint64_t n = 1; n < 60; n++) {
		uint32_t before = n_messages(h, h->world.kim);
		struct client c;
		bool is_told;

		client_open(&c, h);
		REQUIRE(buf_reserve(&c.got, 4096) == 0);
		fault_arm(FAULT_ALLOC, n, false);
		client_put(&c, SPAN("HELO x\r\n"));
		for (int i = 0; i < 5; i++)
			client_turn(&c);
		if (!c.is_closed)
			client_put(&c,
			    SPAN("MAIL FROM:<a@b.test>\r\nRCPT TO:<" KIM
			         ">\r\nBDAT 14 LAST\r\nSubject: x\r\n\r\n"));
		for (int i = 0; i < 6 && !c.is_closed; i++)
			client_turn(&c);
		fault_arm(FAULT_ALLOC, 0, false);
		buf_put_char(&c.got, '\0');
		is_told = strstr(c.got.p, "Stored, id") != NULL;
		before = n_messages(h, h->world.kim) - before;
		/* The reply itself may have been what failed. */
		CHECK(before == 1 || (before == 0 && !is_told));
		client_close(&c);
	}
}

static void
test_idle_memory(struct house *h)
{
	static struct client clients[50];
	size_t before;

	greet(&clients[0], h);
	before = mem_used();
	for (int i = 1; i < 50; i++)
		greet(&clients[i], h);
	for (int i = 0; i < 5; i++)
		client_turn(&clients[0]);
	before = mem_used() - before;
	/* each client of the test keeps its own buffer as well */
	for (int i = 1; i < 50; i++)
		before -= clients[i].got.cap;
	CHECK(before / 49 < 1536);
	for (int i = 0; i < 50; i++)
		client_close(&clients[i]);
}

int
main(void)
{
	static struct house h;

	house_open(&h);
	test_stored_once(&h);
	test_foreign_target(&h);
	test_submission(&h);
	test_quota(&h);
	test_full(&h);
	test_no_memory(&h);
	test_idle_memory(&h);
	house_close(&h);
	return test_done();
}
