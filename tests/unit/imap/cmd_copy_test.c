/* COPY is all or none and MOVE loses nothing, whatever fails and whenever the
 * client goes. */
#include "imap_client.h"

#include "base/fault.h"
#include "base/mem.h"

static struct house house;
static struct client client;

static uint32_t
count(const char *name)
{
	struct mailbox_view m;
	uint32_t id;

	REQUIRE(mailbox_find(house.world.store, house.world.kim, span_str(name),
	            &id) == 0);
	REQUIRE(mailbox_get(house.world.store, id, &m) == 0);
	return m.n_messages;
}

/* A command to its end: 'O', 'N' or 'B' of the tagged reply; 0: the session
 * was dropped. What was said stays in client.got. */
static char
ask(const char *text)
{
	char line[200];

	buf_reset(&client.got);
	snprintf(line, sizeof(line), "t %s\r\n", text);
	if (write(client.fd, line, strlen(line)) < 0)
		return 0;
	for (int i = 0; i < 5000 && !client.is_closed; i++) {
		struct span got = buf_span(&client.got), l;

		while (got.len > 0) {
			l = span_split(&got, '\n');
			if (span_starts(l, SPAN("t ")) &&
			    l.p[l.len - 1] == '\r')
				return l.p[2];
		}
		client_turn(&client);
	}
	return 0;
}

static void
sign_in(void)
{
	client_open(&client, &house);
	CHECK(ask("LOGIN kim@mail.test \"secret one\"") == 'O');
	CHECK(ask("SELECT INBOX") == 'O');
}

/* After a fault the session may have been dropped. */
static void
go_on(void)
{
	for (unsigned site = 0; site < N_FAULT_SITES; site++)
		fault_arm((enum fault_site)site, 0, false);
	client_close(&client);
	/* A command under way ends, or is undone, with its session. */
	for (int i = 0; i < 5000 && loop_stats(house.loop)->n_conns > 0; i++)
		CHECK(loop_turn(house.loop, 1) == 0);
	CHECK(!store_is_lost(house.world.store));
	sign_in();
}

/* One pass of the site after the other fails, until none is left. */
static void
try_copy(enum fault_site site, unsigned step, unsigned most)
{
	bool has_worked = false;

	for (unsigned n = 1; n < most && !has_worked; n += step) {
		uint32_t before = count("Archive"), after;
		char reply;

		fault_arm(site, n, false);
		reply = ask("COPY 1:60 Archive");
		for (int i = 0; i < 3; i++)
			client_turn(&client);
		has_worked = fault_passes(site) < n;
		after = count("Archive");
		CHECK(after == before || after == before + 60);
		CHECK(reply != 'O' || after == before + 60);
		CHECK(reply != 'N' || after == before);
		CHECK(reply != 'B');
		CHECK(!has_worked || reply == 'O');
		go_on();
	}
}

static void
try_move(enum fault_site site, unsigned step, unsigned most)
{
	bool has_worked = false;

	for (unsigned n = 1; n < most && !has_worked; n += step) {
		uint32_t before = count("INBOX");
		char reply;

		fault_arm(site, n, false);
		reply = ask("MOVE 1:60 Sent");
		for (int i = 0; i < 3; i++)
			client_turn(&client);
		has_worked = fault_passes(site) < n;
		CHECK_INT(count("INBOX") + count("Sent"), before);
		CHECK(reply != 'O' || count("Sent") == 60);
		go_on();
		if (count("Sent") == 0)
			continue;
		CHECK(ask("SELECT Sent") == 'O');
		CHECK(ask("MOVE 1:* INBOX") == 'O');
		CHECK(ask("SELECT INBOX") == 'O');
		CHECK_INT(count("INBOX"), before);
	}
}

static void
try_store(enum fault_site site, unsigned most)
{
	bool has_worked = false;

	for (unsigned n = 1; n < most && !has_worked; n++) {
		char reply;

		fault_arm(site, n, false);
		reply = ask(n % 2 ? "STORE 1:* +FLAGS (\\Seen a b)"
		                  : "STORE 1:* -FLAGS (\\Seen a b)");
		CHECK(reply != 'B');
		has_worked = fault_passes(site) < n;
		CHECK(!has_worked || reply == 'O');
		go_on();
	}
}

static void
test_full(void)
{
	uint32_t before = count("Archive");

	fault_arm(FAULT_FULL, 1, true);
	CHECK(ask("COPY 1:60 Archive") == 'N');
	CHECK(span_starts(buf_span(&client.got), SPAN("t NO [OVERQUOTA] ")));
	CHECK_INT(count("Archive"), before);
	go_on();
	CHECK(account_set_quota(house.world.store, house.world.kim, 1000) == 0);
	CHECK(store_flush(house.world.store) == 0);
	CHECK(ask("COPY 1:60 Archive") == 'N');
	CHECK(span_starts(buf_span(&client.got), SPAN("t NO [OVERQUOTA] ")));
	CHECK_INT(count("Archive"), before);
	/* What only moves needs no more room. */
	CHECK(ask("MOVE 1:2 Junk") == 'O');
	CHECK_INT(count("Junk"), 2);
	CHECK(account_set_quota(house.world.store, house.world.kim, 0) == 0);
	CHECK(store_flush(house.world.store) == 0);
}

/* The client goes in the middle of a long COPY. */
static void
test_gone(void)
{
	uint32_t n, before;

	for (int i = 0; i < 4; i++)
		CHECK(ask("COPY 1:* INBOX") == 'O');
	n = count("INBOX");
	CHECK(n > 700);
	before = count("Trash");
	for (int turns = 1; turns < 12; turns++) {
		uint32_t after;

		client_put(&client, SPAN("t COPY 1:* Trash\r\n"));
		for (int i = 0; i < turns; i++)
			client_turn(&client);
		go_on();
		after = count("Trash");
		CHECK(after == before || after == before + n);
		before = after;
	}
}

int
main(void)
{
	house_open(&house);
	for (int i = 0; i < 60; i++)
		house_deliver(&house, house.world.kim, SPAN("A: b\r\n\r\nc"));
	sign_in();
	CHECK(ask("STORE 1:30 +FLAGS (one two)") == 'O');
	try_copy(FAULT_ALLOC, 1, 200);
	try_copy(FAULT_LMDB, 7, 400);
	try_copy(FAULT_WRITE, 1, 20);
	try_copy(FAULT_SYNC, 1, 20);
	try_move(FAULT_ALLOC, 1, 200);
	try_move(FAULT_LMDB, 7, 400);
	try_move(FAULT_SYNC, 1, 20);
	try_store(FAULT_ALLOC, 200);
	try_store(FAULT_SYNC, 20);
	test_full();
	test_gone();
	client_close(&client);
	house_close(&house);
	CHECK(mem_used() == 0);
	return test_done();
}
