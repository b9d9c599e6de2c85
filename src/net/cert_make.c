#include "net/cert_make.h"

#include <bearssl.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "net/der.h"

#define MAX_CERT_BYTES  8192
#define MAX_COMMON_NAME 64 /* RFC 5280 A.1: ub-common-name */
#define MAX_ALT_NAMES   100
#define CREDIBLE_2026_S 1767225600 /* 2026-01-01 */
#define TEN_YEARS_DAYS  3652
#define SHA256_BYTES    32
#define MAX_SIGNATURE   72

/* ecdsa-with-SHA256, without parameters (RFC 5758 3.2). */
static const struct span algorithm = { "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d"
	                               "\x04\x03\x02",
	12 };
/* id-ecPublicKey, prime256v1 (RFC 5480 2.1.1). */
static const struct span key_algorithm = {
	"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce"
	"\x3d\x03\x01\x07",
	21
};
/* version [0] INTEGER 2: an X.509 version 3 certificate. */
static const struct span version3 = { "\xa0\x03\x02\x01\x02", 5 };
/* basicConstraints critical CA:TRUE (it is its own issuer, and clients are
 * asked to trust it as such); keyUsage critical digitalSignature, keyCertSign;
 * extKeyUsage serverAuth (RFC 5280 4.2.1.9, 4.2.1.3, 4.2.1.12). */
static const struct span fixed_extensions = {
	"\x30\x0f\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x05\x30\x03\x01\x01\xff"
	"\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x02\x84"
	"\x30\x13\x06\x03\x55\x1d\x25\x04\x0c\x30\x0a\x06\x08\x2b\x06\x01\x05"
	"\x05\x07\x03\x01",
	54
};

struct work {
	br_hmac_drbg_context rng;
	br_ec_private_key sk;
	br_ec_public_key pk;
	uint8_t sk_bytes[BR_EC_KBUF_PRIV_MAX_SIZE];
	uint8_t pk_bytes[BR_EC_KBUF_PUB_MAX_SIZE];
};

/* Replace the content of b by one element around it. */
static void
wrap(struct buf *b, uint8_t tag)
{
	char inner[MAX_CERT_BYTES];
	size_t len = b->len;

	if (buf_failed(b) || len > sizeof(inner))
		return;
	memcpy(inner, b->p, len);
	buf_truncate(b, 0);
	der_put(b, tag, span_of(inner, len));
}

static void
put_name(struct buf *b, struct span common_name)
{
	char storage[160];
	struct buf n;

	buf_init_fixed(&n, storage, sizeof(storage));
	der_put(&n, DER_OID, span_of("\x55\x04\x03", 3));
	der_put(&n, DER_UTF8_STRING, span_sub(common_name, 0, MAX_COMMON_NAME));
	wrap(&n, DER_SEQUENCE);
	wrap(&n, DER_SET);
	der_put(b, DER_SEQUENCE, buf_span(&n));
}

/* RFC 5280 4.1.2.5: UTCTime until 2049, GeneralizedTime after. */
static void
put_time(struct buf *b, int64_t wall_s)
{
	struct civil c = clock_civil(wall_s);
	char storage[32];
	struct buf t;

	buf_init_fixed(&t, storage, sizeof(storage));
	if (c.year < 2050)
		buf_put_padded(&t, (uint64_t)(c.year % 100), 2);
	else
		buf_put_padded(&t, (uint64_t)c.year, 4);
	buf_put_padded(&t, (uint64_t)c.month, 2);
	buf_put_padded(&t, (uint64_t)c.day, 2);
	buf_put_padded(&t, (uint64_t)c.hour, 2);
	buf_put_padded(&t, (uint64_t)c.minute, 2);
	buf_put_padded(&t, (uint64_t)c.second, 2);
	buf_put_char(&t, 'Z');
	der_put(b, c.year < 2050 ? DER_UTC_TIME : DER_GENERALIZED_TIME,
	    buf_span(&t));
}

static void
put_validity(struct buf *b, int64_t now_s)
{
	static const struct civil begin = {
		.year = 2020, .month = 1, .day = 1
	};
	char storage[64];
	struct buf v;

	if (now_s < CREDIBLE_2026_S)
		now_s = CREDIBLE_2026_S;
	buf_init_fixed(&v, storage, sizeof(storage));
	put_time(&v, clock_from_civil(&begin));
	put_time(&v, now_s + (int64_t)TEN_YEARS_DAYS * 24 * 3600);
	der_put(b, DER_SEQUENCE, buf_span(&v));
}

/* RFC 5280 4.2.1.6 */
static void
put_extensions(struct buf *b, const struct span *names, size_t n_names,
    const struct peer *addresses, size_t n_addresses)
{
	char storage[MAX_CERT_BYTES], ext_storage[MAX_CERT_BYTES];
	struct buf san, ext;

	buf_init_fixed(&san, storage, sizeof(storage));
	for (size_t i = 0; i < n_names; i++)
		der_put(&san, 0x82, names[i]);
	for (size_t i = 0; i < n_addresses; i++)
		if (addresses[i].family != PEER_LOCAL)
			der_put(&san, 0x87,
			    span_of(addresses[i].addr,
			        addresses[i].family == PEER_IP4 ? 4 : 16));
	wrap(&san, DER_SEQUENCE);
	wrap(&san, DER_OCTET_STRING);
	buf_init_fixed(&ext, ext_storage, sizeof(ext_storage));
	der_put(&ext, DER_OID, span_of("\x55\x1d\x11", 3));
	buf_put(&ext, buf_span(&san));
	wrap(&ext, DER_SEQUENCE);
	buf_put(&ext, fixed_extensions);
	wrap(&ext, DER_SEQUENCE);
	if (buf_failed(&san) || buf_failed(&ext))
		b->has_failed = true;
	der_put(b, 0xa3, buf_span(&ext));
}

