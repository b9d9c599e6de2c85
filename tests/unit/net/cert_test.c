/* Certificates: made here, taken from an owner, refused with a sentence. */
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "net/der.h"
#include "net/net.h"
#include "net/x509.h"
#include "pems.h"
#include "test.h"

#define DAY_S (24 * 3600)

static struct buf pem, key, why;

static void
make(int64_t now_s)
{
	struct span names[] = { SPAN("mail.example.test"), SPAN("localhost") };
	struct peer at[2];

	REQUIRE(peer_parse(SPAN("127.0.0.1"), &at[0]) == 0);
	REQUIRE(peer_parse(SPAN("2001:db8::1"), &at[1]) == 0);
	buf_reset(&pem);
	buf_reset(&key);
	REQUIRE(cert_make(names, 2, at, 2, now_s, &pem, &key) == 0);
}

static void
test_make(void)
{
	struct span bad = SPAN("not a name");
	struct cert *c;
	uint8_t print[32];

	make(clock_wall_s());
	buf_reset(&why);
	REQUIRE(cert_new(buf_span(&pem), buf_span(&key), &c, &why) == 0);
	CHECK(span_is(cert_name(c, 0), SPAN("mail.example.test")));
	CHECK(span_is(cert_name(c, 1), SPAN("localhost")));
	CHECK(cert_name(c, 2).len == 0);
	CHECK(cert_matches(c, SPAN("MAIL.example.test.")));
	CHECK(!cert_matches(c, SPAN("example.test")));
	CHECK(!cert_warning(c, clock_wall_s(), &why));
	/* Good on a board without a clock, and told of in time. */
	CHECK(cert_not_before_s(c) == 1577836800);
	CHECK(!cert_warning(c, 0, &why));
	CHECK(cert_warning(c, cert_not_after_s(c) - 29 * DAY_S, &why));
	CHECK(cert_warning(c, cert_not_after_s(c) + 1, &why));
	cert_fingerprint(c, print);
	CHECK(cert_ref(c) == c);
	cert_free(c);
	cert_free(c);
	CHECK(cert_make(&bad, 1, NULL, 0, 0, &pem, &key) == ERR_INVALID);
	CHECK(cert_make(&bad, 0, NULL, 0, 0, &pem, &key) == ERR_INVALID);
	/* A clock in 1970: ten years past 2026 all the same. */
	make(100);
	REQUIRE(cert_new(buf_span(&pem), buf_span(&key), &c, &why) == 0);
	CHECK(cert_not_after_s(c) > 2051222400); /* 2035 */
	cert_free(c);
	/* Past 2049 the time has another form. */
	make(2240524800); /* 2041 */
	REQUIRE(cert_new(buf_span(&pem), buf_span(&key), &c, &why) == 0);
	CHECK(cert_not_after_s(c) > 2524608000); /* 2050 */
	cert_free(c);
}

/* What openssl thinks of it, where there is one. */
static void
test_openssl(void)
{
	char path[200], command[1000], out[8000];
	FILE *f;
	size_t n;

	if (access("/usr/bin/openssl", X_OK) != 0)
		return;
	make(clock_wall_s());
	snprintf(path, sizeof(path), "%s/tinpost-cert-%d", test_folder(),
	    (int)getpid());
	f = fopen(path, "w");
	REQUIRE(f != NULL);
	fwrite(pem.p, 1, pem.len, f);
	fwrite(key.p, 1, key.len, f);
	fclose(f);
	snprintf(command, sizeof(command),
	    "openssl verify -x509_strict -purpose sslserver -verify_hostname "
	    "localhost -CAfile %s %s && openssl x509 -in %s -noout -text && "
	    "openssl pkey -in %s -noout -check",
	    path, path, path, path);
	f = popen(command, "r");
	REQUIRE(f != NULL);
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = 0;
	CHECK(pclose(f) == 0);
	CHECK(strstr(out, "ASN1 OID: prime256v1") != NULL);
	CHECK(strstr(out, "ecdsa-with-SHA256") != NULL);
	CHECK(strstr(out, "IP Address:127.0.0.1") != NULL);
	CHECK(strstr(out, "IP Address:2001:DB8:0:0:0:0:0:1") != NULL);
	CHECK(strstr(out, "TLS Web Server Authentication") != NULL);
	unlink(path);
}

