/* 8-bit messages for hosts that take 7 bits: what each becomes, however it
 * was cut. */
#include "test.h"

#include "mime/sevenbit.h"

static const struct {
	const char *name, *in, *out;
} rows[] = {
	{ "text, declared",
	    "Subject: x\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\n"
	    "gr\xc3\xbc\xc3\x9f = e\r\n.\r\ntail \t\r\n",
	    "Subject: x\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "gr=C3=BC=C3=9F =3D e\r\n.\r\ntail =09\r\n" },
	{ "text without MIME, no line end", "Subject: x\r\n\r\nf\xfcr",
	    "Subject: x\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=unknown-8bit\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\nf=FCr\r\n" },
	{ "header field in 8 bits",
	    "Subject: f\xfcr\r\nMIME-Version: 1.0\r\nContent-Type: text/plain"
	    "\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n",
	    "Subject: f?r\r\nMIME-Version: 1.0\r\nContent-Type: text/plain"
	    "\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n" },
	{ "binary, with a line end before the boundary that is not its own",
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/mixed;\r\n boundary=\"b b\"\r\n"
	    "CONTENT-transfer-ENCODING: 8bit\r\n\r\n"
	    "pre\xff\r\n--b b\r\nContent-Type: image/png\r\n"
	    "Content-Transfer-Encoding: binary\r\n\r\n"
	    "\xff\r\nA\n\r\n--b b \r\n\r\n\xe4\r\n--b b--\r\nepi\xff\r\n",
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/mixed;\r\n boundary=\"b b\"\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n\r\n"
	    "pre?\r\n--b b\r\nContent-Type: image/png\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n"
	    "/w0KQQo=\r\n--b b \r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "=E4\r\n--b b--\r\nepi?\r\n" },
	{ "message in a message",
	    "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\n"
	    "Subject: in\r\n\r\n\xe4\r\n",
	    "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n\r\n"
	    "Subject: in\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=unknown-8bit\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E4\r\n" },
	{ "digest, and a part without a blank line",
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/digest; boundary=d\r\n\r\n"
	    "--d\r\n\r\nMIME-Version: 1.0\r\n\r\n\xe4\r\n--d\r\n--d--\r\n",
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/digest; boundary=d\r\n\r\n"
	    "--d\r\n\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=unknown-8bit\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E4\r\n"
	    "--d\r\n\r\n--d--\r\n" },
	{ "a part in a part, ended by the outer one",
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
	    "Content-Type: multipart/alternative; boundary=aa\r\n\r\n--aa\r\n"
	    "\r\n\xe4\r\n--a\r\n\r\n\xe4\r\n--aa\r\n--a--\r\n",
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
	    "Content-Type: multipart/alternative; boundary=aa\r\n\r\n--aa\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E4\r\n--a\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E4\r\n--aa\r\n"
	    "--a--\r\n" },
	{ "a report keeps its form",
	    "MIME-Version: 1.0\r\nContent-Type: message/delivery-status\r\n"
	    "\r\nStatus: 5.1.1 \xe4\r\n",
	    "MIME-Version: 1.0\r\nContent-Type: message/delivery-status\r\n"
	    "\r\nStatus: 5.1.1 ?\r\n" },
};

static void
convert(struct span in, size_t cut, struct buf *out)
{
	struct sevenbit *s = sevenbit_new();

	REQUIRE(s != NULL);
	buf_reset(out);
	for (size_t at = 0; at < in.len; at += cut) {
		struct span piece = span_sub(in, at, cut);
		char *copy = test_copy(piece);
		size_t before = out->len;

		sevenbit_put(s, span_of(copy, piece.len), out);
		CHECK(out->len - before <= sevenbit_room(piece.len));
		free(copy);
	}
	sevenbit_end(s, out);
	CHECK(!buf_failed(out));
	sevenbit_free(s);
}

static void
test_long_lines(void)
{
	static char in[40000];
	struct buf out;
	size_t n = (size_t)snprintf(in, sizeof(in), "Subject: x\r\n\r\n");
	size_t width = 0, n_soft = 0;

	memset(in + n, 0xe4, sizeof(in) - n);
	buf_init(&out, 1 << 20);
	convert(span_of(in, sizeof(in)), 997, &out);
	for (size_t i = 0; i < out.len; i++) {
		width = out.p[i] == '\n' ? 0 : width + 1;
		CHECK(width <= 77); /* 76 and the CR */
		n_soft += out.p[i] == '\n' && out.p[i - 2] == '=';
	}
	CHECK(n_soft > 1500);
	buf_deinit(&out);
}

static void
test_deep(void)
{
	struct buf in, out;

	buf_init(&in, 1 << 20);
	buf_init(&out, 1 << 20);
	for (int i = 0; i < 300; i++)
		buf_putf(&in,
		    "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n"
		    "--b%d\r\n",
		    i, i);
	buf_put_str(&in, "\r\n\xe4\xe4\r\n");
	for (int i = 0; i < 300; i++)
		buf_put_str(&in, "Content-Type: message/rfc822\r\n\r\n");
	convert(buf_span(&in), 4096, &out);
	for (size_t i = 0; i < out.len; i++)
		CHECK((out.p[i] & 0x80) == 0);
	buf_deinit(&in);
	buf_deinit(&out);
}

int
main(void)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct span in = span_str(rows[i].in);

		for (size_t cut = 1; cut <= in.len; cut++) {
			convert(in, cut, &out);
			CHECK_ROW(
			    span_is(buf_span(&out), span_str(rows[i].out)),
			    rows[i].name);
		}
		CHECK_SPAN(buf_span(&out), span_str(rows[i].out));
	}
	buf_deinit(&out);
	test_long_lines();
	test_deep();
	return test_done();
}
