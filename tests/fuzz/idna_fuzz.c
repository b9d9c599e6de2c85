/* A name in any form: what comes out is ASCII, and leads back to itself. */
#include "base/idna.h"
#include "base/utf8.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char storage[3][2000];
	struct buf ascii, text, again;

	buf_init_fixed(&ascii, storage[0], sizeof(storage[0]));
	buf_init_fixed(&text, storage[1], sizeof(storage[1]));
	buf_init_fixed(&again, storage[2], sizeof(storage[2]));
	idna_to_unicode(&text, span_of(data, size));
	buf_reset(&text);
	if (idna_to_ascii(&ascii, span_of(data, size)) < 0)
		return 0;
	assert(!utf8_has_8bit(buf_span(&ascii)));
	idna_to_unicode(&text, buf_span(&ascii));
	/* In ASCII alone anything goes; beside other scripts it does not. */
	if (buf_failed(&text) || idna_to_ascii(&again, buf_span(&text)) < 0)
		return 0;
	assert(span_is(buf_span(&again), buf_span(&ascii)));
	return 0;
}
