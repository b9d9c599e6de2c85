/* What one person may send in an hour: counted, moved on, told once. */
#include "smtp/smtp_rate.h"

#include "test.h"

static struct smtp_rate rate;

static void
check(uint32_t account, bool is_message, uint32_t n, int64_t now_s,
    enum smtp_rate_answer want, bool want_first)
{
	const struct smtp_rate_limits limits = { .messages = 3, .rcpts = 10 };
	bool is_first;

	CHECK_INT(smtp_rate_take(
	              &rate, account, is_message, n, &limits, now_s, &is_first),
	    want);
	CHECK_INT(is_first, want_first);
}

int
main(void)
{
	const struct smtp_rate_limits none = { 0 };
	bool is_first;

	for (int64_t t = 0; t < 100000; t += 33333) {
		memset(&rate, 0, sizeof(rate));
		check(1, true, 4, t, RATE_OK, false);
		check(1, false, 4, t + 10, RATE_OK, false);
		check(1, false, 3, t + 20, RATE_RCPTS, true);
		check(1, false, 3, t + 30, RATE_RCPTS, false);
		check(1, false, 2, t + 40, RATE_OK, false);
		check(2, true, 10, t + 40, RATE_OK, false);
		/* Within the hour nothing is forgotten; after it, all. */
		check(1, false, 1, t + 3599, RATE_RCPTS, false);
		check(1, false, 10, t + 3600 + 340, RATE_OK, false);
		check(1, false, 1, t + 3600 + 350, RATE_RCPTS, true);
	}
	memset(&rate, 0, sizeof(rate));
	for (int i = 0; i < 3; i++)
		check(1, true, 1, i * 1200, RATE_OK, false);
	check(1, true, 1, 3599, RATE_MESSAGES, true);
	check(1, true, 1, 3900, RATE_OK, false);
	check(1, true, 1, 3901, RATE_MESSAGES, false);
	/* A number that would not fit is no way around. */
	check(1, false, UINT32_MAX, 3902, RATE_RCPTS, false);
	/* Without limits; more people than there is room for. */
	for (uint32_t a = 1; a < 1000; a++)
		CHECK_INT(smtp_rate_take(&rate, a, true, 1000, &none,
		              4000 + a * 400, &is_first),
		    RATE_OK);
	return test_done();
}
