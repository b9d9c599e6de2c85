#include "trust/arc.h"

#include "base/limits.h"
#include "base/mem.h"
#include "trust/authres.h"
#include "trust/dkim_check.h"
#include "trust/tag.h"

/* The fields of a set, in the order in which a seal signs them (RFC 8617
 * 5.1.1). */
enum { RESULTS, MESSAGE, SEAL, N_KINDS };

enum phase {
	TO_HASH,   /* the fields that the signature at hand signs */
	FOR_KEY,   /* hashed; the key is still to come */
	TO_VERIFY, /* both are there */
	FOR_BODY,  /* all signatures are good, the body is not over */
	DECIDED
};

struct arc {
	struct dns *dns;
	const struct head *head;
	void (*wake)(void *owner);
	void *owner;
	struct arc_verdict v;
	/* Numbers of fields of the header, from 1 on; 0: it is not there. */
	uint16_t sets[ARC_MAX_SETS][N_KINDS];
	/* The signature at hand: set number at, its seal or its message's. */
	unsigned at;
	bool is_seal;
	struct dkim_sig sig;
	struct dns_query query;
	bool has_key;
	enum phase phase;
	uint8_t hash[DKIM_HASH_BYTES];
	struct dkim_sig message; /* the newest */
	struct dkim_hash body;
	bool is_body_over, is_readable, has_ended;
};

_Static_assert(sizeof(struct arc) <= 1536, "one for each message");
_Static_assert(MAX_HEADER_LINES < UINT16_MAX, "numbers of fields are 16 bits");

static void
decide(struct arc *a, enum arc_result result, const char *reason)
{
	if (a->phase == DECIDED)
		return;
	dns_cancel(&a->query);
	a->phase = DECIDED;
	a->v.result = result;
	a->v.reason = reason;
}

/* RFC 8617 5.2.1: every failure is for good. */
static void
fail(struct arc *a, const char *reason)
{
	decide(a, ARC_FAIL, reason);
}

static struct head_field
field_of(const struct arc *a, unsigned set, int kind)
{
	return head_get(a->head, a->sets[set - 1][kind] - 1u);
}

static struct span
value_of(const struct arc *a, unsigned set, int kind)
{
	struct head_field f = field_of(a, set, kind);

	return head_value(&f);
}

/* --- structure --- */

/* Which of the three is it? N_KINDS: none. */
static int
kind_of(struct span name)
{
	if (span_is_nocase(name, SPAN("ARC-Authentication-Results")))
		return RESULTS;
	if (span_is_nocase(name, SPAN("ARC-Message-Signature")))
		return MESSAGE;
	return span_is_nocase(name, SPAN("ARC-Seal")) ? SEAL : N_KINDS;
}

/* The number in i= (RFC 8617 4.2.1). 0: it has none. */
static unsigned
instance_of(struct span value, int kind)
{
	uint64_t n;

	/* What stands behind it in the results is no list of tags. */
	if (kind == RESULTS)
		value.len = span_find(value, ';');
	return span_to_u64(tag_get(value, SPAN("i")), UINT32_MAX, &n) == 0
	           ? (unsigned)n
	           : 0;
}

/* Find the sets. "": each field has its place (RFC 8617 5.2 1). */
static const char *
collect(struct arc *a)
{
	const char *wrong = "";

	for (size_t i = 0; i < a->head->n_fields; i++) {
		struct head_field f = head_get(a->head, i);
		int kind = kind_of(f.name);
		unsigned n;

		if (kind == N_KINDS)
			continue;
		n = instance_of(head_value(&f), kind);
		if (n > a->v.n_sets)
			a->v.n_sets = n;
		if (n == 0)
			wrong = "a field without an instance number";
		else if (n > ARC_MAX_SETS)
			wrong = "too many sets";
		else if (a->sets[n - 1][kind] != 0)
			wrong = "a field is there twice";
		else
			a->sets[n - 1][kind] = (uint16_t)(i + 1);
	}
	return wrong;
}

