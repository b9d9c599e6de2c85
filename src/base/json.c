#include "base/json.h"

#include "base/utf8.h"

static void
put_one(struct buf *b, uint32_t code)
{
	if (code == '"' || code == '\\')
		buf_put_char(b, '\\');
	if (code < 0x20 || code == 0x7f)
		buf_putf(b, "\\u%04x", (unsigned)code);
	else
		utf8_put(b, code);
}

void
json_put_string(struct buf *b, struct span s)
{
	uint32_t code;

	s = utf8_cut(s, JSON_MAX_TEXT);
	buf_put_char(b, '"');
	while (s.len > 0) {
		int n = utf8_next(s, &code);

		put_one(b, n <= 0 ? 0xfffd : code);
		s = span_sub(s, n <= 0 ? 1 : (size_t)n, s.len);
	}
	buf_put_char(b, '"');
}
