#include "store/check.h"

#include "base/fault.h"
#include "base/mem.h"
#include "fixture.h"
#include "store/row.h"

static struct mailbox_rec box;
static struct message msg;

/* Deliver one mail of len bytes to the INBOX. */
static void
deliver(struct store *s, size_t len)
{
	static char mail[300000];
	struct upload *u = NULL;
	struct body b;
	uint64_t id;

	memset(mail, 'x', len);
	REQUIRE(upload_new(s, &u) == 0);
	REQUIRE(upload_put(u, span_of(mail, len)) == 0);
	REQUIRE(
	    upload_finish(u, SPAN("Received: y\r\n"), SPAN("sum"), &b) == 0);
	REQUIRE(fx_deliver(s, &b, &id) == 0);
	upload_free(u);
}

/* Three messages, a keyword, an alias; box and msg are the first's. */
static struct store *
make_store(void)
{
	struct message_flags f = { .how = MESSAGE_ADD,
		.unchanged_since = UINT64_MAX };
	struct store *s = fx_open();
	struct rangeset one;
	uint64_t modseq;
	unsigned bit = 0;

	deliver(s, 1000);
	deliver(s, 40000);
	deliver(s, 300000);
	CHECK(mailbox_add_keyword(s, fx_inbox, SPAN("a"), &bit) == 0);
	f.keywords = (uint64_t)1 << bit;
	rangeset_init(&one);
	CHECK(rangeset_add(&one, 1, 1) == 0);
	CHECK(message_set_flags(s, fx_inbox, &one, &f, NULL, &modseq) == 0);
	rangeset_deinit(&one);
	CHECK(address_create_alias(s, SPAN("al@example.test"), ADDRESS_ALIAS) ==
	      0);
	CHECK(address_add_target(
	          s, SPAN("al@example.test"), SPAN("kim@example.test")) == 0);
	CHECK(store_flush(s) == 0);
	REQUIRE(row_get_mailbox(s, fx_inbox, false, &box) == 0);
	REQUIRE(row_get_message(s, fx_inbox, 1, &msg) == 0);
	return s;
}

/* --- each plants one fault --- */

static int
drop(struct store *s, enum tree t, struct key k)
{
	return tree_delete(s, t, key_span(&k));
}

static int
spoil(struct store *s, enum tree t, struct key k)
{
	return tree_put(s, t, key_span(&k), SPAN("\1?"));
}

static int
no_usage(struct store *s)
{
	return drop(s, TREE_USAGE, key_u32(fx_account));
}

static int
wrong_usage(struct store *s)
{
	struct usage u;
	int rc = row_get_usage(s, fx_account, &u);

	u.bytes++;
	return rc < 0 ? rc : row_put_usage(s, fx_account, &u);
}

static int
spoilt_account(struct store *s)
{
	return spoil(s, TREE_ACCOUNT, key_u32(fx_account));
}

static int
no_address(struct store *s)
{
	struct key k;
	int rc = key_address(SPAN("kim@example.test"), &k);

	return rc < 0 ? rc : drop(s, TREE_ADDRESS, k);
}

static int
no_domain(struct store *s)
{
	return tree_delete(s, TREE_DOMAIN, SPAN("example.test"));
}

static int
no_target(struct store *s)
{
	struct address_entry e;
	int rc = address_lookup(s, SPAN("al@example.test"), &e);

	return rc < 0 ? rc
	              : drop(s, TREE_TARGET,
	                    key_u32_text(e.id, SPAN("kim@example.test")));
}

static int
wrong_count(struct store *s)
{
	box.v.n_messages--;
	return row_put_mailbox(s, &box);
}

static int
wrong_unseen(struct store *s)
{
	box.v.n_unseen++;
	return row_put_mailbox(s, &box);
}

static int
low_uidnext(struct store *s)
{
	box.v.uidnext = 3;
	return row_put_mailbox(s, &box);
}

static int
low_modseq(struct store *s)
{
	box.v.highest_modseq = 1;
	return row_put_mailbox(s, &box);
}

static int
no_owner(struct store *s)
{
	box.v.account = 77;
	return row_put_mailbox(s, &box);
}

static int
no_parent(struct store *s)
{
	box.v.parent = 77;
	return row_put_mailbox(s, &box);
}

