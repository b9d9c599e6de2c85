/* Mailboxes and messages: names, flags, the change log, copies, expunges, and
 * the sweeps behind them (rule 8). */
#include "store/inside.h"
#include "store_world.h"

static void
settle(struct store *s)
{
	for (int i = 0; i < 10000; i++) {
		int rc = store_idle(s);

		CHECK(rc >= 0);
		if (rc <= 0)
			break;
	}
	CHECK_INT(store_flush(s), 0);
}

static void
names(void)
{
	struct store *s = world_new("names", NULL);
	uint32_t kim = world_account(s, "kim@x.test"), id, work, child;
	char storage[300];
	struct buf b;
	struct mailbox_view v;
	unsigned bit;

	buf_init_fixed(&b, storage, sizeof(storage));
	CHECK_INT(
	    mailbox_create(s, kim, SPAN("Work/a/b"), SPECIAL_NONE, &id), 0);
	CHECK_INT(mailbox_path(s, id, &b), 0);
	CHECK_SPAN(buf_span(&b), SPAN("Work/a/b"));
	CHECK_INT(mailbox_create(s, kim, SPAN("Work/a/b"), SPECIAL_NONE, &id),
	    ERR_EXISTS);
	CHECK_INT(mailbox_create(s, kim, SPAN("a//b"), SPECIAL_NONE, &id),
	    ERR_INVALID);
	CHECK_INT(mailbox_find(s, kim, SPAN("Work"), &work), 0);
	CHECK_INT(mailbox_delete(s, work), ERR_BUSY);
	CHECK_INT(mailbox_rename(s, work, SPAN("Work/a/x")), ERR_INVALID);
	CHECK_INT(mailbox_rename(s, work, SPAN("Old/Work")), 0);
	CHECK_INT(mailbox_find(s, kim, SPAN("Old/Work/a/b"), &child), 0);
	CHECK_INT(child, id);
	CHECK_INT(mailbox_find(s, kim, SPAN("Work/a/b"), &child), ERR_NONE);
	CHECK_INT(mailbox_find(s, kim, SPAN("iNbOx"), &child), 0);
	CHECK_INT(mailbox_rename(s, child, SPAN("In")), ERR_DENIED);
	CHECK_INT(mailbox_delete(s, child), ERR_DENIED);
	CHECK_INT(mailbox_get(s, id, &v), 0);
	CHECK_INT(mailbox_delete(s, id), 0);
	CHECK_INT(mailbox_get(s, id, &v), ERR_NONE);
	CHECK_INT(
	    mailbox_create(s, kim, SPAN("Old/Work/a/b"), SPECIAL_NONE, &child),
	    0);
	{
		uint32_t before = v.uidvalidity;

		CHECK(child != id);
		CHECK_INT(mailbox_get(s, child, &v), 0);
		CHECK(v.uidvalidity > before);
	}
	CHECK(mailbox_is_subscribed(s, kim, SPAN("Sent")));
	CHECK_INT(mailbox_unsubscribe(s, kim, SPAN("Sent")), 0);
	CHECK(!mailbox_is_subscribed(s, kim, SPAN("Sent")));
	CHECK_INT(mailbox_add_keyword(s, child, SPAN("$Label1"), &bit), 0);
	CHECK_INT(bit, 0);
	CHECK_INT(mailbox_add_keyword(s, child, SPAN("b"), &bit), 0);
	CHECK_INT(bit, 1);
	CHECK_INT(mailbox_find_keyword(s, child, SPAN("$lABEL1"), &bit), 0);
	CHECK_INT(bit, 0);
	CHECK_INT(mailbox_lock(s, child), 0);
	CHECK_INT(mailbox_lock(s, child), ERR_BUSY);
	mailbox_unlock(s, child);
	CHECK_INT(mailbox_lock(s, child), 0);
	settle(s);
	store_close(s);
}

