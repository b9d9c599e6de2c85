#include "net/cert.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/cert_impl.h"
#include "net/x509.h"

#define DAY_S (24 * 3600)
/* 2020-01-01: no clock that says less is set. */
#define FIRST_CREDIBLE_S 1577836800
#define MAX_DER_BYTES    16384

static int
refuse(struct buf *why, int code, const char *sentence)
{
	buf_put_str(why, sentence);
	return code;
}

/* One PEM object has been decoded. */
static int
take_object(
    struct cert *c, const char *name, const struct buf *der, struct buf *why)
{
	br_x509_certificate *x;

	if (strcmp(name, "ENCRYPTED PRIVATE KEY") == 0)
		return refuse(why, ERR_UNSUPPORTED,
		    "The private key is protected by a password. Remove it "
		    "first: openssl pkey -in KEY.pem -out PLAIN.pem");
	if (span_ends_nocase(span_str(name), SPAN("PRIVATE KEY"))) {
		br_skey_decoder_init(&c->key);
		br_skey_decoder_push(&c->key, der->p, der->len);
		if (br_skey_decoder_last_error(&c->key) != 0)
			return refuse(why, ERR_SYNTAX,
			    "The private key cannot be read: it must be an RSA "
			    "or EC key in PEM form.");
		return 0;
	}
	if (strcmp(name, "CERTIFICATE") != 0 &&
	    strcmp(name, "X509 CERTIFICATE") != 0)
		return 0; /* EC PARAMETERS and the like */
	if (c->n_chain == CERT_MAX_CHAIN)
		return refuse(why, ERR_LIMIT,
		    "There are more than 10 certificates in the chain.");
	x = &c->chain[c->n_chain];
	x->data = mem_alloc(der->len ? der->len : 1);
	if (x->data == NULL)
		return refuse(why, ERR_NOMEM, "There is not enough memory.");
	if (der->len > 0)
		memcpy(x->data, der->p, der->len);
	x->data_len = der->len;
	c->n_chain++;
	return 0;
}

static void
append_der(void *ctx, const void *p, size_t len)
{
	buf_put(ctx, span_of(p, len));
}

/* Take all objects of a PEM text (RFC 7468). */
static int
take_pem(struct cert *c, struct span pem, struct buf *why)
{
	br_pem_decoder_context d;
	struct buf der;
	bool is_inside = false;
	int rc = 0;

	buf_init(&der, MAX_DER_BYTES);
	br_pem_decoder_init(&d);
	while (pem.len > 0 && rc == 0) {
		size_t n = br_pem_decoder_push(&d, pem.p, pem.len);

		pem = span_sub(pem, n, pem.len);
		switch (br_pem_decoder_event(&d)) {
		case BR_PEM_BEGIN_OBJ:
			buf_wipe(&der);
			br_pem_decoder_setdest(&d, append_der, &der);
			is_inside = true;
			break;
		case BR_PEM_END_OBJ:
			is_inside = false;
			if (buf_failed(&der))
				rc = refuse(why, ERR_LIMIT,
				    "One object of the PEM text is larger than "
				    "16 KB.");
			else
				rc = take_object(
				    c, br_pem_decoder_name(&d), &der, why);
			break;
		case BR_PEM_ERROR:
			rc = refuse(why, ERR_SYNTAX,
			    "The PEM text is damaged: what stands between "
			    "BEGIN and END is not base64.");
			break;
		default:
			break;
		}
	}
	if (rc == 0 && is_inside)
		rc = refuse(
		    why, ERR_SYNTAX, "The PEM text ends before its END line.");
	wipe(&d, sizeof(d));
	buf_wipe(&der);
	return rc;
}

static int
check_chain(struct cert *c, struct buf *why)
{
	struct x509 x, next;

	for (size_t i = 0; i < c->n_chain; i++) {
		if (x509_parse(span_of(c->chain[i].data, c->chain[i].data_len),
		        &next) < 0)
			return refuse(
			    why, ERR_SYNTAX, "A certificate cannot be read.");
		if (i > 0 && !span_is(x.issuer, next.subject))
			return refuse(why, ERR_INVALID,
			    "The chain is not in order: the server's "
			    "certificate comes first, and each one is followed "
			    "by that of its issuer.");
		x = next;
	}
	return 0;
}