static int
no_name(struct store *s)
{
	return drop(s, TREE_NAME, key_name(fx_account, 0, SPAN("INBOX")));
}

static int
no_mailbox(struct store *s)
{
	return drop(s, TREE_MAILBOX, key_u32(fx_inbox));
}

static int
wrong_changes(struct store *s)
{
	box.n_changes++;
	return row_put_mailbox(s, &box);
}

static int
spoilt_change(struct store *s)
{
	return spoil(s, TREE_CHANGE, key_u32_u64(fx_inbox, msg.modseq));
}

static int
spoilt_message(struct store *s)
{
	return spoil(s, TREE_MESSAGE, key_u32_u32(fx_inbox, 1));
}

static int
wrong_size(struct store *s)
{
	msg.bytes++;
	return row_put_message(s, fx_inbox, &msg);
}

static int
unnamed_keyword(struct store *s)
{
	msg.keywords |= (uint64_t)1 << 40;
	return row_put_message(s, fx_inbox, &msg);
}

static int
stray_message(struct store *s)
{
	return row_put_message(s, 4000, &msg);
}

static int
wrong_refs(struct store *s)
{
	struct body_place at;
	int rc = row_get_body(s, msg.body, &at);

	at.refs = 2;
	return rc < 0 ? rc : row_put_body(s, msg.body, &at);
}

static int
no_body(struct store *s)
{
	return drop(s, TREE_BODY, key_u64(msg.body));
}

static int
early_dead(struct store *s)
{
	struct key k = key_u64(msg.body);

	return tree_put(s, TREE_DEAD, key_span(&k), SPAN("\1"));
}

static int
stray_dead(struct store *s)
{
	struct key k = key_u64(4000);

	return tree_put(s, TREE_DEAD, key_span(&k), SPAN("\1"));
}

static int
wrong_chunks(struct store *s)
{
	struct body_place at;
	int rc = row_get_body(s, msg.body, &at);

	at.n_chunks++;
	return rc < 0 ? rc : row_put_body(s, msg.body, &at);
}

static int
no_chunk(struct store *s)
{
	return volume_trim(s->volumes, 1, msg.body, 1, 1) < 0;
}

static int
spoilt_chunk(struct store *s)
{
	return volume_put(s->volumes, 1, msg.body, 1, SPAN("\1\1\1what"));
}

static int
short_chunk(struct store *s)
{
	return volume_put(s->volumes, 1, msg.body, 1, SPAN("\0short"));
}

static int
other_summary(struct store *s)
{
	return volume_put_summary(s->volumes, 1, msg.body, SPAN("longer"));
}

static int
stray_chunk(struct store *s)
{
	return volume_put(s->volumes, 1, msg.body, 9, SPAN("\0x"));
}

static int
chunk_elsewhere(struct store *s)
{
	return volume_put(s->volumes, 2, msg.body, 1, SPAN("\0x"));
}

static int
spoilt_setting(struct store *s)
{
	return tree_put(s, TREE_SETTING, SPAN("x"), SPAN("\7"));
}

static int
number_not_given(struct store *s)
{
	s->meta.last_body = 1;
	return 0;
}

static const struct {
	int (*plant)(struct store *s);
	const char *words;
} rows[] = {
	{ no_usage, "has no counts" },
	{ wrong_usage, " bytes; there are " },
	{ spoilt_account, "The row of person" },
	{ no_address, "does not lead to them" },
	{ no_domain, "is not one of ours" },
	{ no_target, " targets; there are 0" },
	{ wrong_count, " messages; there are 3" },
	{ wrong_unseen, " unseen messages; there are 3" },
	{ low_uidnext, "Message 3 of mailbox 1 is not below UIDNEXT" },
	{ low_modseq, "is newer than its mailbox" },
	{ no_owner, "belongs to nobody" },
	{ no_parent, "lies below one that is not there" },
	{ no_name, "is not found by its name" },
	{ no_mailbox, "leads to no mailbox" },
	{ no_mailbox, "Messages of mailbox 1 stand there without" },
	{ wrong_changes, " rows; there are " },
	{ spoilt_change, "has a row that is damaged" },
	{ spoilt_message, "Message 1 of mailbox 1 is damaged" },
	{ wrong_size, "has another size than its text" },
	{ unnamed_keyword, "has a keyword without a name" },
	{ stray_message, "Messages of mailbox 4000 stand there" },
	{ wrong_refs, "counts 2 references; 1 messages name it" },
	{ no_body, "has lost its text" },
	{ no_body, "which is not known there" },
	{ early_dead, "but messages still use it" },
	{ stray_dead, "has no row" },
	{ wrong_chunks, "contradict each other" },
	{ no_chunk, "is missing" },
	{ spoilt_chunk, "cannot be read" },
	{ short_chunk, "has a wrong length" },
	{ other_summary, "takes another space" },
	{ stray_chunk, "which is not known there" },
	{ chunk_elsewhere, "Volume 2 has a piece of body" },
	{ spoilt_setting, "The setting \"x\" is damaged" },
	{ number_not_given, "has a number that was not given yet" },
};