/* What a seal says of the chain below it. */
static bool
is_sealed_as(const struct arc *a, unsigned set, struct span cv)
{
	return span_is_nocase(tag_get(value_of(a, set, SEAL), SPAN("cv")), cv);
}

/* RFC 8617 5.2 3. "": it is a chain. */
static const char *
check_structure(const struct arc *a)
{
	for (unsigned i = 1; i <= a->v.n_sets; i++) {
		for (int k = 0; k < N_KINDS; k++)
			if (a->sets[i - 1][k] == 0)
				return "a set is not whole";
		if (!is_sealed_as(a, i, i == 1 ? SPAN("none") : SPAN("pass")))
			return "a seal says that the chain is broken";
	}
	return "";
}

static void
note_newest(struct arc *a)
{
	struct span value;

	if (a->v.n_sets == 0 || a->v.n_sets > ARC_MAX_SETS ||
	    a->sets[a->v.n_sets - 1][SEAL] == 0)
		return;
	value = value_of(a, a->v.n_sets, SEAL);
	a->v.domain = tag_get(value, SPAN("d"));
	a->v.selector = tag_get(value, SPAN("s"));
	a->has_ended = is_sealed_as(a, a->v.n_sets, SPAN("fail"));
}

/* --- signatures --- */

static void
key_woken(void *owner)
{
	struct arc *a = owner;

	a->has_key = true;
	if (a->phase == FOR_KEY)
		a->phase = TO_VERIFY;
	a->wake(a->owner);
}

static void
begin_signature(struct arc *a, unsigned set, bool is_seal)
{
	struct span value = value_of(a, set, is_seal ? SEAL : MESSAGE);
	const char *why;
	int rc = is_seal ? dkim_sig_parse_seal(value, &a->sig, &why)
	                 : dkim_sig_parse_message(value, &a->sig, &why);

	a->at = set;
	a->is_seal = is_seal;
	a->has_key = false;
	a->phase = TO_HASH;
	if (rc < 0 || dkim_check_terms(&a->sig, &why) != DKIM_PASS)
		fail(a, why);
	else if (dkim_check_ask(a->dns, &a->query, &a->sig, key_woken, a) < 0)
		fail(a, "the key's name is too long");
}

static void
hash_sink(void *arg, struct span bytes)
{
	br_sha256_context *sha = arg;

	br_sha256_update(sha, bytes.p, bytes.len);
}

/* One field of a set; the last of all without its b= and its line end. */
static void
hash_field(br_sha256_context *sha, struct buf *form, struct span raw, bool own)
{
	buf_reset(form);
	if (own)
		dkim_sig_put_own(form, DKIM_RELAXED, raw);
	else
		dkim_canon_field(form, DKIM_RELAXED, raw);
	hash_sink(sha, buf_span(form));
}

/* All fields of the sets up to n; own: n's seal is the one that is verified
 * (RFC 8617 5.1.1). */
static int
hash_sets(const struct arc *a, unsigned n, bool own, br_sha256_context *sha)
{
	struct buf form;
	int rc = 0;

	buf_init(&form, MAX_HEADER_BYTES + 16);
	for (unsigned i = 1; rc == 0 && i <= n; i++) {
		for (int k = 0; rc == 0 && k < N_KINDS; k++) {
			hash_field(sha, &form, field_of(a, i, k).raw,
			    own && i == n && k == SEAL);
			rc = buf_error(&form);
		}
	}
	buf_deinit(&form);
	return rc;
}