static int
check_rsa(const struct cert *c, const br_rsa_public_key *pk, struct buf *why)
{
	const br_rsa_private_key *sk = br_skey_decoder_get_rsa(&c->key);
	br_rsa_compute_modulus compute = br_rsa_compute_modulus_get_default();
	uint8_t n[512];
	struct span want = span_of(pk->n, pk->nlen);

	if (sk->n_bitlen < 2048 || sk->n_bitlen > 4096)
		return refuse(why, ERR_UNSUPPORTED,
		    "RSA keys must have 2048 to 4096 bits.");
	while (want.len > 0 && *want.p == 0)
		want = span_sub(want, 1, want.len);
	if (want.len != (sk->n_bitlen + 7) / 8 || want.len > sizeof(n) ||
	    compute(n, sk) != want.len || memcmp(n, want.p, want.len) != 0)
		return refuse(why, ERR_INVALID,
		    "The private key does not belong to the first "
		    "certificate.");
	return 0;
}

static int
check_ec(const struct cert *c, const br_ec_public_key *pk, struct buf *why)
{
	const br_ec_private_key *sk = br_skey_decoder_get_ec(&c->key);
	uint8_t point[BR_EC_KBUF_PUB_MAX_SIZE];
	br_ec_public_key own;

	if (sk->curve != BR_EC_secp256r1 && sk->curve != BR_EC_secp384r1)
		return refuse(why, ERR_UNSUPPORTED,
		    "EC keys must be on the curve P-256 or P-384.");
	if (br_ec_compute_pub(br_ec_get_default(), &own, point, sk) == 0 ||
	    own.curve != pk->curve ||
	    !span_is(span_of(own.q, own.qlen), span_of(pk->q, pk->qlen)))
		return refuse(why, ERR_INVALID,
		    "The private key does not belong to the first "
		    "certificate.");
	return 0;
}

static int
check_key(struct cert *c, struct buf *why)
{
	br_x509_decoder_context d;
	const br_x509_pkey *pk;
	int type = br_skey_decoder_key_type(&c->key);

	br_x509_decoder_init(&d, NULL, NULL);
	br_x509_decoder_push(&d, c->chain[0].data, c->chain[0].data_len);
	pk = br_x509_decoder_get_pkey(&d);
	if (pk == NULL)
		return refuse(why, ERR_UNSUPPORTED,
		    "The first certificate's public key is neither RSA nor "
		    "EC on a known curve.");
	if (pk->key_type != type)
		return refuse(why, ERR_INVALID,
		    "The private key does not belong to the first "
		    "certificate: one is RSA, the other EC.");
	c->is_ec = type == BR_KEYTYPE_EC;
	return c->is_ec ? check_ec(c, &pk->key.ec, why)
	                : check_rsa(c, &pk->key.rsa, why);
}

/* RFC 5929 4.1: the hash of the certificate as it stands in the handshake. */
static void
bind_end_point(struct cert *c, enum x509_hash hash)
{
	static const br_hash_class *const classes[] = {
		[X509_SHA256] = &br_sha256_vtable,
		[X509_SHA384] = &br_sha384_vtable,
		[X509_SHA512] = &br_sha512_vtable,
		[X509_SHA224] = &br_sha224_vtable,
	};
	static const size_t sizes[] = {
		[X509_SHA256] = 32,
		[X509_SHA384] = 48,
		[X509_SHA512] = 64,
		[X509_SHA224] = 28,
	};
	br_hash_compat_context h;

	h.vtable = classes[hash];
	h.vtable->init(&h.vtable);
	h.vtable->update(&h.vtable, c->chain[0].data, c->chain[0].data_len);
	h.vtable->out(&h.vtable, c->end_point);
	c->end_point_len = sizes[hash];
}

static int
learn_names(struct cert *c, struct buf *why)
{
	struct x509 x;
	struct span name;
	size_t at = 0;

	if (x509_parse(span_of(c->chain[0].data, c->chain[0].data_len), &x) < 0)
		return refuse(
		    why, ERR_SYNTAX, "The first certificate cannot be read.");
	while (
	    c->n_names < CERT_MAX_NAMES && x509_next_name(&x, &at, &name) == 0)
		if (name.len > 0 && name.len <= 255)
			c->names[c->n_names++] = name;
	if (c->n_names == 0 && x.common_name.len > 0)
		c->names[c->n_names++] = x.common_name;
	if (c->n_names == 0)
		return refuse(
		    why, ERR_INVALID, "The first certificate names no host.");
	c->not_before_s = x.not_before_s;
	c->not_after_s = x.not_after_s;
	bind_end_point(c, x.hash);
	return 0;
}

