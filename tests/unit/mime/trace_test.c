#include "mime/trace.h"

#include "test.h"

static void
check(struct buf *b, const char *want)
{
	CHECK_ROW(span_is(buf_span(b), span_str(want)), want);
	if (!span_is(buf_span(b), span_str(want)))
		fprintf(stderr, "%.*s\n", (int)b->len, b->p);
	buf_reset(b);
}

static struct received
sample(void)
{
	return (struct received){ .helo = SPAN("client.test"),
		.peer = SPAN("192.0.2.1"),
		.by = SPAN("mx.test"),
		.id = SPAN("a1"),
		.wall_s = 1795427280,
		.is_esmtp = true };
}

static void
test_received(struct buf *b)
{
	struct received r = sample();

	trace_put_received(b, &r);
	check(b, "Received: from client.test ([192.0.2.1]) by mx.test with "
	         "ESMTP id a1;\r\n Mon, 23 Nov 2026 09:48:00 +0000\r\n");
	r.tls = SPAN("TLSv1.2");
	r.is_auth = true;
	r.peer = SPAN("2001:db8::1");
	r.peer_name = SPAN("c.test");
	r.for_local = SPAN("kim");
	r.for_domain = SPAN("x.test");
	trace_put_received(b, &r);
	check(b,
	    "Received: from client.test (c.test [IPv6:2001:db8::1]) by "
	    "mx.test\r\n with ESMTPSA (TLSv1.2) id a1 for <kim@x.test>;\r\n "
	    "Mon, 23 Nov 2026 09:48:00 +0000\r\n");
}

/* Nothing from outside may begin a line, a field or another clause. */
static void
test_injection(struct buf *b)
{
	struct received r = sample();
	struct span evil = SPAN("a\r\nX: y (z) by q\0\x80\xc2\x85");
	size_t n_lf = 0;

	r.helo = r.peer = r.peer_name = r.by = r.tls = r.id = evil;
	r.for_local = r.for_domain = evil;
	trace_put_received(b, &r);
	trace_put_return_path(b, evil, evil);
	trace_put_message_id(b, 1, 2, evil);
	for (size_t i = 0; i < b->len; i++) {
		CHECK(b->p[i] != '\0');
		if (b->p[i] != '\n')
			continue;
		n_lf++;
		CHECK(i > 0 && b->p[i - 1] == '\r');
		CHECK(i + 1 == b->len || b->p[i + 1] == ' ' ||
		      b->p[i + 1] == 'R' || b->p[i + 1] == 'M');
	}
	CHECK(n_lf >= 3);
	buf_reset(b);
}

int
main(void)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	test_received(&b);
	test_injection(&b);
	trace_put_return_path(&b, SPAN(""), SPAN(""));
	check(&b, "Return-Path: <>\r\n");
	trace_put_return_path(&b, SPAN("a b"), SPAN("c.test"));
	check(&b, "Return-Path: <\"a b\"@c.test>\r\n");
	trace_put_message_id(&b, 5, 0xabc, SPAN("mx.test"));
	check(&b, "Message-ID: <5.0000000000000abc@mx.test>\r\n");
	trace_put_date(&b, 0, 60);
	check(&b, "Date: Thu, 1 Jan 1970 01:00:00 +0100\r\n");
	buf_deinit(&b);
	return test_done();
}
