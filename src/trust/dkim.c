#include "trust/dkim.h"

#include <bearssl.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "trust/dkim_key.h"
#include "trust/dkim_sig.h"
#include "trust/tag.h"

#define HASH_BYTES 32

enum phase {
	TO_HASH,   /* its header fields */
	FOR_KEY,   /* hashed; the key is still to come */
	TO_VERIFY, /* both are there */
	FOR_BODY,  /* the signature is good, the body is not over */
	DECIDED
};

struct one {
	struct dkim_verdict v;
	struct dkim_sig sig;
	struct dns_query query;
	struct dkim *dkim;
	struct dkim_body body;
	br_sha256_context body_sha;
	uint64_t left;    /* bytes of the body that l= still lets in */
	uint64_t n_extra; /* bytes past those */
	size_t field;     /* of the header */
	size_t body_as;   /* whose body hash this shares; its own number */
	enum phase phase;
	bool has_key;
	uint8_t hash[HASH_BYTES];      /* of the header fields */
	uint8_t body_hash[HASH_BYTES]; /* when the body is over */
};

struct dkim {
	struct dns *dns;
	const struct head *head;
	void (*wake)(void *owner);
	void *owner;
	size_t n;
	bool is_body_over;
	struct one list[DKIM_MAX_SIGNATURES];
};

_Static_assert(sizeof(struct dkim) <= 6144, "one for each message");

static void
decide(struct one *o, enum dkim_result result, const char *reason)
{
	if (o->phase == DECIDED)
		return;
	dns_cancel(&o->query);
	o->phase = DECIDED;
	o->v.result = result;
	o->v.reason = reason;
}

/* --- the key --- */

static void
key_woken(void *owner)
{
	struct one *o = owner;

	o->has_key = true;
	if (o->phase == FOR_KEY)
		o->phase = TO_VERIFY;
	o->dkim->wake(o->dkim->owner);
}

/* RFC 6376 3.6.2.1: selector._domainkey.domain. */
static void
ask_key(struct one *o)
{
	char storage[DNS_MAX_NAME + 2];
	struct buf name;

	buf_init_fixed(&name, storage, sizeof(storage));
	buf_put(&name, o->sig.selector);
	buf_put_str(&name, "._domainkey.");
	buf_put(&name, o->sig.domain);
	if (buf_failed(&name))
		decide(o, DKIM_PERMERROR, "the key's name is too long");
	else
		dns_ask(o->dkim->dns, &o->query, DNS_TXT, buf_span(&name),
		    key_woken, o);
}

/* May this key sign this (RFC 6376 6.1.2)? "": yes. */
static const char *
check_key(const struct one *o, const struct dkim_key *key)
{
	struct span i = o->sig.identity;
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
	    !span_is_nocase(span_sub(i, at + 1, i.len), o->sig.domain))
		return "the key is not for subdomains";
	return "";
}

/* The first record that is a key (RFC 6376 3.6.2.2). */
static int
find_key(struct one *o, struct dkim_key *out)
{
	struct dns_record r;
	size_t at = 0;

	if (o->query.state == DNS_TEMPFAIL) {
		decide(o, DKIM_TEMPERROR, "DNS did not answer");
		return ERR_NONE;
	}
	if (o->query.state != DNS_OK) {
		decide(o, DKIM_PERMERROR, "there is no key");
		return ERR_NONE;
	}
	while (dns_next(&o->query, &at, &r))
		if (dkim_key_parse(r.text, out) == 0)
			return 0;
	decide(o, DKIM_PERMERROR, "the key is malformed");
	return ERR_NONE;
}

