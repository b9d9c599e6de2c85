/* What may be sent in an hour: counted, moved on, told once, and there again
 * after a restart, whatever the clock says then. */
#include "store/rate_in.h"

#include "base/clock.h"
#include "fixture.h"

#define NOW 1700000000

static int64_t mono_s, wall_s;

static void
set_time(int64_t mono, int64_t wall)
{
	mono_s = mono;
	wall_s = wall;
	clock_fake(mono * 1000, wall);
}

static void
check(struct store *s, const char *key, uint32_t messages, uint32_t rcpts,
    enum rate_answer want, bool want_first)
{
	const struct rate_want w = { .messages = messages,
		.rcpts = rcpts,
		.max_messages = 3,
		.max_rcpts = 10 };
	bool is_first;

	CHECK_INT(rate_take(s, span_str(key), &w, &is_first, NULL), want);
	CHECK_INT(is_first, want_first);
}

static void
an_hour_passes(struct store *s)
{
	char key[20];

	for (int64_t t = 10000; t < 110000; t += 33333) {
		snprintf(key, sizeof(key), "p%d", (int)t);
		set_time(t, NOW);
		check(s, key, 1, 4, RATE_OK, false);
		set_time(t + 10, NOW);
		check(s, key, 0, 4, RATE_OK, false);
		check(s, key, 0, 3, RATE_RCPTS, true);
		check(s, key, 0, 3, RATE_RCPTS, false);
		check(s, key, 0, 2, RATE_OK, false);
		check(s, "other", 1, 10, RATE_OK, false);
		/* Within the hour nothing is forgotten; after it, all. */
		set_time(t + 3599, NOW);
		check(s, key, 0, 1, RATE_RCPTS, false);
		set_time(t + 3600 + 340, NOW);
		check(s, key, 0, 10, RATE_OK, false);
		check(s, key, 0, 1, RATE_RCPTS, true);
		/* A number that would not fit is no way around. */
		check(s, key, 0, UINT32_MAX, RATE_RCPTS, false);
	}
}

/* Where there is no room it is said until when. */
static void
until_when(struct store *s)
{
	const struct rate_want one = { .messages = 1, .max_messages = 3 };
	const struct rate_want look = {
		.messages = 1, .max_messages = 3, .is_look = true
	};
	int64_t until_s = 0;

	for (int i = 0; i < 3; i++) {
		set_time(200100 + i * 1200, NOW + i * 1200);
		for (int k = 0; k < 5; k++)
			CHECK_INT(rate_take(s, SPAN("rx"), &look, NULL, NULL),
			    RATE_OK);
		CHECK_INT(rate_take(s, SPAN("rx"), &one, NULL, NULL), RATE_OK);
	}
	CHECK_INT(
	    rate_take(s, SPAN("rx"), &look, NULL, &until_s), RATE_MESSAGES);
	CHECK(until_s >= NOW + 3600 && until_s <= NOW + 3900);
	set_time(200100 + until_s - NOW - 1, until_s - 1);
	CHECK_INT(rate_take(s, SPAN("rx"), &look, NULL, NULL), RATE_MESSAGES);
	set_time(200100 + until_s - NOW, until_s);
	CHECK_INT(rate_take(s, SPAN("rx"), &one, NULL, NULL), RATE_OK);
	CHECK_INT(rate_take(s, SPAN("rx"), &one, NULL, NULL), RATE_MESSAGES);
}

/* Who is put out of the table for others comes back as they were; without
 * limits nobody is refused. */
static void
more_than_there_is_room_for(struct store *s)
{
	char key[80];
	const struct rate_want any = { .messages = 1, .rcpts = 1000 };

	set_time(300000, NOW);
	for (int i = 0; i < 4 * RATE_KEYS; i++) {
		snprintf(key, sizeof(key), "%s%d",
		    i % 2 ? "q"
		          : "a name that is much too long for a row of "
		            "the table, ",
		    i);
		check(s, key, 3, 1, RATE_OK, false);
	}
	for (int i = 0; i < 4 * RATE_KEYS; i++) {
		snprintf(key, sizeof(key), "%s%d",
		    i % 2 ? "q"
		          : "a name that is much too long for a row of "
		            "the table, ",
		    i);
		check(s, key, 1, 1, RATE_MESSAGES, true);
		CHECK_INT(
		    rate_take(s, span_str(key), &any, NULL, NULL), RATE_OK);
	}
}

