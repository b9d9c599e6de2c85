/* Rules of durability that need no fault (store/store.h): 7, 9, 10 and 12. */
#include "store/inside.h"
#include "store_world.h"

/* What is full refuses early; what is there stays readable. */
static void
rule_7_full_device(void)
{
	struct store *s = world_new("full", NULL);

	CHECK(store_has_room(s, 1000));
	fault_arm(FAULT_FULL, 1, true);
	CHECK(!store_has_room(s, 1000));
	fault_arm(FAULT_FULL, 0, false);
	CHECK(store_has_room(s, 1000));
	store_set_reserve(s, (uint64_t)1 << 60);
	CHECK(!store_has_room(s, 1000));
	store_set_reserve(s, 1 << 20);
	CHECK(store_has_room(s, 1000));
	store_close(s);
}

/* The journal is made longer and shorter, or stays as it was; what it held is
 * there, and so is what comes after. */
static void
rule_1_journal_size(void)
{
	static const uint64_t sizes[] = { 1 << 20, 700001, 1 << 20, 3 << 20, 0,
		3 << 20 };
	struct store_options o = { .journal_bytes = 1 << 20 };
	struct store *s = world_new("size", &o);
	uint32_t box = world_inbox(s, world_account(s, "kim@x.test"));
	struct mailbox_view v;
	struct store_stats st;
	uint32_t n = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t want = (sizes[i] + 4095) / 4096 * 4096;

		CHECK_INT(world_deliver(s, SPAN("a\r\n"), &box, 1, NULL), 0);
		CHECK_INT(store_set_journal(s, sizes[i]), 0);
		store_stats(s, &st);
		CHECK_INT(st.journal_bytes,
		    want > JOURNAL_MIN_BYTES ? want : JOURNAL_MIN_BYTES);
		CHECK_INT(world_deliver(s, SPAN("b\r\n"), &box, 1, NULL), 0);
		CHECK_INT(store_flush(s), 0);
		n += 2;
		store_close(s);
		s = world_open(&o);
		REQUIRE(s != NULL);
		CHECK_INT(mailbox_get(s, box, &v), 0);
		CHECK_INT(v.n_messages, n);
	}
	fault_arm(FAULT_SHORT_WRITE, 1, false);
	CHECK(store_set_journal(s, 5 << 20) < 0);
	fault_arm(FAULT_SHORT_WRITE, 0, false);
	CHECK_INT(store_flush(s), 0);
	store_stats(s, &st);
	CHECK_INT(st.journal_bytes, 3 << 20);
	store_close(s);
	s = world_open(&o);
	REQUIRE(s != NULL);
	CHECK_INT(mailbox_get(s, box, &v), 0);
	CHECK_INT(v.n_messages, n);
	store_close(s);
}

static void
rule_9_dirty_bound(void)
{
	struct store_options o = { .max_dirty_pages = 16 };
	struct store *s = world_new("dirty", &o);
	uint32_t box = world_inbox(s, world_account(s, "kim@x.test"));
	struct store_stats st;

	for (int i = 0; i < 300; i++) {
		CHECK_INT(
		    world_deliver(s, SPAN("hello\r\n"), &box, 1, NULL), 0);
		CHECK_INT(store_flush(s), 0);
		store_stats(s, &st);
		CHECK(st.dirty_bytes < (uint64_t)128 * 4096);
	}
	CHECK(st.n_checkpoints > 1);
	store_close(s);
}

static int
open_again(struct store **s, struct buf *why)
{
	buf_reset(why);
	return store_open(world_folder, NULL, s, why);
}

/* A cut index is refused; after three failed starts within a minute the store
 * opens for reading only, and says where it stood. */
static void
rule_10_cut_and_three_starts(void)
{
	struct store *s = world_new("starts", NULL);
	char storage[512];
	struct buf why;

	buf_init_fixed(&why, storage, sizeof(storage));
	store_close(s);
	for (int i = 0; i < 3; i++) {
		fault_arm(FAULT_LMDB, 1, true);
		CHECK(open_again(&s, &why) < 0);
		fault_arm(FAULT_LMDB, 0, false);
	}
	CHECK_INT(open_again(&s, &why), 0);
	CHECK(store_is_read_only(s));
	CHECK(why.len > 0);
	CHECK_INT(setting_put(s, SPAN("a"), SPAN("b")), ERR_READ_ONLY);
	CHECK(domain_exists(s, SPAN("x.test")));
	store_close(s);
	CHECK_INT(unlink(world_path("starts")), 0);
	CHECK_INT(truncate(world_path("index"), 3 * 4096), 0);
	CHECK_INT(open_again(&s, &why), ERR_DAMAGED);
	CHECK_INT(truncate(world_path("index"), 0), 0);
	CHECK_INT(open_again(&s, &why), ERR_DAMAGED);
}

static void
rule_12_clean_stop_empties_the_journal(void)
{
	struct store *s = world_new("stop", NULL);

	CHECK_INT(setting_put(s, SPAN("a"), SPAN("b")), 0);
	store_close(s);
	s = world_open(NULL);
	REQUIRE(s != NULL);
	CHECK_INT(s->stats.n_replayed, 0);
	store_close(s);
}

int
main(void)
{
	rule_7_full_device();
	rule_1_journal_size();
	rule_9_dirty_bound();
	rule_10_cut_and_three_starts();
	rule_12_clean_stop_empties_the_journal();
	return test_done();
}
