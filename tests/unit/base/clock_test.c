#include "base/clock.h"

#include "test.h"

int
main(void)
{
	static const struct {
		int64_t s;
		const char *iso, *mail;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00Z", "Thu, 1 Jan 1970 00:00:00 +0000" },
		{ 951782400, "2000-02-29T00:00:00Z",
		    "Tue, 29 Feb 2000 00:00:00 +0000" },
		{ 1795427280, "2026-11-23T09:48:00Z",
		    "Mon, 23 Nov 2026 09:48:00 +0000" },
		{ -1, "1969-12-31T23:59:59Z",
		    "Wed, 31 Dec 1969 23:59:59 +0000" },
		{ 4102444800, "2100-01-01T00:00:00Z",
		    "Fri, 1 Jan 2100 00:00:00 +0000" },
	};
	char storage[64];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct civil c = clock_civil(rows[i].s);

		CHECK_ROW(clock_from_civil(&c) == rows[i].s, rows[i].iso);
		buf_reset(&b);
		clock_put_iso(&b, rows[i].s);
		CHECK_ROW(
		    span_is(buf_span(&b), span_str(rows[i].iso)), rows[i].iso);
		buf_reset(&b);
		clock_put_rfc5322(&b, rows[i].s, 0);
		CHECK_ROW(span_is(buf_span(&b), span_str(rows[i].mail)),
		    rows[i].mail);
	}
	buf_reset(&b);
	clock_put_rfc5322(&b, 0, -330);
	CHECK(span_is(buf_span(&b), SPAN("Wed, 31 Dec 1969 18:30:00 -0530")));
	/* Every day for 400 years comes back. */
	for (int64_t day = -80000; day < 66097; day++) {
		struct civil c = clock_civil(day * 86400);

		if (clock_from_civil(&c) != day * 86400 ||
		    c.weekday != (int)((day % 7 + 11) % 7))
			CHECK_ROW(false, "a day does not come back");
	}
	clock_fake(1000, 5000);
	CHECK(clock_mono_ms() == 1000 && clock_wall_s() == 5000);
	return test_done();
}
