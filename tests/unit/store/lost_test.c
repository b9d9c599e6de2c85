/* Rule 10: after MDB_PANIC the store is lost, takes and shows nothing more,
 * and a new process finds all that was acknowledged. */
#include "store/inside.h"
#include "store_world.h"

/* Whatever is asked of a lost store is refused, and nothing crashes. */
static void
ask_everything(struct store *s, uint32_t account, uint32_t box)
{
	char storage[64];
	struct account_view a;
	struct mailbox_view m;
	struct store_stats st;
	struct buf b;
	uint32_t id = 0;

	buf_init_fixed(&b, storage, sizeof(storage));
	CHECK(store_is_lost(s));
	CHECK(setting_put(s, SPAN("x"), SPAN("y")) < 0);
	CHECK(world_deliver(s, SPAN("no\r\n"), &box, 1, NULL) < 0);
	CHECK(account_delete(s, account) < 0);
	CHECK(!store_has_room(s, 1000));
	CHECK(store_checkpoint(s) < 0);
	CHECK_INT(store_idle(s), 0);
	(void)!setting_get(s, SPAN("a"), &b);
	(void)!account_get(s, account, &a);
	(void)!mailbox_get(s, box, &m);
	(void)!mailbox_next(s, &id);
	store_stats(s, &st);
	(void)!store_flush(s);
	CHECK(store_is_lost(s));
}

/* How the panic comes: asked for, in idle time, or as a turn grows heavy. */
enum how { BY_CHECKPOINT, BY_IDLE, BY_FLUSH, N_HOWS };

static void
meet_panic(struct store *s, uint32_t box, enum how how, uint32_t *n)
{
	while (!store_is_lost(s) && *n < 2000) {
		if (world_deliver(s, SPAN("hello\r\n"), &box, 1, NULL) < 0)
			return;
		if (store_flush(s) < 0)
			return;
		++*n;
		if (how == BY_CHECKPOINT)
			CHECK(store_checkpoint(s) < 0);
		if (how == BY_IDLE)
			(void)!store_idle(s);
	}
}

static void
rule_10_panic(enum how how)
{
	struct store_options o = { .max_dirty_pages = 16 };
	struct store *s = world_new("lost", &o);
	uint32_t account = world_account(s, "kim@x.test");
	uint32_t box = world_inbox(s, account), n = 0;
	struct mailbox_view m;

	CHECK_INT(setting_put(s, SPAN("a"), SPAN("b")), 0);
	CHECK_INT(store_flush(s), 0);
	fault_arm(FAULT_PANIC, 1, false);
	meet_panic(s, box, how, &n);
	CHECK(n > 0);
	ask_everything(s, account, box);
	fault_arm(FAULT_PANIC, 0, false);
	store_close(s);
	s = world_open(&o);
	REQUIRE(s != NULL);
	CHECK(!store_is_lost(s) && !store_is_read_only(s));
	CHECK_INT(mailbox_get(s, box, &m), 0);
	CHECK_INT(m.n_messages, n);
	CHECK_INT(world_deliver(s, SPAN("again\r\n"), &box, 1, NULL), 0);
	CHECK_INT(store_flush(s), 0);
	store_close(s);
}

/* A start that meets it is a failed start, and the next one works. */
static void
rule_10_panic_at_start(void)
{
	struct store *s = world_new("lost", NULL);
	char storage[512];
	struct buf why;

	buf_init_fixed(&why, storage, sizeof(storage));
	store_close(s);
	fault_arm(FAULT_PANIC, 1, false);
	CHECK_INT(store_open(world_folder, NULL, &s, &why), ERR_IO);
	fault_arm(FAULT_PANIC, 0, false);
	CHECK(why.len > 0);
	s = world_open(NULL);
	REQUIRE(s != NULL);
	CHECK(domain_exists(s, SPAN("x.test")));
	store_close(s);
}

/* How a volume's panic comes: with a large upload's commit, or with a
 * checkpoint. */
static void
meet_volume_panic(struct store *s, uint32_t box, bool is_upload)
{
	static char noise[600 << 10];
	struct span text = span_of(noise, sizeof(noise));
	uint32_t x = 1;

	for (size_t i = 0; i < sizeof(noise); i++) {
		x = x * 1664525u + 1013904223u;
		noise[i] = (char)('!' + (x >> 24) % 90);
	}
	fault_arm(FAULT_VOLUME_PANIC, 1, false);
	if (is_upload)
		CHECK_INT(world_deliver(s, text, &box, 1, NULL), ERR_IO);
	else
		CHECK_INT(store_checkpoint(s), ERR_IO);
	CHECK(fault_passes(FAULT_VOLUME_PANIC) > 0);
	/* The loop flushes only what is dirty. */
	CHECK(store_is_dirty(s) == is_upload);
	CHECK_INT(store_flush(s), 0);
	CHECK(!store_is_dirty(s));
	CHECK_INT(world_deliver(s, text, &box, 1, NULL), 0);
	CHECK_INT(store_flush(s), 0);
}

/* A volume is opened again, and what the journal holds put again: nothing is
 * lost, and no restart is needed. */
static void
rule_10_volume_panic(bool is_upload)
{
	struct store *s = world_new("volume", NULL);
	uint32_t box = world_inbox(s, world_account(s, "kim@x.test"));
	struct buf b;

	buf_init(&b, 1 << 20);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(world_deliver(s, SPAN("hi\r\n"), &box, 1, NULL), 0);
		CHECK_INT(store_flush(s), 0);
	}
	meet_volume_panic(s, box, is_upload);
	CHECK(!store_is_lost(s) && !store_is_read_only(s));
	for (int again = 0; again < 2; again++) {
		for (uint32_t uid = 1; uid <= 4; uid++)
			CHECK_INT(world_read(s, box, uid, &b), 0);
		store_close(s);
		s = world_open(NULL);
		REQUIRE(s != NULL);
	}
	store_close(s);
	buf_deinit(&b);
}

int
main(void)
{
	for (int how = 0; how < N_HOWS; how++)
		rule_10_panic((enum how)how);
	rule_10_panic_at_start();
	rule_10_volume_panic(true);
	rule_10_volume_panic(false);
	return test_done();
}
