/* A policy of MTA-STS from anybody's web server, and its record: bounded, and
 * in our form it stays what it is. */
#include <assert.h>

#include "queue/sts_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size), id;
	struct sts_policy p, q;
	struct buf text, again;

	if (sts_record_parse(in, &id) == 0)
		assert(id.len > 0 && id.len <= STS_MAX_ID);
	buf_init(&text, STS_MAX_POLICY);
	buf_init(&again, STS_MAX_POLICY);
	if (sts_policy_parse(in, &p, &text) == 0) {
		assert(sts_policy_parse(buf_span(&text), &q, &again) == 0);
		assert(span_is(buf_span(&text), buf_span(&again)));
		assert(p.mode == q.mode && p.max_age_s == q.max_age_s);
	}
	(void)sts_policy_names(in, SPAN("mx.a.test"));
	(void)sts_policy_names(buf_span(&text), in);
	buf_deinit(&text);
	buf_deinit(&again);
	return 0;
}
