#include "mime/text.h"

#include "test.h"

enum way { TO_CRLF, TO_LF, QUOTE, UNQUOTE };

static const struct {
	enum way way;
	const char *in, *out;
} rows[] = {
	{ TO_CRLF, "a\nb\r\nc\rd\r\r\ne", "a\r\nb\r\nc\r\nd\r\ne\r\n" },
	{ TO_CRLF, "", "" },
	{ TO_CRLF, "a\r", "a\r\n" },
	{ TO_CRLF, "\n\n", "\r\n\r\n" },
	{ TO_LF, "a\r\nb\rc\r", "a\nb\rc\r" },
	{ TO_LF, "\r\r\n", "\r\n" },
	{ QUOTE, "From x\n>From y\n>>From z\nFromage\n>Fro\n>>",
	    ">From x\n>>From "
	    "y\n>>>From "
	    "z\nFromage\n>"
	    "Fro\n>>" },
	{ QUOTE, "a From b\nFrom", "a From b\nFrom" },
	{ UNQUOTE, ">From x\n>>From y\nFrom z\n>Fro",
	    "From x\n>From y\nFrom "
	    "z\n>Fro" },
};

static void
run(size_t i, size_t first, size_t n)
{
	struct span in = span_str(rows[i].in);
	struct crlf_stream to_crlf = { 0 };
	struct lf_stream to_lf = { 0 };
	struct mbox_stream m = { 0 };
	struct buf out;

	buf_init(&out, 1 << 16);
	for (size_t at = 0, step = first; at < in.len; at += step, step = n) {
		struct span piece = span_sub(in, at, step);
		char *p = test_copy(piece);

		piece.p = p;
		if (rows[i].way == TO_CRLF)
			crlf_stream_step(&to_crlf, piece, &out);
		else if (rows[i].way == TO_LF)
			lf_stream_step(&to_lf, piece, &out);
		else if (rows[i].way == QUOTE)
			mbox_quote_step(&m, piece, &out);
		else
			mbox_unquote_step(&m, piece, &out);
		free(p);
	}
	crlf_stream_finish(&to_crlf, &out);
	lf_stream_finish(&to_lf, &out);
	mbox_stream_finish(&m, &out);
	CHECK_ROW(span_is(buf_span(&out), span_str(rows[i].out)), rows[i].in);
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
	}
	CHECK(mbox_is_separator(SPAN("From a@b Mon")));
	CHECK(!mbox_is_separator(SPAN(">From a@b Mon")));
	return test_done();
}
