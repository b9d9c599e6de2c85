#include "queue/backoff.h"

#include "../test.h"

static const struct {
	const char *text;
	int rc;
	uint32_t n, first, last;
} rows[] = {
	{ "1m 5m 15m", 0, 3, 60, 900 },
	{ "30", 0, 1, 30, 30 },
	{ " 10s  1d ", 0, 2, 10, 86400 },
	{ "", ERR_SYNTAX, 0, 0, 0 },
	{ "5x", ERR_SYNTAX, 0, 0, 0 },
	{ "m", ERR_SYNTAX, 0, 0, 0 },
	{ "1m5", ERR_SYNTAX, 0, 0, 0 },
	{ "-1", ERR_SYNTAX, 0, 0, 0 },
	{ "5s", ERR_LIMIT, 0, 0, 0 },
	{ "2d", ERR_LIMIT, 0, 0, 0 },
	{ "99999999999999999999", ERR_SYNTAX, 0, 0, 0 },
};

static void
lists(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mover_limits l = mover_limits_default;
		struct span in = span_str(rows[i].text);
		char *copy = test_copy(in);

		CHECK_ROW(
		    mover_parse_retry(span_of(copy, in.len), &l) == rows[i].rc,
		    rows[i].text);
		free(copy);
		if (rows[i].rc < 0) {
			CHECK_INT(l.n_retry, mover_limits_default.n_retry);
			continue;
		}
		CHECK_INT(l.n_retry, rows[i].n);
		CHECK_INT(l.retry_s[0], rows[i].first);
		CHECK_INT(l.retry_s[l.n_retry - 1], rows[i].last);
	}
}

static void
too_many(void)
{
	struct mover_limits l = mover_limits_default;
	char text[3 * MAX_RETRY_STEPS + 4] = "";

	for (int i = 0; i < MAX_RETRY_STEPS + 1; i++)
		memcpy(text + 3 * i, "1m ", 3);
	CHECK_INT(
	    mover_parse_retry(span_of(text, sizeof(text) - 1), &l), ERR_LIMIT);
}

/* Within a tenth of the step; the last step goes on. */
static void
steps(void)
{
	const struct mover_limits *l = &mover_limits_default;

	for (uint32_t n = 1; n < 12; n++) {
		uint32_t base =
		    l->retry_s[n <= l->n_retry ? n - 1 : l->n_retry - 1];
		uint32_t low = UINT32_MAX, high = 0;

		for (uint32_t r = 0; r < 100000; r += 7) {
			uint32_t got = backoff_s(l, n, r * 2654435761u);

			low = got < low ? got : low;
			high = got > high ? got : high;
		}
		CHECK(low >= base - base / 10 && high <= base + base / 10);
		CHECK(low < base && high > base);
	}
}

int
main(void)
{
	lists();
	too_many();
	steps();
	return test_done();
}
