#include "mime/encode.h"

#include "test.h"

/* Quoted-printable. */
static const struct {
	const char *in, *out;
} qps[] = {
	{ "a=3Db=\r\nc=\nd", "a=bcd" },
	{ "=e4=E4", "\xe4\xe4" },
	{ "=xy=4", "=xy" },
	{ "==3D=", "==" },
	{ "=\rx", "=\rx" },
	{ "=3=3D", "=3=" },
	{ "a b \r\n", "a b \r\n" },
};

static void
run_qp(size_t row, size_t first, size_t n)
{
	struct span in = span_str(qps[row].in);
	struct qp_stream q = { 0 };
	struct buf out;

	buf_init(&out, 4096);
	for (size_t at = 0, step = first; at < in.len; at += step, step = n) {
		struct span piece = span_sub(in, at, step);
		char *p = test_copy(piece);
		char *to = malloc(piece.len + 3);

		REQUIRE(to != NULL);
		buf_put(
		    &out, span_of(to, qp_stream_step(&q, p, piece.len, to)));
		free(p);
		free(to);
	}
	CHECK_ROW(span_is(buf_span(&out), span_str(qps[row].out)), qps[row].in);
	buf_deinit(&out);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(qps) / sizeof(qps[0]); i++)
		for (size_t first = 1; first <= strlen(qps[i].in); first++) {
			run_qp(i, first, 100);
			run_qp(i, first, 1);
		}
	return test_done();
}
