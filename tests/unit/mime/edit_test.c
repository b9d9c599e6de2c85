#include "mime/edit.h"

#include "test.h"

#define LONG_LINE                                                              \
	"no field at all, and a line that is longer than any name of a field " \
	"that matters, of ours or of others"

#define SPACES                                                                 \
	"                                                                  \t"

static const struct {
	const char *in, *out, *from;
	unsigned n_received, n_date, n_message_id, n_from;
} rows[] = {
	{ "From: a@b\r\nBcc: x@y,\r\n z@y\r\nDate: now\r\n\r\nBcc: body\r\n",
	    "From: a@b\r\nDate: now\r\n\r\nBcc: body\r\n", " a@b", 0, 1, 0, 1 },
	{ "bcc : x\r\nReceived: 1\r\n 2\r\nRECEIVED: 2\r\n\r\n",
	    "Received: 1\r\n 2\r\nRECEIVED: 2\r\n\r\n", "", 2, 0, 0, 0 },
	{ "Return-Path: <x>\r\nResent-Bcc: q\r\nMessage-Id: <1>\r\n\r\n",
	    "Message-Id: <1>\r\n\r\n", "", 0, 0, 1, 0 },
	{ "From: a@b,\r\n\tc@d\r\nFrom: e@f\r\n\r\n",
	    "From: a@b,\r\n\tc@d\r\nFrom: e@f\r\n\r\n", " a@b,\tc@d,  e@f", 0,
	    0, 0, 2 },
	{ "no field\r\n\r\nx", "no field\r\n\r\nx", "", 0, 0, 0, 0 },
	{ "\r\nBcc: b", "\r\nBcc: b", "", 0, 0, 0, 0 },
	{ "", "", "", 0, 0, 0, 0 },
	{ "Bcc", "Bcc", "", 0, 0, 0, 0 },
	{ "Bcc:", "", "", 0, 0, 0, 0 },
	{ "Subject: x", "Subject: x", "", 0, 0, 0, 0 },
	{ "From                            : a@b\r\n",
	    "From                            : a@b\r\n", " a@b", 0, 0, 0, 1 },
	{ "A-Name-That-Is-Longer-Than-Any-That-Matters-To-Us: 1\r\n\r\n",
	    "A-Name-That-Is-Longer-Than-Any-That-Matters-To-Us: 1\r\n\r\n", "",
	    0, 0, 0, 0 },
	/* RFC 8601 5: what was written in our name goes. */
	{ "Authentication-Results: us.test; spf=pass\r\nX: y\r\n\r\n",
	    "X: y\r\n\r\n", "", 0, 0, 0, 0 },
	{ "authentication-results :\r\n\t(a (b)\r\n c)\r\n \"US.test\" 1;\r\n "
	  "spf=pass\r\nX: y\r\n\r\n",
	    "X: y\r\n\r\n", "", 0, 0, 0, 0 },
	{ "Authentication-Results: them.test;\r\n spf=pass\r\nX: y\r\n",
	    "Authentication-Results: them.test;\r\n spf=pass\r\nX: y\r\n", "",
	    0, 0, 0, 0 },
	{ "Authentication-Results: us.test.them.test\r\n\r\n",
	    "Authentication-Results: us.test.them.test\r\n\r\n", "", 0, 0, 0,
	    0 },
	{ "Authentication-Results: us.test", "", "", 0, 0, 0, 0 },
	{ "Authentication-Results:\r\n them.test",
	    "Authentication-Results:\r\n them.test", "", 0, 0, 0, 0 },
	{ "Authentication-Results:\r\nBcc: x\r\nX: y\r\n", "X: y\r\n", "", 0, 0,
	    0, 0 },
	/* The same name, written in other ways. */
	{ "Authentication-Results: \"u\\s.t\\est\"; spf=pass\r\nX: y\r\n\r\n",
	    "X: y\r\n\r\n", "", 0, 0, 0, 0 },
	{ "Authentication-Results: \"us.\r\n test\"\r\nX: y\r\n\r\n",
	    "Authentication-Results: \"us.\r\n test\"\r\nX: y\r\n\r\n", "", 0,
	    0, 0, 0 },
	{ "Authentication-Results: =?utf-8?q?us.test?=\r\nX: y\r\n\r\n",
	    "X: y\r\n\r\n", "", 0, 0, 0, 0 },
	{ "Authentication-Results: us.test/1; spf=pass\r\n\r\n", "\r\n", "", 0,
	    0, 0, 0 },
	{ "Authentication-Results" SPACES ": us.test; spf=pass\r\n x\r\n"
	  "X: y\r\n\r\n",
	    "X: y\r\n\r\n", "", 0, 0, 0, 0 },
	{ "From" SPACES SPACES ": a@b\r\nX: y\r\n\r\n", "X: y\r\n\r\n", "", 0,
	    0, 0, 0 },
	{ "X" SPACES SPACES ": a\r\n\r\n", "X" SPACES SPACES ": a\r\n\r\n", "",
	    0, 0, 0, 0 },
	{ LONG_LINE "\r\n\r\n", LONG_LINE "\r\n\r\n", "", 0, 0, 0, 0 },
};

