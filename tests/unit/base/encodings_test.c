#include "base/base64.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "test.h"

/* RFC 4648 10 and refusals of RFC 4648 3.3, 3.5. */
static void
test_base64(void)
{
	static const struct {
		const char *text, *code;
	} rows[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };
	static const char *const bad[] = { "Z", "Zg",
		"Zg=", "Zh==", "Zm9=", "====", "Z===", "Zg==Zg==", "Zm9v\n",
		"Zm 9", "Zm-_" };
	struct buf b;

	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct base64_stream s = { 0 };
		char out[16];
		size_t n;

		buf_reset(&b);
		base64_encode(&b, span_str(rows[i].text));
		CHECK_ROW(span_is(buf_span(&b), span_str(rows[i].code)),
		    rows[i].text);
		buf_reset(&b);
		CHECK(base64_decode(&b, span_str(rows[i].code)) == 0);
		CHECK_ROW(span_is(buf_span(&b), span_str(rows[i].text)),
		    rows[i].code);
		n = base64_stream_step(
		    &s, rows[i].code, strlen(rows[i].code), out);
		CHECK_ROW(span_is(span_of(out, n), span_str(rows[i].text)),
		    rows[i].code);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *p = test_copy(span_str(bad[i]));

		buf_reset(&b);
		CHECK_ROW(
		    base64_decode(&b, span_of(p, strlen(bad[i]))) == ERR_SYNTAX,
		    bad[i]);
		free(p);
	}
	buf_deinit(&b);
}

static void
test_checksums(void)
{
	char zeros[32] = { 0 };
	struct hash_key key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	char bytes[15];

	/* RFC 3720 B.4 */
	CHECK(crc32c(0, span_of(zeros, sizeof(zeros))) == 0x8a9136aa);
	CHECK(crc32c(0, SPAN("123456789")) == 0xe3069283);
	CHECK(crc32c(crc32c(0, SPAN("12345")), SPAN("6789")) == 0xe3069283);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	/* The vector of the SipHash paper, appendix A. */
	CHECK(
	    hash_sip(key, span_of(bytes, sizeof(bytes))) == 0xa129ca6149be45e5);
}

static void
test_utf8(void)
{
	static const char *const good[] = { "", "abc", "\xc3\xa9",
		"\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf",
		"\xed\x9f\xbf" };
	static const char *const bad[] = { "\x80", "\xc3", "\xc0\xaf",
		"\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xe2\x82", "\xff", "a\xc3(" };
	struct buf b;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK_ROW(utf8_is_valid(span_str(good[i])), good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *p = test_copy(span_str(bad[i]));

		CHECK_ROW(!utf8_is_valid(span_of(p, strlen(bad[i]))), bad[i]);
		free(p);
	}
	CHECK(utf8_cut(SPAN("a\xe2\x82\xac"), 3).len == 1);
	CHECK(utf8_cut(SPAN("a\xe2\x82\xac"), 4).len == 4);
	buf_init(&b, 100);
	CHECK(utf8_fold(&b, SPAN("KIM")) == 0);
	CHECK(span_is(buf_span(&b), SPAN("kim")));
	CHECK(utf8_fold(&b, SPAN("\xff")) == ERR_SYNTAX);
	buf_reset(&b);
	utf8_put(&b, 0x20ac);
	utf8_put(&b, 0x1f600);
	utf8_put(&b, 0xe9);
	CHECK(span_is(
	    buf_span(&b), SPAN("\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9")));
	buf_deinit(&b);
}

int
main(void)
{
	test_base64();
	test_checksums();
	test_utf8();
	return test_done();
}
