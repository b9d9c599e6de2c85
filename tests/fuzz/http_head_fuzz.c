/* Any bytes, as the head of a request: what is taken lies within them. */
#include "web/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_head h;
	size_t n = 0;
	int status = 0;
	enum parse r = http_head_parse(span_of(data, size), &h, &n, &status);

	if (r == PARSE_OK && (n == 0 || n > size || h.path.len == 0))
		__builtin_trap();
	if (r == PARSE_BAD && (status < 400 || status > 505))
		__builtin_trap();
	return 0;
}
