/* A header field that comes later: the summary is the one of a message that
 * had it from the start. */
#include "mime/summary.h"

#include "base/limits.h"
#include "mime/structure.h"
#include "test.h"

static void
parse(struct span first, struct span rest, struct buf *out)
{
	struct mime_parser *p = mime_parser_new();

	REQUIRE(p != NULL);
	buf_init(out, MAX_SUMMARY_BYTES);
	mime_parser_feed(p, first);
	mime_parser_feed(p, rest);
	CHECK_INT(mime_parser_finish(p, out), 0);
	mime_parser_free(p);
}

int
main(void)
{
	static const char *const rows[] = {
		"",
		"\r\n",
		"Subject: alone\r\n",
		"Subject: x\r\n\r\nbody\r\n",
		"Content-Type: multipart/mixed; "
		"boundary=b\r\n\r\npre\r\n--b\r\n"
		"\r\none\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
		"Subject: in\r\n\r\ntwo\r\n--b--\r\n",
		"Content-Type: message/rfc822\r\n\r\nContent-Type: "
		"multipart/digest; boundary=x\r\n\r\n--x\r\n\r\nA: "
		"b\r\n\r\n--x",
	};
	const struct span field = SPAN("X-A: b\r\n\tc\r\n");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf before, after;

		parse(SPAN("X-Longest: line of all\r\n"), span_str(rows[i]),
		    &before);
		parse(SPAN("X-Longest: line of all\r\nX-A: b\r\n\tc\r\n"),
		    span_str(rows[i]), &after);
		summary_add_header(&before, field);
		CHECK_SPAN(buf_span(&before), buf_span(&after));
		/* What is cut stays within its bytes. */
		for (size_t cut = 0; cut < after.len; cut++) {
			char *p = test_copy(span_sub(buf_span(&after), 0, cut));
			struct buf b;

			buf_init_fixed(&b, p, cut);
			b.len = cut;
			summary_add_header(&b, field);
			free(p);
		}
		buf_deinit(&before);
		buf_deinit(&after);
	}
	return test_done();
}