/* Counts stand in the store when the table goes. */
static void
a_restart_forgets_nothing(void)
{
	struct store *s = fx_reopen();

	set_time(500000, NOW);
	check(s, "p1", 2, 2, RATE_OK, false);
	check(s, "p2", 3, 3, RATE_OK, false);
	check(s, "p2", 1, 1, RATE_MESSAGES, true);
	store_close(s);
	/* The monotonic clock begins anew; ten minutes went by. */
	set_time(5, NOW + 600);
	s = fx_reopen();
	check(s, "p1", 2, 2, RATE_MESSAGES, true);
	check(s, "p1", 1, 2, RATE_OK, false);
	check(s, "p2", 1, 1, RATE_MESSAGES, false);
	store_close(s);
	/* A board without a clock wakes up long ago, and learns of it. */
	set_time(5, 1000);
	s = fx_reopen();
	check(s, "p1", 1, 2, RATE_MESSAGES, false);
	set_time(10, NOW + 700);
	check(s, "p1", 1, 2, RATE_MESSAGES, false);
	check(s, "p2", 1, 2, RATE_MESSAGES, false);
	store_close(s);
	set_time(5, NOW + 4 * 3600);
	s = fx_reopen();
	check(s, "p1", 3, 2, RATE_OK, false);
	check(s, "p2", 3, 2, RATE_OK, false);
	store_close(s);
}

static void
until_the_kill(struct store *s, uint64_t n)
{
	const struct rate_want w = { .rcpts = 1 };

	for (uint64_t i = 0; i < n; i++) {
		CHECK_INT(rate_take(s, SPAN("p7"), &w, NULL, NULL), RATE_OK);
		rate_save(s, SPAN("p7"));
		CHECK_INT(store_flush(s), 0);
	}
}

/* A crash loses fewer than RATE_UNSAVED, and little is written. */
static void
a_crash_forgets_little(void)
{
	const struct rate_want look = {
		.rcpts = 1, .max_rcpts = 30, .is_look = true
	};
	const struct rate_want more = {
		.rcpts = 1, .max_rcpts = 31, .is_look = true
	};
	struct store *s;

	set_time(600000, NOW + 100000);
	fx_in_child(until_the_kill, 3 * RATE_UNSAVED + 9);
	s = fx_reopen();
	CHECK_INT(s->stats.n_replayed, 3);
	CHECK_INT(rate_take(s, SPAN("p7"), &look, NULL, NULL), RATE_RCPTS);
	CHECK_INT(rate_take(s, SPAN("p7"), &more, NULL, NULL), RATE_OK);
	store_close(s);
}

static void
rows(void)
{
	struct rate r = { .told_age = 3 }, back;
	char storage[RATE_ROW_BYTES], *exact;
	struct buf b;

	for (int i = 0; i < RATE_SLOTS; i++) {
		r.messages[i] = UINT32_MAX - (uint32_t)i;
		r.rcpts[i] = UINT32_MAX;
	}
	buf_init_fixed(&b, storage, sizeof(storage));
	rate_format(&r, NOW, &b);
	CHECK(!buf_failed(&b) && b.len == RATE_ROW_BYTES);
	for (size_t n = 0; n <= b.len; n++) {
		exact = malloc(n + 1);
		REQUIRE(exact != NULL);
		memcpy(exact + 1, b.p, n);
		CHECK_INT(rate_parse(span_of(exact + 1, n), NOW, &back),
		    n == b.len ? 0 : ERR_DAMAGED);
		free(exact);
	}
	CHECK_INT(back.told_age, 3);
	CHECK(memcmp(back.messages, r.messages, sizeof(r.messages)) == 0);
	CHECK(memcmp(back.rcpts, r.rcpts, sizeof(r.rcpts)) == 0);
	CHECK_INT(rate_parse(buf_span(&b), NOW + 2 * RATE_SLOT_S, &back), 0);
	CHECK_INT(back.told_age, 5);
	CHECK_INT(back.messages[0], 0);
	CHECK_INT(back.messages[1], 0);
	CHECK_INT(back.messages[2], UINT32_MAX);
	CHECK_INT(rate_parse(buf_span(&b), INT64_MAX, &back), 0);
	CHECK_INT(back.rcpts[RATE_SLOTS - 1], 0);
}

int
main(void)
{
	struct store *s;

	fx_begin();
	rows();
	set_time(1, NOW);
	s = fx_new();
	an_hour_passes(s);
	until_when(s);
	more_than_there_is_room_for(s);
	store_close(s);
	a_restart_forgets_nothing();
	a_crash_forgets_little();
	fx_end();
	return test_done();
}