static void
test_refusals(void)
{
	static const char junk[] = "-----BEGIN CERTIFICATE-----\n"
	                           "AAAA\n-----END CERTIFICATE-----\n";
	static const char noise[] = "-----BEGIN CERTIFICATE-----\n"
	                            "*!*\n-----END CERTIFICATE-----\n";
	static const char locked[] =
	    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
	    "AAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
	struct buf both;
	struct cert *c;

	make(clock_wall_s());
	buf_init(&both, CERT_MAX_PEM_BYTES);
	buf_put(&both, buf_span(&pem));
	buf_put_str(&both, pem_rsa_cert);
	const struct {
		struct span chain, key;
		int rc;
		const char *says;
	} rows[] = {
		{ span_str(pem_rsa_cert), buf_span(&key), ERR_INVALID,
		    "does not belong" },
		{ buf_span(&pem), span_str(pem_rsa_key), ERR_INVALID,
		    "does not belong" },
		{ buf_span(&both), buf_span(&key), ERR_INVALID,
		    "not in order" },
		{ buf_span(&key), buf_span(&key), ERR_SYNTAX,
		    "no certificate" },
		{ buf_span(&pem), buf_span(&pem), ERR_SYNTAX,
		    "no private key" },
		{ buf_span(&pem), SPAN(""), ERR_SYNTAX, "no private key" },
		{ SPAN(""), SPAN(""), ERR_SYNTAX, "no certificate" },
		{ span_str(junk), buf_span(&key), ERR_SYNTAX,
		    "cannot be read" },
		{ span_str(noise), buf_span(&key), ERR_SYNTAX, "damaged" },
		{ buf_span(&pem), span_str(locked), ERR_UNSUPPORTED,
		    "password" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		buf_reset(&why);
		CHECK_ROW(cert_new(rows[i].chain, rows[i].key, &c, &why) ==
		              rows[i].rc,
		    rows[i].says);
		buf_put_char(&why, 0);
		CHECK_ROW(why.p != NULL && strstr(why.p, rows[i].says) != NULL,
		    rows[i].says);
	}
	/* Two keys that both are EC, but not of one another. */
	buf_reset(&both);
	buf_put(&both, buf_span(&pem));
	make(clock_wall_s());
	buf_reset(&why);
	CHECK(
	    cert_new(buf_span(&both), buf_span(&key), &c, &why) == ERR_INVALID);
	/* Key and chain in one text, as some tools write them. */
	buf_reset(&both);
	buf_put(&both, buf_span(&key));
	buf_put(&both, buf_span(&pem));
	REQUIRE(cert_new(buf_span(&both), SPAN(""), &c, &why) == 0);
	cert_free(c);
	buf_deinit(&both);
}

static void
test_rsa(void)
{
	struct cert *c;

	buf_reset(&why);
	REQUIRE(cert_new(span_str(pem_rsa_cert), span_str(pem_rsa_key), &c,
	            &why) == 0);
	CHECK(cert_matches(c, SPAN("b.test")));
	CHECK(cert_matches(c, SPAN("Mail.B.test")));
	/* RFC 6125 6.4.3: one label, and only that. */
	CHECK(!cert_matches(c, SPAN("a.mail.b.test")));
	CHECK(!cert_matches(c, SPAN(".b.test")));
	CHECK(!cert_matches(c, SPAN("xb.test")));
	cert_free(c);
}

/* No cut of the text is taken for the whole, and none reads past it. */
static void
test_cuts(void)
{
	struct cert *c;

	make(clock_wall_s());
	for (size_t n = 0; n + 1 < pem.len; n++) {
		char *p = test_copy(span_sub(buf_span(&pem), 0, n));

		buf_reset(&why);
		CHECK(cert_new(span_of(p, n), buf_span(&key), &c, &why) < 0);
		CHECK(why.len > 0);
		free(p);
	}
}

/* The certificate itself cut, and with each byte changed. */
static void
test_x509(void)
{
	struct x509 x;
	struct span name;
	char der[2000];
	struct buf b;
	size_t at = 0, from, to;

	make(clock_wall_s());
	from = span_find(buf_span(&pem), '\n');
	to = span_find(span_sub(buf_span(&pem), from, pem.len), '-');
	buf_init_fixed(&b, der, sizeof(der));
	struct buf text;
	buf_init(&text, 4000);
	for (size_t i = from; i < from + to; i++)
		if (pem.p[i] != '\n')
			buf_put_char(&text, pem.p[i]);
	REQUIRE(base64_decode(&b, buf_span(&text)) == 0);
	buf_deinit(&text);
	REQUIRE(x509_parse(buf_span(&b), &x) == 0);
	CHECK(span_is(x.common_name, SPAN("mail.example.test")));
	CHECK(span_is(x.issuer, x.subject));
	CHECK(x.hash == X509_SHA256);
	CHECK(x509_next_name(&x, &at, &name) == 0);
	CHECK(x509_next_name(&x, &at, &name) == 0);
	CHECK(span_is(name, SPAN("localhost")));
	CHECK(x509_next_name(&x, &at, &name) == ERR_NONE);
	for (size_t n = 0; n < b.len; n++) {
		char *p = test_copy(span_of(der, n));

		CHECK(x509_parse(span_of(p, n), &x) == ERR_SYNTAX);
		free(p);
		p = test_copy(buf_span(&b));
		for (int bit = 0; bit < 8; bit++) {
			p[n] ^= (char)(1 << bit);
			at = 0;
			if (x509_parse(span_of(p, b.len), &x) == 0)
				while (x509_next_name(&x, &at, &name) == 0)
					;
			p[n] ^= (char)(1 << bit);
		}
		free(p);
	}
}

static void
test_der(void)
{
	static const struct {
		struct span in;
		int rc;
		uint8_t tag;
		size_t len;
	} rows[] = {
		{ { "\x02\x01\x05", 3 }, 0, 2, 1 },
		{ { "\x30\x00", 2 }, 0, 0x30, 0 },
		{ { "\x02\x81\x05", 3 }, ERR_SYNTAX, 0, 0 }, /* not fewest */
		{ { "\x02\x80\x00\x00", 4 }, ERR_SYNTAX, 0, 0 },
		{ { "\x02\x85\x01\x01\x01\x01\x01", 7 }, ERR_SYNTAX, 0, 0 },
		{ { "\x1f\x81\x01\x00", 4 }, ERR_SYNTAX, 0, 0 },
		{ { "\x02\x02\x05", 3 }, ERR_SYNTAX, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *p = test_copy(rows[i].in);
		struct cur c = cur_of(span_of(p, rows[i].in.len));
		struct span content, whole;
		uint8_t tag;

		CHECK(der_next(&c, &tag, &content, &whole) == rows[i].rc);
		if (rows[i].rc == 0) {
			CHECK(tag == rows[i].tag);
			CHECK(content.len == rows[i].len);
			CHECK(whole.len == rows[i].in.len);
		} else {
			CHECK(c.p == p);
		}
		free(p);
	}
}

static void
test_no_memory(void)
{
	struct cert *c;

	make(clock_wall_s());
	for (uint64_t n = 1; n < 30; n++) {
		buf_reset(&why);
		fault_arm(FAULT_ALLOC, n, false);
		if (cert_new(buf_span(&pem), buf_span(&key), &c, &why) == 0)
			cert_free(c);
		fault_arm(FAULT_ALLOC, 0, false);
	}
}

static void
test_peer(void)
{
	static const struct {
		const char *in, *out, *literal;
		bool is_loopback;
	} rows[] = {
		{ "127.0.0.1", "127.0.0.1", "127.0.0.1", true },
		{ "192.0.2.7", "192.0.2.7", "192.0.2.7", false },
		{ "::1", "::1", "IPv6:::1", true },
		{ "2001:DB8:0::1", "2001:db8::1", "IPv6:2001:db8::1", false },
		{ "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1", false },
		{ "::ffff:127.0.0.1", "127.0.0.1", "127.0.0.1", true },
	};
	struct peer p, q;
	char storage[64];
	struct buf b;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		REQUIRE(peer_parse(span_str(rows[i].in), &p) == 0);
		buf_init_fixed(&b, storage, sizeof(storage));
		peer_put(&b, &p);
		CHECK_ROW(
		    span_is(buf_span(&b), span_str(rows[i].out)), rows[i].in);
		buf_reset(&b);
		peer_put_literal(&b, &p);
		CHECK_ROW(span_is(buf_span(&b), span_str(rows[i].literal)),
		    rows[i].in);
		CHECK_ROW(
		    peer_is_loopback(&p) == rows[i].is_loopback, rows[i].in);
	}
	CHECK(peer_parse(SPAN("192.0.2"), &p) == ERR_SYNTAX);
	CHECK(peer_parse(SPAN(""), &p) == ERR_SYNTAX);
	CHECK(peer_parse(SPAN("192.0.2.1 "), &p) == ERR_SYNTAX);
	REQUIRE(peer_parse(SPAN("192.0.2.1"), &p) == 0);
	REQUIRE(peer_parse(SPAN("192.0.2.2"), &q) == 0);
	CHECK(peer_network(&p) == peer_network(&q));
	CHECK(peer_host(&p) != peer_host(&q));
	REQUIRE(peer_parse(SPAN("2001:db8::1"), &p) == 0);
	REQUIRE(peer_parse(SPAN("2001:db8::2"), &q) == 0);
	CHECK(peer_host(&p) == peer_host(&q));
}

int
main(void)
{
	buf_init(&pem, CERT_MAX_PEM_BYTES);
	buf_init(&key, CERT_MAX_PEM_BYTES);
	buf_init(&why, CERT_MAX_WHY);
	test_make();
	test_openssl();
	test_refusals();
	test_rsa();
	test_cuts();
	test_x509();
	test_der();
	test_no_memory();
	test_peer();
	buf_deinit(&pem);
	buf_deinit(&key);
	buf_deinit(&why);
	CHECK(mem_used() == 0);
	return test_done();
}
