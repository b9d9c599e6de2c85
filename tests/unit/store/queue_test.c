/* The queue's records: what is put, in which order it is due, what outcomes
 * make of it; that nothing is left behind, a crash loses nothing, a backup
 * brings it back held, and the check finds planted faults. */
#include "store/queue.h"

#include "base/clock.h"
#include "fixture.h"
#include "store/backup.h"
#include "store/check.h"
#include "store/queue_in.h"
#include "store/restore.h"

#define NOW 1800000000

static struct queue_mail
mail_to(const struct queue_to *to, size_t n)
{
	return (struct queue_mail){ .account = fx_account,
		.ret = QUEUE_RET_HDRS,
		.expires_s = NOW + 5 * 86400,
		.notice_s = NOW + 4 * 3600,
		.from = SPAN("kim@example.test"),
		.envid = SPAN("QQ314159"),
		.trace = SPAN("abc"),
		.to = to,
		.n_to = n };
}

/* Put a message of len bytes: for the queue, and for the INBOX if is_local. */
static int
put(struct store *s, const struct queue_mail *q, size_t len, bool is_local)
{
	static char text[200000];
	struct delivery_to to = { .mailbox = fx_inbox };
	struct delivery d = { .to = &to,
		.n_to = is_local,
		.queue = q,
		.n_queue = 1,
		.internal_date_s = NOW };
	struct upload *u = NULL;
	struct body body;
	int rc;

	memset(text, 'x', len);
	REQUIRE(upload_new(s, &u) == 0);
	REQUIRE(upload_put(u, span_of(text, len)) == 0);
	REQUIRE(upload_finish(u, SPAN(""), SPAN("sum"), &body) == 0);
	d.body = &body;
	rc = mailbox_deliver(s, &d, NULL, NULL);
	upload_free(u);
	return rc;
}

static int
put_one(struct store *s, const char *address, size_t len)
{
	struct queue_to to = { .address = span_str(address) };
	struct queue_mail q = mail_to(&to, 1);

	return put(s, &q, len, false);
}

static uint64_t
findings(struct store *s)
{
	struct check *c = NULL;
	struct buf out;
	uint64_t n;
	int rc = 1;

	buf_init(&out, 1 << 20);
	CHECK_INT(store_flush(s), 0);
	REQUIRE(check_new(s, &c) == 0);
	while (rc == 1)
		rc = check_step(c, &out);
	CHECK_INT(rc, 0);
	n = check_findings(c);
	if (n > 0)
		fprintf(stderr, "%.*s", (int)out.len, out.p);
	check_free(c);
	buf_deinit(&out);
	return n;
}

/* The destinations due, as "a b". */
static const char *
due(struct store *s, int64_t now_s)
{
	static char text[2000];
	struct queue_place place = { .key_len = 0 };
	struct queue_dest_view d;
	struct buf b;

	buf_init_fixed(&b, text, sizeof(text) - 1);
	while (queue_next_due(s, now_s, &place, &d) == 0) {
		if (b.len > 0)
			buf_put_char(&b, ' ');
		buf_put(&b, d.d.name);
	}
	text[b.len] = '\0';
	return text;
}

/* The messages that wait for a destination and are due, as "1.0 2.0". */
static const char *
waiting(struct store *s, const char *name, int64_t now_s)
{
	static char text[2000];
	struct queue_spot spot = { .id = 0 };
	struct buf b;

	buf_init_fixed(&b, text, sizeof(text) - 1);
	while (queue_next_waiting(s, span_str(name), now_s, &spot) == 0)
		buf_putf(
		    &b, "%llu.%u ", (unsigned long long)spot.id, spot.index);
	text[b.len] = '\0';
	return text;
}

static int
settle(struct store *s, uint64_t id, uint32_t index, enum queue_what what,
    int64_t next_s)
{
	struct queue_outcome o = { .id = id,
		.index = index,
		.what = what,
		.next_s = next_s,
		.reply = SPAN("451 4.3.0 not now"),
		.remote = SPAN("mx.b.test"),
		.destination = SPAN("relay:*") };

	return queue_settle(s, &o, 1);
}

