/* A message for a 7-bit host: no 8-bit byte, the same however it is cut. */
#include <assert.h>
#include <stdlib.h>

#include "mime/sevenbit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
convert(struct span in, size_t cut, struct buf *out)
{
	struct sevenbit *s = sevenbit_new();

	for (size_t at = 0; at < in.len; at += cut) {
		size_t before = out->len;
		struct span piece = span_sub(in, at, cut);

		sevenbit_put(s, piece, out);
		assert(out->len - before <= sevenbit_room(piece.len));
	}
	sevenbit_end(s, out);
	sevenbit_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, parts;

	buf_init(&whole, 1 << 26);
	buf_init(&parts, 1 << 26);
	convert(span_of(data, size), size + 1, &whole);
	convert(span_of(data, size), size % 7 + 1, &parts);
	assert(span_is(buf_span(&whole), buf_span(&parts)));
	for (size_t i = 0; i < whole.len; i++)
		assert((whole.p[i] & 0x80) == 0);
	buf_deinit(&whole);
	buf_deinit(&parts);
	return 0;
}
