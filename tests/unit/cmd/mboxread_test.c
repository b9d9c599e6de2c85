/* mbox files as the programs that write them leave them. */
#include "cmd/mboxread.h"

#include <unistd.h>

#include "base/clock.h"
#include "store/message.h"
#include "test.h"

/* Each message as "flags keywords|text;", or what went wrong. */
static void
read_all(struct span file, struct buf *out)
{
	FILE *f = tmpfile();
	struct mboxread *m = NULL;
	const struct mboxread_message *msg;
	struct span piece;
	int rc;

	REQUIRE(f != NULL);
	REQUIRE(fwrite(file.p, 1, file.len, f) == file.len);
	REQUIRE(fflush(f) == 0);
	REQUIRE(mboxread_open(fileno(f), 0, &m) == 0);
	while ((rc = mboxread_next(m, &msg)) == 0) {
		buf_putf(out, "%x %.*s|", msg->meta.flags,
		    (int)msg->meta.keywords.len,
		    msg->meta.keywords.p ? msg->meta.keywords.p : "");
		for (;;) {
			REQUIRE(mboxread_piece(m, &piece) == 0);
			if (piece.len == 0)
				break;
			buf_put(out, piece);
		}
		buf_put_str(out, msg->meta.is_gone ? "(gone);" : ";");
	}
	if (rc == ERR_SYNTAX)
		buf_put_str(out, "syntax");
	else
		CHECK_INT(mboxread_offset(m), file.len);
	mboxread_close(m);
	fclose(f);
}

#define FROM "From kim@mail.test Mon Nov 23 11:00:00 2026\n"
#define OURS "From tinpost-export Mon Nov 23 11:00:00 2026\n"

static const struct {
	const char *name, *in, *want;
} rows[] = {
	{ "empty", "", "" },
	{ "two", FROM "A: b\n\nx\n\n" FROM "A: c\n\ny\n",
	    "0 |A: b\n\nx\n;0 |A: c\n\ny\n;" },
	{ "blank lines stay but for the last",
	    FROM "\nx\n\n\n\n" FROM "\ny\n\n", "0 |\nx\n\n\n;0 |\ny\n;" },
	{ "CRLF",
	    "From a Mon Nov 23 11:00:00 2026\r\nA: b\r\n\r\nx\r\n\r\n"
	    "From a Mon Nov 23 11:00:00 2026\r\nStatus: RO\r\n\r\ny\r\n",
	    "0 |A: b\r\n\r\nx\r\n;1 |\r\ny\r\n;" },
	{ "mboxrd", FROM "\n>From x\n>>From y\n> From z\n>x\n",
	    "0 |\nFrom x\n>From y\n> From z\n>x\n;" },
	{ "a sentence is no From line", FROM "\n\nFrom here on\nx\n",
	    "0 |\n\nFrom here on\nx\n;" },
	{ "a From line in text that is not behind a blank one",
	    FROM "\nx\n" FROM "y\n", "0 |\nx\n" FROM "y\n;" },
	{ "a header without end", FROM "A: b\n" FROM "B: c\n\nx\n",
	    "0 |A: b\n;0 |B: c\n\nx\n;" },
	{ "Thunderbird's From lines",
	    "From - Mon Nov 23 11:00:00 2026\nA: b\n\n"
	    "x\n\nFrom \nA: c\n\ny\n",
	    "0 |A: b\n\nx\n;0 |A: c\n\ny\n;" },
	{ "Thunderbird's flags",
	    FROM "X-Mozilla-Status: 1007\nX-Mozilla-Status2: 00200000\n"
	         "X-Mozilla-Keys: $label1 work   \nA: b\n\nx\n",
	    "f $Forwarded $label1 work |A: b\n\nx\n;" },
	{ "Thunderbird's deleted", FROM "X-Mozilla-Status: 0009\n\nx\n",
	    "1 |\nx\n(gone);" },
	{ "mutt", FROM "A: b\nStatus: RO\nX-Status: AF\n\nx\n",
	    "7 |A: b\n\nx\n;" },
	{ "folded keywords", FROM "X-Keywords: one\n two\n\tthree\nA: b\n\nx\n",
	    "0 one two three |A: b\n\nx\n;" },
	{ "the second is the message's own",
	    FROM "status: R\nStatus: own\n\nx\n", "1 |Status: own\n\nx\n;" },
	{ "ours: only at the top",
	    OURS "Status: O\nX-Status: T\nX-Keywords: \nA: b\nX-UID: 5\n"
	         "Status: R\nX-Mozilla-Status: 0009\nContent-Length: 1\n\nx\n",
	    "10 |A: b\nX-UID: 5\nStatus: R\nX-Mozilla-Status: 0009\n"
	    "Content-Length: 1\n\nx\n;" },
	{ "ours: not behind another", OURS "Subject: s\nStatus: R\n\nx\n",
	    "0 |Subject: s\nStatus: R\n\nx\n;" },
	{ "length: mboxcl2",
	    FROM "Content-Length: 56\nA: b\n\nx\n\n" FROM ">From q\n\n\n" FROM
	         "\nz\n",
	    "0 |A: b\n\nx\n\n" FROM ">From q\n\n;0 |\nz\n;" },
	{ "length: mboxcl",
	    FROM "Content-Length: 8\n\n>From q\n\n" FROM "\nz\n",
	    "0 |\nFrom q\n;0 |\nz\n;" },
	{ "length: wrong", FROM "Content-Length: 3\n\nabcdef\n\n" FROM "\nz\n",
	    "0 |Content-Length: 3\n\nabcdef\n;0 |\nz\n;" },
	{ "length: past the end", FROM "Content-Length: 99999\n\nabcdef\n",
	    "0 |Content-Length: 99999\n\nabcdef\n;" },
	{ "length: to the end", FROM "Content-Length: 6\n\nabcdef",
	    "0 |\nabcdef;" },
	{ "Pine's own",
	    FROM "Subject: DON'T DELETE THIS MESSAGE -- FOLDER "
	         "INTERNAL DATA\nX-IMAP: 1 2\n\nx\n",
	    "0 |Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n\n"
	    "x\n(gone);" },
	{ "byte order mark", "\xef\xbb\xbf\n" FROM "\nx\n", "0 |\nx\n;" },
	{ "not mbox", "Subject: x\n\n", "syntax" },
};

