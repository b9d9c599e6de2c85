/* Domains in other scripts: the samples of RFC 3492 7.1, names as people write
 * them, and what is none. */
#include "base/idna.c"

#include "../test.h"

/* RFC 3492 7.1, (A) to (S) */
static const struct {
	const char *text, *punycode;
} samples[] = {
	{ "ليهمابتكلموشعربي؟", "egbpdaj6bu4bxfgehfvwxn" },
	{ "他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye" },
	{ "他們爲什麽不說中文", "ihqwctvzc91f659drss3x8bo0yb" },
	{ "Pročprostěnemluvíčesky", "Proprostnemluvesky-uyb24dma41a" },
	{ "למההםפשוטלאמדבריםעברית", "4dbcagdahymbxekheh6e0a7fei0b" },
	{ "यहलोगहिन्दीक्योंनहींबोलसकतेहैं",
	    "i1baa7eci9glrd9b2ae1bj0hfcgg6iyaf8o0a1dig0cd" },
	{ "なぜみんな日本語を話してくれないのか",
	    "n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa" },
	{ "세계의모든사람들이한국어를이해한다면얼마나좋을까",
	    "989aomsvi5e83db1d2a355cv1e0vak1dwrv93d5xbh15a0dt30a5jpsd879ccm6fea"
	    "98c" },
	{ "почемужеонинеговорятпорусски", "b1abfaaepdrnnbgefbadotcwatmq2g4l" },
	{ "PorquénopuedensimplementehablarenEspañol",
	    "PorqunopuedensimplementehablarenEspaol-fmd56a" },
	{ "TạisaohọkhôngthểchỉnóitiếngViệt",
	    "TisaohkhngthchnitingVit-kjcr8268qyxafd2f1b9g" },
	{ "3年B組金八先生", "3B-ww4c5e180e575a65lsy2b" },
	{ "安室奈美恵-with-SUPER-MONKEYS",
	    "-with-SUPER-MONKEYS-pc58ag80a8qai00g7n9n" },
	{ "Hello-Another-Way-それぞれの場所",
	    "Hello-Another-Way--fc4qua05auwb3674vfr0b" },
	{ "ひとつ屋根の下2", "2-u9tlzr9756bt3uc0v" },
	{ "MajiでKoiする5秒前", "MajiKoi5-783gue6qz075azm5e" },
	{ "パフィーdeルンバ", "de-jg4avhby1noc0d" },
	{ "そのスピードで", "d9juau41awczczp" },
	{ "-> $1.00 <-", "-> $1.00 <--" },
};

static void
rfc_samples(void)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct span text = span_str(samples[i].text), rest = text;
		struct codes codes = { .n = 0 };
		char storage[300];
		struct buf b;
		uint32_t code;

		buf_init_fixed(&b, storage, sizeof(storage));
		while (rest.len > 0) {
			int n = utf8_next(rest, &code);

			REQUIRE(n > 0 && codes.n < IDNA_MAX_LABEL);
			codes.code[codes.n++] = code;
			rest = span_sub(rest, (size_t)n, rest.len);
		}
		encode(&b, &codes);
		CHECK_SPAN(buf_span(&b), span_str(samples[i].punycode));
		CHECK_ROW(decode(span_str(samples[i].punycode), &codes) == 0,
		    samples[i].punycode);
		buf_reset(&b);
		for (uint32_t k = 0; k < codes.n; k++)
			utf8_put(&b, codes.code[k]);
		CHECK_ROW(span_is_nocase(buf_span(&b), text), samples[i].text);
	}
}

