/* Any bytes are a chunk or damaged; what decodes is encoded and decoded to
 * the same. */
#include <stdlib.h>

#include "store/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf raw, again, stored;

	buf_init(&raw, CHUNK_BYTES);
	buf_init(&again, CHUNK_BYTES);
	buf_init(&stored, CHUNK_STORED_BYTES);
	if (chunk_decode(span_of(data, len), &raw) == 0) {
		chunk_encode(buf_span(&raw), &stored);
		if (chunk_decode(buf_span(&stored), &again) < 0 ||
		    !span_is(buf_span(&raw), buf_span(&again)))
			abort();
	}
	buf_deinit(&raw);
	buf_deinit(&again);
	buf_deinit(&stored);
	return 0;
}
