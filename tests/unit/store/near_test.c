/* Reads that stay where the last one was (tree_find, volfile_get), among
 * deliveries, expunges, sweeps, checkpoints and starts: always what is there.
 * And message_some. */
#include "fixture.h"

#define MAX_BODIES 400

static struct store *store;
static uint64_t ids[MAX_BODIES]; /* 0: expunged */
static uint32_t uids[MAX_BODIES];
static uint32_t n_bodies;
static uint32_t seed = 7;

static uint32_t
rnd(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static void
deliver(void)
{
	char text[64], summary[64];
	struct upload *u = NULL;
	struct message m;
	struct body body;
	uint32_t i = n_bodies;

	if (i == MAX_BODIES)
		return;
	snprintf(text, sizeof(text), "body %u\r\n", i);
	snprintf(summary, sizeof(summary), "summary %u", i);
	REQUIRE(upload_new(store, &u) == 0);
	REQUIRE(upload_put(u, span_str(text)) == 0);
	REQUIRE(
	    upload_finish(u, SPAN("T: x\r\n"), span_str(summary), &body) == 0);
	REQUIRE(fx_deliver(store, &body, &ids[i]) == 0);
	upload_free(u);
	REQUIRE(message_previous(store, fx_inbox, UINT32_MAX, &m) == 0);
	CHECK_INT(m.body, ids[i]);
	uids[i] = m.uid;
	n_bodies++;
}

static void
check(uint32_t i)
{
	char want[64];
	struct buf b;
	int rc;

	buf_init(&b, 1000);
	rc = body_summary(store, ids[i], &b);
	snprintf(want, sizeof(want), "summary %u", i);
	CHECK_INT(rc, 0);
	CHECK_SPAN(buf_span(&b), span_str(want));
	buf_reset(&b);
	snprintf(want, sizeof(want), "T: x\r\nbody %u\r\n", i);
	CHECK_INT(body_read(store, ids[i], 0, 100, &b), 0);
	CHECK_SPAN(buf_span(&b), span_str(want));
	buf_deinit(&b);
}

static void
expunge(uint32_t i)
{
	struct rangeset set;
	uint32_t n;

	rangeset_init(&set);
	REQUIRE(rangeset_add(&set, uids[i], uids[i]) == 0);
	CHECK_INT(message_expunge(store, fx_inbox, &set, &n), 0);
	rangeset_deinit(&set);
	ids[i] = 0;
}

/* The same as message_next, so many at a time. */
static void
check_some(void)
{
	struct message some[7], one;
	uint32_t n = 0, uid = 1, n_all = 0;

	do {
		CHECK_INT(
		    message_some(store, fx_inbox, uid, some, 1 + rnd(7), &n),
		    0);
		for (uint32_t i = 0; i < n; i++) {
			REQUIRE(message_next(store, fx_inbox, uid, &one) == 0);
			CHECK_INT(some[i].uid, one.uid);
			CHECK_INT(some[i].body, one.body);
			uid = one.uid + 1;
			n_all++;
		}
	} while (n > 0);
	CHECK_INT(message_next(store, fx_inbox, uid, &one), ERR_NONE);
	for (uint32_t i = 0; i < n_bodies; i++)
		n_all -= ids[i] != 0;
	CHECK_INT(n_all, 0);
}

static void
step(void)
{
	uint32_t i = n_bodies > 0 ? rnd(n_bodies) : 0;

	switch (rnd(20)) {
	case 0:
		CHECK_INT(store_flush(store), 0);
		CHECK_INT(store_checkpoint(store), 0);
		break;
	case 1:
		CHECK_INT(store_flush(store), 0);
		CHECK(store_idle(store) >= 0);
		break;
	case 2:
		if (rnd(10) == 0) {
			store_close(store);
			store = fx_reopen();
		}
		break;
	case 3:
		if (n_bodies > 0 && ids[i] != 0)
			expunge(i);
		break;
	case 4:
	case 5:
	case 6:
		deliver();
		break;
	case 7:
		check_some();
		break;
	case 8:
	case 9: /* in order, as a search does */
		for (uint32_t k = 0; k < 20 && i < n_bodies; k++, i++)
			if (ids[i] != 0)
				check(i);
		break;
	default:
		if (n_bodies > 0 && ids[i] != 0)
			check(i);
		break;
	}
}

int
main(void)
{
	fx_begin();
	store = fx_open();
	for (int i = 0; i < 3000; i++)
		step();
	check_some();
	store_close(store);
	fx_end();
	return test_done();
}
