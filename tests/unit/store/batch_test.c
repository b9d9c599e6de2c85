/* All or none: many deliveries (RFC 3502), moving (RFC 6851); and who is told
 * of what changed. */
#include "store/inside.h"
#include "store_world.h"

static const uint8_t keep[MAX_KEYWORDS] = { 0, 1, 2 };

static struct span
text_of(unsigned i, size_t len)
{
	static char text[DELIVER_MAX_MANY + 1][40000];
	uint32_t x = i + 1;
	int n = snprintf(text[i], sizeof(text[i]), "hello %u\r\n", i);

	/* What does not compress. */
	for (size_t at = (size_t)n; at < len; at++) {
		x = x * 1664525u + 1013904223u;
		text[i][at] = (char)('!' + (x >> 24) % 90);
	}
	return span_of(text[i], len > (size_t)n ? len : (size_t)n);
}

static uint32_t
n_messages(struct store *s, uint32_t box)
{
	struct mailbox_view v;

	CHECK_INT(mailbox_get(s, box, &v), 0);
	return v.n_messages;
}

static void
many_or_none(void)
{
	static struct span texts[DELIVER_MAX_MANY + 1];
	static struct delivered out[DELIVER_MAX_MANY + 1];
	struct store *s = world_new("many", NULL);
	uint32_t box = world_inbox(s, world_account(s, "kim@x.test"));
	struct store_stats before, after;
	struct buf b;

	buf_init(&b, 1 << 20);
	for (unsigned i = 0; i <= DELIVER_MAX_MANY; i++)
		texts[i] = text_of(i, 0);
	CHECK_INT(store_flush(s), 0);
	store_stats(s, &before);
	CHECK_INT(
	    world_deliver_many(s, texts, DELIVER_MAX_MANY, box, false, out), 0);
	CHECK_INT(store_flush(s), 0);
	store_stats(s, &after);
	CHECK_INT(after.n_flushes - before.n_flushes, 1); /* one frame */
	CHECK_INT(after.n_ops - before.n_ops, DELIVER_MAX_MANY);
	for (uint32_t i = 0; i < DELIVER_MAX_MANY; i++)
		CHECK_INT(out[i].uid, i + 1);
	CHECK_INT(world_read(s, box, 7, &b), 0);
	CHECK_SPAN(buf_span(&b), SPAN("Received: by x\r\nhello 6\r\n"));
	CHECK_INT(
	    world_deliver_many(s, texts, DELIVER_MAX_MANY + 1, box, false, out),
	    ERR_LIMIT);
	CHECK_INT(world_deliver_many(s, texts, 0, box, false, out), ERR_LIMIT);
	/* Too much for a turn's frame, unless it is spilled. */
	for (unsigned i = 0; i < 20; i++)
		texts[i] = text_of(i, 30000);
	CHECK_INT(world_deliver_many(s, texts, 20, box, false, out), ERR_LIMIT);
	CHECK_INT(n_messages(s, box), DELIVER_MAX_MANY);
	CHECK_INT(world_deliver_many(s, texts, 20, box, true, out), 0);
	CHECK_INT(n_messages(s, box), DELIVER_MAX_MANY + 20);
	CHECK_INT(world_read(s, box, out[19].uid, &b), 0);
	CHECK_SPAN(
	    span_sub(buf_span(&b), SPAN("Received: by x\r\n").len, b.len),
	    texts[19]);
	CHECK_INT(world_deliver_many(s, texts, 2, 999, false, out), ERR_NONE);
	buf_deinit(&b);
	store_close(s);
}

/* Whatever fails, wherever in the group: none is there. */
static void
many_undone(void)
{
	struct store *s = world_new("undone", NULL);
	uint32_t box = world_inbox(s, world_account(s, "kim@x.test"));
	struct span texts[20];
	uint64_t n = 0;
	int rc = -1;

	for (unsigned i = 0; i < 20; i++)
		texts[i] = text_of(i, 0);
	CHECK_INT(world_deliver_many(s, texts, 1, box, false, NULL), 0);
	CHECK_INT(store_flush(s), 0);
	while (rc < 0) {
		fault_arm(FAULT_LMDB, ++n, false);
		rc = world_deliver_many(s, texts, 20, box, false, NULL);
		fault_arm(FAULT_LMDB, 0, false);
		CHECK_INT(n_messages(s, box), rc < 0 ? 1 : 21);
		CHECK_INT(store_flush(s), 0);
	}
	CHECK(n > 100);
	store_close(s);
}

