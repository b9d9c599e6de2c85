/* Any message, in two pieces: its signature's tags up to the RSA operation. */
#include "trust/dkim_sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut = size > 0 ? data[0] % size : 0;
	const struct dkim_signer by = { .domain = SPAN("a.test"),
		.selector = SPAN("s"),
		.key = span_of(data, size) };
	struct dkim_sign *d;
	struct buf out;

	if (dkim_sign_new(false, &d) < 0)
		return 0;
	buf_init(&out, DKIM_SIGN_BYTES);
	dkim_sign_feed(d, span_of(data, cut));
	dkim_sign_feed(d, span_of(data + cut, size - cut));
	if (dkim_sign_finish(d) == 0 && dkim_sign_put(d, &by, &out) < 0 &&
	    out.len > 0)
		__builtin_trap();
	buf_deinit(&out);
	dkim_sign_free(d);
	return 0;
}
