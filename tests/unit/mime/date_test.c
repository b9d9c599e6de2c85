#include "mime/date.h"

#include "base/buf.h"
#include "base/clock.h"
#include "test.h"

/* What is parsed, written again. NULL: no date. */
static const struct {
	const char *in, *out;
} rows[] = {
	{ "Fri, 21 Nov 1997 09:55:06 -0600",
	    "Fri, 21 Nov 1997 09:55:06 -0600" },
	{ "21 Nov 1997 09:55 +0130", "Fri, 21 Nov 1997 09:55:00 +0130" },
	{ "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600",
	    "Fri, 21 Nov 1997 09:55:06 -0600" },
	{ "21 Nov 97 09:55:06 GMT", "Fri, 21 Nov 1997 09:55:06 +0000" },
	{ "21 Nov 26 09:55:06 EST", "Sat, 21 Nov 2026 09:55:06 -0500" },
	{ "1 Jan 100 00:00:00 Z", "Sat, 1 Jan 2000 00:00:00 +0000" },
	{ "Thu, 13\r\n Feb 1969 23:32:54 -0330 (Newfoundland Time)",
	    "Thu, 13 Feb 1969 23:32:54 -0330" },
	{ "Mon 23-Nov-2026 01:02:03 PDT", "Mon, 23 Nov 2026 01:02:03 -0700" },
	{ "29 Feb 2024 00:00:00 +0000", "Thu, 29 Feb 2024 00:00:00 +0000" },
	{ "29 Feb 2023 00:00:00 +0000", NULL },
	{ "32 Jan 2023 00:00:00 +0000", NULL },
	{ "1 Jan 2023 24:00:00 +0000", NULL },
	{ "1 Jan 2023", NULL },
	{ "1 Foo 2023 00:00:00", NULL },
	{ "0 Jan 2023 00:00:00", NULL },
	{ "99999999999 Jan 2023 00:00:00", NULL },
	{ "1 Jan 99999 00:00:00", NULL },
	{ "1 Jan 0 00:00:00", NULL },
	{ "1 Jan 2023 00:00:00 +9999", "Sun, 1 Jan 2023 00:00:00 +0000" },
	{ "", NULL },
	{ "(((((", NULL },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].in);

		for (size_t n = 0; n <= len; n++) {
			char *p = test_copy(span_of(rows[i].in, n));
			int64_t wall_s;
			int zone, rc;
			struct buf b;

			buf_init(&b, 100);
			rc = date_parse(span_of(p, n), &wall_s, &zone);
			if (rc == 0)
				clock_put_rfc5322(&b, wall_s, zone);
			if (n == len)
				CHECK_ROW(
				    rows[i].out == NULL
				        ? rc < 0
				        : rc == 0 && span_is(buf_span(&b),
				                         span_str(rows[i].out)),
				    rows[i].in);
			buf_deinit(&b);
			free(p);
		}
	}
	return test_done();
}
