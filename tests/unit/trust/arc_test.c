/* Chains that we sealed ourselves, in any pieces, changed in any way. (What
 * dkimpy says of ours, and we of its: tests/e2e/arc.py.) */
#include "trust/arc.h"

#include "base/mem.h"
#include "fake_dns.h"
#include "trust/rsa_make.h"

#define N_SETS 3

static const char plain[] = "From: Kim <kim@a.test>\r\nSubject: one\r\n\r\n"
                            "body\r\n";
static struct buf key;

static void
wake(void *owner)
{
	++*(int *)owner;
}

static void
make_key(void)
{
	struct rsa_make *m;
	struct buf record;
	int rc = 1;

	buf_init(&key, RSA_MAX_DER_BYTES);
	REQUIRE(rsa_make_new(&m) == 0);
	while (rc == 1)
		rc = rsa_make_step(m, &key);
	REQUIRE(rc == 0);
	rsa_make_free(m);
	buf_init(&record, 2048);
	REQUIRE(dkim_sign_put_record(buf_span(&key), &record) == 0);
	fake_add(DNS_TXT, "s._domainkey.l.test", buf_span(&record), 0);
	fake_add(DNS_TXT, "s._domainkey.m.test", buf_span(&record), 0);
	fake_txt("down._domainkey.m.test", "!");
	buf_deinit(&record);
}

static void
work(struct arc *a)
{
	fake_run();
	while (arc_has_work(a)) {
		arc_step(a);
		fake_run();
	}
}

/* Verify a mail that comes in pieces of n bytes; h and the result live on. */
static struct arc *
verify(struct span mail, size_t n, struct head *h)
{
	static int n_woken;
	struct arc *a = NULL;

	head_init(h);
	for (size_t at = 0; at < mail.len; at += n) {
		struct span s = span_sub(mail, at, n);

		if (!h->is_over && head_feed(h, &s))
			REQUIRE(arc_new(NULL, h, wake, &n_woken, &a) == 0);
		if (h->is_over)
			arc_feed(a, s);
	}
	if (!h->is_over) {
		head_finish(h);
		REQUIRE(arc_new(NULL, h, wake, &n_woken, &a) == 0);
	}
	if (n % 2 == 0) /* keys before the end of the body, or behind it */
		work(a);
	arc_finish(a);
	work(a);
	return a;
}

static void
done(struct arc *a, struct head *h)
{
	arc_free(a);
	head_deinit(h);
	CHECK_INT(n_fake_pending, 0);
}

/* Put a set in front. */
static void
seal(struct buf *mail, const char *domain, const char *results)
{
	struct head h;
	struct arc *a = verify(buf_span(mail), 7, &h);
	struct dkim_signer by = { .domain = span_str(domain),
		.selector = SPAN("s"),
		.key = buf_span(&key),
		.now_s = 1800000000,
		.instance = arc_next_instance(a) };
	struct buf out, first, second;
	struct dkim_sign *d;

	buf_init(&out, 32768);
	buf_init(&first, 1024);
	buf_init(&second, DKIM_SIGN_BYTES);
	buf_putf(&first, "ARC-Authentication-Results: i=%u; %s; %s\r\n",
	    by.instance, domain, results);
	REQUIRE(dkim_sign_new(true, &d) == 0);
	dkim_sign_feed(d, buf_span(mail));
	REQUIRE(dkim_sign_finish(d) == 0);
	REQUIRE(dkim_sign_put(d, &by, &second) == 0);
	REQUIRE(
	    arc_seal(a, &by, buf_span(&first), buf_span(&second), &out) == 0);
	buf_put(&out, buf_span(&second));
	buf_put(&out, buf_span(&first));
	buf_put(&out, buf_span(mail));
	buf_reset(mail);
	buf_put(mail, buf_span(&out));
	REQUIRE(!buf_failed(mail));
	dkim_sign_free(d);
	buf_deinit(&out);
	buf_deinit(&first);
	buf_deinit(&second);
	done(a, &h);
}

static void
build(struct buf *mail, const char *first, const char *others, int n_sets)
{
	buf_init(mail, 32768);
	buf_put_str(mail, plain);
	for (int i = 0; i < n_sets; i++)
		seal(mail, i == 0 ? first : others,
		    i == 0 ? "dmarc=pass header.from=a.test" : "dmarc=fail");
}