static void
moving(void)
{
	struct store *s = world_new("moving", NULL);
	uint32_t kim = world_account(s, "kim@x.test");
	uint32_t box = world_inbox(s, kim), to, first, n;
	struct span texts[5];
	struct message_flags f = { .how = MESSAGE_ADD,
		.flags = MESSAGE_SEEN,
		.keywords = 2,
		.unchanged_since = UINT64_MAX };
	struct rangeset uids, missing;
	struct mailbox_view v;
	struct store_stats before, after;
	struct message m, old;
	uint64_t modseq;

	rangeset_init(&uids);
	rangeset_init(&missing);
	for (unsigned i = 0; i < 5; i++)
		texts[i] = text_of(i, 0);
	CHECK_INT(mailbox_find(s, kim, SPAN("Archive"), &to), 0);
	CHECK_INT(world_deliver_many(s, texts, 5, box, false, NULL), 0);
	CHECK_INT(rangeset_add(&uids, 2, 3), 0);
	CHECK_INT(message_set_flags(s, box, &uids, &f, NULL, &modseq), 0);
	CHECK_INT(message_get(s, box, 2, &old), 0);
	CHECK_INT(rangeset_add(&uids, 9, 9), 0);
	CHECK_INT(store_flush(s), 0);
	store_stats(s, &before);
	modseq = mailbox_modseq(s, box);
	CHECK_INT(
	    message_move(s, box, &uids, to, keep, &missing, &first, &n), 0);
	CHECK_INT(store_flush(s), 0);
	store_stats(s, &after);
	CHECK_INT(after.n_flushes - before.n_flushes, 1);
	CHECK(n == 2 && first == 1);
	CHECK(missing.n_members == 1 && rangeset_has(&missing, 9));
	CHECK_INT(message_get(s, box, 2, &m), ERR_NONE);
	CHECK_INT(message_get(s, to, 1, &m), 0);
	CHECK(m.body == old.body && m.flags == MESSAGE_SEEN && m.keywords == 2);
	CHECK(m.internal_date_s == old.internal_date_s);
	CHECK_INT(mailbox_modseq(s, box), modseq + 1);
	CHECK_INT(mailbox_get(s, box, &v), 0);
	CHECK(v.n_messages == 3 && v.n_unseen == 3);
	CHECK_INT(after.n_bodies, before.n_bodies);
	/* Into itself (RFC 6851 3.3 leaves it to us): new UIDs. */
	rangeset_clear(&uids);
	CHECK_INT(rangeset_add(&uids, 1, 1), 0);
	CHECK_INT(
	    message_move(s, box, &uids, box, keep, &missing, &first, &n), 0);
	CHECK(n == 1 && first == 6);
	CHECK_INT(n_messages(s, box), 3);
	CHECK_INT(message_move(s, box, &uids, 999, keep, &missing, &first, &n),
	    ERR_NONE);
	CHECK_INT(rangeset_add(&uids, 20, 50), 0);
	CHECK_INT(message_move(s, box, &uids, to, keep, &missing, &first, &n),
	    ERR_LIMIT);
	rangeset_deinit(&uids);
	rangeset_deinit(&missing);
	store_close(s);
}

/* A move is never half done, wherever LMDB fails. */
static void
move_undone(void)
{
	struct store *s = world_new("halfway", NULL);
	uint32_t kim = world_account(s, "kim@x.test");
	uint32_t box = world_inbox(s, kim), to, first, n_moved;
	struct rangeset uids, missing;
	struct span texts[5];
	uint64_t n = 0;
	int rc = -1;

	rangeset_init(&uids);
	rangeset_init(&missing);
	for (unsigned i = 0; i < 5; i++)
		texts[i] = text_of(i, 0);
	CHECK_INT(mailbox_find(s, kim, SPAN("Archive"), &to), 0);
	CHECK_INT(world_deliver_many(s, texts, 5, box, false, NULL), 0);
	CHECK_INT(rangeset_add(&uids, 1, 5), 0);
	CHECK_INT(store_flush(s), 0);
	while (rc < 0) {
		fault_arm(FAULT_LMDB, ++n, false);
		rc = message_move(
		    s, box, &uids, to, keep, &missing, &first, &n_moved);
		fault_arm(FAULT_LMDB, 0, false);
		CHECK_INT(n_messages(s, box), rc < 0 ? 5 : 0);
		CHECK_INT(n_messages(s, to), rc < 0 ? 0 : 5);
		CHECK_INT(store_flush(s), 0);
	}
	CHECK(n > 20);
	rangeset_deinit(&uids);
	rangeset_deinit(&missing);
	store_close(s);
}