static void
addresses(void)
{
	struct store *s = world_new("addresses", NULL);
	uint32_t kim = world_account(s, "kim@x.test"), id;
	struct account_new again = { .address = SPAN("kim@x.test") };
	struct address_entry e;
	struct buf b;
	int n = 0;

	buf_init(&b, 1000);
	CHECK_INT(account_create(s, &again, &id), ERR_EXISTS);
	again.address = SPAN("kim@other.test");
	CHECK_INT(account_create(s, &again, &id), ERR_NONE);
	CHECK_INT(address_lookup(s, SPAN("kim@x.test"), &e), 0);
	CHECK(e.kind == ADDRESS_PERSON && e.id == kim);
	CHECK_INT(address_create_alias(s, SPAN("@x.test"), ADDRESS_ALIAS), 0);
	CHECK_INT(
	    address_add_target(s, SPAN("@x.test"), SPAN("kim@x.test")), 0);
	CHECK_INT(address_add_target(s, SPAN("@x.test"), SPAN("kim@x.test")),
	    ERR_EXISTS);
	CHECK_INT(address_next_target(s, SPAN("@x.test"), &b), 0);
	CHECK_SPAN(buf_span(&b), SPAN("kim@x.test"));
	CHECK_INT(address_next_target(s, SPAN("@x.test"), &b), ERR_NONE);
	buf_reset(&b);
	while (address_next(s, &b, &e) == 0)
		n++;
	CHECK_INT(n, 2);
	CHECK_INT(domain_delete(s, SPAN("x.test")), ERR_BUSY);
	CHECK_INT(address_delete(s, SPAN("kim@x.test")), ERR_DENIED);
	CHECK_INT(address_delete(s, SPAN("@x.test")), 0);
	CHECK_INT(account_delete(s, kim), 0);
	CHECK_INT(address_lookup(s, SPAN("kim@x.test"), &e), ERR_NONE);
	CHECK_INT(domain_delete(s, SPAN("x.test")), 0);
	settle(s);
	CHECK_INT(tree_count(s, TREE_MAILBOX), 0);
	CHECK_INT(tree_count(s, TREE_ACCOUNT), 0);
	CHECK_INT(tree_count(s, TREE_USAGE), 0);
	CHECK_INT(tree_count(s, TREE_SUBSCRIPTION), 0);
	CHECK_INT(tree_count(s, TREE_INTENT), 0);
	buf_deinit(&b);
	store_close(s);
}

/* RFC 7162: what one session does, another finds in the log. */
static void
changes(void)
{
	struct store *s = world_new("changes", NULL);
	uint32_t kim = world_account(s, "kim@x.test");
	uint32_t box = world_inbox(s, kim), n;
	struct message_flags f = { .how = MESSAGE_ADD,
		.flags = MESSAGE_SEEN | MESSAGE_DELETED,
		.unchanged_since = UINT64_MAX };
	struct rangeset uids, failed;
	struct mailbox_view v;
	struct change c;
	uint64_t modseq;

	rangeset_init(&uids);
	rangeset_init(&failed);
	change_init(&c);
	for (int i = 0; i < 5; i++)
		CHECK_INT(
		    world_deliver(s, SPAN("hello\r\n"), &box, 1, NULL), 0);
	CHECK_INT(change_next(s, box, 3, &c), 0);
	CHECK_INT(c.kind, CHANGE_APPENDED);
	CHECK_INT(c.modseq, 4);
	CHECK(rangeset_has(&c.uids, 3) && c.uids.n_members == 1);
	CHECK_INT(rangeset_add(&uids, 2, 3), 0);
	CHECK_INT(message_set_flags(s, box, &uids, &f, NULL, &modseq), 0);
	CHECK_INT(modseq, 7);
	CHECK_INT(message_set_flags(s, box, &uids, &f, NULL, &modseq), 0);
	CHECK_INT(modseq, 0); /* nothing changed */
	f.flags = MESSAGE_FLAGGED;
	f.unchanged_since = 6;
	CHECK_INT(message_set_flags(s, box, &uids, &f, &failed, &modseq), 0);
	CHECK_INT(failed.n_members, 2);
	CHECK_INT(mailbox_get(s, box, &v), 0);
	CHECK_INT(v.n_unseen, 3);
	CHECK_INT(v.n_deleted, 2);
	rangeset_clear(&uids);
	CHECK_INT(rangeset_add(&uids, 3, 3), 0);
	CHECK_INT(message_expunge(s, box, &uids, &n), 0);
	CHECK_INT(n, 1);
	CHECK_INT(change_next(s, box, 6, &c), 0);
	CHECK_INT(c.kind, CHANGE_FLAGS);
	CHECK_INT(change_next(s, box, 7, &c), 0);
	CHECK_INT(c.kind, CHANGE_VANISHED);
	CHECK_INT(c.modseq, 8);
	CHECK_INT(change_next(s, box, 8, &c), ERR_NONE);
	CHECK_INT(mailbox_get(s, box, &v), 0);
	CHECK_INT(v.n_messages, 4);
	CHECK_INT(v.n_deleted, 1);
	change_deinit(&c);
	rangeset_deinit(&uids);
	rangeset_deinit(&failed);
	store_close(s);
}

