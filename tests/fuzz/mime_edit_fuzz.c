/* The header filter gives the same for any cut, and adds nothing. */
#include <stdlib.h>

#include "mime/edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
edit(struct span in, size_t step, struct buf *out)
{
	struct header_edit e;
	struct span keep;

	header_edit_init(&e, EDIT_BCC | EDIT_RETURN_PATH);
	e.results_of = SPAN("a");
	for (size_t at = 0; at < in.len; at += step) {
		struct cur c = cur_of(span_sub(in, at, step));

		while (header_edit_step(&e, &c, &keep))
			buf_put(out, keep);
	}
	if (header_edit_finish(&e, &keep))
		buf_put(out, keep);
	buf_put(out, buf_span(&e.from));
	header_edit_deinit(&e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span in = span_of(data, len);
	struct buf a, b;

	buf_init(&a, 4 * len + 64);
	buf_init(&b, 4 * len + 64);
	edit(in, len + 1, &a);
	edit(in, len > 0 ? 1 + data[0] % 5 : 1, &b);
	if (!span_is(buf_span(&a), buf_span(&b)) || buf_failed(&a))
		abort();
	buf_deinit(&a);
	buf_deinit(&b);
	return 0;
}
