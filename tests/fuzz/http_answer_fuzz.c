/* An answer of a web server: bounded, and the same in whatever pieces. */
#include <assert.h>

#include "net/http_answer.h"

#define MAX 500

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	struct http_answer whole, pieces;
	enum parse p, q = PARSE_MORE;
	size_t step = size > 0 ? data[size - 1] % 7 + 1 : 1;

	http_answer_init(&whole, MAX);
	http_answer_init(&pieces, MAX);
	p = http_answer_feed(&whole, in);
	for (size_t at = 0; at < in.len && q == PARSE_MORE; at += step)
		q = http_answer_feed(&pieces, span_sub(in, at, step));
	assert(p == q || in.len == 0);
	p = p == PARSE_MORE ? http_answer_end(&whole) : p;
	q = q == PARSE_MORE ? http_answer_end(&pieces) : q;
	assert(p == q && p != PARSE_MORE);
	assert(whole.body.len <= MAX && whole.type.len <= HTTP_MAX_TYPE);
	assert((p == PARSE_BAD) == (whole.why != NULL));
	if (p == PARSE_OK) {
		assert(whole.status >= 200 && whole.status == pieces.status);
		assert(span_is(buf_span(&whole.body), buf_span(&pieces.body)));
	}
	http_answer_deinit(&whole);
	http_answer_deinit(&pieces);
	return 0;
}