/* Rule 8: thousands go at once, all or none, and are swept in small steps,
 * through a restart. */
static void
rule_8_expunge_set(void)
{
	struct store *s = world_new("intent", NULL);
	uint32_t kim = world_account(s, "kim@x.test");
	uint32_t box = world_inbox(s, kim), messages;
	struct expunge_totals t = { 0 };
	struct rangeset uids;
	struct mailbox_view v;
	struct message m = { 0 };
	uint64_t bytes, modseq;
	struct message_flags f = { .how = MESSAGE_ADD,
		.flags = MESSAGE_SEEN,
		.unchanged_since = UINT64_MAX };

	rangeset_init(&uids);
	for (int i = 0; i < 2000; i++) /* more than a step sweeps */
		CHECK_INT(
		    world_deliver(s, SPAN("hello\r\n"), &box, 1, NULL), 0);
	t.modseq = mailbox_modseq(s, box);
	while (message_next(s, box, m.uid + 1, &m) == 0) {
		message_total(&t, &m);
		CHECK_INT(rangeset_add(&uids, m.uid, m.uid), 0);
	}
	CHECK_INT(t.n_messages, 2000);
	{
		struct rangeset one;

		rangeset_init(&one);
		CHECK_INT(rangeset_add(&one, 7, 7), 0);
		CHECK_INT(
		    message_set_flags(s, box, &one, &f, NULL, &modseq), 0);
		rangeset_deinit(&one);
	}
	CHECK_INT(message_expunge_set(s, box, &uids, &t), ERR_AGAIN);
	t.modseq = modseq;
	t.n_unseen--;
	/* What comes meanwhile is no hindrance, and stays. */
	CHECK_INT(world_deliver(s, SPAN("new\r\n"), &box, 1, NULL), 0);
	CHECK_INT(message_expunge_set(s, box, &uids, &t), 0);
	CHECK_INT(store_flush(s), 0);
	CHECK_INT(mailbox_get(s, box, &v), 0);
	CHECK_INT(v.n_messages, 1);
	CHECK_INT(v.n_unseen, 1);
	CHECK_INT(message_get(s, box, 5, &m), ERR_NONE);
	CHECK_INT(message_next(s, box, 1, &m), 0);
	CHECK_INT(m.uid, 2001);
	CHECK_INT(message_previous(s, box, 2000, &m), ERR_NONE);
	CHECK_INT(store_idle(s), 1); /* some, and the rest after a start */
	store_close(s);
	s = world_open(NULL);
	REQUIRE(s != NULL);
	CHECK_INT(message_get(s, box, 1999, &m), ERR_NONE);
	CHECK(tree_count(s, TREE_MESSAGE) > 1);
	settle(s);
	CHECK_INT(tree_count(s, TREE_MESSAGE), 1);
	CHECK_INT(tree_count(s, TREE_BODY), 1);
	CHECK_INT(tree_count(s, TREE_DEAD), 0);
	CHECK_INT(tree_count(s, TREE_INTENT), 0);
	CHECK_INT(account_usage(s, kim, &bytes, &messages), 0);
	CHECK_INT(messages, 1);
	CHECK_INT(bytes, 21);
	rangeset_deinit(&uids);
	store_close(s);
}

