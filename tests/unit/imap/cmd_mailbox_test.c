/* The commands about mailboxes where there are many of them, and where other
 * sessions look on. */
#include "base/clock.h"
#include "base/mem.h"
#include "imap_client.h"

#define LOGIN "l LOGIN kim@mail.test \"secret one\"\r\n"

/* Send, and wait for an answer that ends with this line. The bytes are in
 * c->got until the next one. */
static bool
ask(struct client *c, const char *text, const char *last)
{
	struct span end = span_str(last);

	buf_reset(&c->got);
	client_put(c, span_str(text));
	for (int i = 0; i < 20000 && !c->is_closed; i++) {
		client_turn(c);
		if (span_ends_nocase(buf_span(&c->got), end))
			return true;
	}
	fprintf(stderr, "C: %sS: %.*s\n", text,
	    (int)(c->got.len < 2000 ? c->got.len : 2000),
	    c->got.p ? c->got.p : "");
	return false;
}

#define ASKS(c, text, last) CHECK_ROW(ask(c, text, last), text)

static void
sign_in(struct client *c, struct house *h)
{
	client_open(c, h);
	REQUIRE(ask(c, LOGIN, "Signed in\r\n"));
}

static size_t
count_lines(struct span s, struct span start)
{
	size_t n = 0;

	while (s.len > 0)
		n += span_starts(span_split(&s, '\n'), start);
	return n;
}

static void
make_many(struct house *h, unsigned n)
{
	for (unsigned k = 0; k < n; k++) {
		char text[256];
		struct buf b;
		uint32_t id;

		buf_init_fixed(&b, text, sizeof(text));
		buf_putf(&b, "many/m%u/leaf%u", k % 100, k);
		buf_putf(&b, "-%0200u", k);
		REQUIRE(mailbox_create(h->world.store, h->world.kim,
		            buf_span(&b), SPECIAL_NONE, &id) == 0);
	}
	REQUIRE(store_flush(h->world.store) == 0);
}

/* Together more than the sockets' buffers hold. */
#define N_LISTS 4

/* As many as a person may have, listed in short turns and little memory, to a
 * client that does not read for a while. */
static void
test_many(struct house *h)
{
	struct client c;
	int64_t longest_us = 0;
	size_t before, most = 0, n = 0;

	make_many(h, 9800);
	sign_in(&c, h);
	before = mem_used() - c.got.cap;
	buf_reset(&c.got);
	for (int k = 0; k < N_LISTS; k++)
		client_put(&c, SPAN("a LIST \"\" * RETURN (SUBSCRIBED)\r\n"));
	for (int k = 0; k < 1500; k++) { /* nobody reads */
		int64_t start = clock_cpu_us();

		CHECK(loop_turn(h->loop, 0) == 0);
		if (clock_cpu_us() - start > longest_us)
			longest_us = clock_cpu_us() - start;
		if (mem_used() - c.got.cap > most)
			most = mem_used() - c.got.cap;
	}
	for (int k = 0; k < 20000 && n < N_LISTS; k++) {
		client_turn(&c);
		if (span_ends_nocase(
		        buf_span(&c.got), SPAN("That is the list\r\n")))
			n = count_lines(buf_span(&c.got), SPAN("a OK"));
	}
	CHECK_INT(count_lines(buf_span(&c.got), SPAN("* LIST (")),
	    N_LISTS * (6 + 1 + 1 + 100 + 9800)); /* INBOX ..., was, many */
	fprintf(stderr, "LIST of 9,908 mailboxes: %zu KB, turns of %d us\n",
	    (most - before) / 1024, (int)longest_us);
	CHECK(most - before < 100 * 1024);
	/* A slice, and what the sanitizers take. */
	CHECK(longest_us < 20000);
	ASKS(&c, "a LIST \"\" many/m7/%7\r\n", "That is the list\r\n");
	CHECK_INT(count_lines(buf_span(&c.got), SPAN("* LIST (")), 98);
	ASKS(&c, "a LIST \"\" %/leaf1-%\r\n", "That is the list\r\n");
	CHECK_INT(count_lines(buf_span(&c.got), SPAN("* LIST (")), 0);
	/* Renamed while it is listed. */
	ASKS(&c, "a CREATE x/1/2/3/4/5/6\r\n", "Created\r\n");
	client_put(&c, SPAN("a LIST \"\" *\r\n"));
	client_turn(&c);
	ASKS(&c, "b RENAME many other\r\nc NOOP\r\n", "c OK Done\r\n");
	ASKS(&c, "a LIST \"\" other/*\r\n", "That is the list\r\n");
	CHECK_INT(count_lines(buf_span(&c.got), SPAN("* LIST (")), 9900);
	ASKS(&c, "a RENAME other many\r\n", "a OK Renamed\r\n");
	/* Deeper they may not go: too many to look at in one step. */
	ASKS(&c, "a RENAME many x/many\r\n",
	    "a NO [LIMIT] Too deep, or too many mailboxes\r\n");
	ASKS(&c, "a RENAME many/m7 x/m7\r\n", "a OK Renamed\r\n");
	ASKS(&c, "a RENAME x/m7 many/m7\r\n", "a OK Renamed\r\n");
	client_close(&c);
}