static void
check(struct span mail, enum arc_result want, const char *why)
{
	for (size_t n = 1; n < mail.len + 7; n += n < 4 ? 1 : mail.len / 2) {
		struct head h;
		struct arc *a = verify(mail, n, &h);

		CHECK_STR(arc_name(arc_get(a)->result), arc_name(want));
		if (why != NULL)
			CHECK_STR(arc_get(a)->reason, why);
		done(a, &h);
	}
}

/* The mail with every from (or the first) replaced. */
static char *
changed(struct span mail, const char *from, const char *to, bool all)
{
	size_t n_from = strlen(from), n_to = strlen(to), at = 0, n = 0;
	char *out = calloc(1, mail.len + 100 * n_to + 1);
	bool has_some = false;

	REQUIRE(out != NULL);
	while (at < mail.len) {
		if ((all || !has_some) && at + n_from <= mail.len &&
		    memcmp(mail.p + at, from, n_from) == 0) {
			memcpy(out + n, to, n_to);
			n += n_to;
			at += n_from;
			has_some = true;
		} else {
			out[n++] = mail.p[at++];
		}
	}
	REQUIRE(has_some);
	return out;
}

static const struct {
	const char *from, *to;
	bool all;
	const char *why; /* NULL: whatever is looked at first */
} changes[] = {
	{ "\r\nbody", "\r\nBody", false, "the body was changed" },
	{ "\r\nbody\r\n", "\r\nbody\r\nmore\r\n", false,
	    "the body was changed" },
	{ "From: Kim", "From: Tim", false, "the header was changed" },
	{ "From: Kim", "From: x@y.test\r\nFrom: Kim", false,
	    "the header was changed" },
	{ "header.from=a.test", "header.from=b.test", false,
	    "the header was changed" },
	{ "ARC-Seal: i=3;", "X: i=3;", false, "a set is not whole" },
	{ "ARC-Seal: i=2;", "X: i=2;", false, "a set is not whole" },
	{ "ARC-Message-Signature: i=1;", "X: i=1;", false,
	    "a set is not whole" },
	{ "i=2;", "i=4;", true, "a set is not whole" },
	{ "Results: i=2;", "Results: i=1;", false, "a field is there twice" },
	{ "Results: i=2;", "Results: x;", false,
	    "a field without an instance number" },
	{ "Seal: i=2;", "Seal: i=0;", false,
	    "a field without an instance number" },
	{ "Seal: i=2;", "Seal: i=99999999999999999999;", false,
	    "a field without an instance number" },
	{ "i=3;", "i=51;", true, "too many sets" },
	{ "i=3; a=rsa-sha256; cv=pass", "i=3; a=rsa-sha256; cv=fail", false,
	    "the chain was broken before" },
	{ "cv=pass", "cv=none", true, "a seal says that the chain is broken" },
	{ "cv=none", "cv=pass", true, "a seal says that the chain is broken" },
	{ "cv=pass", "cv=pass; h=from", false, "h= in a seal" },
	{ "h=From:From", "h=From:ARC-Seal", false, "the chain is signed" },
	{ "h=From:From", "h=From:arc-message-signature", false,
	    "the chain is signed" },
	{ "h=From:From", "h=From : ARC-Authentication-Results", false,
	    "the chain is signed" },
	{ "h=From:From", "h=To", false, "From is not signed" },
	{ "Signature: i=3;", "Signature: i=3; l=2;", false, NULL },
	{ "Signature: i=3;", "Signature: i=3; l=9;", false, NULL },
	{ "Signature: i=3;", "Signature: i=3; x=9;", false,
	    "expires before it is signed" },
	{ "a=rsa-sha256; cv", "a=rsa-sha1; cv", false, "SHA-1 is not taken" },
	{ "a=rsa-sha256; cv", "a=ed25519-sha256; cv", false,
	    "Ed25519 cannot be checked here" },
	{ "d=m.test", "d=n.test", false, "there is no key" },
	{ "s=s;", "s=down;", false, "DNS did not answer" },
	{ "d=m.test", "d=", true, "no domain" },
};

