/* The exact bytes of a gzip file of stored blocks. */
#include "reports/gzip.h"

#include "../test.h"

static void
exact_bytes(void)
{
	static const char want[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03"
	                           "\0\x05\0\xfa\xff"
	                           "12345"
	                           "\0\x04\0\xfb\xff"
	                           "6789"
	                           "\x01\0\0\xff\xff"
	                           "\x26\x39\xf4\xcb" /* CRC-32 0xcbf43926 */
	                           "\x09\0\0\0";
	struct gzip g;
	struct buf b;

	buf_init(&b, 1 << 20);
	gzip_begin(&g, &b);
	gzip_put(&g, SPAN("12345"), &b);
	gzip_put(&g, SPAN("6789"), &b);
	gzip_end(&g, &b);
	CHECK_SPAN(buf_span(&b), span_of(want, sizeof(want) - 1));
	CHECK_INT(b.len, 9 + 2 * GZIP_PIECE_COST + GZIP_FILE_COST);
	buf_deinit(&b);
}

static void
the_largest_piece(void)
{
	static char big[GZIP_MAX_PIECE];
	struct gzip g;
	struct buf b;

	buf_init(&b, 1 << 20);
	gzip_begin(&g, &b);
	b.len = 0;
	gzip_put(&g, span_of(big, sizeof(big)), &b);
	CHECK_SPAN(span_sub(buf_span(&b), 0, 5), SPAN("\0\xff\xff\0\0"));
	CHECK_INT(b.len, sizeof(big) + 5);
	buf_reset(&b);
	gzip_end(&g, &b);
	CHECK_SPAN(span_sub(buf_span(&b), 9, 4), SPAN("\xff\xff\0\0"));
	buf_deinit(&b);
}

int
main(void)
{
	exact_bytes();
	the_largest_piece();
	return test_done();
}
