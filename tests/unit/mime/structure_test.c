#include "mime/structure.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "mime/summary.h"
#include "test.h"

/* The summary of a message fed in a first piece and then pieces of n. */
static void
parse(struct span in, size_t first, size_t n, struct buf *out)
{
	struct mime_parser *p = mime_parser_new();

	REQUIRE(p != NULL);
	for (size_t at = 0, step = first; at < in.len; at += step, step = n) {
		struct span piece = span_sub(in, at, step);
		char *copy = test_copy(piece);

		mime_parser_feed(p, span_of(copy, piece.len));
		free(copy);
	}
	REQUIRE(mime_parser_finish(p, out) == 0);
	CHECK(out->len <= MAX_SUMMARY_BYTES);
	mime_parser_free(p);
}

static void
put_field(struct buf *b, const char *name, struct span s)
{
	if (s.p == NULL)
		return;
	buf_putf(b, " %s=", name);
	buf_put(b, s);
}

static void
put_params(struct buf *b, struct span params)
{
	struct cur c = cur_of(params);
	struct span name, value;

	while (summary_param_next(&c, &name, &value) == 0) {
		buf_put_str(b, " {");
		buf_put(b, name);
		buf_put_char(b, '=');
		buf_put(b, value);
		buf_put_char(b, '}');
	}
}

/* One line a part: depth type/subtype encoding header+body+end lines ... */
static void
dump(struct span blob, struct buf *b)
{
	struct summary s;
	struct summary_part p;
	struct cur c;
	uint32_t n = 0;
	int rc;

	REQUIRE(summary_open(blob, &s) == 0);
	c = summary_parts(&s);
	while ((rc = summary_part_next(&c, &p)) == 0) {
		n++;
		buf_putf(b, "%u %.*s/%.*s %.*s %u:%u+%u %u", p.depth,
		    (int)p.type.len, p.type.p, (int)p.subtype.len, p.subtype.p,
		    (int)p.encoding.len, p.encoding.p, (unsigned)p.header_start,
		    (unsigned)p.body_start,
		    (unsigned)(p.body_end - p.body_start), (unsigned)p.n_lines);
		put_params(b, p.params);
		put_field(b, "id", p.id);
		put_field(b, "disp", p.disposition);
		put_params(b, p.disposition_params);
		put_field(b, "subject", p.envelope.subject);
		put_field(b, "from", p.envelope.from);
		buf_put_str(b, p.flags & PART_IS_OPAQUE ? " opaque\n" : "\n");
	}
	CHECK(rc == ERR_NONE && n == s.n_parts);
	if (s.preview.len > 0) {
		buf_put_char(b, '"');
		buf_put(b, s.preview);
		buf_put_str(b, "\"\n");
	}
}

