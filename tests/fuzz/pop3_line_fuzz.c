/* POP3 command lines and their arguments, and a message on its way out. */
#include <stdlib.h>

#include "pop3/dotstuff.h"
#include "pop3/pop3_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span in = span_of(data, len);
	struct pop3_line line;
	struct dotstuff d;
	struct span text, a, b;
	struct buf out;
	uint32_t number;
	size_t n;

	while (pop3_line_take(in, 512, &text, &n) == PARSE_OK) {
		if (pop3_line_parse(text, &line) == 0 &&
		    pop3_line_args(&line, &a, &b) == 0)
			(void)pop3_line_number(a, &number);
		in = span_sub(in, n, in.len);
	}
	buf_init(&out, dotstuff_room(len));
	dotstuff_init(&d, len % 3 ? DOTSTUFF_ALL_LINES : 2);
	dotstuff_put(&d, span_of(data, len / 2), &out);
	dotstuff_put(&d, span_of(data + len / 2, len - len / 2), &out);
	dotstuff_end(&d, &out);
	if (buf_failed(&out))
		abort(); /* more than dotstuff_room said */
	buf_deinit(&out);
	return 0;
}
