/* Signatures do not depend on how the message was cut, name each field once
 * more than it is there, and verify by BearSSL; records hold the key. (What
 * others say of them: tests/e2e/dkim_sign.py.) */
#include "trust/dkim_sign.h"

#include <bearssl.h>

#include "base/err.h"
#include "test.h"
#include "trust/rsa_make.h"

static const struct span message = { "From: Kim <kim@a.test>\r\n"
	                             "Received: x\r\nSubject: one\r\n two\r\n"
	                             "Subject:\tthree \r\nList-Id: l\r\n\r\n"
	                             " body \t text\r\n\r\n",
	sizeof("From: Kim <kim@a.test>\r\nReceived: x\r\nSubject: one\r\n "
	       "two\r\nSubject:\tthree \r\nList-Id: l\r\n\r\n body \t "
	       "text\r\n\r\n") -
	    1 };

static struct buf key;

static void
make_key(void)
{
	struct rsa_make *m;
	int rc = 1;

	buf_init(&key, RSA_MAX_DER_BYTES);
	REQUIRE(rsa_make_new(&m) == 0);
	while (rc == 1)
		rc = rsa_make_step(m, &key);
	REQUIRE(rc == 0);
	rsa_make_free(m);
}

static int
sign_cut(struct span text, size_t cut, struct buf *out)
{
	struct dkim_signer by = { .domain = SPAN("a.test"),
		.selector = SPAN("s1"),
		.key = buf_span(&key),
		.now_s = 1800000000 };
	char *head = test_copy(span_sub(text, 0, cut));
	char *tail = test_copy(span_sub(text, cut, text.len));
	struct dkim_sign *d;
	int rc;

	REQUIRE(dkim_sign_new(false, &d) == 0);
	dkim_sign_feed(d, span_of(head, cut));
	dkim_sign_feed(d, span_of(tail, text.len - cut));
	rc = dkim_sign_finish(d);
	if (rc == 0)
		rc = dkim_sign_put(d, &by, out);
	dkim_sign_free(d);
	free(head);
	free(tail);
	return rc;
}

static bool
contains(struct span text, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= text.len; i++)
		if (memcmp(text.p + i, word, n) == 0)
			return true;
	return false;
}

static void
test_cuts(void)
{
	struct buf whole, cut;

	buf_init(&whole, DKIM_SIGN_BYTES);
	buf_init(&cut, DKIM_SIGN_BYTES);
	CHECK_INT(sign_cut(message, 0, &whole), 0);
	CHECK(contains(buf_span(&whole),
	    "h=From:From:To:Cc:Subject:Subject:Subject:Date:Message-ID:"));
	CHECK(contains(buf_span(&whole), ":List-Id;\r\n"));
	CHECK(!contains(buf_span(&whole), "Received"));
	CHECK(contains(buf_span(&whole), "; t=1800000000;"));
	for (size_t i = 1; i <= message.len; i++) {
		buf_reset(&cut);
		CHECK_INT(sign_cut(message, i, &cut), 0);
		CHECK(span_is(buf_span(&cut), buf_span(&whole)));
	}
	buf_deinit(&whole);
	buf_deinit(&cut);
}

static void
test_refusals(void)
{
	char storage[100];
	struct buf out, many;

	buf_init(&out, DKIM_SIGN_BYTES);
	CHECK_INT(sign_cut(SPAN("Subject: x\r\n\r\n"), 0, &out), ERR_NONE);
	CHECK_INT(sign_cut(SPAN(""), 0, &out), ERR_NONE);
	CHECK_INT(sign_cut(SPAN("From: a@a.test"), 3, &out), 0);
	buf_init(&many, 1 << 20);
	for (int i = 0; i <= DKIM_SIGN_FIELDS; i++)
		buf_put_str(&many, "From: a@a.test\r\n");
	CHECK_INT(sign_cut(buf_span(&many), 0, &out), ERR_LIMIT);
	buf_reset(&many);
	for (int i = 0; i < 3000; i++)
		buf_put_str(&many, "X: y\r\n");
	buf_put_str(&many, "From: a@a.test\r\n\r\n");
	CHECK_INT(sign_cut(buf_span(&many), 0, &out), ERR_LIMIT);
	buf_deinit(&many);
	/* It takes back what it has put. */
	buf_deinit(&out);
	buf_init_fixed(&out, storage, sizeof(storage));
	buf_put_str(&out, "before");
	CHECK_INT(sign_cut(message, 0, &out), ERR_LIMIT);
	CHECK_INT(out.len, 6);
}

static void
test_bad_keys(void)
{
	struct buf good = key, out;

	buf_init(&out, DKIM_SIGN_BYTES);
	for (size_t cut = 0; cut < good.len; cut += 7) {
		char *p = test_copy(span_sub(buf_span(&good), 0, cut));

		buf_init(&key, RSA_MAX_DER_BYTES);
		buf_put(&key, span_of(p, cut));
		CHECK_INT(sign_cut(message, 0, &out), ERR_INVALID);
		CHECK_INT(
		    dkim_sign_put_record(buf_span(&key), &out), ERR_INVALID);
		CHECK_INT(out.len, 0);
		buf_deinit(&key);
		free(p);
	}
	key = good;
	CHECK_INT(dkim_sign_put_record(buf_span(&key), &out), 0);
	/* 294 bytes of SubjectPublicKeyInfo, with their 8 first in base64. */
	CHECK(span_starts(buf_span(&out),
	    SPAN(
	        "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKC")));
	CHECK_INT(out.len, 18 + 392);
	buf_deinit(&out);
}

int
main(void)
{
	make_key();
	test_cuts();
	test_refusals();
	test_bad_keys();
	buf_wipe(&key);
	return test_done();
}
