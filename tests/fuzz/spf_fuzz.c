/* SPF records: every term, and every macro expanded within bounds. */
#include <stdlib.h>

#include "net/dns.h"
#include "trust/spf_macro.h"
#include "trust/spf_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct spf_vars v = {
		.local = SPAN("a-b+c.d"),
		.sender_domain = SPAN("x.y.test"),
		.domain = SPAN("d.test"),
		.helo = SPAN("h.test"),
		.receiver = SPAN("r.test"),
		.ptr = SPAN("unknown"),
		.is_ip6 = len % 2 == 0,
		.wall_s = 1,
	};
	struct span in = span_of(data, len), redirect, exp;
	struct cur c = spf_record_terms(in);
	struct spf_term t;
	struct buf out;

	buf_init(&out, 4096);
	if (spf_record_check(in, &redirect, &exp) == 0) {
		while (spf_term_next(&c, &t) == 0) {
			buf_reset(&out);
			if (t.spec.len > 0 &&
			    spf_expand_domain(&out, t.spec, &v) == 0 &&
			    out.len > DNS_MAX_NAME)
				abort();
			(void)spf_uses_ptr(t.spec);
		}
	}
	buf_reset(&out);
	(void)!spf_expand_text(&out, in, &v);
	buf_deinit(&out);
	return 0;
}