int
cert_new(struct span chain_pem, struct span key_pem, struct cert **out,
    struct buf *why)
{
	struct cert *c;
	int rc;

	if (chain_pem.len > CERT_MAX_PEM_BYTES ||
	    key_pem.len > CERT_MAX_PEM_BYTES)
		return refuse(
		    why, ERR_LIMIT, "The PEM text is larger than 64 KB.");
	c = mem_alloc(sizeof(*c));
	if (c == NULL)
		return refuse(why, ERR_NOMEM, "There is not enough memory.");
	c->n_refs = 1;
	rc = take_pem(c, chain_pem, why);
	if (rc == 0)
		rc = take_pem(c, key_pem, why);
	if (rc == 0 && c->n_chain == 0)
		rc = refuse(why, ERR_SYNTAX,
		    "There is no certificate in the PEM text (a line with "
		    "BEGIN CERTIFICATE).");
	if (rc == 0 && br_skey_decoder_key_type(&c->key) == 0)
		rc = refuse(why, ERR_SYNTAX,
		    "There is no private key in the PEM text (a line with "
		    "BEGIN PRIVATE KEY).");
	if (rc == 0)
		rc = check_chain(c, why);
	if (rc == 0)
		rc = check_key(c, why);
	if (rc == 0)
		rc = learn_names(c, why);
	if (rc < 0) {
		cert_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

struct cert *
cert_ref(struct cert *c)
{
	c->n_refs++;
	return c;
}

void
cert_free(struct cert *c)
{
	if (c == NULL || --c->n_refs > 0)
		return;
	for (size_t i = 0; i < c->n_chain; i++)
		mem_free(c->chain[i].data);
	wipe(&c->key, sizeof(c->key));
	mem_free(c);
}

int
cert_curve(const struct cert *c)
{
	return c->is_ec ? br_skey_decoder_get_ec(&c->key)->curve : 0;
}

bool
cert_warning(const struct cert *c, int64_t now_s, struct buf *why)
{
	if (now_s < FIRST_CREDIBLE_S)
		return false;
	if (now_s > c->not_after_s) {
		buf_put_str(why, "The certificate has expired: ");
		clock_put_iso(why, c->not_after_s);
		buf_put_char(why, '.');
		return true;
	}
	if (now_s < c->not_before_s) {
		buf_put_str(why, "The certificate is not valid before ");
		clock_put_iso(why, c->not_before_s);
		buf_put_char(why, '.');
		return true;
	}
	if (c->not_after_s - now_s < 30 * DAY_S) {
		buf_putf(why, "The certificate expires in %d days.",
		    (int)((c->not_after_s - now_s) / DAY_S));
		return true;
	}
	return false;
}

int64_t
cert_not_before_s(const struct cert *c)
{
	return c->not_before_s;
}

int64_t
cert_not_after_s(const struct cert *c)
{
	return c->not_after_s;
}

struct span
cert_name(const struct cert *c, size_t i)
{
	return i < c->n_names ? c->names[i] : span_of(NULL, 0);
}

/* RFC 6125 6.4.3: "*" stands for one whole label, the first. */
static bool
name_matches(struct span name, struct span host)
{
	size_t dot;

	if (!span_starts(name, SPAN("*.")))
		return span_is_nocase(name, host);
	dot = span_find(host, '.');
	return dot > 0 && dot < host.len &&
	       span_is_nocase(
	           span_sub(name, 1, name.len), span_sub(host, dot, host.len));
}

bool
cert_matches(const struct cert *c, struct span host)
{
	if (span_ends_nocase(host, SPAN(".")))
		host = span_sub(host, 0, host.len - 1);
	for (size_t i = 0; i < c->n_names; i++)
		if (name_matches(c->names[i], host))
			return true;
	return false;
}

void
cert_fingerprint(const struct cert *c, uint8_t out[32])
{
	br_sha256_context h;

	br_sha256_init(&h);
	br_sha256_update(&h, c->chain[0].data, c->chain[0].data_len);
	br_sha256_out(&h, out);
}