static void
a_message_comes_and_goes(void)
{
	struct store *s = fx_open();
	const struct queue_to to[] = {
		{ .address = SPAN("x@b.test"), .notify = QUEUE_NOTIFY_NEVER },
		{ .address = SPAN("y@c.test"),
		    .orcpt = SPAN("rfc822;Y@c.test") },
		{ .address = SPAN("z@b.test") },
	};
	struct queue_mail q = mail_to(to, 3);
	struct queue_message_view m;
	struct queue_rcpt_view r;
	struct message msg;

	CHECK_INT(put(s, &q, 100, true), 0);
	CHECK_INT(queue_n_messages(s), 1);
	CHECK_INT(queue_n_rcpts(s), 3);
	CHECK_INT(queue_next(s, 0, &m), 0);
	CHECK_SPAN(m.m.envid, q.envid);
	CHECK_SPAN(m.m.from, q.from);
	CHECK_INT(m.m.n_left, 3);
	CHECK_INT(m.m.bytes, 100);
	CHECK_INT(message_get(s, fx_inbox, 1, &msg), 0);
	CHECK_INT(msg.body, m.m.body); /* one body */
	CHECK_INT(queue_next_rcpt(s, m.m.id, 1, &r), 0);
	CHECK_SPAN(r.r.address, to[1].address);
	CHECK_SPAN(r.r.orcpt, to[1].orcpt);
	CHECK_SPAN(r.r.destination, SPAN("c.test"));
	CHECK_STR(due(s, NOW), "b.test c.test");
	CHECK_STR(waiting(s, "b.test", NOW), "1.0 1.2 ");
	CHECK_INT(findings(s), 0);

	CHECK_INT(settle(s, 1, 0, QUEUE_DEFER, NOW + 60), 0);
	CHECK_INT(queue_get_rcpt(s, 1, 0, &r), 0);
	CHECK_INT(r.r.attempts, 1);
	CHECK_SPAN(r.r.reply, SPAN("451 4.3.0 not now"));
	CHECK_STR(waiting(s, "b.test", NOW), "1.2 ");
	CHECK_STR(waiting(s, "b.test", NOW + 60), "1.2 1.0 ");
	CHECK_INT(settle(s, 1, 2, QUEUE_GONE, 0), 0);
	CHECK_STR(due(s, NOW), "c.test");
	CHECK_INT(settle(s, 1, 1, QUEUE_MOVE, NOW), 0);
	CHECK_STR(due(s, NOW), "relay:*");
	CHECK_INT(settle(s, 1, 1, QUEUE_HOLD, 0), 0);
	CHECK_STR(due(s, NOW), "");
	CHECK_INT(findings(s), 0);
	CHECK_INT(settle(s, 1, 1, QUEUE_RELEASE, NOW), 0);
	CHECK_STR(due(s, NOW), "relay:*");
	CHECK_INT(settle(s, 1, 1, QUEUE_GONE, 0), 0);
	CHECK_INT(settle(s, 1, 1, QUEUE_GONE, 0), 0); /* passed over */
	CHECK_INT(settle(s, 1, 0, QUEUE_GONE, 0), 0);
	CHECK_INT(queue_n_messages(s) + queue_n_rcpts(s), 0);
	CHECK_INT(queue_due_s(s, NOW), INT64_MAX);
	CHECK_INT(findings(s), 0);
	store_close(s);
	fx_clear();
}

static void
small_new_mail_goes_first(void)
{
	struct store *s = fx_open();

	CHECK_INT(put_one(s, "a@b.test", 100000), 0);
	CHECK_INT(put_one(s, "a@b.test", 100), 0);
	CHECK_INT(put_one(s, "a@b.test", 200), 0);
	CHECK_STR(waiting(s, "b.test", NOW), "2.0 3.0 1.0 ");
	CHECK_INT(settle(s, 2, 0, QUEUE_DEFER, NOW), 0);
	CHECK_STR(waiting(s, "b.test", NOW), "3.0 1.0 2.0 ");
	store_close(s);
	fx_clear();
}

