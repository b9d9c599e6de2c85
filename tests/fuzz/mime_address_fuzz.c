/* Paths, addresses as typed, and header lists. */
#include <stdlib.h>

#include "mime/address_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span in = span_of(data, len);
	struct cur c = cur_of(in);
	struct address_iter it;
	struct address a;
	struct buf b;
	struct path p;
	size_t n = 0;

	buf_init(&b, 1024);
	if (path_parse(&c, len & 1, &p) == PARSE_OK &&
	    address_put_normal(&b, p.local, p.domain) < 0)
		abort();
	buf_reset(&b);
	if (address_split(in, &p.local, &p.domain) == 0 &&
	    address_put_normal(&b, p.local, p.domain) < 0)
		abort();
	address_iter_init(&it, in, &b);
	while (address_iter_next(&it, &a) == 0)
		if (++n > 2 * len + 2)
			abort(); /* every address costs a byte */
	buf_deinit(&b);
	return 0;
}
