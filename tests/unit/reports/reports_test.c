/* When reports are due, and what stands on them. */
#include "reports/reports.c"

#include "../test.h"

#define MIDNIGHT (20000 * (int64_t)TALLY_DAY_S)

static void
once_a_day(void)
{
	struct reports_env env = { .host = SPAN("mail.a.test") };
	struct reports r = { .env = &env };
	int64_t at = offset_s(&r);
	int64_t sum = 0;

	CHECK(at >= 0 && at < SPREAD_S);
	CHECK_INT(due_day(&r, MIDNIGHT + at - 1), 19999);
	CHECK_INT(due_day(&r, MIDNIGHT + at), 20000);
	CHECK_INT(due_day(&r, MIDNIGHT + TALLY_DAY_S - 1), 20000);
	/* It is looked at the very moment, and each hour. */
	CHECK_INT(wait_s(&r, MIDNIGHT + at - 1), 1);
	CHECK_INT(wait_s(&r, MIDNIGHT + at), LOOK_S);
	CHECK_INT(wait_s(&r, MIDNIGHT + TALLY_DAY_S - 1), LOOK_S);
	/* Servers are spread. */
	for (char c = 'a'; c <= 'z'; c++) {
		env.host = span_of(&c, 1);
		sum += offset_s(&r);
	}
	CHECK(sum / 26 > SPREAD_S / 4 && sum / 26 < SPREAD_S * 3 / 4);
}

static void
labels(void)
{
	struct reports_env env = { .contact = SPAN("reports@a.test") };
	struct reports r = { .env = &env, .kind = MEMO_DMARC_ROW };
	char first[REPORT_ID_LEN + 1];

	clock_fake(1000, MIDNIGHT + 100);
	r.group = (struct tally_group){ .day = 19999,
		.n_prefix = 11,
		.prefix = "\0\0\x4e\x1f"
		          "b.test" };
	set_label(&r);
	CHECK_SPAN(r.label.domain, SPAN("b.test"));
	CHECK_SPAN(report_label_org(&r.label), SPAN("a.test"));
	CHECK_INT(r.label.begin_s, MIDNIGHT - TALLY_DAY_S);
	CHECK_INT(r.label.end_s, MIDNIGHT - 1);
	CHECK_INT(strlen(r.label.id), REPORT_ID_LEN);
	/* Made again it is the same; of another kind or time it is not. */
	memcpy(first, r.label.id, sizeof(first));
	clock_fake(1000, MIDNIGHT + 5000);
	set_label(&r);
	CHECK_STR(r.label.id, first);
	r.kind = MEMO_TLS_ROW;
	set_label(&r);
	CHECK(strcmp(r.label.id, first) != 0);
	CHECK(r.label.is_tls);
	r.group.day = 20000;
	set_label(&r);
	CHECK_INT(r.label.end_s, MIDNIGHT + 5000);
}

int
main(void)
{
	once_a_day();
	labels();
	return test_done();
}
