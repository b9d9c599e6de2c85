/* Range sets, varints, base64 and UTF-8 from hostile bytes. */
#include <stdlib.h>

#include "base/base64.h"
#include "base/log.h"
#include "base/rangeset.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = span_of(data, size);
	struct cur c = cur_of(s);
	struct rangeset set, again;
	struct buf b;

	buf_init(&b, 1 << 20);
	rangeset_init(&set);
	rangeset_init(&again);
	if (rangeset_get(&set, &c, 4096) == 0) {
		rangeset_put(&b, &set);
		c = cur_of(buf_span(&b));
		if (rangeset_get(&again, &c, 4096) < 0 ||
		    again.n_members != set.n_members)
			abort();
	}
	buf_reset(&b);
	if (base64_decode(&b, s) == 0) {
		struct buf code;

		buf_init(&code, 1 << 20);
		base64_encode(&code, buf_span(&b));
		if (!span_is(buf_span(&code), s))
			abort();
		buf_deinit(&code);
	}
	buf_reset(&b);
	if ((utf8_fold(&b, s) == 0) != utf8_is_valid(s))
		abort();
	if (size > 0) {
		buf_reset(&b);
		log_put_value(&b, s);
	}
	rangeset_deinit(&set);
	rangeset_deinit(&again);
	buf_deinit(&b);
	return 0;
}
