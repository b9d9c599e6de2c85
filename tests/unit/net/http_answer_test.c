/* Answers of web servers: whole, in pieces, cut at every byte, and hostile. */
#include "net/http_answer.h"

#include "net/fetch.h"
#include "test.h"

#define MAX 1000

struct row {
	const char *what;
	struct span in;
	enum parse p; /* at the end of the stream */
	uint16_t status;
	const char *body, *type;
};

#define OK200 "HTTP/1.1 200 OK\r\n"

/* clang-format off */
static const struct row rows[] = {
	{ "by length", SPAN(OK200 "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Length: 5\r\n\r\nhello"), PARSE_OK, 200, "hello", "text/plain; charset=utf-8" },
	{ "equal lengths", SPAN(OK200 "content-length:2\r\nCONTENT-LENGTH:  2 \r\n\r\nab"), PARSE_OK, 200, "ab", "" },
	{ "empty", SPAN(OK200 "Content-Length: 0\r\n\r\n"), PARSE_OK, 200, "", "" },
	{ "no reason, HTTP/1.0, to the end", SPAN("HTTP/1.0 404\r\n\r\nnone"), PARSE_OK, 404, "none", "" },
	{ "no content", SPAN("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n"), PARSE_OK, 204, "", "" },
	{ "chunks", SPAN(OK200 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
	    "00A ;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"), PARSE_OK, 200, "abc0123456789", "" },
	{ "interim", SPAN("HTTP/1.1 103 Early Hints\r\nContent-Type: a/b\r\n\r\n" OK200
	    "Content-Length: 1\r\n\r\nx"), PARSE_OK, 200, "x", "" },
	{ "what follows", SPAN(OK200 "Content-Length: 1\r\n\r\nxyz"), PARSE_OK, 200, "x", "" },
	{ "identity", SPAN(OK200 "Content-Encoding: identity\r\nContent-Length: 1\r\n\r\nx"), PARSE_OK, 200, "x", "" },
	{ "not HTTP", SPAN("220 mail.test ESMTP\r\n"), PARSE_BAD, 0, "", "" },
	{ "HTTP/2", SPAN("HTTP/2.0 200 OK\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "status 99", SPAN("HTTP/1.1 099 OK\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "status 600", SPAN("HTTP/1.1 600 OK\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "status 2000", SPAN("HTTP/1.1 2000\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "switching", SPAN("HTTP/1.1 101 Go\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "bare LF", SPAN("HTTP/1.1 200 OK\nContent-Length: 0\n\n"), PARSE_BAD, 0, "", "" },
	{ "bare CR", SPAN("HTTP/1.1 200 O\rK\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "folded", SPAN(OK200 "A: b\r\n c\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "space before the colon", SPAN(OK200 "Content-Length : 5\r\n\r\nhello"), PARSE_BAD, 0, "", "" },
	{ "no colon", SPAN(OK200 "Content-Length\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "NUL in a value", SPAN(OK200 "A: b\0c\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "two lengths", SPAN(OK200 "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), PARSE_BAD, 0, "", "" },
	{ "a list of lengths", SPAN(OK200 "Content-Length: 5, 5\r\n\r\nhello"), PARSE_BAD, 0, "", "" },
	{ "a signed length", SPAN(OK200 "Content-Length: +5\r\n\r\nhello"), PARSE_BAD, 0, "", "" },
	{ "no length in it", SPAN(OK200 "Content-Length:\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "length over the bound", SPAN(OK200 "Content-Length: 1001\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "length of 30 digits", SPAN(OK200 "Content-Length: 999999999999999999999999999999\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "length and chunks", SPAN(OK200 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "gzip", SPAN(OK200 "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "chunked twice", SPAN(OK200 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "compressed", SPAN(OK200 "Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx"), PARSE_BAD, 0, "", "" },
	{ "no chunk size", SPAN(OK200 "Transfer-Encoding: chunked\r\n\r\n\r\n"), PARSE_BAD, 0, "", "" },
	{ "a chunk size in words", SPAN(OK200 "Transfer-Encoding: chunked\r\n\r\nten\r\n"), PARSE_BAD, 0, "", "" },
	{ "a negative chunk", SPAN(OK200 "Transfer-Encoding: chunked\r\n\r\n-1\r\n"), PARSE_BAD, 0, "", "" },
	{ "a chunk in 0x", SPAN(OK200 "Transfer-Encoding: chunked\r\n\r\n0x5\r\n"), PARSE_BAD, 0, "", "" },
	{ "a chunk of 2^64", SPAN(OK200 "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n"), PARSE_BAD, 0, "", "" },
	{ "a chunk of 2^64-1", SPAN(OK200 "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"), PARSE_BAD, 0, "", "" },
	{ "a chunk over the bound", SPAN(OK200 "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n3E8\r\n"), PARSE_BAD, 0, "", "" },
	{ "a longer chunk", SPAN(OK200 "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n"), PARSE_BAD, 0, "", "" },
	{ "nothing", SPAN(""), PARSE_BAD, 0, "", "" },
};
/* clang-format on */

/* In pieces of step bytes; each from a block of its own. */
static enum parse
feed(struct http_answer *a, struct span in, size_t step)
{
	enum parse p = PARSE_MORE;

	for (size_t at = 0; at < in.len && p == PARSE_MORE; at += step) {
		struct span piece = span_sub(in, at, step);
		char *copy = test_copy(piece);

		p = http_answer_feed(a, span_of(copy, piece.len));
		free(copy);
	}
	return p == PARSE_MORE ? http_answer_end(a) : p;
}

static void
test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t step = 1; step < 70; step++) {
			const struct row *r = &rows[i];
			struct http_answer a;

			http_answer_init(&a, MAX);
			CHECK_ROW(feed(&a, r->in, step) == r->p, r->what);
			if (r->p == PARSE_OK) {
				CHECK_ROW(a.status == r->status, r->what);
				CHECK_SPAN(
				    buf_span(&a.body), span_str(r->body));
				CHECK_SPAN(a.type, span_str(r->type));
			} else {
				CHECK_ROW(a.why != NULL, r->what);
				/* It stays so. */
				CHECK(http_answer_feed(&a, r->in) == PARSE_BAD);
				CHECK(http_answer_end(&a) == PARSE_BAD);
			}
			http_answer_deinit(&a);
		}
}

/* What was cut off anywhere is never an answer, but where the end of the stream
 * is the only end. */
static void
test_cut(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct http_answer a;
		size_t n_whole = 0, n_want;

		if (rows[i].p != PARSE_OK)
			continue;
		for (size_t n = 0; n < rows[i].in.len; n++) {
			http_answer_init(&a, MAX);
			if (feed(&a, span_sub(rows[i].in, 0, n), n + 1) ==
			    PARSE_OK)
				n_whole++;
			http_answer_deinit(&a);
		}
		/* From the empty line on; without what follows. */
		n_want = rows[i].status == 404    ? 4
		         : rows[i].what[0] == 'w' ? 2
		                                  : 0;
		CHECK_INT(n_whole, n_want);
	}
}

/* What goes on forever ends; memory stays within its bounds. */
static void
test_endless(void)
{
	static const struct {
		const char *what, *head, *again;
	} endless[] = {
		{ "headers", OK200, "A: bcd\r\n" },
		{ "one line", OK200 "A: ", "xxxxxxxxxxxxxxxx" },
		{ "interim answers", "", "HTTP/1.1 100 Go on\r\n\r\n" },
		{ "trailers", OK200 "Transfer-Encoding: chunked\r\n\r\n0\r\n",
		    "A: b\r\n" },
		{ "a body", OK200 "\r\n", "xxxxxxxx" },
		{ "chunks", OK200 "Transfer-Encoding: chunked\r\n\r\n",
		    "1\r\nx\r\n" },
		{ "extensions", OK200 "Transfer-Encoding: chunked\r\n\r\n1",
		    ";aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
		{ "a size of zeros", OK200 "Transfer-Encoding: chunked\r\n\r\n",
		    "0000000" },
	};

	for (size_t i = 0; i < sizeof(endless) / sizeof(*endless); i++) {
		struct http_answer a;
		enum parse p;
		size_t n = 0;

		http_answer_init(&a, MAX);
		p = http_answer_feed(&a, span_str(endless[i].head));
		while (p == PARSE_MORE && n++ < 100000)
			p = http_answer_feed(&a, span_str(endless[i].again));
		CHECK_ROW(p == PARSE_BAD, endless[i].what);
		CHECK_ROW(n < FETCH_MAX_HEAD, endless[i].what);
		CHECK_ROW(a.body.cap <= MAX && a.line.cap <= HTTP_MAX_LINE,
		    endless[i].what);
		http_answer_deinit(&a);
	}
}

/* Chunk lines of 4 KB for one byte each are not worth it. */
static void
test_fat_chunks(void)
{
	struct http_answer a;
	enum parse p;
	char ext[2000];

	memset(ext, 'x', sizeof(ext));
	http_answer_init(&a, MAX);
	p = http_answer_feed(
	    &a, SPAN(OK200 "Transfer-Encoding: chunked\r\n\r\n"));
	for (int i = 0; i < 100 && p == PARSE_MORE; i++) {
		(void)http_answer_feed(&a, SPAN("1;"));
		(void)http_answer_feed(&a, span_of(ext, sizeof(ext)));
		p = http_answer_feed(&a, SPAN("\r\ny\r\n"));
	}
	CHECK(p == PARSE_BAD && a.body.len < 10);
	http_answer_deinit(&a);
}

static void
test_long_type(void)
{
	struct http_answer a;
	char type[600];

	memset(type, 't', sizeof(type));
	http_answer_init(&a, MAX);
	(void)http_answer_feed(&a, SPAN(OK200 "Content-Type: "));
	(void)http_answer_feed(&a, span_of(type, sizeof(type)));
	CHECK(http_answer_feed(&a, SPAN("\r\nContent-Length: 0\r\n\r\n")) ==
	      PARSE_OK);
	CHECK_INT(a.type.len, HTTP_MAX_TYPE);
	http_answer_deinit(&a);
}

int
main(void)
{
	test_rows();
	test_cut();
	test_endless();
	test_fat_chunks();
	test_long_type();
	return test_done();
}
