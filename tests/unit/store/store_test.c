/* What a store keeps, through a restart. */
#include "store_world.h"

static void
deliver_and_read(void)
{
	struct store *s = world_new("basic", NULL);
	uint32_t kim = world_account(s, "kim@x.test");
	uint32_t lee = world_account(s, "lee@x.test");
	uint32_t boxes[2] = { world_inbox(s, kim), world_inbox(s, lee) };
	struct delivered out[2];
	struct mailbox_view v;
	struct store_stats st;
	struct buf b;

	buf_init(&b, 1 << 20);
	CHECK_INT(world_deliver(
	              s, SPAN("Subject: a\r\n\r\nhello\r\n"), boxes, 2, out),
	    0);
	CHECK_INT(out[0].uid, 1);
	CHECK(store_is_dirty(s));
	CHECK_INT(store_flush(s), 0);
	CHECK(!store_is_dirty(s));
	for (int again = 0; again < 2; again++) {
		for (int i = 0; i < 2; i++) {
			CHECK_INT(world_read(s, boxes[i], 1, &b), 0);
			CHECK_SPAN(buf_span(&b),
			    SPAN("Received: by x\r\nSubject: a\r\n\r\n"
			         "hello\r\n"));
			CHECK_INT(mailbox_get(s, boxes[i], &v), 0);
			CHECK_INT(v.n_messages, 1);
			CHECK_INT(v.n_unseen, 1);
			CHECK_INT(v.uidnext, 2);
			CHECK_INT(v.highest_modseq, 2);
			CHECK_INT(v.bytes, (intmax_t)b.len);
		}
		store_stats(s, &st);
		CHECK_INT(st.n_bodies, 1);
		CHECK_INT(st.n_messages, 2);
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
	deliver_and_read();
	return test_done();
}