static void
test_changes(void)
{
	struct buf mail;

	build(&mail, "l.test", "m.test", N_SETS);
	check(SPAN("From: a@b\r\n\r\nx"), ARC_NONE, "");
	check(buf_span(&mail), ARC_PASS, "");
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		char *p = changed(buf_span(&mail), changes[i].from,
		    changes[i].to, changes[i].all);
		struct span other = span_str(p);
		char *copy = test_copy(other);

		check(span_of(copy, other.len), ARC_FAIL, changes[i].why);
		free(copy);
		free(p);
	}
	for (size_t n = 0; n + 2 < mail.len; n++) {
		char *copy = test_copy(span_of(mail.p, n));
		struct head h;
		struct arc *a = verify(span_of(copy, n), n + 1, &h);

		CHECK(arc_get(a)->result != ARC_PASS);
		CHECK(arc_get(a)->result != ARC_PENDING);
		done(a, &h);
		free(copy);
	}
	buf_deinit(&mail);
}

/* What was found broken costs no more than what was looked at until then. */
static void
test_cost(void)
{
	struct buf mail;
	struct head h;
	struct arc *a;
	char *p;

	build(&mail, "l.test", "m.test", N_SETS);
	n_fake_asked = 0;
	a = verify(buf_span(&mail), mail.len, &h);
	done(a, &h);
	CHECK_INT(n_fake_asked, N_SETS + 1);
	p = changed(buf_span(&mail), "From: Kim", "From: Tim", false);
	n_fake_asked = 0;
	check(span_str(p), ARC_FAIL, "the header was changed");
	CHECK(n_fake_asked <= 6);
	free(p);
	buf_deinit(&mail);
}

static void
test_sealing(void)
{
	struct buf mail;
	struct head h;
	struct arc *a;
	char *p;

	/* A broken chain: a seal over itself, and nothing above. */
	build(&mail, "l.test", "m.test", 1);
	p = changed(buf_span(&mail), "\r\nbody", "\r\nBody", false);
	buf_reset(&mail);
	buf_put_str(&mail, p);
	free(p);
	seal(&mail, "m.test", "arc=fail");
	a = verify(buf_span(&mail), 100, &h);
	CHECK_INT(arc_get(a)->n_sets, 2);
	CHECK_STR(arc_get(a)->reason, "the chain was broken before");
	CHECK_INT(arc_next_instance(a), 0);
	done(a, &h);
	/* The longest. */
	p = changed(buf_span(&mail), "i=", "i=49", true);
	a = verify(span_str(p), 100, &h);
	CHECK_INT(arc_next_instance(a), 0);
	done(a, &h);
	free(p);
	a = verify(SPAN("ARC-Seal: i=50\r\n\r\n"), 100, &h);
	CHECK_INT(arc_next_instance(a), 0);
	done(a, &h);
	a = verify(SPAN("ARC-Seal: i=49\r\n\r\n"), 100, &h);
	CHECK_INT(arc_next_instance(a), 50);
	done(a, &h);
	a = verify(SPAN("ARC-Seal: x\r\n\r\n"), 100, &h);
	CHECK_INT(arc_next_instance(a), 0);
	done(a, &h);
	buf_deinit(&mail);
}

static void
test_vouching(void)
{
	static const struct {
		const char *sealers, *author, *by;
	} rows[] = {
		{ "l.test m.test", "a.test", "l.test" },
		{ "M.test x  L.test", "A.test", "l.test" },
		{ "", "a.test", "" },
		{ "l.test", "a.test", "" }, /* m.test is above it */
		{ "m.test", "a.test", "" },
		{ "l.test m.test", "b.test", "" },
		{ "l.test m.test", "", "" },
	};
	char storage[100];
	struct buf mail, words;
	struct head h;
	struct arc *a;

	build(&mail, "l.test", "m.test", 2);
	a = verify(buf_span(&mail), 100, &h);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span by = span_of(NULL, 0);
		bool is_so = arc_vouches(a, span_str(rows[i].sealers),
		    span_str(rows[i].author), &by);

		CHECK_INT(is_so, rows[i].by[0] != '\0');
		CHECK_SPAN(by, span_str(rows[i].by));
	}
	buf_init_fixed(&words, storage, sizeof(storage));
	arc_put_seals(a, &words);
	CHECK_SPAN(buf_span(&words),
	    SPAN("arc=pass as[2].d=m.test as[2].s=s as[1].d=l.test as[1].s=s"));
	buf_init_fixed(&words, storage, 50);
	arc_put_seals(a, &words);
	CHECK_SPAN(buf_span(&words), SPAN("arc=pass as[2].d=m.test as[2].s=s"));
	done(a, &h);
	buf_deinit(&mail);
}

int
main(void)
{
	make_key();
	test_changes();
	test_cost();
	test_sealing();
	test_vouching();
	buf_deinit(&key);
	fake_clear();
	return test_done();
}