static void
verify(struct one *o)
{
	struct dkim_key key;
	const char *wrong;
	unsigned bits;
	int rc;

	if (find_key(o, &key) < 0)
		return;
	o->v.is_testing = key.is_testing;
	wrong = check_key(o, &key);
	if (*wrong != '\0') {
		decide(o, DKIM_PERMERROR, wrong);
		return;
	}
	rc = dkim_key_verify(&key, o->sig.b, o->hash, &bits);
	if (rc == ERR_DENIED)
		decide(o, DKIM_FAIL, "the header was changed");
	else if (rc == ERR_LIMIT) /* RFC 8301 3.2 */
		decide(o, DKIM_FAIL,
		    bits < DKIM_MIN_BITS ? "the key is too short"
		                         : "the key is too long");
	else if (rc < 0)
		decide(o, DKIM_PERMERROR, "the key is malformed");
	else
		o->phase = FOR_BODY;
}

/* --- header and body --- */

static void
hash_sink(void *arg, struct span bytes)
{
	br_sha256_context *sha = arg;

	br_sha256_update(sha, bytes.p, bytes.len);
}

static void
hash_header(struct one *o)
{
	br_sha256_context sha;
	int rc;

	br_sha256_init(&sha);
	rc = dkim_sig_header(o->dkim->head, &o->sig, o->field, hash_sink, &sha);
	if (rc == ERR_LIMIT) {
		decide(o, DKIM_PERMERROR, "too many names in h=");
	} else if (rc < 0) {
		decide(o, DKIM_TEMPERROR, "out of memory");
	} else {
		br_sha256_out(&sha, o->hash);
		o->phase = o->has_key ? TO_VERIFY : FOR_KEY;
	}
}

static void
body_sink(void *arg, struct span bytes)
{
	struct one *o = arg;
	size_t n = bytes.len;

	if (o->sig.has_length && n > o->left)
		n = (size_t)o->left;
	br_sha256_update(&o->body_sha, bytes.p, n);
	o->left -= o->sig.has_length ? n : 0;
	o->n_extra += bytes.len - n;
}

static bool
is_body_good(const struct one *o)
{
	char storage[HASH_BYTES + 4], joined_storage[64];
	struct buf want, joined;

	buf_init_fixed(&joined, joined_storage, sizeof(joined_storage));
	buf_init_fixed(&want, storage, sizeof(storage));
	tag_put_joined(&joined, o->sig.bh);
	return !buf_failed(&joined) &&
	       base64_decode(&want, buf_span(&joined)) == 0 &&
	       span_is(buf_span(&want), span_of(o->body_hash, HASH_BYTES));
}

/* The signature is good: is the body? */
static void
judge_body(struct one *o)
{
	const struct one *as = &o->dkim->list[o->body_as];

	if (o->sig.has_length && as->left > 0)
		decide(
		    o, DKIM_FAIL, "the body is shorter than what was signed");
	else if (!is_body_good(o))
		decide(o, DKIM_FAIL, "the body was changed");
	else if (o->phase != FOR_BODY)
		return;
	else if (as->n_extra > 0)
		/* RFC 6376 8.2: who takes it lets anything be appended. */
		decide(o, DKIM_POLICY, "only a part of the body is signed");
	else
		decide(o, DKIM_PASS, "");
}

/* --- from outside --- */

/* Several signatures of one form share the work. */
static void
begin_body(struct dkim *d, size_t i)
{
	struct one *o = &d->list[i];

	o->body_as = i;
	for (size_t k = 0; k < i; k++) {
		const struct dkim_sig *s = &d->list[k].sig;

		if (s->body_canon == o->sig.body_canon &&
		    s->has_length == o->sig.has_length &&
		    s->length_bytes == o->sig.length_bytes &&
		    d->list[k].body_as == k && s->bh.len > 0) {
			o->body_as = k;
			return;
		}
	}
	o->left = o->sig.length_bytes;
	dkim_body_init(&o->body, o->sig.body_canon, body_sink, o);
	br_sha256_init(&o->body_sha);
}