static void
a_destination_is_held_back(void)
{
	struct store *s = fx_open();
	struct queue_dest_view d;

	CHECK_INT(put_one(s, "a@b.test", 100), 0);
	CHECK_INT(queue_set_dest(s, SPAN("b.test"), NOW + 300, 2,
	              SPAN("connection refused")),
	    0);
	CHECK_STR(due(s, NOW), "");
	CHECK_INT(queue_due_s(s, NOW), NOW + 300);
	CHECK_INT(put_one(s, "c@b.test", 100), 0);
	CHECK_STR(due(s, NOW), "");
	CHECK_INT(queue_get_dest(s, SPAN("b.test"), &d), 0);
	CHECK_INT(d.d.n_failures, 2);
	CHECK_INT(d.d.n_waiting, 2);
	CHECK_SPAN(d.d.reply, SPAN("connection refused"));
	CHECK_INT(settle(s, 1, 0, QUEUE_DEFER, NOW + 10), 0);
	CHECK_STR(due(s, NOW + 299), "");
	CHECK_STR(due(s, NOW + 300), "b.test");
	/* The clock has jumped back: what lies years ahead is due now. */
	CHECK_STR(due(s, NOW - 4 * QUEUE_MAX_WAIT_S), "b.test");
	CHECK_STR(waiting(s, "b.test", NOW - 4 * QUEUE_MAX_WAIT_S), "2.0 1.0 ");
	CHECK_INT(queue_due_s(s, NOW - 4 * QUEUE_MAX_WAIT_S),
	    NOW - 4 * QUEUE_MAX_WAIT_S);
	CHECK_INT(queue_set_dest(s, SPAN("b.test"), 0, 0, SPAN("")), 0);
	CHECK_STR(due(s, NOW), "b.test");
	CHECK_INT(findings(s), 0);
	store_close(s);
	fx_clear();
}

static void
notices_come_by_their_time(void)
{
	struct store *s = fx_open();
	struct queue_message_view m;
	int64_t at = 0;
	uint64_t id = 0;

	CHECK_INT(put_one(s, "a@b.test", 100), 0);
	CHECK_INT(queue_next_notice(s, NOW, &at, &id), ERR_NONE);
	CHECK_INT(queue_next_notice(s, NOW + 5 * 3600, &at, &id), 0);
	CHECK_INT(id, 1);
	CHECK_INT(at, NOW + 4 * 3600);
	CHECK_INT(queue_next_notice(s, NOW + 5 * 3600, &at, &id), ERR_NONE);
	CHECK_INT(settle(s, 1, 0, QUEUE_TOLD, 0), 0);
	CHECK_INT(queue_get(s, 1, &m), 0);
	CHECK_INT(m.m.notice_s, 0);
	at = 0;
	id = 0;
	CHECK_INT(queue_next_notice(s, NOW + 5 * 3600, &at, &id), ERR_NONE);
	CHECK_INT(queue_next_notice(s, NOW + 6 * 86400, &at, &id), 0);
	CHECK_INT(at, NOW + 5 * 86400);
	CHECK_INT(queue_set_times(s, 1, NOW, NOW + 50, 0), 0);
	at = 0;
	id = 0;
	CHECK_INT(queue_next_notice(s, NOW + 50, &at, &id), 0);
	CHECK_INT(findings(s), 0);
	store_close(s);
	fx_clear();
}

static void
put_relay(struct store *s, const char *scope, const char *host)
{
	struct relay r = { .tls = RELAY_TLS_VERIFIED,
		.port = 587,
		.scope = span_str(scope),
		.host = span_str(host),
		.user = SPAN("u"),
		.secret = SPAN("p") };

	CHECK_ROW(relay_put(s, &r) == 0, scope);
}