static const struct {
	const char *in, *ascii, *unicode;
} names[] = {
	{ "Example.TEST", "example.test", "example.test" },
	{ "bücher.example", "xn--bcher-kva.example", "bücher.example" },
	{ "BÜCHER.Example", "xn--bcher-kva.example", "bücher.example" },
	{ "xn--BCHER-kva.example", "xn--bcher-kva.example", "bücher.example" },
	{ "mail.bücher.example.", "mail.xn--bcher-kva.example.",
	    "mail.bücher.example." },
	/* letters of their own, which are not mapped away */
	{ "faß.de", "xn--fa-hia.de", "faß.de" },
	{ "βόλος.com", "xn--nxasmm1c.com", "βόλος.com" },
	{ "日本語。ＪＰ", "xn--wgv71a119e.jp", "日本語.jp" },
	{ "例え.テスト", "xn--r8jz45g.xn--zckzah", "例え.テスト" },
	{ "xn--r8jz45g.xn--zckzah", "xn--r8jz45g.xn--zckzah", "例え.テスト" },
	{ "[192.0.2.1]", "[192.0.2.1]", "[192.0.2.1]" },
	{ "a_b.test", "a_b.test", "a_b.test" },
	{ "", "", "" },
	/* no A-labels: they stay as they are */
	{ "xn--", "xn--", "xn--" },
	{ "xn--a", "xn--a", "xn--a" },
	{ "xn--abc-.test", "xn--abc-.test", "xn--abc-.test" },
	{ "xn--99999999999.test", "xn--99999999999.test",
	    "xn--99999999999.test" },
	/* characters that would be read as others, a dot among them */
	{ "xn--r6jz45g.xn--zckzah", "xn--r6jz45g.xn--zckzah",
	    "xn--r6jz45g.テスト" },
	{ "xn--a-ecp.test", "xn--a-ecp.test", NULL },
	{ "ü b.test", NULL, NULL },
	{ "ü/b.test", NULL, NULL },
	{ "ü\xe2\x80\xae.test", NULL, NULL }, /* U+202E */
	{ "\xff.test", NULL, NULL },
	{ "\xc3", NULL, NULL },
};

static void
names_of_people(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct span in = span_str(names[i].in);
		char *copy = test_copy(in), storage[300];
		struct buf b;
		int rc;

		buf_init_fixed(&b, storage, sizeof(storage));
		buf_put_str(&b, "x@");
		rc = idna_to_ascii(&b, span_of(copy, in.len));
		CHECK_ROW((rc == 0) == (names[i].ascii != NULL), names[i].in);
		if (names[i].ascii == NULL)
			CHECK_SPAN(buf_span(&b), SPAN("x@"));
		else
			CHECK_SPAN(span_sub(buf_span(&b), 2, b.len),
			    span_str(names[i].ascii));
		free(copy);
		if (rc < 0 || names[i].unicode == NULL)
			continue;
		copy = test_copy(span_str(names[i].ascii));
		buf_reset(&b);
		idna_to_unicode(&b, span_of(copy, strlen(names[i].ascii)));
		CHECK_SPAN(buf_span(&b), span_str(names[i].unicode));
		free(copy);
	}
}

static void
limits(void)
{
	char storage[300], name[400], small[8];
	struct buf b;
	size_t n = 0;

	/* 63 letters of which one is not ASCII are more than 63 bytes. */
	for (; n < 62; n++)
		name[n] = 'a';
	memcpy(name + n, "ü", 2);
	buf_init_fixed(&b, storage, sizeof(storage));
	CHECK(idna_to_ascii(&b, span_of(name, n + 2)) == ERR_LIMIT);
	CHECK(idna_to_ascii(&b, span_of(name + 10, n - 8)) == 0);
	CHECK(b.len <= IDNA_MAX_LABEL);
	for (n = 0; n < 400; n += 2)
		memcpy(name + n, "ü", 2);
	CHECK(idna_to_ascii(&b, span_of(name, sizeof(name))) == ERR_LIMIT);
	buf_init_fixed(&b, small, sizeof(small));
	CHECK(idna_to_ascii(&b, SPAN("bücher.example")) == ERR_LIMIT);
	CHECK(idna_is_same(SPAN("Bücher.TEST"), SPAN("xn--bcher-kva.test")));
	CHECK(!idna_is_same(SPAN("bucher.test"), SPAN("xn--bcher-kva.test")));
	CHECK(!idna_is_same(SPAN("\xff"), SPAN("\xff")));
}

/* Cut anywhere, nothing is read past the end. */
static void
cut_at_every_length(void)
{
	struct span in = SPAN("xn--r8jz45g.例え。bücher.xn--fa-hia.de");

	for (size_t n = 0; n <= in.len; n++) {
		char *copy = test_copy(span_sub(in, 0, n)), storage[300];
		struct buf b;
		int rc;

		buf_init_fixed(&b, storage, sizeof(storage));
		rc = idna_to_ascii(&b, span_of(copy, n));
		CHECK(rc == 0 || rc == ERR_SYNTAX);
		idna_to_unicode(&b, span_of(copy, n));
		free(copy);
	}
}

int
main(void)
{
	rfc_samples();
	names_of_people();
	limits();
	cut_at_every_length();
	return test_done();
}