static const struct {
	const char *in, *out;
} rows[] = {
	{ "", "0 text/plain 7bit 0:0+0 0\n" },
	{ "Subject: x\r\n", "0 text/plain 7bit 0:12+0 0 subject=x\n" },
	{ "no header here", "0 text/plain 7bit 0:14+0 0\n" },
	{ "\r\nhello\r\n  world\r\n",
	    "0 text/plain 7bit 0:2+16 2\n\"hello world\"\n" },
	{ "From: a@b\r\nsubject:  a\r\n b \r\nFrom: c@d\r\n\r\nx",
	    "0 text/plain 7bit 0:42+1 0 subject=a b from=a@b\n\"x\"\n" },
	{ "Content-Type: TEXT/HTML; Charset=iso-8859-1\r\n"
	  "Content-Transfer-Encoding: Quoted-Printable\r\n\r\n"
	  "<html><head><title>t</title></head><b>J=F6rg</b> &lt;=\r\n&amp;",
	    "0 text/html quoted-printable 0:92+61 1 "
	    "{Charset=iso-8859-1}\n\"J\xc3\xb6rg <&\"\n" },
	{ "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n"
	  "preamble\r\n--b\r\n\r\none\r\n--b\r\n"
	  "Content-Type: text/plain\r\n\r\ntwo\r\n\r\n--b--\r\nepilogue\r\n",
	    "0 multipart/mixed 7bit 0:47+79 11 {boundary=b}\n"
	    "1 text/plain 7bit 62:64+3 0\n"
	    "1 text/plain 7bit 74:102+5 1\n\"one\"\n" },
	/* A boundary that is a prefix of another; reuse by an inner part. */
	{ "Content-Type: multipart/a; boundary=b\r\n\r\n--b\r\n"
	  "Content-Type: multipart/b; boundary=bb\r\n\r\n--bb\r\n\r\nx\r\n"
	  "--bb--\r\n--b  \r\n\r\ny\r\n--b--",
	    "0 multipart/a 7bit 0:41+83 10 {boundary=b}\n"
	    "1 multipart/b 7bit 46:88+17 3 {boundary=bb}\n"
	    "2 text/plain 7bit 94:96+1 0\n"
	    "1 text/plain 7bit 114:116+1 0\n\"x\"\n" },
	/* As RFC 2231 4 writes it, and behind a comment. */
	{ "Content-Type: multipart/a; boundary*=\"us-ascii''%62b\"\r\n\r\n"
	  "--bb\r\nContent-Type: image/x\r\n\r\nx\r\n--bb--\r\n",
	    "0 multipart/a 7bit 0:57+42 5 {boundary*=us-ascii''%62b}\n"
	    "1 image/x 7bit 63:88+1 0\n" },
	{ "Content-Type: multipart/a; boundary*=x-unknown''%62b\r\n\r\n"
	  "--bb\r\nContent-Type: image/x\r\n\r\nx\r\n--bb--\r\n",
	    "0 multipart/a 7bit 0:56+42 5 {boundary*=x-unknown''%62b}\n"
	    "1 image/x 7bit 62:87+1 0\n" },
	{ "Content-Type: multipart/a (x); boundary=(y)b(z)\r\n\r\n"
	  "--b\r\nContent-Type: image/x\r\n\r\nx\r\n--b--\r\n",
	    "0 multipart/a 7bit 0:51+40 5 {boundary=b}\n"
	    "1 image/x 7bit 56:81+1 0\n" },
	/* Neither empty headers nor empty bodies nor no end confuse it. */
	{ "Content-Type: multipart/a; "
	  "boundary=b\r\n\r\n--b\r\n--b\r\n\r\n--b\r\n"
	  "Content-ID: <1>\r\n--b\r\n\r\n",
	    "0 multipart/a 7bit 0:41+41 7 {boundary=b}\n"
	    "1 text/plain 7bit 46:46+0 0\n1 text/plain 7bit 51:51+0 0\n"
	    "1 text/plain 7bit 58:73+0 0 id=<1>\n"
	    "1 text/plain 7bit 80:82+0 0\n" },
	{ "Content-Type: multipart/a\r\n\r\n--b\r\n\r\nx",
	    "0 multipart/a 7bit 0:29+8 2 opaque\n" },
	{ "Content-Type: multipart/a; boundary=b\r\n\r\nno part",
	    "0 multipart/a 7bit 0:41+7 0 {boundary=b} opaque\n" },
	{ "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n"
	  "Subject: in\r\n\r\nx\r\n--b--\r\n",
	    "0 multipart/digest 7bit 0:46+32 6 {boundary=b}\n"
	    "1 message/rfc822 7bit 51:53+16 2\n"
	    "2 text/plain 7bit 53:68+1 0 subject=in\n\"x\"\n" },
	{ "Content-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\nbody\r\n",
	    "0 message/rfc822 7bit 0:32+20 3\n"
	    "1 text/plain 7bit 32:46+6 1 subject=s\n\"body\"\n" },
	{ "Content-Type: application/x; name*0*=utf-8''%41; name*1=b;\r\n"
	  "\tx=\"a;\\\"b\" (c); y\r\nContent-Disposition: attachment;\r\n"
	  " filename=f.x\r\n\r\n",
	    "0 application/x 7bit 0:130+0 0 {name*=utf-8''%41b} {x=a;\"b} "
	    "disp=attachment {filename=f.x}\n" },
	{ "Content-Type: text/plain\r\nContent-Transfer-Encoding: "
	  "base64\r\n\r\n"
	  "aGVs\r\nbG8=\r\n",
	    "0 text/plain base64 0:63+12 2\n\"hello\"\n" },
};

static void
test_table(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span in = span_str(rows[i].in);
		struct buf whole, text, cut;

		buf_init(&whole, MAX_SUMMARY_BYTES);
		buf_init(&cut, MAX_SUMMARY_BYTES);
		buf_init(&text, 1 << 16);
		parse(in, in.len + 1, 1, &whole);
		dump(buf_span(&whole), &text);
		CHECK_ROW(span_is(buf_span(&text), span_str(rows[i].out)),
		    rows[i].in);
		if (!span_is(buf_span(&text), span_str(rows[i].out)))
			fprintf(stderr, "got %.*s\n", (int)text.len, text.p);
		for (size_t first = 0; first <= in.len; first++) {
			buf_reset(&cut);
			parse(in, first ? first : 1, first ? in.len : 1, &cut);
			CHECK_ROW(span_is(buf_span(&cut), buf_span(&whole)),
			    rows[i].in);
			buf_reset(&cut); /* also: any prefix is a message */
			parse(span_sub(in, 0, first), in.len + 1, 1, &cut);
		}
		buf_deinit(&whole);
		buf_deinit(&cut);
		buf_deinit(&text);
	}
}

