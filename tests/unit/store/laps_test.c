/* The journal over several laps, with copies as a crash would leave them at
 * random moments; intents cut behind every operation; identifiers that only
 * grow though the clock does not. */
#include "base/clock.h"
#include "store/inside.h"
#include "store_world.h"

static const struct store_options small = {
	.map_bytes = 64 << 20,
	.volume_map_bytes = 16 << 20,
	.journal_bytes = JOURNAL_MIN_BYTES,
};

/* What a crash now leaves: the files as they are. Opened as a second store.
 * NULL, and a failed check, if it cannot be. */
static struct store *
open_crash_copy(void)
{
	static const char *const names[] = { "index", "journal",
		"volume-0001" };
	static char folder[FILE_PATH_BYTES];
	struct store *s = NULL;
	struct buf b;

	REQUIRE(file_path(test_folder(), "crash", folder, sizeof(folder)) == 0);
	world_remove(folder);
	REQUIRE(mkdir(folder, 0700) == 0);
	buf_init(&b, 32 << 20);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char to[FILE_PATH_BYTES];

		buf_reset(&b);
		if (file_read(world_path(names[i]), &b) == ERR_NONE)
			continue;
		REQUIRE(file_path(folder, names[i], to, sizeof(to)) == 0);
		REQUIRE(file_write(to, buf_span(&b), 0600) == 0);
	}
	buf_deinit(&b);
	CHECK_INT(store_open(folder, &small, &s, NULL), 0);
	return s;
}

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

/* --- rules 1 to 4 over laps --- */

/* Every acknowledged mail is in the copy, whole, and nothing else. */
static void
check_copy(uint32_t box, uint32_t n_acknowledged, size_t text_len)
{
	struct store *s = open_crash_copy();
	struct mailbox_view v;
	struct buf b;

	if (s == NULL)
		return;
	CHECK_INT(mailbox_get(s, box, &v), 0);
	CHECK_INT(v.n_messages, n_acknowledged);
	buf_init(&b, 1 << 20);
	for (uint32_t uid = 1; uid <= n_acknowledged; uid++) {
		CHECK_INT(world_read(s, box, uid, &b), 0);
		CHECK(b.len > text_len);
	}
	buf_deinit(&b);
	store_close(s);
}

static void
several_laps(void)
{
	struct store *s = world_new("laps", &small);
	uint32_t box = world_inbox(s, world_account(s, "kim@x.test"));
	uint32_t seed = 7, n = 0, n_laps = 0;
	uint64_t before = 0;
	char text[9000];

	CHECK_INT(store_flush(s), 0);
	while (n_laps < 4 && n < 1000) {
		/* Does not pack. */
		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = (char)(33 + next_random(&seed) % 90);
		CHECK_INT(world_deliver(
		              s, span_of(text, sizeof(text)), &box, 1, NULL),
		    0);
		if (next_random(&seed) % 9 == 0) /* not acknowledged */
			check_copy(box, n, sizeof(text));
		CHECK_INT(store_flush(s), 0);
		n++;
		if (s->journal.offset < before) {
			n_laps++;
			check_copy(box, n, sizeof(text));
		} else if (next_random(&seed) % 9 == 0) {
			check_copy(box, n, sizeof(text));
		}
		before = s->journal.offset;
	}
	CHECK_INT(n_laps, 4);
	store_close(s);
}

/* --- rule 8: intents --- */

/* Sweep a copy to its end: nothing of the doomed is left. */
static void
finish_copy(uint64_t n_left, uint32_t doomed_account, uint32_t doomed_box)
{
	struct store *s = open_crash_copy();
	struct address_entry e;
	struct account_view a;
	struct mailbox_view v;
	struct store_stats st;
	int rc, n = 0;

	if (s == NULL)
		return;
	/* Gone at once, whatever is swept. */
	if (doomed_account != 0) {
		CHECK_INT(account_get(s, doomed_account, &a), ERR_NONE);
		CHECK_INT(address_lookup(s, SPAN("kim@x.test"), &e), ERR_NONE);
	} else {
		CHECK_INT(mailbox_get(s, doomed_box, &v), ERR_NONE);
	}
	while ((rc = store_idle(s)) > 0 && n++ < 10000)
		CHECK_INT(store_flush(s), 0);
	CHECK_INT(rc, 0);
	CHECK_INT(store_flush(s), 0);
	store_stats(s, &st);
	CHECK_INT(st.n_intents, 0);
	CHECK_INT(st.n_messages, n_left);
	CHECK_INT(st.n_bodies, n_left);
	CHECK_INT(tree_count(s, TREE_DEAD), 0);
	if (doomed_account != 0) {
		CHECK_INT(st.n_accounts, 1);
		CHECK_INT(tree_count(s, TREE_USAGE), 1);
		CHECK_INT(st.n_mailboxes, 6);
		CHECK_INT(tree_count(s, TREE_NAME), 6);
		CHECK_INT(tree_count(s, TREE_SUBSCRIPTION), 6);
	}
	store_close(s);
}

