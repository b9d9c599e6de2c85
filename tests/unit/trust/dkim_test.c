/* DKIM: signatures, keys, and mail that was signed elsewhere, in any pieces. */
#include "trust/dkim.h"

#include "base/limits.h"
#include "dkim_mails.h"
#include "fake_dns.h"
#include "trust/dkim_key.h"
#include "trust/dkim_sig.h"

static void
wake(void *owner)
{
	++*(int *)owner;
}

/* Verify a message that comes in pieces of n bytes. Returns the first result;
 * its reason is *why_out. */
static enum dkim_result
verify(struct span mail, size_t n, size_t *n_out, const char **why_out)
{
	struct head h;
	struct dkim *d = NULL;
	enum dkim_result r;
	int n_woken = 0;

	head_init(&h);
	for (size_t at = 0; at < mail.len; at += n) {
		struct span s = span_sub(mail, at, n);

		if (!h.is_over && head_feed(&h, &s))
			REQUIRE(dkim_new(NULL, &h, wake, &n_woken, &d) == 0);
		if (h.is_over)
			dkim_feed(d, s);
	}
	if (!h.is_over) {
		head_finish(&h);
		REQUIRE(dkim_new(NULL, &h, wake, &n_woken, &d) == 0);
	}
	/* Keys before the end of the body, or behind it. */
	if (n % 2 == 0)
		fake_run();
	while (dkim_has_work(d))
		dkim_step(d);
	dkim_finish(d);
	fake_run();
	while (dkim_has_work(d))
		dkim_step(d);
	CHECK(dkim_is_done(d));
	*n_out = dkim_count(d);
	r = *n_out > 0 ? dkim_get(d, 0)->result : DKIM_PENDING;
	*why_out = *n_out > 0 ? dkim_get(d, 0)->reason : "";
	dkim_free(d);
	head_deinit(&h);
	CHECK_INT(n_fake_pending, 0);
	return r;
}

static void
check(const char *mail, enum dkim_result want, const char *why_want)
{
	size_t len = strlen(mail), n_sigs;
	char *p = test_copy(span_of(mail, len));
	const char *why;

	for (size_t n = 1; n < len + 7; n += n < 8 ? 1 : len / 3) {
		enum dkim_result r = verify(span_of(p, len), n, &n_sigs, &why);

		CHECK_ROW(r == want, why);
		CHECK_STR(why, why_want);
	}
	free(p);
}

/* The mail with one text in place of another, of any length. */
static char *
changed(const char *mail, const char *from, const char *to)
{
	const char *at = strstr(mail, from);
	size_t n_from = strlen(from), n_to = strlen(to), before;
	char *out;

	REQUIRE(at != NULL);
	before = (size_t)(at - mail);
	out = calloc(1, strlen(mail) + n_to + 1);
	REQUIRE(out != NULL);
	memcpy(out, mail, before);
	memcpy(out + before, to, n_to);
	memcpy(out + before + n_to, at + n_from, strlen(at + n_from));
	return out;
}