/* Facts of the whole message. */
static void
test_head(void)
{
	struct span in =
	    SPAN("Date: Thu, 1 Jan 1970 01:00:05 +0100\r\n"
	         "References: <r@x> <q@x>\r\nIn-Reply-To: <q@x>\r\n"
	         "Message-ID: <m@x>\r\nSubject: \xc3\xa4\r\n\r\n"
	         "long line\r\n\0\x80\r\n");
	struct span reply = SPAN("In-Reply-To: <r@x>\r\n\r\n");
	struct buf b;
	struct summary s;
	uint64_t root;

	buf_init(&b, MAX_SUMMARY_BYTES);
	parse(in, in.len, 1, &b);
	REQUIRE(summary_open(buf_span(&b), &s) == 0);
	CHECK(s.flags == (SUMMARY_HAS_NUL | SUMMARY_8BIT_BODY |
	                     SUMMARY_8BIT_HEADER | SUMMARY_HAS_DATE));
	CHECK(s.sent_wall_s == 5 && s.sent_zone_minutes == 60);
	CHECK(s.size_bytes == in.len && s.n_lines == 8);
	CHECK(s.header_bytes == in.len - 15 && s.longest_line == 36);
	CHECK(span_is(s.references, SPAN("<r@x> <q@x>")));
	root = s.thread_root;
	buf_reset(&b);
	parse(reply, reply.len, 1, &b);
	REQUIRE(summary_open(buf_span(&b), &s) == 0);
	CHECK(root != 0 && s.thread_root == root);
	buf_deinit(&b);
}

/* Damaged blobs: an error or nonsense, never a read outside. */
static void
test_damage(void)
{
	struct span in = span_str(rows[7].in);
	struct buf b;

	buf_init(&b, MAX_SUMMARY_BYTES);
	parse(in, in.len, 1, &b);
	for (size_t i = 0; i < b.len; i++)
		for (int bit = 0; bit < 9; bit++) {
			size_t len = bit == 8 ? i : b.len;
			char *copy = test_copy(span_of(b.p, len));
			struct summary s;
			struct summary_part p;
			struct span name, value;

			if (bit < 8)
				copy[i] ^= (char)(1 << bit);
			if (summary_open(span_of(copy, len), &s) == 0) {
				struct cur c = summary_parts(&s);

				while (summary_part_next(&c, &p) == 0) {
					struct cur q = cur_of(p.params);

					while (summary_param_next(
					           &q, &name, &value) == 0)
						;
				}
			}
			free(copy);
		}
	buf_deinit(&b);
}

/* A hostile message: head, then n times a text that may hold one %zu, then
 * tail. */
struct hostile {
	const char *what, *head, *repeat, *tail;
	size_t n;
};

static const struct hostile hostiles[] = {
	{ "nested multiparts", "",
	    "Content-Type: multipart/x; boundary=b%zu\r\n\r\n--b%zu\r\n", "x",
	    2000 },
	{ "nested messages", "", "Content-Type: message/rfc822\r\n\r\n", "x",
	    2000 },
	{ "many parts", "Content-Type: multipart/x; boundary=b\r\n\r\n",
	    "--b\r\n\r\nx\r\n", "--b--", 20000 },
	{ "one boundary reused", "",
	    "Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\n", "x", 2000 },
	{ "header lines", "", "X: y\r\n", "\r\n", 100000 },
	{ "folded header", "Subject: x", "\r\n abcdefgh", "\r\n\r\n", 200000 },
	{ "unfolded header", "To: x", "abcdefghij", "\r\n\r\n", 100000 },
	{ "addresses", "To: a@b", ", a@b", "\r\n\r\n", 50000 },
	{ "comments in From", "From: ", "(", "\r\n\r\n", 50000 },
	{ "comments in Content-Type", "Content-Type: ", "(", "\r\n\r\n",
	    20000 },
	{ "quotes", "Content-Type: text/plain; x=", "\"", "\r\n\r\n", 50000 },
	{ "encoded words", "Subject: ", "=?utf-8?q?x?= ", "\r\n\r\n", 10000 },
	{ "RFC 2231 parameters", "Content-Type: text/plain", "; x*%zu=y",
	    "\r\n\r\n", 5000 },
	{ "RFC 2231 starts", "Content-Type: text/plain", "; x*0=y; x*1=z",
	    "\r\n\r\n", 5000 },
	{ "references", "References:", " <%zu@x>", "\r\n\r\n", 50000 },
	{ "dashes", "Content-Type: multipart/x; boundary=b\r\n\r\n", "--\r\n",
	    "", 200000 },
	{ "dashes on one line", "Content-Type: multipart/x; boundary=b\r\n\r\n",
	    "--b--b", "", 200000 },
	{ "long boundary", "Content-Type: multipart/x; boundary=", "0123456789",
	    "\r\n\r\n--0\r\n", 100 },
	{ "tags", "Content-Type: text/html\r\n\r\n", "<<&", "", 100000 },
	{ "long charset", "Content-Type: text/plain; charset=", "x",
	    "\r\n\r\ny", 5000 },
	{ "NULs", "\r\n", "\r\n%.0zu", "", 100000 },
};

