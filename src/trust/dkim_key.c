#include "trust/dkim_key.h"

#include <bearssl.h>

#include "base/base64.h"
#include "net/der.h"
#include "trust/dkim.h"
#include "trust/tag.h"

/* Is the word in a list parted by colons? An absent list has every word. */
static bool
has_word(struct span list, struct span word)
{
	struct cur c = cur_of(list);
	struct span item;

	if (list.p == NULL)
		return true;
	while (tag_item_next(&c, &item) == 0)
		if (span_is_nocase(item, word))
			return true;
	return false;
}

static bool
has_flag(struct span list, struct span flag)
{
	return list.p != NULL && has_word(list, flag);
}

int
dkim_key_parse(struct span txt, struct dkim_key *out)
{
	struct cur c = cur_of(txt);
	struct span k, s, t, v;
	struct tag first;

	if (!tag_is_list(txt) || tag_next(&c, &first) < 0)
		return ERR_SYNTAX;
	*out = (struct dkim_key){ .data = tag_get(txt, SPAN("p")) };
	v = tag_get(txt, SPAN("v"));
	/* RFC 6376 3.6.1: first, if it is there. */
	if (v.p != NULL &&
	    (!span_is(first.name, SPAN("v")) || !span_is(v, SPAN("DKIM1"))))
		return ERR_SYNTAX;
	if (out->data.p == NULL)
		return ERR_SYNTAX;
	k = tag_get(txt, SPAN("k"));
	if (k.p == NULL || span_is_nocase(k, SPAN("rsa")))
		out->kind = DKIM_KEY_RSA;
	else if (span_is_nocase(k, SPAN("ed25519")))
		out->kind = DKIM_KEY_ED25519;
	else
		out->kind = DKIM_KEY_OTHER;
	s = tag_get(txt, SPAN("s"));
	t = tag_get(txt, SPAN("t"));
	out->is_for_mail = has_word(s, SPAN("*")) || has_word(s, SPAN("email"));
	out->has_sha256 = has_word(tag_get(txt, SPAN("h")), SPAN("sha256"));
	out->is_testing = has_flag(t, SPAN("y"));
	out->is_strict = has_flag(t, SPAN("s"));
	return 0;
}

/* RSAPublicKey (RFC 8017 A.1.1). */
static int
parse_rsa(struct span der, struct span *n_out, struct span *e_out)
{
	struct cur c = cur_of(der);
	struct span key;

	if (der_expect(&c, DER_SEQUENCE, &key) < 0)
		return ERR_SYNTAX;
	c = cur_of(key);
	if (der_expect(&c, DER_INTEGER, n_out) < 0 ||
	    der_expect(&c, DER_INTEGER, e_out) < 0)
		return ERR_SYNTAX;
	while (n_out->len > 0 && n_out->p[0] == 0)
		*n_out = span_sub(*n_out, 1, n_out->len);
	while (e_out->len > 0 && e_out->p[0] == 0)
		*e_out = span_sub(*e_out, 1, e_out->len);
	return n_out->len > 0 && e_out->len > 0 ? 0 : ERR_SYNTAX;
}

/* A SubjectPublicKeyInfo (RFC 5280 4.1), or the bare key that RFC 6376 speaks
 * of (RFC 6376 errata 3017 tells why both are seen). */
static int
parse_key(struct span der, struct span *n_out, struct span *e_out)
{
	static const char rsa[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
	struct cur c = cur_of(der);
	struct span info, algorithm, oid, bits;

	if (der_expect(&c, DER_SEQUENCE, &info) < 0)
		return ERR_SYNTAX;
	c = cur_of(info);
	if (der_expect(&c, DER_SEQUENCE, &algorithm) < 0)
		return parse_rsa(der, n_out, e_out);
	if (der_expect(&c, DER_BIT_STRING, &bits) < 0 || bits.len < 1 ||
	    bits.p[0] != 0)
		return ERR_SYNTAX;
	c = cur_of(algorithm);
	if (der_expect(&c, DER_OID, &oid) < 0 ||
	    !span_is(oid, span_of(rsa, sizeof(rsa) - 1)))
		return ERR_SYNTAX;
	return parse_rsa(span_sub(bits, 1, bits.len), n_out, e_out);
}

static unsigned
count_bits(struct span n)
{
	unsigned bits = (unsigned)n.len * 8;

	for (unsigned mask = 0x80; !((unsigned char)n.p[0] & mask); mask >>= 1)
		bits--;
	return bits;
}

/* Decode base64 with folds inside. */
static int
decode(struct buf *out, struct span s)
{
	char storage[DKIM_MAX_BASE64];
	struct buf joined;

	buf_init_fixed(&joined, storage, sizeof(storage));
	tag_put_joined(&joined, s);
	if (buf_failed(&joined))
		return ERR_SYNTAX;
	return base64_decode(out, buf_span(&joined));
}

static int
verify(struct span n, struct span e, struct span sig, const uint8_t hash[32])
{
	br_rsa_public_key pk = {
		.n = (unsigned char *)(uintptr_t)n.p,
		.nlen = n.len,
		.e = (unsigned char *)(uintptr_t)e.p,
		.elen = e.len,
	};
	unsigned char signed_hash[32];

	if (!br_rsa_pkcs1_vrfy_get_default()((const unsigned char *)sig.p,
	        sig.len, BR_HASH_OID_SHA256, sizeof(signed_hash), &pk,
	        signed_hash))
		return ERR_DENIED;
	return memcmp(signed_hash, hash, sizeof(signed_hash)) == 0 ? 0
	                                                           : ERR_DENIED;
}

int
dkim_key_verify(const struct dkim_key *key, struct span b,
    const uint8_t hash[32], unsigned *bits_out)
{
	char key_storage[DKIM_MAX_BASE64], sig_storage[DKIM_MAX_BASE64];
	struct buf der, sig;
	struct span n, e;

	*bits_out = 0;
	buf_init_fixed(&der, key_storage, sizeof(key_storage));
	buf_init_fixed(&sig, sig_storage, sizeof(sig_storage));
	if (decode(&der, key->data) < 0 ||
	    parse_key(buf_span(&der), &n, &e) < 0)
		return ERR_SYNTAX;
	*bits_out = count_bits(n);
	if (*bits_out < DKIM_MIN_BITS || *bits_out > DKIM_MAX_BITS)
		return ERR_LIMIT;
	/* A long exponent makes the work as long as a private key's. */
	if (e.len > 4)
		return ERR_SYNTAX;
	if (decode(&sig, b) < 0)
		return ERR_DENIED;
	return verify(n, e, buf_span(&sig), hash);
}