static void
test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf out;
		struct span in = span_str(rows[i].in);

		buf_init(&out, 1 << 20);
		read_all(in, &out);
		CHECK_ROW(span_is(buf_span(&out), span_str(rows[i].want)),
		    rows[i].name);
		if (!span_is(buf_span(&out), span_str(rows[i].want)))
			test_print("got", buf_span(&out));
		for (size_t len = 0; len < in.len; len++) {
			buf_reset(&out);
			read_all(span_sub(in, 0, len), &out);
		}
		buf_deinit(&out);
	}
}

static void
test_long_lines(void)
{
	struct buf in, out, want;

	buf_init(&in, 1 << 22);
	buf_init(&out, 1 << 22);
	buf_init(&want, 1 << 22);
	buf_put_str(&in, FROM "A: ");
	buf_put_str(&want, "0 |A: ");
	for (int i = 0; i < 400000; i++) {
		buf_put_str(&in, "xy");
		buf_put_str(&want, "xy");
	}
	buf_put_str(&in, "\n\n");
	buf_put_str(&want, "\n\n");
	for (int i = 0; i < 100000; i++) {
		buf_put_str(&in, ">From ");
		buf_put_str(&want, i == 0 ? "From " : ">From ");
	}
	buf_put_str(&in, "\n\n" FROM "\nx\n");
	buf_put_str(&want, "\n;0 |\nx\n;");
	read_all(buf_span(&in), &out);
	CHECK(span_is(buf_span(&out), buf_span(&want)));
	buf_deinit(&in);
	buf_deinit(&out);
	buf_deinit(&want);
}

static const struct {
	const char *line;
	bool is_one, is_weak;
	const char *date; /* NULL: none */
} lines[] = {
	{ "From a@b.test Mon Nov 23 11:00:00 2026\n", true, false,
	    "2026-11-23T11:00:00Z" },
	{ "From a@b.test Mon Nov  3 11:00 2026", true, false,
	    "2026-11-03T11:00:00Z" },
	{ "From 17@xxx Mon Nov 23 11:00:00 +0130 2026", true, false,
	    "2026-11-23T09:30:00Z" },
	{ "From a Mon Nov 23 11:00:00 2026 -0500", true, false,
	    "2026-11-23T16:00:00Z" },
	{ "From a Mon, 23 Nov 2026 11:00:00 +0100", true, false,
	    "2026-11-23T10:00:00Z" },
	{ "From a Mon Nov 23 11:00:00 CET 2026 remote from x", true, false,
	    "2026-11-23T11:00:00Z" },
	{ "From May 12:00 Mon Nov 23 11:00:00 2026", true, false,
	    "2026-11-23T11:00:00Z" },
	{ "From - Mon Nov 23 11:00:00 2026", true, true,
	    "2026-11-23T11:00:00Z" },
	{ "From \r\n", true, true, NULL },
	{ "From a Mon Nov 41 11:00:00 2026", true, false, NULL },
	{ "From a Mon Nov 23 11:00:00 1826", true, false, NULL },
	{ "From here on", false, false, NULL },
	{ "from a Mon Nov 23 11:00:00 2026", false, false, NULL },
	{ "From: a", false, false, NULL },
	{ "", false, false, NULL },
};

static void
test_from_lines(void)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct from_line from;
		char text[32] = "";
		struct buf b;
		bool is_one = from_line_parse(span_str(lines[i].line), &from);

		CHECK_ROW(is_one == lines[i].is_one, lines[i].line);
		if (!is_one)
			continue;
		CHECK_ROW(from.is_weak == lines[i].is_weak, lines[i].line);
		CHECK_ROW(from.has_date == !!lines[i].date, lines[i].line);
		if (!from.has_date || !lines[i].date)
			continue;
		buf_init_fixed(&b, text, sizeof(text) - 1);
		clock_put_iso(&b, from.date_s);
		CHECK_STR(text, lines[i].date);
	}
}

static void
test_put(void)
{
	char storage[100];
	struct from_line from;
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	from_line_put(&b, 1795431600);
	CHECK_SPAN(buf_span(&b), SPAN(OURS));
	CHECK(from_line_parse(buf_span(&b), &from));
	CHECK(from.is_ours && from.has_date && from.date_s == 1795431600);
}

int
main(void)
{
	test_rows();
	test_long_lines();
	test_from_lines();
	test_put();
	return test_done();
}