static void
hash_signature(struct arc *a)
{
	br_sha256_context sha;
	int rc;

	br_sha256_init(&sha);
	if (a->is_seal)
		rc = hash_sets(a, a->at, true, &sha);
	else
		rc = dkim_sig_header(a->head, &a->sig,
		    a->sets[a->at - 1][MESSAGE] - 1u, hash_sink, &sha);
	if (rc < 0) {
		fail(a,
		    rc == ERR_LIMIT ? "too many names in h=" : "out of memory");
		return;
	}
	br_sha256_out(&sha, a->hash);
	a->phase = a->has_key ? TO_VERIFY : FOR_KEY;
}

static void
judge_body(struct arc *a)
{
	const char *why;

	if (!a->is_body_over)
		return;
	if (dkim_hash_judge(&a->body, &a->message, &why) != DKIM_PASS)
		fail(a, why);
	else if (a->phase == FOR_BODY)
		decide(a, ARC_PASS, "");
}

/* The newest message signature first, then the seals from the newest down
 * (RFC 8617 5.2 4, 6). */
static void
verify(struct arc *a)
{
	const char *why;
	bool is_testing;

	if (dkim_check(&a->query, &a->sig, a->hash, &is_testing, &why) !=
	    DKIM_PASS)
		fail(a, why);
	else if (!a->is_seal)
		begin_signature(a, a->at, true);
	else if (a->at > 1)
		begin_signature(a, a->at - 1, true);
	else
		a->phase = FOR_BODY;
}

/* --- from outside --- */

static void
begin(struct arc *a)
{
	const char *wrong = collect(a);

	a->is_readable = !a->head->is_cut && *wrong == '\0';
	note_newest(a);
	if (a->head->is_cut)
		fail(a, "the header is too large");
	else if (a->v.n_sets == 0 && *wrong == '\0')
		decide(a, ARC_NONE, "");
	else if (a->has_ended) /* RFC 8617 5.2 2 */
		fail(a, "the chain was broken before");
	else if (*wrong != '\0' || *(wrong = check_structure(a)) != '\0')
		fail(a, wrong);
	else
		begin_signature(a, a->v.n_sets, false);
	a->message = a->sig;
	dkim_hash_init(&a->body, &a->message);
}

int
arc_new(struct dns *dns, const struct head *h, void (*wake)(void *owner),
    void *owner, struct arc **out)
{
	struct arc *a = mem_alloc(sizeof(*a));

	if (a == NULL)
		return ERR_NOMEM;
	a->dns = dns;
	a->head = h;
	a->wake = wake;
	a->owner = owner;
	begin(a);
	*out = a;
	return 0;
}

void
arc_free(struct arc *a)
{
	if (a == NULL)
		return;
	dns_cancel(&a->query);
	mem_free(a);
}

void
arc_feed(struct arc *a, struct span bytes)
{
	if (a->phase != DECIDED)
		dkim_hash_feed(&a->body, bytes);
}

void
arc_finish(struct arc *a)
{
	if (a->phase == DECIDED)
		return;
	dkim_hash_finish(&a->body);
	a->is_body_over = true;
	judge_body(a);
}

bool
arc_has_work(const struct arc *a)
{
	return a->phase == TO_HASH || a->phase == TO_VERIFY;
}

void
arc_step(struct arc *a)
{
	if (a->phase == TO_HASH)
		hash_signature(a);
	else if (a->phase == TO_VERIFY)
		verify(a);
	judge_body(a);
}

const struct arc_verdict *
arc_get(const struct arc *a)
{
	return &a->v;
}

void
arc_give_up(struct arc *a)
{
	fail(a, "DNS took too long");
}

static bool
has_domain(struct span list, struct span domain)
{
	while (list.len > 0)
		if (span_is_nocase(span_split(&list, ' '), domain))
			return domain.len > 0;
	return false;
}