static uint64_t
run(struct store *s, struct buf *out)
{
	struct check *c = NULL;
	uint64_t n;
	int rc = 1;

	REQUIRE(check_new(s, &c) == 0);
	while (rc == 1) {
		size_t before = out->len;

		rc = check_step(c, out);
		CHECK(out->len - before <= CHECK_STEP_BYTES);
		CHECK(check_percent(c) <= 100);
	}
	CHECK(rc == 0);
	n = check_findings(c);
	check_free(c);
	return n;
}

static void
test_sound(void)
{
	size_t before = mem_used();
	struct store *s = make_store();
	struct upload *u = NULL;
	struct rangeset uids;
	struct buf out;
	uint32_t n;

	buf_init(&out, 1 << 16);
	CHECK(run(s, &out) == 0);
	/* An upload at work, and what was expunged and is not swept. */
	rangeset_init(&uids);
	REQUIRE(upload_new(s, &u) == 0);
	for (int i = 0; i < 30; i++)
		CHECK(upload_put(u, span_of(out.p ? out.p : "", 0)) == 0);
	CHECK(rangeset_add(&uids, 2, 2) == 0);
	CHECK(message_expunge(s, fx_inbox, &uids, &n) == 0 && n == 1);
	CHECK(run(s, &out) == 0);
	upload_free(u);
	CHECK(store_flush(s) == 0);
	for (int i = 0; i < 50; i++)
		CHECK(store_idle(s) >= 0);
	CHECK(run(s, &out) == 0);
	fprintf(stderr, "%.*s", (int)out.len, out.p ? out.p : "");
	rangeset_deinit(&uids);
	store_close(s);
	buf_deinit(&out);
	fx_clear();
	CHECK(mem_used() == before);
}

/* The sweep's operation fails, or the turn in which it removed a body is lost:
 * it removes it again, from its beginning. */
static void
test_sweep_undone(enum fault_site site, uint64_t nth)
{
	struct store *s = make_store();
	struct rangeset uids;
	struct buf out;
	uint32_t n;

	rangeset_init(&uids);
	CHECK(rangeset_add(&uids, 2, 2) == 0);
	CHECK(message_expunge(s, fx_inbox, &uids, &n) == 0 && n == 1);
	CHECK(store_flush(s) == 0);
	fault_arm(site, nth, false);
	CHECK((store_idle(s) < 0) != (store_flush(s) < 0));
	for (int i = 0; i < 50; i++) {
		CHECK(store_idle(s) >= 0);
		CHECK(store_flush(s) == 0);
	}
	buf_init(&out, 1 << 16);
	CHECK(run(s, &out) == 0);
	fprintf(stderr, "%.*s", (int)out.len, out.p ? out.p : "");
	buf_deinit(&out);
	rangeset_deinit(&uids);
	store_close(s);
	fx_clear();
}

static void
test_faults(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store *s = make_store();
		struct buf out;

		buf_init(&out, 1 << 16);
		CHECK_ROW(rows[i].plant(s) == 0, rows[i].words);
		CHECK_ROW(run(s, &out) > 0, rows[i].words);
		buf_put_char(&out, 0);
		CHECK_ROW(out.p != NULL && strstr(out.p, rows[i].words),
		    rows[i].words);
		buf_deinit(&out);
		store_close(s);
		fx_clear();
	}
}

int
main(void)
{
	fx_begin();
	test_sound();
	test_sweep_undone(FAULT_WRITE, 1);
	for (uint64_t nth = 1; nth <= 4; nth++)
		test_sweep_undone(FAULT_LMDB, nth);
	test_faults();
	fx_end();
	return test_done();
}