/* With tokens, and as it was before there were such. */
static void
relays_with_tokens(void)
{
	static const char old[] = "\1\1\xcb\4\0\6h.test\1u\1p";
	struct store *s = fx_open();
	struct relay r = { .tls = RELAY_TLS_VERIFIED,
		.port = 587,
		.scope = SPAN("*"),
		.host = SPAN("h.test"),
		.user = SPAN("u"),
		.secret = SPAN("refresh"),
		.token_url = SPAN("https://t.test/x"),
		.client = SPAN("me"),
		.client_secret = SPAN("s") };
	static char large[MAX_RELAY_SECRET_BYTES + 1];
	struct relay_view v;
	struct span got;
	bool is_token = false;
	int64_t until = 0;
	struct buf text;

	memset(large, 'x', sizeof(large));
	CHECK_INT(relay_put(s, &r), 0);
	CHECK_INT(relay_get(s, r.scope, &v), 0);
	CHECK_SPAN(v.r.secret, r.secret);
	CHECK_SPAN(v.r.token_url, r.token_url);
	CHECK_SPAN(v.r.client, r.client);
	CHECK_SPAN(v.r.client_secret, r.client_secret);
	r.secret = span_of(large, sizeof(large));
	CHECK_INT(relay_put(s, &r), ERR_LIMIT);
	r.secret.len--;
	CHECK_INT(relay_put(s, &r), 0);
	CHECK_INT(relay_get(s, r.scope, &v), 0);
	CHECK_SPAN(v.r.secret, r.secret);
	got = span_of(old, sizeof(old) - 1);
	CHECK_INT(tree_put(s, TREE_RELAY, r.scope, got), 0);
	CHECK_INT(relay_get(s, r.scope, &v), 0);
	CHECK_SPAN(v.r.host, SPAN("h.test"));
	CHECK_SPAN(v.r.secret, SPAN("p"));
	CHECK_INT(v.r.token_url.len, 0);
	/* What is kept of a token. */
	buf_init(&text, MAX_RELAY_TOKEN_BYTES);
	CHECK_INT(
	    relay_token_get(s, r.scope, &is_token, &text, NULL), ERR_NONE);
	CHECK_INT(
	    relay_token_put(s, r.scope, true, SPAN("at"), clock_wall_s() + 50),
	    0);
	CHECK_INT(relay_token_get(s, r.scope, &is_token, &text, &until), 0);
	CHECK_SPAN(buf_span(&text), SPAN("at"));
	CHECK(is_token && until >= clock_wall_s());
	buf_reset(&text);
	CHECK_INT(
	    relay_token_put(s, r.scope, false, SPAN("no"), clock_wall_s() + 50),
	    0);
	CHECK_INT(relay_token_get(s, r.scope, &is_token, &text, NULL), 0);
	CHECK(!is_token);
	relay_token_forget(s, r.scope);
	buf_reset(&text);
	CHECK_INT(
	    relay_token_get(s, r.scope, &is_token, &text, NULL), ERR_NONE);
	buf_deinit(&text);
	CHECK_INT(findings(s), 0);
	store_close(s);
	fx_clear();
}

