/* Any bytes as a line of a backup; what a text field gives is written back
 * and read again as the same. */
#include <stdlib.h>

#include "store/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf text, line, again;
	struct line l;
	char bytes[16];

	if (line_parse(span_of(data, len), &l) < 0)
		return 0;
	(void)line_get_u64(&l, "n", 1000);
	(void)line_get_i64(&l, "i");
	(void)line_get_hex64(&l, "h");
	line_get_hex(&l, "b", bytes, sizeof(bytes));
	l.rc = 0;
	buf_init(&text, MAX_LINE_BYTES);
	buf_init(&line, 4 * MAX_LINE_BYTES);
	buf_init(&again, MAX_LINE_BYTES);
	line_get_text(&l, "t", &text);
	if (l.rc == 0) {
		line_begin(&line, "x");
		line_text(&line, "t", buf_span(&text));
		if (line_parse(buf_span(&line), &l) < 0)
			abort();
		line_get_text(&l, "t", &again);
		if (l.rc < 0 || !span_is(buf_span(&text), buf_span(&again)))
			abort();
	}
	buf_deinit(&text);
	buf_deinit(&line);
	buf_deinit(&again);
	return 0;
}
