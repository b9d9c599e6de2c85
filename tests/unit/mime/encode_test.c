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

#define FFFD "\xef\xbf\xbd"

static const struct {
	const char *set, *in, *out;
} sets[] = {
	{ "utf-8", "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
	    "a\xc3\xa4"
	    "\xe2\x82\xac\xf0"
	    "\x9f\x98\x80" },
	{ "UTF-8", "\xff\xc3\x28\xe2\x82", FFFD FFFD "(" FFFD },
	{ "utf-8", "\xed\xa0\x80", FFFD FFFD FFFD },
	{ "us-ascii", "a", "a" },
	{ "ISO-8859-1", "\xe4\x80", "\xc3\xa4\xe2\x82\xac" },
	{ "windows-1252", "\x93x\x81", "\xe2\x80\x9cx" FFFD },
	{ "iso-8859-15", "\xa4", "\xe2\x82\xac" },
	{ "utf-16be", "xa", "\xe7\xa1\xa1" },
	{ "euc-jp", "\xa4\xa2z", "\xe3\x81\x82z" },
};

static void
run_set(size_t row, size_t first, size_t n)
{
	struct span in = span_str(sets[row].in);
	struct charset c;
	struct buf out;

	buf_init(&out, 4096);
	REQUIRE(charset_open(&c, span_str(sets[row].set)) == 0);
	for (size_t at = 0, step = first; at < in.len; at += step, step = n) {
		struct span piece = span_sub(in, at, step);
		char *p = test_copy(piece);

		charset_step(&c, span_of(p, piece.len), &out);
		free(p);
	}
	charset_finish(&c, &out);
	charset_close(&c);
	CHECK_ROW(
	    span_is(buf_span(&out), span_str(sets[row].out)), sets[row].set);
	buf_deinit(&out);
}

int
main(void)
{
	static const char *const bad[] = { "", "x-none", "utf-8//IGNORE",
		"../../etc/passwd", "a b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	struct charset c;

	for (size_t i = 0; i < sizeof(qps) / sizeof(qps[0]); i++)
		for (size_t first = 1; first <= strlen(qps[i].in); first++) {
			run_qp(i, first, 100);
			run_qp(i, first, 1);
		}
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		for (size_t first = 1; first <= strlen(sets[i].in); first++) {
			run_set(i, first, 100);
			run_set(i, first, 1);
		}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ROW(charset_open(&c, span_str(bad[i])) == ERR_UNSUPPORTED,
		    bad[i]);
	return test_done();
}