/* Each takes under a second, under 96 KB, and ends in a summary whose parts
 * can be read. */
static void
test_hostile(void)
{
	for (size_t i = 0; i < sizeof(hostiles) / sizeof(hostiles[0]); i++) {
		const struct hostile *h = &hostiles[i];
		struct mime_parser *p = mime_parser_new();
		size_t before = mem_used(), most = 0;
		int64_t start_us = clock_cpu_us();
		struct buf b, text;

		REQUIRE(p != NULL);
		buf_init(&b, MAX_SUMMARY_BYTES);
		buf_init(&text, 1 << 20);
		mime_parser_feed(p, span_str(h->head));
		for (size_t k = 0; k < h->n; k++) {
			char piece[128];
			struct span s = span_str(h->repeat);

			if (strchr(h->repeat, '%') != NULL) {
				struct buf f;

				buf_init_fixed(&f, piece, sizeof(piece));
				for (size_t q = 0; q < s.len; q++)
					if (s.p[q] != '%')
						buf_put_char(&f, s.p[q]);
					else if (s.p[q + 1] == '.')
						q += 4, buf_put_char(&f, 0);
					else
						q += 2, buf_put_u64(&f, k);
				s = buf_span(&f);
			}
			mime_parser_feed(p, s);
			if (mem_used() - before > most)
				most = mem_used() - before;
		}
		mime_parser_feed(p, span_str(h->tail));
		CHECK_ROW(mime_parser_finish(p, &b) == 0, h->what);
		CHECK_ROW(clock_cpu_us() - start_us < 1000000, h->what);
		CHECK_ROW(most <= 96 * 1024, h->what);
		dump(buf_span(&b), &text);
		CHECK_ROW(!buf_failed(&text), h->what);
		mime_parser_free(p);
		buf_deinit(&b);
		buf_deinit(&text);
	}
}

static void
test_ordinary_memory(void)
{
	struct span in = SPAN(
	    "From: Kim <kim@example.test>\r\nTo: Lee <lee@example.test>\r\n"
	    "Subject: lunch\r\nDate: Mon, 23 Nov 2026 09:48:00 +0000\r\n"
	    "Message-ID: <1@example.test>\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\nAt noon?\r\n");
	size_t before = mem_used();
	struct mime_parser *p = mime_parser_new();

	REQUIRE(p != NULL);
	mime_parser_feed(p, in);
	CHECK(mem_used() - before <= 2560);
	mime_parser_free(p);
	CHECK(mem_used() == before);
}

/* The n-th allocation fails, for n = 1, 2, ... until none does: ERR_NOMEM or
 * the right summary, and nothing is lost. */
static void
test_no_memory(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t before = mem_used();
		uint64_t passes = 0;
		bool is_done = false;

		for (uint64_t n = 1; !is_done; n++) {
			struct mime_parser *p;
			struct buf b;
			int rc = ERR_NOMEM;

			buf_init(&b, MAX_SUMMARY_BYTES);
			REQUIRE(buf_reserve(&b, MAX_SUMMARY_BYTES) == 0);
			fault_arm(FAULT_ALLOC, n, false);
			p = mime_parser_new();
			if (p != NULL) {
				mime_parser_feed(p, span_str(rows[i].in));
				rc = mime_parser_finish(p, &b);
			}
			passes = fault_passes(FAULT_ALLOC);
			fault_arm(FAULT_ALLOC, 0, false);
			mime_parser_free(p);
			is_done = passes < n;
			CHECK_ROW(
			    is_done ? rc == 0 : rc == ERR_NOMEM, rows[i].in);
			buf_deinit(&b);
		}
		CHECK_ROW(mem_used() == before, rows[i].in);
	}
}

int
main(void)
{
	test_table();
	test_head();
	test_damage();
	test_hostile();
	test_ordinary_memory();
	test_no_memory();
	return test_done();
}
