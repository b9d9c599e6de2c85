/* The canonical forms of RFC 6376 3.4, whole and cut at every length. */
#include "trust/dkim_canon.h"

#include "test.h"

static void
take(void *arg, struct span bytes)
{
	buf_put(arg, bytes);
}

static void
check_body(enum dkim_canon how, struct span in, struct span want)
{
	for (size_t cut = 0; cut <= in.len; cut++) {
		char *head = test_copy(span_sub(in, 0, cut));
		char *tail = test_copy(span_sub(in, cut, in.len));
		struct dkim_body b;
		struct buf out;

		buf_init(&out, 4096);
		dkim_body_init(&b, how, take, &out);
		dkim_body_feed(&b, span_of(head, cut));
		dkim_body_feed(&b, span_of(tail, in.len - cut));
		dkim_body_finish(&b);
		CHECK_SPAN(buf_span(&out), want);
		CHECK_INT(b.n_bytes, want.len);
		buf_deinit(&out);
		free(head);
		free(tail);
	}
}

static void
check_field(enum dkim_canon how, struct span in, struct span want)
{
	char *block = test_copy(in);
	struct buf out;

	buf_init(&out, 4096);
	dkim_canon_field(&out, how, span_of(block, in.len));
	CHECK_SPAN(buf_span(&out), want);
	buf_deinit(&out);
	free(block);
}

int
main(void)
{
	/* RFC 6376 3.4.5 */
	check_field(DKIM_RELAXED, SPAN("A: X\r\n"), SPAN("a:X\r\n"));
	check_field(
	    DKIM_RELAXED, SPAN("B : Y\t\r\n\tZ  \r\n"), SPAN("b:Y Z\r\n"));
	check_field(DKIM_SIMPLE, SPAN("B : Y\t\r\n\tZ  \r\n"),
	    SPAN("B : Y\t\r\n\tZ  \r\n"));
	check_body(DKIM_RELAXED, SPAN(" C \r\nD \t E\r\n\r\n\r\n"),
	    SPAN(" C\r\nD E\r\n"));
	check_body(DKIM_SIMPLE, SPAN(" C \r\nD \t E\r\n\r\n\r\n"),
	    SPAN(" C \r\nD \t E\r\n"));

	check_field(DKIM_RELAXED, SPAN("Subject:"), SPAN("subject:\r\n"));
	check_field(DKIM_RELAXED, SPAN("X:  \r\n \r\n"), SPAN("x:\r\n"));
	check_field(DKIM_SIMPLE, SPAN("X: y"), SPAN("X: y\r\n"));
	check_field(DKIM_RELAXED, SPAN("no colon"), SPAN("no colon:\r\n"));
	check_body(DKIM_RELAXED, SPAN(""), SPAN(""));
	check_body(DKIM_SIMPLE, SPAN(""), SPAN("\r\n"));
	check_body(DKIM_RELAXED, SPAN(" \t\r\n\r\n \r\n"), SPAN(""));
	check_body(DKIM_SIMPLE, SPAN("\r\n\r\n"), SPAN("\r\n"));
	check_body(DKIM_RELAXED, SPAN("no end \t"), SPAN("no end\r\n"));
	check_body(DKIM_SIMPLE, SPAN("no end \t"), SPAN("no end \t\r\n"));
	check_body(
	    DKIM_RELAXED, SPAN("a\r\n\r\n \t b\r\n"), SPAN("a\r\n\r\n b\r\n"));
	/* No line ends: they stay. */
	check_body(DKIM_RELAXED, SPAN("a\rb\nc \r d\r\r\n"),
	    SPAN("a\rb\nc \r d\r\r\n"));
	check_body(DKIM_SIMPLE, SPAN("a\n\r"), SPAN("a\n\r\r\n"));
	return test_done();
}