static void
test_subscriptions(struct house *h)
{
	struct client c;

	sign_in(&c, h);
	for (unsigned k = 0; k < MAX_MAILBOXES - 6; k++) {
		char text[64];
		struct buf b;

		buf_init_fixed(&b, text, sizeof(text));
		buf_putf(&b, "gone%u/x", k);
		REQUIRE(mailbox_subscribe(
		            h->world.store, h->world.kim, buf_span(&b)) == 0);
	}
	ASKS(&c, "a SUBSCRIBE one/more\r\n",
	    "a NO [LIMIT] More than is allowed\r\n");
	ASKS(&c, "a SUBSCRIBE gone0/x\r\n", "a OK Subscribed already\r\n");
	ASKS(&c, "a UNSUBSCRIBE gone1/x\r\n", "a OK Unsubscribed\r\n");
	ASKS(&c, "a SUBSCRIBE one/more\r\n", "a OK Subscribed\r\n");
	ASKS(&c, "a LSUB \"\" gone*\r\n", "That is the list\r\n");
	CHECK_INT(
	    count_lines(buf_span(&c.got), SPAN("* LSUB (")), MAX_MAILBOXES - 7);
	ASKS(&c, "a LSUB \"\" gone%\r\n", "That is the list\r\n");
	CHECK_INT(count_lines(buf_span(&c.got), SPAN("* LSUB (\\Noselect)")),
	    MAX_MAILBOXES - 7);
	ASKS(&c, "a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (one one/%)\r\n",
	    "That is the list\r\n");
	CHECK_INT(count_lines(buf_span(&c.got), SPAN("* LIST (")), 1);
	client_close(&c);
}

static void
test_quota(struct house *h)
{
	struct client c;

	CHECK_INT(account_set_quota(h->world.store, h->world.kim, 2048000), 0);
	house_deliver(h, h->world.kim, SPAN("A: b\r\n\r\nc\r\n"));
	sign_in(&c, h);
	ASKS(&c, "a GETQUOTAROOT inbox\r\n",
	    "* QUOTAROOT INBOX \"\"\r\n"
	    "* QUOTA \"\" (STORAGE 1 2000)\r\n"
	    "a OK That is the quota\r\n");
	ASKS(&c, "a GETQUOTA \"\"\r\n",
	    "* QUOTA \"\" (STORAGE 1 2000)\r\na OK That is the quota\r\n");
	ASKS(&c, "a GETQUOTA x\r\n",
	    "a NO [NONEXISTENT] There is no such quota root\r\n");
	CHECK_INT(account_set_quota(h->world.store, h->world.kim, 0), 0);
	client_close(&c);
}

/* RENAME of an INBOX with more than a batch, watched by another session. */
static void
test_rename_inbox(struct house *h)
{
	struct client a, b;

	for (int k = 0; k < 100; k++)
		house_deliver(h, h->world.kim, SPAN("A: b\r\n\r\nc\r\n"));
	sign_in(&a, h);
	sign_in(&b, h);
	ASKS(&b, "b SELECT INBOX\r\n", "selected\r\n");
	ASKS(&a, "a STATUS INBOX (DELETED-STORAGE)\r\n",
	    "(DELETED-STORAGE 0)\r\na OK Status is told\r\n");
	ASKS(&b, "b STORE 1:101 +FLAGS.SILENT (\\Deleted late)\r\n",
	    "Stored\r\n");
	ASKS(&a, "a STATUS INBOX (MESSAGES DELETED DELETED-STORAGE)\r\n",
	    "(MESSAGES 101 DELETED 101 DELETED-STORAGE 2424)\r\n"
	    "a OK Status is told\r\n");
	ASKS(&a, "a RENAME INBOX was/inbox\r\n", "were moved\r\n");
	ASKS(&a, "a STATUS was/inbox (MESSAGES UIDNEXT DELETED)\r\n",
	    "* STATUS was/inbox (MESSAGES 101 UIDNEXT 102 DELETED 101)\r\n"
	    "a OK Status is told\r\n");
	ASKS(&b, "b NOOP\r\n", "b OK Done\r\n");
	CHECK_INT(count_lines(buf_span(&b.got), SPAN("* 1 EXPUNGE")), 101);
	/* the keyword went along */
	ASKS(&a, "a SELECT was/inbox\r\n", "selected\r\n");
	CHECK_INT(count_lines(buf_span(&a.got), SPAN("* FLAGS")), 1);
	ASKS(&a, "a STORE 101 +FLAGS (\\Seen)\r\n",
	    "* 101 FETCH (FLAGS (\\Deleted \\Seen \\Recent "
	    "late))\r\na OK Stored\r\n");
	/* it is renamed, then deleted, under both */
	ASKS(&b, "b SELECT was/inbox\r\n", "selected\r\n");
	ASKS(&b, "b RENAME was/inbox was2\r\n", "b OK Renamed\r\n");
	ASKS(&a, "a STORE 1 +FLAGS (\\Seen)\r\n", "a OK Stored\r\n");
	ASKS(&b, "b DELETE was2\r\n",
	    "* OK [CLOSED] The mailbox is closed\r\nb OK Deleted\r\n");
	CHECK(ask(&a, "a NOOP\r\n", "* BYE The mailbox was deleted\r\n"));
	client_close(&a);
	client_close(&b);
}

int
main(void)
{
	struct house h;

	house_open(&h);
	test_quota(&h);
	test_rename_inbox(&h);
	test_many(&h);
	test_subscriptions(&h);
	house_close(&h);
	return test_done();
}
