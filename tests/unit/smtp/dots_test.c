/* The end of DATA and every wrong line ending, cut at every place. */
#include "smtp/dots.h"

#include "base/buf.h"
#include "base/limits.h"
#include "test.h"

struct row {
	const char *name;
	struct span in;
	struct span text; /* what it means */
	size_t n_used;    /* up to the end; 0: it does not end */
	unsigned faults;
};

/* clang-format off */
static const struct row rows[] = {
	{ "nothing", SPAN(".\r\n"), SPAN(""), 3, 0 },
	{ "a line", SPAN("hi\r\n.\r\n"), SPAN("hi\r\n"), 7, 0 },
	{ "empty lines", SPAN("\r\n\r\n.\r\n"), SPAN("\r\n\r\n"), 7, 0 },
	{ "what follows is left", SPAN("a\r\n.\r\nQUIT\r\n"), SPAN("a\r\n"), 6, 0 },
	{ "a stuffed dot", SPAN("..\r\n.\r\n"), SPAN(".\r\n"), 7, 0 },
	{ "two stuffed dots", SPAN("...x\r\n.\r\n"), SPAN("..x\r\n"), 9, 0 },
	{ "a dot before text", SPAN(".x\r\n.\r\n"), SPAN("x\r\n"), 7, 0 },
	{ "a dot inside", SPAN("a.\r\n.\r\n"), SPAN("a.\r\n"), 7, 0 },
	{ "no end", SPAN("hi\r\n"), SPAN("hi\r\n"), 0, 0 },
	{ "LF . LF", SPAN("a\n.\nb\r\n.\r\n"), SPAN("a\n.\nb\r\n"), 10, DOTS_BARE_LF },
	{ "LF . CR LF", SPAN("a\n.\r\nb\r\n.\r\n"), SPAN("a\n.\r\nb\r\n"), 11, DOTS_BARE_LF },
	{ "CR LF . LF", SPAN("a\r\n.\nb\r\n.\r\n"), SPAN("a\r\n\nb\r\n"), 11, DOTS_BARE_LF },
	{ "CR . CR", SPAN("a\r.\rb\r\n.\r\n"), SPAN("a.b\r\n"), 10, DOTS_BARE_CR },
	{ "CR LF . CR", SPAN("a\r\n.\rb\r\n.\r\n"), SPAN("a\r\nb\r\n"), 11, DOTS_BARE_CR },
	{ "CR . CR LF", SPAN("a\r.\r\nb\r\n.\r\n"), SPAN("a.\r\nb\r\n"), 11, DOTS_BARE_CR },
	{ "LF . CR", SPAN("a\n.\rb\r\n.\r\n"), SPAN("a\n.b\r\n"), 10, DOTS_BARE_CR | DOTS_BARE_LF },
	{ "CR . LF", SPAN("a\r.\nb\r\n.\r\n"), SPAN("a.\nb\r\n"), 10, DOTS_BARE_CR | DOTS_BARE_LF },
	{ "CR CR LF . CR LF", SPAN("a\r\r\n.\r\n"), SPAN("a\r\n"), 7, DOTS_BARE_CR },
	{ "CR LF . CR CR LF", SPAN("a\r\n.\r\r\nb\r\n.\r\n"), SPAN("a\r\n\r\nb\r\n"), 13, DOTS_BARE_CR },
	{ "CR LF NUL . CR LF", SPAN("a\r\n\0.\r\nb\r\n.\r\n"), SPAN("a\r\n\0.\r\nb\r\n"), 13, DOTS_NUL },
	{ "CR LF . NUL CR LF", SPAN("a\r\n.\0\r\nb\r\n.\r\n"), SPAN("a\r\n\0\r\nb\r\n"), 13, DOTS_NUL },
	{ "CR NUL LF . CR LF", SPAN("a\r\0\n.\r\nb\r\n.\r\n"), SPAN("a\0\n.\r\nb\r\n"), 13, DOTS_BARE_CR | DOTS_BARE_LF | DOTS_NUL },
	{ "LF LF . LF LF", SPAN("a\n\n.\n\nb\r\n.\r\n"), SPAN("a\n\n.\n\nb\r\n"), 12, DOTS_BARE_LF },
};
/* clang-format on */

