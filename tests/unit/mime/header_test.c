#include "mime/header.h"

#include "test.h"

/* name=value@start-end for each field, then the length of the header. */
static const struct {
	const char *in, *out;
} blocks[] = {
	{ "A: 1\r\nB:\r\n 2\r\n\t3 \r\n\r\nbody",
	    "A=1@0-6\nB=2\t3@6-19\nend 21\n" },
	{ "no colon\r\nA : x\r\n\r\n", "A=x@10-17\nend 19\n" },
	{ "\r\nA: 1\r\n", "end 2\n" },
	{ "A: 1\n\nx", "A=1@0-5\nend 6\n" },
	{ "A: 1", "A=1@0-4\n" },
	{ ": empty name\r\n\r\n", "end 16\n" },
	{ "Bcc: not wanted\r\nB: y\r\n\r\n", "B=y@17-23\nend 25\n" },
	{ "A: 0123456789abcdefghi\r\n\r\n",
	    "A=0123456789abcde@0-24 cut\nend 26\n" },
	{ "", "" },
};

static void
put_field(struct buf *b, const struct field *f)
{
	buf_put(b, f->name);
	buf_put_char(b, '=');
	header_put_unfolded(b, f->value);
	buf_putf(b, "@%u-%u%s\n", (unsigned)f->start, (unsigned)f->end,
	    f->is_cut ? " cut" : "");
}

static void
run_block(size_t row, size_t first, size_t n)
{
	static const char *const wanted[] = { "a", "b", NULL };
	struct span in = span_str(blocks[row].in);
	struct header_parser h;
	struct field f;
	struct buf text;
	bool is_over = false;

	buf_init(&text, 4096);
	header_parser_init(&h, 0, wanted, 16);
	for (size_t at = 0, step = first; at < in.len && !is_over;
	     at += step, step = n) {
		struct span piece = span_sub(in, at, step);
		char *p = test_copy(piece);
		struct cur c = cur_of(span_of(p, piece.len));
		enum header_event e;

		while ((e = header_parser_step(&h, &c, &f)) == HEADER_FIELD)
			put_field(&text, &f);
		if (e == HEADER_END) {
			is_over = true;
			buf_putf(&text, "end %u\n",
			    (unsigned)(at + (size_t)(c.p - p)));
		}
		free(p);
	}
	if (header_parser_finish(&h, &f) == HEADER_FIELD)
		put_field(&text, &f);
	CHECK_ROW(span_is(buf_span(&text), span_str(blocks[row].out)),
	    blocks[row].in);
	header_parser_deinit(&h);
	buf_deinit(&text);
}

/* Beyond the line limit nothing is a field, but the end is found. */
static void
test_limits(void)
{
	struct header_parser h;
	struct field f;
	struct cur c;
	size_t n = 0;

	header_parser_init(&h, 0, NULL, 100);
	for (int i = 0; i < 100000; i++) {
		c = cur_of(SPAN("A: 1\r\n"));
		while (header_parser_step(&h, &c, &f) == HEADER_FIELD)
			n++;
	}
	c = cur_of(SPAN("\r\n"));
	CHECK(header_parser_step(&h, &c, &f) == HEADER_END);
	CHECK(n == MAX_HEADER_LINES);
	header_parser_deinit(&h);
}

/* RFC 2047 8 and its traps. */
static const struct {
	const char *in, *out;
} words[] = {
	{ "=?ISO-8859-1?Q?a?=", "a" },
	{ "=?ISO-8859-1?Q?a?= b", "a b" },
	{ "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a?=  \t =?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a_b?=", "a b" },
	{ "x =?iso-8859-1?q?=E4=f6?= y", "x \xc3\xa4\xc3\xb6 y" },
	{ "=?utf-8?B?w6Q=?=", "\xc3\xa4" },
	{ "=?utf-8?B?ww==?= =?utf-8?B?pA==?=", "\xc3\xa4" },
	{ "=?utf-8?B?ww==?=", "\xef\xbf\xbd" },
	{ "=?utf-8*en?q?x?=", "x" },
	{ "=?windows-1252?q?=80?=", "\xe2\x82\xac" },
	{ "=?koi8-r?q?=C1?=", "\xd0\xb0" },
	{ "=?no-such-set?q?=C1?=", "=?no-such-set?q?=C1?=" },
	{ "=?utf-8//TRANSLIT?q?x?=", "=?utf-8//TRANSLIT?q?x?=" },
	{ "=?utf-8?x?abc?=", "=?utf-8?x?abc?=" },
	{ "=?utf-8?q?abc", "=?utf-8?q?abc" },
	{ "=?utf-8?q?a=0D=0Ab?=", "a  b" },
	{ "=?utf-16be?b?AA0ACg==?=x", "  x" },
	{ "=??q?abc?=", "=??q?abc?=" },
	{ "plain \xc3\xa4 \xff", "plain \xc3\xa4 \xef\xbf\xbd" },
	{ "=?=?utf-8?q?a?=", "=?a" },
};