/* --- the watcher --- */

struct seen {
	struct store *s;
	uint32_t box[400];
	uint64_t modseq; /* as read from within */
	uint32_t n;
};

static void
see(void *arg, uint32_t mailbox)
{
	struct seen *w = arg;

	w->modseq = mailbox_modseq(w->s, mailbox);
	if (w->n < 400)
		w->box[w->n++] = mailbox;
}

/* Was just this mailbox told? Forgets it. */
static bool
saw(struct seen *w, uint32_t mailbox)
{
	bool is_so = w->n == 1 && w->box[0] == mailbox;

	w->n = 0;
	return is_so;
}

static void
watching(void)
{
	struct store *s = world_new("watching", NULL);
	struct seen w = { .s = s };
	uint32_t kim = world_account(s, "kim@x.test");
	uint32_t boxes[2] = { world_inbox(s, kim), 0 }, id, n;
	struct message_flags f = { .how = MESSAGE_ADD,
		.flags = MESSAGE_SEEN,
		.unchanged_since = UINT64_MAX };
	struct rangeset uids, missing;
	uint64_t modseq;

	rangeset_init(&uids);
	rangeset_init(&missing);
	boxes[1] = world_inbox(s, world_account(s, "bo@x.test"));
	store_watch(s, see, &w);
	CHECK_INT(world_deliver(s, SPAN("hello\r\n"), boxes, 2, NULL), 0);
	CHECK(w.n == 2 && w.box[0] == boxes[0] && w.box[1] == boxes[1]);
	CHECK_INT(w.modseq, 2);
	w.n = 0;
	CHECK_INT(rangeset_add(&uids, 1, 1), 0);
	CHECK_INT(message_set_flags(s, boxes[0], &uids, &f, NULL, &modseq), 0);
	CHECK(saw(&w, boxes[0]) && w.modseq == modseq);
	/* Nothing changes: nobody is told. */
	CHECK_INT(message_set_flags(s, boxes[0], &uids, &f, NULL, &modseq), 0);
	CHECK_INT(w.n, 0);
	CHECK_INT(
	    message_move(s, boxes[0], &uids, boxes[1], keep, &missing, &id, &n),
	    0);
	CHECK(w.n == 2 && w.box[0] == boxes[1] && w.box[1] == boxes[0]);
	w.n = 0;
	CHECK_INT(mailbox_create(s, kim, SPAN("Work"), SPECIAL_NONE, &id), 0);
	CHECK(saw(&w, id));
	CHECK_INT(mailbox_rename(s, id, SPAN("Play")), 0);
	CHECK(saw(&w, id));
	CHECK_INT(mailbox_set_special_use(s, id, SPECIAL_JUNK), 0);
	CHECK(saw(&w, id));
	CHECK_INT(mailbox_delete(s, id), 0);
	CHECK(saw(&w, id));
	CHECK_INT(w.modseq, 0);
	CHECK_INT(store_flush(s), 0);
	/* A failed operation is replayed around: nobody is told again. */
	CHECK_INT(world_deliver(s, SPAN("hello\r\n"), boxes, 1, NULL), 0);
	CHECK(saw(&w, boxes[0]));
	fault_arm(FAULT_LMDB, 2, false);
	CHECK(world_deliver(s, SPAN("hello\r\n"), boxes, 1, NULL) < 0);
	fault_arm(FAULT_LMDB, 0, false);
	CHECK_INT(w.n, 0);
	/* The mailboxes of a person who is deleted, with the sweep. */
	CHECK_INT(account_delete(s, kim), 0);
	while (store_idle(s) > 0)
		continue;
	CHECK_INT(w.n, 6);
	store_watch(s, NULL, NULL);
	CHECK_INT(world_deliver(s, SPAN("hello\r\n"), &boxes[1], 1, NULL), 0);
	CHECK_INT(w.n, 6);
	rangeset_deinit(&uids);
	rangeset_deinit(&missing);
	store_close(s);
}

int
main(void)
{
	many_or_none();
	many_undone();
	moving();
	move_undone();
	watching();
	return test_done();
}