static const struct {
	const char *in;
	bool is_optional;
} tls_rows[] = {
	{ "TLS-Required: No\r\n\r\n", true },
	{ "From: a@b\r\ntls-required :\r\n\t no \r\nX: y\r\n\r\n", true },
	{ "TLS-Required:No", true },
	{ "TLS-Required: Yes\r\n\r\n", false },
	{ "TLS-Required: Not\r\n\r\n", false },
	{ "TLS-Required: N\r\n\r\n", false },
	{ "TLS-Required:\r\nX: No\r\n\r\n", false },
	{ "TLS-Required: No\r\nTLS-Required: No\r\n\r\n", false },
	{ "Subject: x\r\n\r\nTLS-Required: No\r\n", false },
	{ "X-TLS-Required: No\r\n\r\n", false },
};

/* It stays in the header, and is seen wherever the message is cut. */
static void
tls_required(size_t row, size_t n)
{
	struct span in = span_str(tls_rows[row].in), keep;
	struct header_edit e;
	struct buf out;

	buf_init(&out, 1000);
	header_edit_init(&e, 0);
	for (size_t at = 0; at < in.len; at += n) {
		struct span piece = span_sub(in, at, n);
		char *p = test_copy(piece);
		struct cur c = cur_of(span_of(p, piece.len));

		while (header_edit_step(&e, &c, &keep))
			buf_put(&out, keep);
		free(p);
	}
	if (header_edit_finish(&e, &keep))
		buf_put(&out, keep);
	CHECK_SPAN(buf_span(&out), in);
	CHECK_ROW(header_edit_is_tls_optional(&e) == tls_rows[row].is_optional,
	    tls_rows[row].in);
	header_edit_deinit(&e);
	buf_deinit(&out);
}

/* Run the filter over a copy cut in pieces of n bytes (the first of `first`).
 */
static void
run(size_t row, size_t first, size_t n)
{
	struct span in = span_str(rows[row].in);
	/* A block of its own: a write past the end of its last member shows. */
	struct header_edit *e = malloc(sizeof(*e));
	struct buf out;
	struct span keep;
	size_t body = (size_t)-1;

	buf_init(&out, 1 << 16);
	header_edit_init(e, EDIT_BCC | EDIT_RETURN_PATH);
	e->results_of = SPAN("us.test");
	for (size_t at = 0, step = first; at < in.len; at += step, step = n) {
		struct span piece = span_sub(in, at, step);
		char *p = test_copy(piece);
		struct cur c = cur_of(span_of(p, piece.len));

		while (header_edit_step(e, &c, &keep)) {
			if (e->is_over && body == (size_t)-1)
				body = out.len;
			buf_put(&out, keep);
		}
		CHECK(cur_is_end(&c));
		free(p);
	}
	if (header_edit_finish(e, &keep))
		buf_put(&out, keep);
	CHECK_ROW(
	    span_is(buf_span(&out), span_str(rows[row].out)), rows[row].in);
	CHECK_ROW(span_is(buf_span(&e->from), span_str(rows[row].from)) ||
	              span_is(span_trim(buf_span(&e->from)),
	                  span_trim(span_str(rows[row].from))),
	    rows[row].in);
	CHECK_ROW(e->n_received == rows[row].n_received &&
	              e->n_date == rows[row].n_date &&
	              e->n_message_id == rows[row].n_message_id &&
	              e->n_from == rows[row].n_from,
	    rows[row].in);
	if (body != (size_t)-1)
		CHECK_ROW(span_starts(
		              span_sub(buf_span(&out), body, 99), SPAN("\r\n")),
		    rows[row].in);
	header_edit_deinit(e);
	free(e);
	buf_deinit(&out);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].in);

		for (size_t first = 1; first <= len + 1; first++)
			run(i, first, len + 1);
		run(i, 1, 1);
		run(i, 3, 2);
	}
	for (size_t i = 0; i < sizeof(tls_rows) / sizeof(tls_rows[0]); i++)
		for (size_t n = 1; n <= strlen(tls_rows[i].in); n++)
			tls_required(i, n);
	return test_done();
}
