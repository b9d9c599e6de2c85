/* Heads of requests: what is read, and with which status the rest is refused. */
#include "base/buf.h"
#include "web/http_head.h"

#include "test.h"

struct row {
	const char *in;
	int status; /* 0: PARSE_OK */
	const char *path, *query, *host;
	uint64_t length;
	bool is_last;
};

#define H " HTTP/1.1\r\nHost: a.test\r\n"

/* clang-format off */
static const struct row rows[] = {
	{ "GET /" H "\r\n", 0, "/", "", "a.test", 0, false },
	{ "\r\n\r\nGET /" H "\r\n", 0, "/", "", "a.test", 0, false },
	{ "GET / HTTP/1.1\nhost:a.test\n\n", 0, "/", "", "a.test", 0, false },
	{ "GET /a%20b?c=d?e" H "\r\n", 0, "/a%20b", "c=d?e", "a.test", 0, false },
	{ "POST /x" H "Content-Length: 12\r\n\r\n", 0, "/x", "", "a.test", 12, false },
	{ "GET / HTTP/1.1\r\nHost: a.test:8443\r\n\r\n", 0, "/", "", "a.test", 0, false },
	{ "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0, "/", "", "::1", 0, false },
	{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", 0, "/", "", "", 0, false },
	{ "GET http://b.test:1/y HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, "/y", "", "b.test", 0, false },
	{ "GET /" H "Connection: x, Close\r\n\r\n", 0, "/", "", "a.test", 0, true },
	{ "GET / HTTP/1.0\r\n\r\n", 0, "/", "", "", 0, true },
	{ "GET / HTTP/1.9\r\nHost: a.test\r\n\r\n", 0, "/", "", "a.test", 0, false },
	/* RFC 9112 3.2: exactly one Host. */
	{ "GET / HTTP/1.1\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET /" H "Host: a.test\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	/* What two programs could read in two ways: RFC 9112 11.2. */
	{ "GET /" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET /" H "Content-Length: 1,1\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET /" H "Content-Length: +1\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET /" H "Content-Length: 0x1\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET /" H "Content-Length:\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET /" H "Content-Length: 99999999999999999999\r\n\r\n", 413, NULL, NULL, NULL, 0, false },
	{ "GET /" H "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET /" H "Transfer-Encoding: gzip\r\n\r\n", 501, NULL, NULL, NULL, 0, false },
	{ "GET /" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501, NULL, NULL, NULL, 0, false },
	{ "GET /" H "A : b\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET /" H "A: b\r\n c\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET /" H "A\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET /" H ": b\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET /" H "A: b\rc\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET /" H "Expect: tea\r\n\r\n", 417, NULL, NULL, NULL, 0, false },
	{ "GET  /" H "\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET / \r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET /\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ " GET /" H "\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET x" H "\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET *" H "\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET http://b.test HTTP/1.1\r\nHost: a.test\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "GET / HTTP/2.0\r\n\r\n", 505, NULL, NULL, NULL, 0, false },
	{ "GET / http/1.1\r\n\r\n", 400, NULL, NULL, NULL, 0, false },
	{ "\x16\x03\x01\x02\n", 400, NULL, NULL, NULL, 0, false },
};
/* clang-format on */

/* From a block of exact size. */
static enum parse
parse(struct span in, struct http_head *h, size_t *n, int *status)
{
	static char *block;

	free(block);
	block = malloc(in.len ? in.len : 1);
	memcpy(block, in.p, in.len);
	return http_head_parse(span_of(block, in.len), h, n, status);
}

static void
check_row(const struct row *r)
{
	struct span in = span_str(r->in);
	struct http_head h;
	int status = 0;
	size_t n = 0;

	/* A proper prefix is never a whole head. */
	for (size_t len = 0; len < in.len; len++)
		CHECK_ROW(
		    parse(span_sub(in, 0, len), &h, &n, &status) != PARSE_OK,
		    r->in);
	if (r->status != 0) {
		CHECK_ROW(parse(in, &h, &n, &status) == PARSE_BAD, r->in);
		CHECK_INT(status, r->status);
		return;
	}
	CHECK_ROW(parse(in, &h, &n, &status) == PARSE_OK, r->in);
	CHECK_INT(n, in.len);
	CHECK_SPAN(h.path, span_str(r->path));
	CHECK_SPAN(h.query, span_str(r->query));
	CHECK_SPAN(h.host, span_str(r->host));
	CHECK_INT(h.length_bytes, r->length);
	CHECK_ROW(h.is_last == r->is_last, r->in);
}

/* "GET /aaa... HTTP/1.1", then fields, n bytes before the last line. */
static int
status_of_long(size_t n_target, size_t n_fields, size_t n_value)
{
	struct buf b;
	struct http_head h;
	int status = 0;
	size_t n;

	buf_init(&b, 1 << 20);
	buf_put_str(&b, "GET /");
	for (size_t i = 0; i < n_target; i++)
		buf_put_char(&b, 'a');
	buf_put_str(&b, H);
	for (size_t i = 0; i < n_fields; i++)
		buf_put_str(&b, "A: b\r\n");
	buf_put_str(&b, "B: ");
	for (size_t i = 0; i < n_value; i++)
		buf_put_char(&b, 'b');
	buf_put_str(&b, "\r\n\r\n");
	if (http_head_parse(buf_span(&b), &h, &n, &status) == PARSE_OK)
		status = 200;
	buf_deinit(&b);
	return status;
}

int
main(void)
{
	struct http_head h;
	int status = 0;
	size_t n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
	CHECK_INT(parse(SPAN("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"), &h, &n,
	              &status),
	    PARSE_BAD);
	CHECK_INT(status_of_long(10, 10, 10), 200);
	CHECK_INT(status_of_long(HTTP_MAX_TARGET, 0, 0), 414);
	CHECK_INT(status_of_long(HTTP_MAX_HEAD, 0, 0), 414);
	CHECK_INT(status_of_long(1, HTTP_MAX_FIELDS - 1, 1), 431);
	CHECK_INT(status_of_long(1, 1, HTTP_MAX_HEAD), 431);
	CHECK(http_list_has(SPAN("a, B ,c"), SPAN("b")));
	CHECK(!http_list_has(SPAN("ab"), SPAN("b")));
	return test_done();
}