static void
test_words(void)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i].in);

		for (size_t n = 0; n <= len; n++) {
			char *p = test_copy(span_of(words[i].in, n));
			struct buf b;

			buf_init(&b, 4096);
			header_put_decoded(&b, span_of(p, n));
			if (n == len)
				CHECK_ROW(span_is(buf_span(&b),
				              span_str(words[i].out)),
				    words[i].in);
			buf_deinit(&b);
			free(p);
		}
	}
}

static const struct {
	const char *in, *out;
} params[] = {
	{ "text/plain; charset=us-ascii (c)", "charset=us-ascii\n" },
	{ "a/b; x=\"q \\\" ;\"; y = z", "x=q \" ;\ny=z\n" },
	{ "a/b; x*0=\"a\"; x*1=b; x*3=d", "x=ab\n" },
	{ "a/b; x*1=b; x*0=a", "x=ab\n" },
	{ "a/b; t*=iso-8859-1'en'%E4%20b", "t*=\xc3\xa4 b\n" },
	{ "a/b; t*0*=utf-8''%C3; t*1*=%A4; t*2=c", "t*=\xc3\xa4"
	                                           "c\n" },
	{ "a/b; name=file name.txt; z=1", "name=file name.txt\nz=1\n" },
	{ "a/b;;; x=1;", "x=1\n" },
	{ "a/b; novalue; x=", "x=\n" },
	{ "a/b", "" },
	{ "a/b; x=\"open", "x=open\n" },
	{ "a/b; x*99999999999=1", "x*99999999999=1\n" },
};

static void
test_params(void)
{
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		size_t len = strlen(params[i].in);

		for (size_t n = 0; n <= len; n++) {
			char *p = test_copy(span_of(params[i].in, n));
			struct cur c = cur_of(span_of(p, n));
			struct params ps;
			struct span name;
			bool is_extended;
			struct buf b, value;

			buf_init(&b, 4096);
			buf_init(&value, 4096);
			params_parse(&ps, &c);
			while (params_next(&ps, &name, &is_extended, &value) ==
			       0) {
				buf_put(&b, name);
				buf_put_str(&b, is_extended ? "*=" : "=");
				if (is_extended)
					params_put_decoded(
					    &b, buf_span(&value));
				else
					buf_put(&b, buf_span(&value));
				buf_put_char(&b, '\n');
			}
			if (n == len)
				CHECK_ROW(span_is(buf_span(&b),
				              span_str(params[i].out)),
				    params[i].in);
			buf_deinit(&b);
			buf_deinit(&value);
			free(p);
		}
	}
}

static void
test_small(void)
{
	struct cur c = cur_of(SPAN("(c) Text / (d) PLAIN ; x=y"));
	struct span a, b;

	CHECK(header_get_type(&c, &a, &b) == 0);
	CHECK(span_is(a, SPAN("Text")) && span_is(b, SPAN("PLAIN")));
	c = cur_of(SPAN("text"));
	CHECK(header_get_type(&c, &a, &b) == ERR_SYNTAX);
	c = cur_of(SPAN(" inline; x"));
	CHECK(header_get_word(&c, &a) == 0 && span_is(a, SPAN("inline")));
	c = cur_of(SPAN("<a@b> junk <> < c@d >\t<e"));
	CHECK(header_next_id(&c, &a) == 0 && span_is(a, SPAN("a@b")));
	CHECK(header_next_id(&c, &a) == 0 && span_is(a, SPAN("c@d")));
	CHECK(header_next_id(&c, &a) == ERR_NONE);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		size_t len = strlen(blocks[i].in);

		for (size_t first = 1; first <= len + 1; first++)
			run_block(i, first, len + 1);
		run_block(i, 1, 1);
	}
	test_limits();
	test_words();
	test_params();
	test_small();
	return test_done();
}
