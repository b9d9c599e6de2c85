/* The change log at its bound: the oldest rows go, a reader that stood below
 * is told ERR_GONE, and one above reads on without a gap. */
#include "store/change.h"
#undef CHANGE_MAX_ROWS
#define CHANGE_MAX_ROWS 8 /* 10,000 in the program */

#include "store/row.c"
#include "store_world.h"

#define N_CHANGES 30

/* Turn a flag of message 1 on and off. Returns the MODSEQ of the change. */
static uint64_t
change_flags(struct store *s, uint32_t box, int i)
{
	struct message_flags f = { .how = i % 2 ? MESSAGE_REMOVE : MESSAGE_ADD,
		.flags = MESSAGE_SEEN,
		.unchanged_since = UINT64_MAX };
	struct rangeset uids;
	uint64_t modseq = 0;

	rangeset_init(&uids);
	CHECK_INT(rangeset_add(&uids, 1, 1), 0);
	CHECK_INT(message_set_flags(s, box, &uids, &f, NULL, &modseq), 0);
	rangeset_deinit(&uids);
	return modseq;
}

/* What a reader who knows all up to `after` is told: each change once. */
static void
check_reader(
    struct store *s, uint32_t box, const struct mailbox_view *v, uint64_t after)
{
	struct change c;
	int rc;

	change_init(&c);
	rc = change_next(s, box, after, &c);
	if (after >= v->highest_modseq) {
		CHECK_INT(rc, ERR_NONE);
	} else if (after < v->lowest_modseq) {
		CHECK_INT(rc, ERR_GONE);
	} else {
		CHECK_INT(rc, 0);
		CHECK_INT(c.modseq, after + 1);
		CHECK_INT(c.kind, CHANGE_FLAGS);
		CHECK(rangeset_has(&c.uids, 1));
	}
	change_deinit(&c);
}

static void
check_all_readers(struct store *s, uint32_t box, uint64_t newest)
{
	struct mailbox_view v;

	CHECK_INT(mailbox_get(s, box, &v), 0);
	CHECK_INT(v.highest_modseq, newest);
	CHECK_INT(v.lowest_modseq, newest - CHANGE_MAX_ROWS);
	CHECK_INT(tree_count(s, TREE_CHANGE), CHANGE_MAX_ROWS);
	for (uint64_t after = 1; after <= newest + 1; after++)
		check_reader(s, box, &v, after);
}

int
main(void)
{
	struct store *s = world_new("changes", NULL);
	uint32_t box = world_inbox(s, world_account(s, "kim@x.test"));
	uint64_t newest = 0;
	struct mailbox_view v;

	CHECK_INT(world_deliver(s, SPAN("hello\r\n"), &box, 1, NULL), 0);
	for (int i = 0; i < N_CHANGES; i++) {
		newest = change_flags(s, box, i);
		CHECK(newest > 0);
		if (i == CHANGE_MAX_ROWS - 1) {
			/* As many as are kept: none went yet. */
			CHECK_INT(mailbox_get(s, box, &v), 0);
			CHECK_INT(v.lowest_modseq, 0);
		}
		if (i > CHANGE_MAX_ROWS)
			check_all_readers(s, box, newest);
	}
	CHECK_INT(store_flush(s), 0);
	store_close(s);
	s = world_open(NULL);
	REQUIRE(s != NULL);
	check_all_readers(s, box, newest);
	store_close(s);
	return test_done();
}
