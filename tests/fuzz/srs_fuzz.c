/* Any local part, as a report's recipient; what was made goes back. */
#include "base/limits.h"
#include "trust/srs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct srs s = { .key = "k", .now_s = 1800000000 };
	char there[2 * MAX_ADDRESS_BYTES], home[2 * MAX_ADDRESS_BYTES];
	struct span in = span_of(data, size);
	struct buf out, back;
	int rc;

	buf_init_fixed(&out, there, sizeof(there));
	buf_init_fixed(&back, home, sizeof(home));
	rc = srs_reverse(&s, in, &out);
	buf_reset(&out);
	rc = srs_forward(&s, in, SPAN("o.example"), &out);
	if (rc == 0 && out.len > 0 &&
	    srs_reverse(&s,
	        span_sub(buf_span(&out), 0, span_rfind(buf_span(&out), '@')),
	        &back) == 0 &&
	    !span_is_nocase(in, SPAN("")) && in.p[0] != 'S' && in.p[0] != 's' &&
	    !span_is(buf_span(&back), in))
		__builtin_trap();
	return 0;
}
