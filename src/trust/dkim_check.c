#include "trust/dkim_check.h"

#include "base/base64.h"
#include "base/clock.h"
#include "trust/dkim_key.h"
#include "trust/tag.h"

static enum dkim_result
because(const char **why_out, enum dkim_result r, const char *why)
{
	*why_out = why;
	return r;
}

/* --- the key --- */

/* RFC 6376 3.6.2.1: selector._domainkey.domain. */
int
dkim_check_ask(struct dns *dns, struct dns_query *q, const struct dkim_sig *sig,
    void (*wake)(void *owner), void *owner)
{
	char storage[DNS_MAX_NAME + 2];
	struct buf name;

	buf_init_fixed(&name, storage, sizeof(storage));
	buf_put(&name, sig->selector);
	buf_put_str(&name, "._domainkey.");
	buf_put(&name, sig->domain);
	if (buf_failed(&name))
		return ERR_LIMIT;
	dns_ask(dns, q, DNS_TXT, buf_span(&name), wake, owner);
	return 0;
}

/* May this key sign this (RFC 6376 6.1.2)? "": yes. */
static const char *
check_key(const struct dkim_sig *sig, const struct dkim_key *key)
{
	struct span i = sig->identity;
	size_t at = span_rfind(i, '@');

	if (key->data.len == 0)
		return "the key is revoked";
	if (key->kind != DKIM_KEY_RSA)
		return "the key is of another kind";
	if (!key->has_sha256)
		return "the key is not for SHA-256";
	if (!key->is_for_mail)
		return "the key is not for mail";
	if (key->is_strict && i.len > 0 &&
	    !span_is_nocase(span_sub(i, at + 1, i.len), sig->domain))
		return "the key is not for subdomains";
	return "";
}

/* The first record that is a key (RFC 6376 3.6.2.2). */
static enum dkim_result
find_key(const struct dns_query *q, struct dkim_key *out, const char **why_out)
{
	struct dns_record r;
	size_t at = 0;

	if (q->state == DNS_TEMPFAIL)
		return because(why_out, DKIM_TEMPERROR, "DNS did not answer");
	if (q->state != DNS_OK)
		return because(why_out, DKIM_PERMERROR, "there is no key");
	while (dns_next(q, &at, &r))
		if (dkim_key_parse(r.text, out) == 0)
			return DKIM_PASS;
	return because(why_out, DKIM_PERMERROR, "the key is malformed");
}

enum dkim_result
dkim_check(const struct dns_query *q, const struct dkim_sig *sig,
    const uint8_t hash[DKIM_HASH_BYTES], bool *is_testing_out,
    const char **why_out)
{
	struct dkim_key key;
	enum dkim_result r = find_key(q, &key, why_out);
	unsigned bits;
	int rc;

	if (r != DKIM_PASS)
		return r;
	*is_testing_out = key.is_testing;
	*why_out = check_key(sig, &key);
	if (**why_out != '\0')
		return DKIM_PERMERROR;
	rc = dkim_key_verify(&key, sig->b, hash, &bits);
	if (rc == 0)
		return because(why_out, DKIM_PASS, "");
	if (rc == ERR_DENIED)
		return because(why_out, DKIM_FAIL, "the header was changed");
	if (rc == ERR_LIMIT) /* RFC 8301 3.2 */
		return because(why_out, DKIM_FAIL,
		    bits < DKIM_MIN_BITS ? "the key is too short"
		                         : "the key is too long");
	return because(why_out, DKIM_PERMERROR, "the key is malformed");
}

enum dkim_result
dkim_check_terms(const struct dkim_sig *sig, const char **why_out)
{
	if (sig->algorithm == DKIM_RSA_SHA1) /* RFC 8301 3.1 */
		return because(why_out, DKIM_PERMERROR, "SHA-1 is not taken");
	if (sig->algorithm == DKIM_ED25519_SHA256)
		return because(
		    why_out, DKIM_NEUTRAL, "Ed25519 cannot be checked here");
	if (sig->expires_s > 0 && clock_wall_s() > sig->expires_s)
		return because(
		    why_out, DKIM_PERMERROR, "the signature has expired");
	return because(why_out, DKIM_PASS, "");
}

/* --- the body --- */

static void
hash_sink(void *arg, struct span bytes)
{
	struct dkim_hash *h = arg;
	size_t n = bytes.len;

	if (h->has_length && n > h->left)
		n = (size_t)h->left;
	br_sha256_update(&h->sha, bytes.p, n);
	h->left -= h->has_length ? n : 0;
	h->n_extra += bytes.len - n;
}

void
dkim_hash_init(struct dkim_hash *h, const struct dkim_sig *sig)
{
	*h = (struct dkim_hash){ .has_length = sig->has_length,
		.left = sig->length_bytes };
	dkim_body_init(&h->body, sig->body_canon, hash_sink, h);
	br_sha256_init(&h->sha);
}

void
dkim_hash_feed(struct dkim_hash *h, struct span bytes)
{
	dkim_body_feed(&h->body, bytes);
}

void
dkim_hash_finish(struct dkim_hash *h)
{
	dkim_body_finish(&h->body);
	br_sha256_out(&h->sha, h->out);
}

static bool
is_body(const struct dkim_hash *h, struct span bh)
{
	char storage[DKIM_HASH_BYTES + 4], joined_storage[64];
	struct buf want, joined;

	buf_init_fixed(&joined, joined_storage, sizeof(joined_storage));
	buf_init_fixed(&want, storage, sizeof(storage));
	tag_put_joined(&joined, bh);
	return !buf_failed(&joined) &&
	       base64_decode(&want, buf_span(&joined)) == 0 &&
	       span_is(buf_span(&want), span_of(h->out, DKIM_HASH_BYTES));
}

enum dkim_result
dkim_hash_judge(
    const struct dkim_hash *h, const struct dkim_sig *sig, const char **why_out)
{
	if (h->has_length && h->left > 0)
		return because(why_out, DKIM_FAIL,
		    "the body is shorter than what was signed");
	if (!is_body(h, sig->bh))
		return because(why_out, DKIM_FAIL, "the body was changed");
	if (h->n_extra > 0)
		/* RFC 6376 8.2: who takes it lets anything be appended. */
		return because(
		    why_out, DKIM_POLICY, "only a part of the body is signed");
	return because(why_out, DKIM_PASS, "");
}
