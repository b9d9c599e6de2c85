#include "auth/recent.h"
#include "auth/throttle.h"
#include "test.h"

static const struct throttle_rule rule = { 3, 60, 900 };

static void
test_growth(void)
{
	static const uint32_t delays[] = { 0, 0, 0, 1, 2, 4, 8, 16, 32, 60,
		60 };
	static struct throttle t;
	int64_t now = 1000;

	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		throttle_fail(&t, 7, &rule, 0, now);
		CHECK(throttle_delay_s(&t, 7, now) == delays[i]);
		CHECK(throttle_delay_s(&t, 7, now + delays[i]) == 0);
		CHECK(throttle_delay_s(&t, 8, now) == 0);
		now += delays[i];
	}
	throttle_clear(&t, 7);
	CHECK(throttle_delay_s(&t, 7, now) == 0);
	throttle_fail(&t, 7, &rule, 0, now);
	CHECK(throttle_delay_s(&t, 7, now) == 0);
}

/* The same wrong password again and again is a forgotten phone. */
static void
test_same_again(void)
{
	static struct throttle t;

	for (int i = 0; i < 100; i++)
		throttle_fail(&t, 7, &rule, 42, 1000 + i);
	CHECK(throttle_delay_s(&t, 7, 1100) == 0);
	for (uint64_t i = 0; i < 4; i++)
		throttle_fail(&t, 7, &rule, 50 + i, 1100);
	CHECK(throttle_delay_s(&t, 7, 1100) > 0);
}

static void
test_forgets(void)
{
	static struct throttle t;

	for (int i = 0; i < 10; i++)
		throttle_fail(&t, 7, &rule, 0, 1000);
	CHECK(throttle_delay_s(&t, 7, 1000) == 60);
	throttle_fail(&t, 7, &rule, 0, 1060 + rule.forget_s);
	CHECK(throttle_delay_s(&t, 7, 1060 + rule.forget_s) == 0);
}

/* A flood of other keys takes places, and only the least of them. */
static void
test_flood(void)
{
	static struct throttle t;

	for (int i = 0; i < 20; i++)
		throttle_fail(&t, 3, &rule, 0, 1000);
	for (uint64_t key = 100; key < 20000; key++)
		throttle_fail(&t, key, &rule, 0, 1001);
	CHECK(throttle_delay_s(&t, 3, 1001) == 59);
}

static void
test_recent(void)
{
	enum { LIFE_S = 600 };
	static struct recent r;
	uint8_t a[MAC_BYTES] = { 1 }, b[MAC_BYTES] = { 2 };

	CHECK(!recent_has(&r, 5, a, 1000));
	recent_put(&r, 5, a, 1000 + LIFE_S);
	CHECK(recent_has(&r, 5, a, 1000 + LIFE_S - 1));
	CHECK(!recent_has(&r, 5, a, 1000 + LIFE_S));
	CHECK(!recent_has(&r, 5, b, 1000));
	CHECK(!recent_has(&r, 6, a, 1000)); /* CVE-2025-30189: mixed users */
	recent_put(&r, 5, b, 1000 + LIFE_S);
	CHECK(!recent_has(&r, 5, a, 1000) && recent_has(&r, 5, b, 1000));
	recent_forget(&r, 5);
	CHECK(!recent_has(&r, 5, b, 1000));
	for (uint32_t id = 1; id < 5000; id++)
		recent_put(&r, id, a, 1000 + LIFE_S + id);
	CHECK(recent_has(&r, 4999, a, 6000));
}

int
main(void)
{
	test_growth();
	test_same_again();
	test_forgets();
	test_flood();
	test_recent();
	return test_done();
}