#define N_WALKED 40

/* Hide some messages of a mailbox, and note it in is_there. */
static void
hide(struct store *s, uint32_t box, uint64_t pattern, bool *is_there)
{
	struct expunge_totals t = { .modseq = mailbox_modseq(s, box) };
	struct rangeset uids;
	struct message m;

	rangeset_init(&uids);
	for (uint32_t uid = 1; uid <= N_WALKED; uid++) {
		if (!is_there[uid] || !(pattern >> uid & 1))
			continue;
		CHECK_INT(message_get(s, box, uid, &m), 0);
		message_total(&t, &m);
		CHECK_INT(rangeset_add(&uids, uid, uid), 0);
		is_there[uid] = false;
	}
	CHECK_INT(message_expunge_set(s, box, &uids, &t), 0);
	rangeset_deinit(&uids);
}

/* Walks pass what is hidden and not swept yet, from everywhere. */
static void
rule_8_walks(uint64_t pattern_1, uint64_t pattern_2)
{
	struct store *s = world_new("walks", NULL);
	uint32_t box = world_inbox(s, world_account(s, "kim@x.test"));
	bool is_there[N_WALKED + 2] = { false };
	struct message m, some[N_WALKED];

	for (uint32_t i = 1; i <= N_WALKED; i++) {
		CHECK_INT(world_deliver(s, SPAN("a\r\n"), &box, 1, NULL), 0);
		is_there[i] = true;
	}
	hide(s, box, pattern_1, is_there);
	hide(s, box, pattern_2, is_there);
	for (uint32_t uid = 1; uid <= N_WALKED; uid++) {
		uint32_t next = uid, before = uid, n = 0, n_out;

		while (next <= N_WALKED && !is_there[next])
			next++;
		while (before > 0 && !is_there[before])
			before--;
		for (uint32_t i = uid; i <= N_WALKED; i++)
			n += is_there[i];
		CHECK_INT(message_next(s, box, uid, &m),
		    next <= N_WALKED ? 0 : ERR_NONE);
		CHECK(next > N_WALKED || m.uid == next);
		CHECK_INT(message_previous(s, box, uid, &m),
		    before > 0 ? 0 : ERR_NONE);
		CHECK(before == 0 || m.uid == before);
		CHECK_INT(message_some(s, box, uid, some, N_WALKED, &n_out), 0);
		CHECK_INT(n_out, n);
		CHECK(n == 0 || some[0].uid == next);
	}
	store_close(s);
}

static void
rule_8_many_recipients(void)
{
	struct store *s = world_new("many", NULL);
	uint32_t boxes[100];
	struct delivered out[100];
	struct store_stats st;

	for (int i = 0; i < 100; i++) {
		char address[32];

		snprintf(address, sizeof(address), "u%d@x.test", i);
		boxes[i] = world_inbox(s, world_account(s, address));
	}
	CHECK_INT(store_flush(s), 0);
	CHECK_INT(world_deliver(s, SPAN("hello\r\n"), boxes, 100, out), 0);
	CHECK_INT(out[99].uid, 1);
	store_stats(s, &st);
	CHECK_INT(st.n_bodies, 1);
	CHECK_INT(st.n_messages, 100);
	/* One of them gone: none gets it. */
	CHECK_INT(account_delete(s, 100), 0);
	/* Also before the sweep came by: it would take the message with it. */
	CHECK_INT(
	    world_deliver(s, SPAN("hello\r\n"), boxes, 100, out), ERR_NONE);
	settle(s);
	CHECK_INT(
	    world_deliver(s, SPAN("hello\r\n"), boxes, 100, out), ERR_NONE);
	store_stats(s, &st);
	CHECK_INT(st.n_messages, 99);
	store_close(s);
}

