/* What a token endpoint says: bounded, and a token is fit for a line. */
#include <assert.h>

#include "base/ascii.h"
#include "queue/token_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct token_answer a;

	token_answer_init(&a);
	if (token_answer_parse(&a, span_of(data, size)) == 0)
		assert((a.access.len > 0) != (a.error.len > 0));
	else
		assert(a.access.len == 0 && a.refresh.len == 0);
	for (size_t i = 0; i < a.access.len; i++)
		assert(ascii_is_vchar(a.access.p[i]));
	for (size_t i = 0; i < a.error.len; i++)
		assert(a.error.p[i] == ' ' || ascii_is_vchar(a.error.p[i]));
	assert(a.expires_s > 0);
	token_answer_deinit(&a);
	return 0;
}
