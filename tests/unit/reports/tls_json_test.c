/* The exact text of a report about TLS. */
#include "reports/tls_json.h"

#include "../test.h"

static const struct report_label label = { .is_tls = true,
	.domain = SPAN("b.test"),
	.contact = SPAN("re\"ports@a.test"),
	.id = "0123456789abcdef",
	.begin_s = 86400,
	.end_s = 172799 };

#define HEAD                                                                   \
	"{\"date-range\":{\"start-datetime\":\"1970-01-02T00:00:00Z\","        \
	"\"end-datetime\":\"1970-01-02T23:59:59Z\"},"                          \
	"\"organization-name\":\"a.test\","                                    \
	"\"contact-info\":\"re\\\"ports@a.test\","                             \
	"\"report-id\":\"0123456789abcdef\",\"policies\":["

static void
check(const struct tally_row *rows, size_t n, const char *want)
{
	struct tls_json j;
	struct buf b;

	buf_init(&b, 1 << 16);
	tls_json_begin(&j, &b, &label);
	for (size_t i = 0; i < n; i++)
		tls_json_put(&j, &b, &rows[i]);
	tls_json_end(&j, &b);
	CHECK_SPAN(buf_span(&b), span_str(want));
	buf_deinit(&b);
}

int
main(void)
{
	static const struct tally_row rows[] = {
		{ 3, SPAN("n0"), SPAN("\"policy\":1") },
		{ 1, SPAN("n1"), SPAN("\"result-type\":\"a\"") },
		{ 4, SPAN("n1"), SPAN("\"result-type\":\"b\"") },
		{ 5, SPAN("s0"), SPAN("\"policy\":2") },
	};
	static const struct tally_row lost[] = {
		{ 1, SPAN("n1"), SPAN("\"result-type\":\"a\"") },
	};

	check(rows, 0, HEAD "]}");
	check(lost, 1, HEAD "]}");
	check(rows, 1,
	    HEAD "{\"policy\":1,\"summary\":{"
	         "\"total-successful-session-count\":3,"
	         "\"total-failure-session-count\":0}}]}");
	check(rows, 4,
	    HEAD "{\"policy\":1,\"failure-details\":["
	         "{\"result-type\":\"a\",\"failed-session-count\":1},"
	         "{\"result-type\":\"b\",\"failed-session-count\":4}],"
	         "\"summary\":{\"total-successful-session-count\":3,"
	         "\"total-failure-session-count\":5}},"
	         "{\"policy\":2,\"summary\":{"
	         "\"total-successful-session-count\":5,"
	         "\"total-failure-session-count\":0}}]}");
	return test_done();
}