static void
events(void)
{
	struct store_options o = { .max_events = 50 };
	struct store *s = world_new("events", &o);
	struct event_view v;
	uint64_t at = UINT64_MAX;
	int n = 0;

	for (int i = 0; i < 120; i++) {
		struct event e = { .kind = EVENT_RECEIVED,
			.id = i % 2 ? SPAN("odd") : SPAN("even"),
			.from = SPAN("a@b\r\nc") };

		CHECK_INT(event_add(s, &e), 0);
	}
	while (event_previous(s, SPAN("ODD"), &at, &v) == 0) {
		CHECK_SPAN(v.e.from, SPAN("a@b??c"));
		n++;
	}
	CHECK_INT(n, 25);
	/* By the client's address, whole. */
	CHECK_INT(event_add(s, &(struct event){ .kind = EVENT_REFUSED,
	                           .client = SPAN("[192.0.2.7] x") }),
	    0);
	at = UINT64_MAX;
	CHECK_INT(event_previous(s, SPAN("192.0.2.7"), &at, &v), 0);
	at = UINT64_MAX;
	CHECK(event_previous(s, SPAN("192.0.2.7] x"), &at, &v) < 0);
	at = UINT64_MAX;
	CHECK(event_previous(s, SPAN("192.0.2"), &at, &v) < 0);
	event_set_max(s, 10);
	CHECK_INT(event_add(s, &(struct event){ .kind = EVENT_SYSTEM }), 0);
	n = 0;
	at = UINT64_MAX;
	while (event_previous(s, SPAN(""), &at, &v) == 0)
		n++;
	CHECK(n >= 10 && n < 50); /* a batch at a time */
	store_close(s);
}

/* A tree of 12 levels goes as deep as the last of them may stand: 16. */
static void
rename_depth(void)
{
	struct store *s = world_new("depth", NULL);
	uint32_t kim = world_account(s, "kim@x.test");
	uint32_t top, low, id;

	CHECK_INT(mailbox_create(s, kim, SPAN("t/2/3/4/5/6/7/8/9/10/11/12"),
	              SPECIAL_NONE, &id),
	    0);
	CHECK_INT(mailbox_find(s, kim, SPAN("t"), &top), 0);
	CHECK_INT(mailbox_find(s, kim, SPAN("t/2"), &low), 0);
	CHECK_INT(mailbox_rename(s, top, SPAN("a/b/c/d/e/t")), ERR_LIMIT);
	CHECK_INT(mailbox_find(s, kim, SPAN("a"), &id), ERR_NONE);
	CHECK_INT(mailbox_rename(s, top, SPAN("a/b/c/d/t")), 0);
	/* Not deeper: whatever is below fits. */
	CHECK_INT(mailbox_rename(s, top, SPAN("a/b/c/x/t")), 0);
	CHECK_INT(mailbox_rename(s, low, SPAN("a/b/c/x/y/z/2")), ERR_LIMIT);
	CHECK_INT(mailbox_rename(s, low, SPAN("a/b/c/x/y/2")), 0);
	CHECK_INT(mailbox_rename(s, low, SPAN("v")), 0);
	CHECK_INT(
	    mailbox_find(s, kim, SPAN("v/3/4/5/6/7/8/9/10/11/12"), &id), 0);
	store_close(s);
}

int
main(void)
{
	names();
	rename_depth();
	addresses();
	changes();
	rule_8_expunge_set();
	rule_8_walks(0, 0x1111);
	rule_8_walks(0xff00ff00ff00fe, 0x5555555555555555);
	rule_8_walks(0xaaaaaaaaaaaaaaaa, 0x5555555555555555);
	rule_8_walks(0x3c, UINT64_MAX);
	rule_8_many_recipients();
	events();
	return test_done();
}