static void
begin(struct dkim *d, size_t field)
{
	struct head_field f = head_get(d->head, field);
	struct one *o = &d->list[d->n++];
	const char *why;
	int rc = dkim_sig_parse(head_value(&f), &o->sig, &why);

	o->dkim = d;
	o->field = field;
	o->v = (struct dkim_verdict){ .domain = o->sig.domain,
		.identity = o->sig.identity,
		.selector = o->sig.selector,
		.algorithm = o->sig.algorithm_text,
		.b = span_sub(o->sig.b, 0, 8),
		.reason = "" };
	begin_body(d, d->n - 1);
	if (rc < 0)
		decide(o, DKIM_PERMERROR, why);
	else if (o->sig.algorithm == DKIM_RSA_SHA1) /* RFC 8301 3.1 */
		decide(o, DKIM_PERMERROR, "SHA-1 is not taken");
	else if (o->sig.algorithm == DKIM_ED25519_SHA256)
		decide(o, DKIM_NEUTRAL, "Ed25519 cannot be checked here");
	else if (o->sig.expires_s > 0 && clock_wall_s() > o->sig.expires_s)
		decide(o, DKIM_PERMERROR, "the signature has expired");
	else
		ask_key(o);
}

int
dkim_new(struct dns *dns, const struct head *h, void (*wake)(void *owner),
    void *owner, struct dkim **out)
{
	struct dkim *d = mem_alloc(sizeof(*d));

	if (d == NULL)
		return ERR_NOMEM;
	d->dns = dns;
	d->head = h;
	d->wake = wake;
	d->owner = owner;
	for (size_t i = 0; i < h->n_fields && d->n < DKIM_MAX_SIGNATURES; i++)
		if (span_is_nocase(head_get(h, i).name, SPAN("DKIM-Signature")))
			begin(d, i);
	*out = d;
	return 0;
}

void
dkim_free(struct dkim *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n; i++)
		dns_cancel(&d->list[i].query);
	mem_free(d);
}

/* Does anybody still want the body hash number i? */
static bool
is_body_wanted(const struct dkim *d, size_t i)
{
	for (size_t k = i; k < d->n; k++)
		if (d->list[k].body_as == i && d->list[k].phase != DECIDED)
			return true;
	return false;
}

void
dkim_feed(struct dkim *d, struct span bytes)
{
	for (size_t i = 0; i < d->n; i++)
		if (is_body_wanted(d, i))
			dkim_body_feed(&d->list[i].body, bytes);
}

void
dkim_finish(struct dkim *d)
{
	d->is_body_over = true;
	for (size_t i = 0; i < d->n; i++) {
		struct one *o = &d->list[i];

		if (o->body_as == i) {
			dkim_body_finish(&o->body);
			br_sha256_out(&o->body_sha, o->body_hash);
		} else {
			memcpy(o->body_hash, d->list[o->body_as].body_hash,
			    HASH_BYTES);
		}
		judge_body(o);
	}
}

static bool
has_work(const struct one *o)
{
	return o->phase == TO_HASH || o->phase == TO_VERIFY;
}

bool
dkim_has_work(const struct dkim *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (has_work(&d->list[i]))
			return true;
	return false;
}

void
dkim_step(struct dkim *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct one *o = &d->list[i];

		if (!has_work(o))
			continue;
		if (o->phase == TO_HASH)
			hash_header(o);
		else
			verify(o);
		if (d->is_body_over)
			judge_body(o);
		return;
	}
}

bool
dkim_is_done(const struct dkim *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->list[i].phase != DECIDED)
			return false;
	return true;
}

void
dkim_give_up(struct dkim *d)
{
	for (size_t i = 0; i < d->n; i++)
		decide(&d->list[i], DKIM_TEMPERROR, "DNS took too long");
}

size_t
dkim_count(const struct dkim *d)
{
	return d->n;
}

const struct dkim_verdict *
dkim_get(const struct dkim *d, size_t i)
{
	return &d->list[i].v;
}

const char *
dkim_name(enum dkim_result r)
{
	switch (r) {
	case DKIM_PENDING:
		return "pending";
	case DKIM_PASS:
		return "pass";
	case DKIM_FAIL:
		return "fail";
	case DKIM_POLICY:
		return "policy";
	case DKIM_NEUTRAL:
		return "neutral";
	case DKIM_TEMPERROR:
		return "temperror";
	case DKIM_PERMERROR:
		return "permerror";
	}
	return "none";
}
