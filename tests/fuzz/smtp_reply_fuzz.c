/* Replies of another server: bounded, printable, the same however cut. */
#include <assert.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "smtp/smtp_offer.h"
#include "smtp/smtp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
each(void *arg, struct span text)
{
	smtp_offer_take(arg, text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur c = cur_of(span_of(data, size));
	struct smtp_reply r = { 0 };
	struct smtp_offer offer = { 0 };

	while (smtp_reply_take(&r, &c, each, &offer) == PARSE_OK) {
		assert(r.code >= 200 && r.code <= 599 && r.n_lines > 0);
		assert(r.text_len <= MAX_REPLY_TEXT);
		assert(r.enhanced[0] == '\0' ||
		       r.enhanced[0] - '0' == r.code / 100 || r.n_lines > 1);
		for (size_t i = 0; i < r.text_len; i++)
			assert(r.text[i] == ' ' || ascii_is_vchar(r.text[i]));
	}
	return 0;
}