static void
ways_out_by_sender_and_domain(void)
{
	static const struct {
		const char *from, *to, *dest;
	} rows[] = {
		{ "kim@example.test", "a@b.test",
		    "relay:from:kim@example.test" },
		{ "KIM@Example.TEST", "a@b.test",
		    "relay:from:kim@example.test" },
		{ "lee@example.test", "a@b.test", "relay:from:@example.test" },
		{ "lee@other.test", "a@b.test", "relay:to:b.test" },
		{ "lee@other.test", "a@d.test", "d.test" }, /* no host */
		{ "", "a@e.test", "relay:*" },
	};
	static const char *const bad[] = { "", "x", "from:", "to:", "to:a@b",
		"from:a@", "FROM:a@b", "* ", "to:b c" };
	struct store *s = fx_open();
	struct relay_view v;
	struct buf scope;
	int n = 0;

	put_relay(s, "*", "smtp.p.test");
	put_relay(s, "from:kim@example.test", "one.p.test");
	put_relay(s, "from:@example.test", "two.p.test");
	put_relay(s, "to:b.test", "three.p.test");
	put_relay(s, "to:d.test", "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[MAX_DEST_BYTES];
		struct buf b;

		buf_init_fixed(&b, text, sizeof(text));
		CHECK_INT(queue_destination(s, span_str(rows[i].from),
		              span_str(rows[i].to), &b),
		    0);
		CHECK_SPAN(buf_span(&b), span_str(rows[i].dest));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ROW(
		    relay_put(s, &(struct relay){ .scope = span_str(bad[i]),
		                     .host = SPAN("h"),
		                     .port = 25,
		                     .tls = RELAY_TLS_MAY }) == ERR_INVALID,
		    bad[i]);
	buf_init(&scope, 1000);
	while (relay_next(s, &scope, &v) == 0)
		n++;
	CHECK_INT(n, 5);
	CHECK_INT(relay_remove(s, SPAN("*")), 0);
	CHECK_INT(relay_remove(s, SPAN("*")), ERR_NONE);
	CHECK_INT(relay_get(s, SPAN("to:b.test"), &v), 0);
	CHECK_SPAN(v.r.secret, SPAN("p"));
	buf_deinit(&scope);
	store_close(s);
	fx_clear();
}

static void
many_recipients_are_one_frame(void)
{
	static char names[MAX_RCPTS][40];
	static struct queue_to to[MAX_RCPTS];
	struct store *s = fx_open();
	struct queue_mail q = mail_to(to, 500);

	for (int i = 0; i < MAX_RCPTS; i++) {
		snprintf(names[i], sizeof(names[i]), "u%d@d%d.test", i, i % 7);
		to[i].address = span_str(names[i]);
	}
	CHECK_INT(put(s, &q, 100, true), 0);
	CHECK_INT(queue_n_rcpts(s), 500);
	CHECK_INT(findings(s), 0);
	to[499].address = SPAN("nobody");
	CHECK_INT(put(s, &q, 100, true), ERR_INVALID);
	CHECK_INT(queue_n_rcpts(s), 500);
	q.n_to = MAX_RCPTS + 1;
	CHECK_INT(put(s, &q, 100, true), ERR_LIMIT);
	store_close(s);
	fx_clear();
}

/* In a process that dies without a word. */
static void
work(struct store *s, uint64_t arg)
{
	(void)arg;
	CHECK_INT(put_one(s, "a@b.test", 100), 0);
	CHECK_INT(put_one(s, "c@d.test", 100), 0);
	CHECK_INT(settle(s, 1, 0, QUEUE_DEFER, NOW + 60), 0);
	CHECK_INT(store_flush(s), 0);
	CHECK_INT(settle(s, 2, 0, QUEUE_GONE, 0), 0); /* not flushed */
}

static void
a_crash_loses_nothing(void)
{
	struct queue_rcpt_view r;
	struct store *s = fx_open();

	store_close(s);
	fx_in_child(work, 0);
	s = fx_reopen();
	CHECK_INT(queue_n_messages(s), 2);
	CHECK_INT(queue_get_rcpt(s, 1, 0, &r), 0);
	CHECK_INT(r.r.attempts, 1);
	CHECK_STR(due(s, NOW), "d.test");
	CHECK_INT(findings(s), 0);
	store_close(s);
	fx_clear();
}

static void
write_archive(struct store *s, struct buf *out)
{
	struct backup *b = NULL;
	int rc = 1;

	REQUIRE(backup_new(s, &b) == 0);
	while (rc == 1)
		rc = backup_step(b, out);
	CHECK_INT(rc, 0);
	backup_free(b);
}

static void
a_backup_brings_it_back_held(void)
{
	const struct queue_to to[] = {
		{ .address = SPAN("x@b.test") },
		{ .address = SPAN("y@c.test"),
		    .orcpt = SPAN("rfc822;Y@c.test") },
	};
	struct store *s = fx_open();
	struct queue_mail q = mail_to(to, 2);
	struct restore *r = NULL;
	struct queue_rcpt_view v;
	struct relay_view relay;
	struct buf archive;

	put_relay(s, "to:b.test", "smtp.p.test");
	REQUIRE(relay_get(s, SPAN("to:b.test"), &relay) == 0);
	relay.r.scope = SPAN("to:d.test");
	relay.r.token_url = SPAN("https://t.test/x?y=z");
	relay.r.client = SPAN("me and you");
	relay.r.client_secret = SPAN("s%");
	CHECK_INT(relay_put(s, &relay.r), 0);
	CHECK_INT(put(s, &q, 100, true), 0);
	CHECK_INT(put(s, &q, 70000, false), 0);
	CHECK_INT(settle(s, 1, 0, QUEUE_GONE, 0), 0);
	CHECK_INT(store_flush(s), 0);
	buf_init(&archive, 1 << 22);
	write_archive(s, &archive);
	store_close(s);
	fx_clear();
	s = fx_new();
	REQUIRE(restore_new(s, &r) == 0);
	CHECK_INT(restore_put(r, buf_span(&archive)), 0);
	CHECK_INT(restore_finish(r), 0);
	CHECK_SPAN(restore_why(r), SPAN(""));
	restore_free(r);
	CHECK_INT(queue_n_messages(s), 2);
	CHECK_INT(queue_n_rcpts(s), 3);
	CHECK_STR(due(s, NOW), "");
	CHECK_INT(queue_get_rcpt(s, 1, 1, &v), 0);
	CHECK_INT(v.r.state, QUEUE_HELD);
	CHECK_SPAN(v.r.orcpt, SPAN("rfc822;Y@c.test"));
	CHECK_INT(relay_get(s, SPAN("to:b.test"), &relay), 0);
	CHECK_INT(relay.r.token_url.len, 0);
	CHECK_INT(relay_get(s, SPAN("to:d.test"), &relay), 0);
	CHECK_SPAN(relay.r.token_url, SPAN("https://t.test/x?y=z"));
	CHECK_SPAN(relay.r.client, SPAN("me and you"));
	CHECK_SPAN(relay.r.client_secret, SPAN("s%"));
	CHECK_INT(findings(s), 0);
	CHECK_INT(settle(s, 1, 1, QUEUE_RELEASE, NOW), 0);
	CHECK_STR(due(s, NOW), "c.test");
	CHECK_INT(findings(s), 0);
	store_close(s);
	fx_clear();
	buf_deinit(&archive);
}

/* Each planted fault is found. */
static void
the_check_finds_faults(void)
{
	for (int i = 0; i < 6; i++) {
		struct store *s = fx_open();
		struct queue_rcpt_view q;
		struct queue_message_view m;
		struct key k = queue_key_rcpt(1, 0);
		int rc = ERR_NONE;

		CHECK_INT(put_one(s, "a@b.test", 100), 0);
		REQUIRE(queue_get_rcpt(s, 1, 0, &q) == 0);
		REQUIRE(queue_get(s, 1, &m) == 0);
		if (i == 0)
			rc = tree_delete(s, TREE_QRCPT, key_span(&k));
		k = queue_key_wait(&q.r);
		if (i == 1)
			rc = tree_delete(s, TREE_QWAIT, key_span(&k));
		if (i == 2)
			rc = tree_delete(s, TREE_QDEST, SPAN("b.test"));
		k = queue_key_notice(&m.m);
		if (i == 3)
			rc = tree_delete(s, TREE_QNOTICE, key_span(&k));
		k = key_u64(1);
		if (i == 4)
			rc = tree_delete(s, TREE_QUEUE, key_span(&k));
		if (i == 5)
			rc = tree_put(s, TREE_QUEUE, key_span(&k), SPAN("?"));
		CHECK_INT(rc, 0);
		fprintf(stderr, "planted %d:\n", i);
		CHECK(findings(s) > 0);
		store_close(s);
		fx_clear();
	}
}

/* The least time of many rounds of a hundred looks: what else runs on the
 * machine lengthens some of them, not all. */
static int64_t
least_us(struct store *s)
{
	int64_t least = INT64_MAX;

	for (int round = 0; round < 50; round++) {
		int64_t from = clock_mono_us();

		for (int i = 0; i < 100; i++) {
			struct queue_place place = { .key_len = 0 };
			struct queue_spot spot = { .id = 0 };
			struct queue_dest_view d;

			CHECK_INT(queue_next_due(s, NOW, &place, &d), 0);
			CHECK_INT(
			    queue_next_waiting(s, d.d.name, NOW, &spot), 0);
		}
		if (clock_mono_us() - from < least)
			least = clock_mono_us() - from;
	}
	return least;
}

/* To find what is due costs the same however much waits: a walk over all of it
 * would take a hundred times as long. */
static void
many_wait_for_little(void)
{
	struct store *s = fx_open();
	int64_t us[2];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < (round == 0 ? 50 : 5000); i++) {
			char to[40];

			snprintf(to, sizeof(to), "u@d%d.test", i % 3);
			REQUIRE(put_one(s, to, 10) == 0);
			if (i % 64 == 0)
				REQUIRE(store_flush(s) == 0);
		}
		us[round] = least_us(s);
	}
	fprintf(stderr, "100 looks: %lld us with 50, %lld us with 5050\n",
	    (long long)us[0], (long long)us[1]);
	CHECK(us[1] < 20 * us[0]);
	CHECK_INT(findings(s), 0);
	store_close(s);
	fx_clear();
}

int
main(void)
{
	fx_begin();
	clock_fake(1000, NOW);
	a_message_comes_and_goes();
	small_new_mail_goes_first();
	a_destination_is_held_back();
	notices_come_by_their_time();
	ways_out_by_sender_and_domain();
	relays_with_tokens();
	many_recipients_are_one_frame();
	a_crash_loses_nothing();
	a_backup_brings_it_back_held();
	the_check_finds_faults();
	many_wait_for_little();
	fx_end();
	return test_done();
}