static void
deliver_many(struct store *s, uint32_t box, int n)
{
	for (int i = 0; i < n; i++) {
		CHECK_INT(world_deliver(s, SPAN("hi\r\n"), &box, 1, NULL), 0);
		CHECK_INT(store_flush(s), 0);
	}
}

/* Delete, and crash behind the operation and behind each turn of its sweep. */
static void
cut_at_every_op(bool is_account)
{
	struct store *s = world_new("intent", &small);
	uint32_t kim = world_account(s, "kim@x.test");
	uint32_t eva = world_account(s, "eva@x.test");
	uint32_t doomed, kept = world_inbox(s, eva);
	int rc, n = 0;

	CHECK_INT(mailbox_find(s, kim, SPAN("Archive"), &doomed), 0);
	deliver_many(s, kept, 3);
	deliver_many(s, doomed, 45);
	if (is_account)
		deliver_many(s, world_inbox(s, kim), 25);
	rc = is_account ? account_delete(s, kim) : mailbox_delete(s, doomed);
	CHECK_INT(rc, 0);
	do {
		CHECK_INT(store_flush(s), 0);
		finish_copy(3, is_account ? kim : 0, doomed);
		rc = store_idle(s);
	} while (rc > 0 && n++ < 10000);
	CHECK_INT(rc, 0);
	CHECK(n > 2); /* messages, their bodies, the rest: never in one turn */
	finish_copy(3, is_account ? kim : 0, doomed);
	store_close(s);
}

/* --- identifiers --- */

static uint32_t
fresh_uidvalidity(struct store *s, uint32_t account)
{
	static int n;
	struct mailbox_view v = { 0 };
	char name[32];
	uint32_t id = 0;

	snprintf(name, sizeof(name), "Box %d", n++);
	CHECK_INT(
	    mailbox_create(s, account, span_str(name), SPECIAL_NONE, &id), 0);
	CHECK_INT(mailbox_get(s, id, &v), 0);
	return v.uidvalidity;
}

/* RFC 9051 2.3.1.1: a mailbox made again under its name has a greater
 * UIDVALIDITY, also when the clock stands at 1970 or went back. */
static void
uidvalidity_grows(void)
{
	static const int64_t times[] = { 0, 0, 1795000000, 0, -5, 1, 1795000000,
		1700000000, (int64_t)1 << 40, 0 };
	struct store *s;
	uint32_t account, id, last = 0, got;
	struct mailbox_view v;

	clock_fake(1000, 0);
	s = world_new("clock", &small);
	account = world_account(s, "kim@x.test");
	for (id = 1; mailbox_next(s, &id) == 0; id++) {
		CHECK_INT(mailbox_get(s, id, &v), 0);
		CHECK(v.uidvalidity > last);
		last = v.uidvalidity;
	}
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		clock_fake(1000, times[i]);
		got = fresh_uidvalidity(s, account);
		CHECK(got > last);
		last = got;
		/* Deleted, swept away and started again: still greater. */
		CHECK_INT(
		    mailbox_find(s, account, SPAN("Again"), &id), ERR_NONE);
		CHECK_INT(mailbox_create(
		              s, account, SPAN("Again"), SPECIAL_NONE, &id),
		    0);
		CHECK_INT(mailbox_get(s, id, &v), 0);
		CHECK(v.uidvalidity > last);
		last = v.uidvalidity;
		CHECK_INT(mailbox_delete(s, id), 0);
		while (store_idle(s) > 0)
			continue;
		store_close(s);
		s = world_open(&small);
		REQUIRE(s != NULL);
	}
	store_close(s);
}

int
main(void)
{
	several_laps();
	cut_at_every_op(false);
	cut_at_every_op(true);
	uidvalidity_grows();
	return test_done();
}