/* RFC 5280 4.1.2.2: positive, at most 20 bytes, not guessable. */
static void
put_serial(struct buf *b)
{
	uint8_t serial[16];

	rand_bytes(serial, sizeof(serial));
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
	der_put(b, DER_INTEGER, span_of(serial, sizeof(serial)));
}

static void
put_bits(struct buf *b, struct span bytes)
{
	char storage[160];
	struct buf bits;

	buf_init_fixed(&bits, storage, sizeof(storage));
	buf_put_char(&bits, 0); /* no unused bits */
	buf_put(&bits, bytes);
	der_put(b, DER_BIT_STRING, buf_span(&bits));
}

static void
put_key(struct buf *b, const struct work *w)
{
	char storage[160];
	struct buf key;

	buf_init_fixed(&key, storage, sizeof(storage));
	buf_put(&key, key_algorithm);
	put_bits(&key, span_of(w->pk.q, w->pk.qlen));
	der_put(b, DER_SEQUENCE, buf_span(&key));
}

static int
sign(struct work *w, struct buf *tbs, struct buf *cert)
{
	br_ecdsa_sign run = br_ecdsa_sign_asn1_get_default();
	uint8_t hash[SHA256_BYTES], sig[MAX_SIGNATURE];
	br_sha256_context h;
	size_t len;

	br_sha256_init(&h);
	br_sha256_update(&h, tbs->p, tbs->len);
	br_sha256_out(&h, hash);
	len = run(br_ec_get_default(), &br_sha256_vtable, hash, &w->sk, sig);
	if (len == 0)
		return ERR_INVALID;
	buf_put(cert, buf_span(tbs));
	buf_put(cert, algorithm);
	put_bits(cert, span_of(sig, len));
	wrap(cert, DER_SEQUENCE);
	return buf_failed(cert) ? ERR_LIMIT : 0;
}

/* RFC 7468 2 */
static int
put_pem(struct buf *out, const char *banner, struct span der)
{
	size_t len = br_pem_encode(NULL, NULL, der.len, banner, BR_PEM_LINE64);

	if (buf_reserve(out, len + 1) < 0)
		return ERR_LIMIT;
	br_pem_encode(out->p + out->len, der.p, der.len, banner, BR_PEM_LINE64);
	out->len += len;
	return 0;
}

static int
put_key_pem(struct buf *out, const struct work *w)
{
	uint8_t der[256];
	size_t len = br_encode_ec_pkcs8_der(NULL, &w->sk, &w->pk);
	int rc;

	if (len == 0 || len > sizeof(der))
		return ERR_INVALID;
	br_encode_ec_pkcs8_der(der, &w->sk, &w->pk);
	rc = put_pem(out, "PRIVATE KEY", span_of(der, len));
	wipe(der, sizeof(der));
	return rc;
}

static int
make_key(struct work *w)
{
	uint8_t seed[32];

	rand_bytes(seed, sizeof(seed));
	br_hmac_drbg_init(&w->rng, &br_sha256_vtable, seed, sizeof(seed));
	wipe(seed, sizeof(seed));
	if (br_ec_keygen(&w->rng.vtable, br_ec_get_default(), &w->sk,
	        w->sk_bytes, BR_EC_secp256r1) == 0 ||
	    br_ec_compute_pub(
	        br_ec_get_default(), &w->pk, w->pk_bytes, &w->sk) == 0)
		return ERR_INVALID;
	return 0;
}

/* A name as IA5String takes it: visible ASCII. */
static bool
is_name(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_vchar(s.p[i]))
			return false;
	return s.len > 0 && s.len <= 255;
}

int
cert_make(const struct span *names, size_t n_names,
    const struct peer *addresses, size_t n_addresses, int64_t now_s,
    struct buf *cert_pem, struct buf *key_pem)
{
	char tbs_storage[MAX_CERT_BYTES], cert_storage[MAX_CERT_BYTES];
	struct buf tbs, cert;
	struct work w = { 0 };
	int rc;

	if (n_names == 0 || n_names + n_addresses > MAX_ALT_NAMES)
		return n_names == 0 ? ERR_INVALID : ERR_LIMIT;
	for (size_t i = 0; i < n_names; i++)
		if (!is_name(names[i]))
			return ERR_INVALID;
	rc = make_key(&w);
	if (rc < 0)
		goto out;
	buf_init_fixed(&tbs, tbs_storage, sizeof(tbs_storage));
	buf_init_fixed(&cert, cert_storage, sizeof(cert_storage));
	buf_put(&tbs, version3);
	put_serial(&tbs);
	buf_put(&tbs, algorithm);
	put_name(&tbs, names[0]);
	put_validity(&tbs, now_s);
	put_name(&tbs, names[0]);
	put_key(&tbs, &w);
	put_extensions(&tbs, names, n_names, addresses, n_addresses);
	wrap(&tbs, DER_SEQUENCE);
	rc = buf_failed(&tbs) ? ERR_LIMIT : sign(&w, &tbs, &cert);
	if (rc == 0)
		rc = put_pem(cert_pem, "CERTIFICATE", buf_span(&cert));
	if (rc == 0)
		rc = put_key_pem(key_pem, &w);
out:
	wipe(&w, sizeof(w));
	return rc;
}
