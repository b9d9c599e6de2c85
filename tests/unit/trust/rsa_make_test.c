/* Made keys: their form and numbers by BearSSL's own reading, a signature
 * there and back, and the time of one step. */
#include "trust/rsa_make.h"

#include <bearssl.h>

#include "test.h"

static void
make(struct buf *der, int *n_steps)
{
	struct rsa_make *m;
	int rc = 1;

	REQUIRE(rsa_make_new(&m) == 0);
	for (*n_steps = 0; rc == 1 && *n_steps < 100000; ++*n_steps)
		rc = rsa_make_step(m, der);
	CHECK_INT(rc, 0);
	rsa_make_free(m);
}

static void
check_key(const br_rsa_private_key *sk)
{
	const unsigned char *oid = BR_HASH_OID_SHA256;
	unsigned char hash[32], signature[256], back[32], n[256], d[256];
	unsigned char e[] = { 1, 0, 1 };
	br_rsa_public_key pk = { .n = n, .nlen = 256, .e = e, .elen = 3 };

	CHECK_INT(sk->n_bitlen, 2048);
	CHECK_INT(br_rsa_compute_modulus_get_default()(n, sk), 256);
	CHECK(n[0] & 0x80);
	CHECK_INT(br_rsa_compute_pubexp_get_default()(sk), 65537);
	CHECK_INT(br_rsa_compute_privexp_get_default()(d, sk, 65537), 256);
	CHECK(memcmp(sk->p, sk->q, sk->plen) > 0);
	memset(hash, 0x5a, sizeof(hash));
	CHECK(br_rsa_pkcs1_sign_get_default()(oid, hash, 32, sk, signature));
	CHECK(br_rsa_pkcs1_vrfy_get_default()(
	    signature, 256, oid, 32, &pk, back));
	CHECK(memcmp(hash, back, 32) == 0);
}

int
main(void)
{
	int n_all = 0;

	for (int i = 0; i < 2; i++) {
		br_skey_decoder_context dc;
		struct buf der;
		int n = 0;

		buf_init(&der, RSA_MAX_DER_BYTES);
		make(&der, &n);
		n_all += n;
		br_skey_decoder_init(&dc);
		br_skey_decoder_push(&dc, der.p, der.len);
		CHECK_INT(br_skey_decoder_last_error(&dc), 0);
		CHECK_INT(br_skey_decoder_key_type(&dc), BR_KEYTYPE_RSA);
		check_key(br_skey_decoder_get_rsa(&dc));
		buf_wipe(&der);
	}
	CHECK(n_all > 20 && n_all < 20000);
	return test_done();
}
