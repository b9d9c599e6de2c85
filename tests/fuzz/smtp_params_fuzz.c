/* The parameters of MAIL, RCPT and BDAT: no read past the end, and what was
 * accepted is inside the input. */
#include "smtp/smtp_params.h"

#include <assert.h>
#include <stdint.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span s = span_of(data, len);
	struct smtp_mail_params m;
	struct smtp_rcpt_params r;
	uint64_t size = 0;
	bool is_last;

	if (smtp_params_mail(s, &m) == 0)
		assert(m.size_bytes <= INT64_MAX && m.envid.len <= len);
	if (smtp_params_rcpt(s, &r) == 0)
		assert(r.orcpt.len <= MAX_ORCPT_BYTES);
	if (smtp_params_bdat(s, &size, &is_last) == 0)
		assert(size <= INT64_MAX);
	return 0;
}