/* clang-format off */
static const struct row lax_rows[] = {
	{ "lax: lines", SPAN("a\nb\n\nc\r\n.\r\n"), SPAN("a\r\nb\r\n\r\nc\r\n"), 11, 0 },
	{ "lax: LF . LF", SPAN("a\n.\nb\r\n.\r\n"), SPAN("a\r\n.\r\nb\r\n"), 10, 0 },
	{ "lax: LF . CR LF", SPAN("a\n.\r\nb\r\n.\r\n"), SPAN("a\r\n.\r\nb\r\n"), 11, 0 },
	{ "lax: CR LF . LF", SPAN("a\r\n.\nb\r\n.\r\n"), SPAN("a\r\n\r\nb\r\n"), 11, 0 },
	{ "lax: no dot is dropped behind LF", SPAN("a\n..b\r\n..c\r\n.\r\n"), SPAN("a\r\n..b\r\n.c\r\n"), 15, 0 },
	{ "lax: LF CR LF . CR LF", SPAN("a\n\r\n.\r\n"), SPAN("a\r\n\r\n"), 7, 0 },
	{ "lax: LF first", SPAN("\n.\r\n.\r\n"), SPAN("\r\n.\r\n"), 7, 0 },
	{ "lax: a bare CR", SPAN("a\rb\n.\r\n"), SPAN("ab\r\n.\r\n"), 0, DOTS_BARE_CR },
	{ "lax: CR CR LF", SPAN("a\r\r\n.\r\n"), SPAN("a\r\n"), 7, DOTS_BARE_CR },
	{ "lax: CR LF . CR", SPAN("a\r\n.\rb\r\n.\r\n"), SPAN("a\r\nb\r\n"), 11, DOTS_BARE_CR },
};
/* clang-format on */

/* Feed in pieces of exactly `piece` bytes, from blocks of exact size. */
static void
check_cut(const struct row *r, size_t piece, bool is_lax)
{
	struct dots d;
	struct buf text;
	size_t at = 0;

	dots_init(&d, false);
	d.is_lax = is_lax;
	buf_init(&text, 4096);
	while (at < r->in.len && !dots_is_over(&d)) {
		size_t n = r->in.len - at < piece ? r->in.len - at : piece;
		char *copy = test_copy(span_sub(r->in, at, n));
		struct span in = span_of(copy, n);
		struct span out;

		while (dots_next(&d, &in, &out))
			buf_put(&text, out);
		at += n - in.len;
		free(copy);
	}
	CHECK_ROW(dots_is_over(&d) == (r->n_used > 0), r->name);
	if (r->n_used > 0)
		CHECK_INT(at, r->n_used);
	CHECK_ROW(d.faults == r->faults, r->name);
	CHECK_SPAN(buf_span(&text), r->text);
	buf_deinit(&text);
}

static void
test_plain(void)
{
	struct dots d;
	struct span in = SPAN(".\r\nx");
	struct span out;
	struct buf text;

	dots_init(&d, true);
	buf_init(&text, 100);
	while (dots_next(&d, &in, &out))
		buf_put(&text, out);
	dots_finish(&d, &out);
	buf_put(&text, out);
	CHECK_SPAN(buf_span(&text), SPAN(".\r\nx\r\n"));
	CHECK_INT(d.faults, 0);
	dots_init(&d, true);
	in = SPAN("x\r");
	while (dots_next(&d, &in, &out))
		;
	dots_finish(&d, &out);
	CHECK_INT(d.faults, DOTS_BARE_CR);
	buf_deinit(&text);
}

static void
test_long_line(void)
{
	static char line[4096];
	struct dots d;

	memset(line, 'x', sizeof(line));
	dots_init(&d, false);
	for (size_t n = 0; n <= MAX_TEXT_LINE; n += sizeof(line)) {
		struct span in = span_of(line, sizeof(line));
		struct span out;

		CHECK_INT(d.faults, 0);
		while (dots_next(&d, &in, &out))
			;
	}
	CHECK_INT(d.faults, DOTS_LONG_LINE);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t piece = 1; piece <= rows[i].in.len; piece++)
			check_cut(&rows[i], piece, false);
	for (size_t i = 0; i < sizeof(lax_rows) / sizeof(lax_rows[0]); i++)
		for (size_t piece = 1; piece <= lax_rows[i].in.len; piece++)
			check_cut(&lax_rows[i], piece, true);
	test_plain();
	test_long_line();
	return test_done();
}
