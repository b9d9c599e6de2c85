#include "trust/dkim.h"

#include "base/mem.h"
#include "trust/dkim_check.h"

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
	struct dkim_hash body;
	size_t field;   /* of the header */
	size_t body_as; /* whose body hash this shares; its own number */
	enum phase phase;
	bool has_key;
	uint8_t hash[DKIM_HASH_BYTES]; /* of the header fields */
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

static void
verify(struct one *o)
{
	const char *why;
	enum dkim_result r =
	    dkim_check(&o->query, &o->sig, o->hash, &o->v.is_testing, &why);

	if (r == DKIM_PASS)
		o->phase = FOR_BODY;
	else
		decide(o, r, why);
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

/* The signature is good: is the body? */
static void
judge_body(struct one *o)
{
	const char *why;
	enum dkim_result r =
	    dkim_hash_judge(&o->dkim->list[o->body_as].body, &o->sig, &why);

	if (r == DKIM_PASS && o->phase == FOR_BODY &&
	    dkim_sig_has_twin(o->dkim->head, &o->sig)) {
		/* RFC 6376 3.8: a message that is none is not to be verified;
		 * a reader may see the field that nobody signed. */
		decide(o, DKIM_POLICY,
		    "a field was added that should be there once");
		return;
	}
	if (r == DKIM_FAIL || o->phase == FOR_BODY)
		decide(o, r, why);
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
	dkim_hash_init(&o->body, &o->sig);
}

static void
begin(struct dkim *d, size_t field)
{
	struct head_field f = head_get(d->head, field);
	struct one *o = &d->list[d->n++];
	const char *why;
	int rc = dkim_sig_parse(head_value(&f), &o->sig, &why);
	enum dkim_result r;

	o->dkim = d;
	o->field = field;
	o->v = (struct dkim_verdict){ .domain = o->sig.domain,
		.identity = o->sig.identity,
		.selector = o->sig.selector,
		.algorithm = o->sig.algorithm_text,
		.b = span_sub(o->sig.b, 0, 8),
		.reason = "" };
	begin_body(d, d->n - 1);
	if (rc < 0) {
		decide(o, DKIM_PERMERROR, why);
		return;
	}
	r = dkim_check_terms(&o->sig, &why);
	if (r != DKIM_PASS)
		decide(o, r, why);
	else if (dkim_check_ask(d->dns, &o->query, &o->sig, key_woken, o) < 0)
		decide(o, DKIM_PERMERROR, "the key's name is too long");
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
			dkim_hash_feed(&d->list[i].body, bytes);
}

void
dkim_finish(struct dkim *d)
{
	d->is_body_over = true;
	for (size_t i = 0; i < d->n; i++) {
		struct one *o = &d->list[i];

		if (o->body_as == i)
			dkim_hash_finish(&o->body);
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