bool
arc_vouches(const struct arc *a, struct span sealers, struct span author,
    struct span *by_out)
{
	if (a->v.result != ARC_PASS || author.len == 0)
		return false;
	for (unsigned i = a->v.n_sets; i > 0; i--) {
		struct span d = tag_get(value_of(a, i, SEAL), SPAN("d"));
		struct span results = value_of(a, i, RESULTS), result, from;

		if (!has_domain(sealers, d))
			return false;
		(void)span_split(&results, ';'); /* i= */
		if (authres_find(results, SPAN("dmarc"), SPAN("header.from"),
		        &result, &from) &&
		    span_is_nocase(result, SPAN("pass")) &&
		    span_is_nocase(from, author)) {
			*by_out = d;
			return true;
		}
	}
	return false;
}

void
arc_put_seals(const struct arc *a, struct buf *out)
{
	size_t whole = out->len;

	buf_put_str(out, "arc=pass");
	for (unsigned i = a->v.n_sets; i > 0 && !buf_failed(out); i--) {
		struct span seal = value_of(a, i, SEAL);

		whole = out->len;
		buf_putf(out, " as[%u].d=", i);
		buf_put(out, tag_get(seal, SPAN("d")));
		buf_putf(out, " as[%u].s=", i);
		buf_put(out, tag_get(seal, SPAN("s")));
	}
	if (buf_failed(out))
		buf_truncate(out, whole);
}

const char *
arc_name(enum arc_result r)
{
	switch (r) {
	case ARC_PENDING:
		return "pending";
	case ARC_NONE:
		return "none";
	case ARC_PASS:
		return "pass";
	case ARC_FAIL:
		return "fail";
	}
	return "none";
}

/* --- sealing --- */

unsigned
arc_next_instance(const struct arc *a)
{
	/* RFC 8617 5.1: where it was said to be broken, nothing is added. */
	if (a->v.result == ARC_PENDING || a->has_ended || a->head->is_cut ||
	    (!a->is_readable && a->v.n_sets == 0) ||
	    a->v.n_sets >= ARC_MAX_SETS)
		return 0;
	return a->v.n_sets + 1;
}

static void
put_seal(const struct arc *a, const struct dkim_signer *by, struct buf *out)
{
	buf_putf(out, "ARC-Seal: i=%u; a=rsa-sha256; cv=%s;",
	    arc_next_instance(a), arc_name(a->v.result));
	dkim_sign_put_signer(by, out);
	buf_put_str(out, "\r\n\tb=");
}

/* What the new seal signs: the chain, or after a failure the new set alone
 * (RFC 8617 5.1.2). */
static int
hash_new(const struct arc *a, struct span results, struct span signature,
    struct span seal, br_sha256_context *sha)
{
	struct buf form;
	int rc = 0;

	br_sha256_init(sha);
	if (a->v.result == ARC_PASS)
		rc = hash_sets(a, a->v.n_sets, false, sha);
	buf_init(&form, MAX_HEADER_BYTES);
	hash_field(sha, &form, results, false);
	if (rc == 0)
		rc = buf_error(&form);
	hash_field(sha, &form, signature, false);
	if (rc == 0)
		rc = buf_error(&form);
	hash_field(sha, &form, seal, true);
	if (rc == 0)
		rc = buf_error(&form);
	buf_deinit(&form);
	return rc;
}

int
arc_seal(const struct arc *a, const struct dkim_signer *by, struct span results,
    struct span signature, struct buf *out)
{
	br_sha256_context sha;
	uint8_t hash[DKIM_HASH_BYTES];
	struct buf seal;
	int rc;

	buf_init(&seal, ARC_SEAL_BYTES);
	put_seal(a, by, &seal);
	rc = buf_error(&seal);
	if (rc == 0)
		rc = hash_new(a, results, signature, buf_span(&seal), &sha);
	if (rc == 0) {
		br_sha256_out(&sha, hash);
		rc = dkim_sign_put_value(by->key, hash, &seal);
	}
	if (rc == 0)
		rc = buf_error(&seal);
	if (rc == 0) {
		buf_put(out, buf_span(&seal));
		rc = buf_error(out);
	}
	buf_deinit(&seal);
	return rc;
}