static const struct {
	const char *mail, *from, *to;
	enum dkim_result want;
	const char *why;
} changes[] = {
	{ dkim_mail_relaxed, "Ann <", "ANN <", DKIM_FAIL,
	    "the header was changed" },
	{ dkim_mail_relaxed, "From: Ann", "FROM :  Ann", DKIM_PASS, "" },
	{ dkim_mail_simple, "From: Ann", "FROM: Ann", DKIM_FAIL,
	    "the header was changed" },
	/* The lowest of two is signed, and no second From may come. */
	{ dkim_mail_relaxed, "Comments:  a", "Comments: c", DKIM_PASS, "" },
	{ dkim_mail_relaxed, "Comments: last", "Comments: c", DKIM_FAIL,
	    "the header was changed" },
	{ dkim_mail_relaxed, "To: you", "From: x@y\r\nTo: you", DKIM_FAIL,
	    "the header was changed" },
	/* What a message has once, and a reader may see twice now. */
	{ dkim_mail_relaxed, "From: Ann", "Subject: new\r\nFrom: Ann",
	    DKIM_POLICY, "a field was added that should be there once" },
	{ dkim_mail_simple, "From: Ann", "to : x@y.test\r\nFrom: Ann",
	    DKIM_POLICY, "a field was added that should be there once" },
	{ dkim_mail_relaxed, "From: Ann", "Date: x\r\nDate: y\r\nFrom: Ann",
	    DKIM_PASS, "" },
	/* The signature itself is not what its h= speaks of. */
	{ dkim_mail_own, "To:", "to:", DKIM_PASS, "" },
	{ dkim_mail_own, "From: Ann", "DKIM-Signature: x\r\nFrom: Ann",
	    DKIM_FAIL, "the header was changed" },
	{ dkim_mail_relaxed, "Hi \t there ", "Hi  there", DKIM_PASS, "" },
	{ dkim_mail_relaxed, "bye\r\n\r\n\r\n", "bye\r\n", DKIM_PASS, "" },
	{ dkim_mail_simple, "Hi \t there ", "Hi  there", DKIM_FAIL,
	    "the body was changed" },
	{ dkim_mail_simple, "bye\r\n\r\n\r\n", "bye\r\n", DKIM_PASS, "" },
	{ dkim_mail_length, "bye\r\n", "bye\r\nand more\r\n", DKIM_POLICY,
	    "only a part of the body is signed" },
	{ dkim_mail_length, "bye\r\n", "", DKIM_FAIL,
	    "the body is shorter than what was signed" },
	{ dkim_mail_relaxed, "a=rsa-sha256", "a=rsa-sha1", DKIM_PERMERROR,
	    "SHA-1 is not taken" },
	{ dkim_mail_relaxed, "a=rsa-sha256", "a=ed25519-sha256", DKIM_NEUTRAL,
	    "Ed25519 cannot be checked here" },
	{ dkim_mail_relaxed, "a=rsa-sha256", "a=x", DKIM_PERMERROR,
	    "unknown algorithm" },
	{ dkim_mail_relaxed, "d=d.test;\r\n i=@d.test", "d=none.test",
	    DKIM_PERMERROR, "there is no key" },
	{ dkim_mail_relaxed, "s=s;", "s=down;", DKIM_TEMPERROR,
	    "DNS did not answer" },
	{ dkim_mail_relaxed, "s=s;", "s=empty;", DKIM_PERMERROR,
	    "the key is revoked" },
	{ dkim_mail_relaxed, "s=s;", "s=sha1;", DKIM_PERMERROR,
	    "the key is not for SHA-256" },
	{ dkim_mail_relaxed, "s=s;", "s=tls;", DKIM_PERMERROR,
	    "the key is not for mail" },
	{ dkim_mail_relaxed, "s=s;", "s=bad;", DKIM_PERMERROR,
	    "the key is malformed" },
	{ dkim_mail_relaxed, "v=1;", "v=2;", DKIM_PERMERROR,
	    "unknown version" },
	{ dkim_mail_relaxed, "v=1;", "v=1; v=1;", DKIM_PERMERROR,
	    "malformed signature" },
	{ dkim_mail_relaxed, "v=1;", "v=1; x=1;", DKIM_PERMERROR,
	    "expires before it is signed" },
	{ dkim_mail_relaxed, "i=@d.test", "i=a@e.test", DKIM_PERMERROR,
	    "the identity is not the domain's" },
	{ dkim_mail_relaxed, "q=dns/txt", "q=x/y", DKIM_PERMERROR,
	    "unknown query method" },
	{ dkim_mail_relaxed, "h=from", "h=date", DKIM_FAIL,
	    "the header was changed" },
};

static void
test_mails(void)
{
	fake_txt("s._domainkey.d.test", dkim_key_txt);
	fake_txt("empty._domainkey.d.test", "v=DKIM1; p=");
	fake_txt("sha1._domainkey.d.test", "h=sha1; p=AAAA");
	fake_txt("tls._domainkey.d.test", "s=tlsrpt; p=AAAA");
	fake_txt("bad._domainkey.d.test", "v=DKIM1; p=AAAA");
	fake_txt("down._domainkey.d.test", "!");
	check(dkim_mail_relaxed, DKIM_PASS, "");
	check(dkim_mail_simple, DKIM_PASS, "");
	check(dkim_mail_length, DKIM_PASS, "");
	check(dkim_mail_own, DKIM_PASS, "");
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		char *mail =
		    changed(changes[i].mail, changes[i].from, changes[i].to);

		check(mail, changes[i].want, changes[i].why);
		free(mail);
	}
	fake_clear();
}

/* More signatures than are looked at, and a header that is too large. */
static void
test_many(void)
{
	static char mail[MAX_HEADER_BYTES + 4096];
	const char *why;
	size_t n_sigs, at = 0;

	for (int i = 0; i < 1000; i++)
		at += (size_t)snprintf(mail + at, sizeof(mail) - at,
		    "DKIM-Signature: v=1; a=rsa-sha256; d=x.test; s=s; "
		    "h=from; bh=AA==; b=AA==\r\n");
	snprintf(mail + at, sizeof(mail) - at, "From: a@b\r\n\r\nx\r\n");
	CHECK_INT(verify(span_str(mail), 4096, &n_sigs, &why), DKIM_PERMERROR);
	CHECK_INT(n_sigs, DKIM_MAX_SIGNATURES);
	memset(mail, 'a', sizeof(mail));
	memcpy(mail, "DKIM-Signature: v=1;\r\nX: ", 25);
	memcpy(mail + sizeof(mail) - 8, "\r\n\r\nxx\r\n", 8);
	CHECK_INT(verify(span_of(mail, sizeof(mail)), 4096, &n_sigs, &why),
	    DKIM_PENDING);
	CHECK_INT(n_sigs, 0);
}

/* Records cut at every length are no key, or a key. */
static void
test_keys(void)
{
	static const uint8_t hash[32];
	struct span all = span_str(dkim_key_txt);

	for (size_t n = 0; n <= all.len; n++) {
		char *p = test_copy(span_sub(all, 0, n));
		struct dkim_key key;
		unsigned bits;

		if (dkim_key_parse(span_of(p, n), &key) == 0) {
			int rc =
			    dkim_key_verify(&key, SPAN("AAAA"), hash, &bits);

			CHECK_INT(rc, n == all.len ? ERR_DENIED : ERR_SYNTAX);
		}
		free(p);
	}
}

int
main(void)
{
	test_mails();
	test_many();
	test_keys();
	return test_done();
}
