/* A message in two different cuts gives one and the same readable summary. */
#include <stdlib.h>

#include "base/limits.h"
#include "mime/structure.h"
#include "mime/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
parse(struct span in, size_t step, struct buf *out)
{
	struct mime_parser *p = mime_parser_new();

	if (p == NULL)
		abort();
	for (size_t at = 0; at < in.len; at += step)
		mime_parser_feed(p, span_sub(in, at, step));
	if (mime_parser_finish(p, out) < 0)
		abort();
	mime_parser_free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span in = span_of(data, len);
	struct summary s;
	struct summary_part part;
	struct buf a, b;
	struct cur c;
	int rc;

	buf_init(&a, MAX_SUMMARY_BYTES);
	buf_init(&b, MAX_SUMMARY_BYTES);
	parse(in, len + 1, &a);
	parse(in, len > 0 ? 1 + data[0] % 17 : 1, &b);
	if (!span_is(buf_span(&a), buf_span(&b)) ||
	    summary_open(buf_span(&a), &s) < 0)
		abort();
	c = summary_parts(&s);
	while ((rc = summary_part_next(&c, &part)) == 0)
		if (part.body_end > s.size_bytes)
			abort();
	if (rc != ERR_NONE)
		abort();
	buf_deinit(&a);
	buf_deinit(&b);
	return 0;
}
