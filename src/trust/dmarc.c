#include "trust/dmarc.h"

#include "base/idna.h"
#include "base/ascii.h"
#include "base/mem.h"
#include "trust/dmarc_record.h"

/* RFC 9989 4.10: names with more labels are asked at seven, after the first. */
#define WALK_LABELS 7

/* One DNS tree walk (RFC 9989 4.10): _dmarc.a.b.test, _dmarc.b.test, ... */
struct walk {
	char storage[DNS_MAX_NAME + 1]; /* where it started; lower case */
	struct span start, at;          /* at: asked for now; in start */
	struct span org;                /* the organizational domain so far */
	struct span below;              /* asked for before `at` */
	size_t org_labels;
	bool is_over, has_failed;
	/* The record at the start, at org, and one with psd=y above. */
	bool has_own, has_org, has_psd;
	struct dmarc_record own, at_org, at_psd;
};

struct dmarc {
	struct dns *dns;
	void (*wake)(void *owner);
	void *owner;
	struct dns_query query;
	struct dns_query exists; /* is there anything at the author's domain? */
	struct walk author, other;
	struct walk *walking; /* NULL: none */
	struct dmarc_identity list[DMARC_MAX_IDENTITIES];
	char names[DMARC_MAX_IDENTITIES][DNS_MAX_NAME + 1];
	size_t n, at;
	enum dmarc_result result;
	bool is_asked_to_judge, is_unknown;
	bool is_aligned, may_be_aligned;
	bool is_spf_aligned, is_dkim_aligned;
	bool looks_at_all;
	unsigned n_exists; /* types that were asked for */
	bool is_nonexistent;
};

static size_t
count_labels(struct span name)
{
	size_t n = name.len > 0;

	for (size_t i = 0; i < name.len; i++)
		n += name.p[i] == '.';
	return n;
}

static struct span
parent(struct span name)
{
	return span_sub(name, span_find(name, '.') + 1, name.len);
}

static bool
is_below(struct span name, struct span domain)
{
	return name.len > domain.len && span_ends_nocase(name, domain) &&
	       name.p[name.len - domain.len - 1] == '.';
}

/* --- a walk --- */

/* False: it is no name. */
static bool
walk_init(struct walk *w, struct span domain)
{
	*w = (struct walk){ .is_over = false };
	if (domain.len > 0 && domain.p[domain.len - 1] == '.')
		domain.len--;
	if (!dns_is_name(domain) || domain.len > DNS_MAX_NAME)
		return false;
	for (size_t i = 0; i < domain.len; i++)
		w->storage[i] = ascii_lower(domain.p[i]);
	w->start = w->at = w->org = span_of(w->storage, domain.len);
	return true;
}

static void walk_woken(void *owner);

static void
walk_ask(struct dmarc *d, struct walk *w)
{
	char storage[DNS_MAX_NAME + 16];
	struct buf name;

	buf_init_fixed(&name, storage, sizeof(storage));
	buf_put_str(&name, "_dmarc.");
	buf_put(&name, w->at);
	d->walking = w;
	dns_ask(d->dns, &d->query, DNS_TXT, buf_span(&name), walk_woken, d);
}

/* The one record of an answer. ERR_NONE: none, or several (RFC 9989 4.10).
 * ERR_SYNTAX: it is malformed. */
static int
find_record(const struct dns_query *q, struct dmarc_record *out)
{
	struct dns_record r;
	size_t at = 0, n = 0;
	int rc = ERR_NONE;

	while (q->state == DNS_OK && dns_next(q, &at, &r)) {
		if (!dmarc_record_is(r.text))
			continue;
		n++;
		rc = dmarc_record_parse(r.text, out);
	}
	return n == 1 ? rc : ERR_NONE;
}

/* A record stands at w->at. */
static void
take_record(struct walk *w, const struct dmarc_record *r)
{
	bool is_start = w->at.len == w->start.len;

	if (is_start) {
		w->has_own = true;
		w->own = *r;
	}
	if (r->psd == DMARC_PSD_YES && !is_start) {
		/* RFC 9989 4.10.2: the name one below is the organization's. */
		w->has_psd = true;
		w->at_psd = *r;
		if (w->org.len != w->below.len) {
			w->org = w->below;
			w->has_org = false;
		}
		w->is_over = true;
		return;
	}
	/* The record with the fewest labels, or one that says psd=n. */
	w->org = w->at;
	w->has_org = true;
	w->at_org = *r;
	w->is_over = r->psd != DMARC_PSD_UNKNOWN;
}

/* Go up; over when there is nothing above. */
static void
climb(struct walk *w)
{
	w->below = w->at;
	w->at = parent(w->at);
	while (count_labels(w->at) > WALK_LABELS) {
		w->below = w->at;
		w->at = parent(w->at);
	}
	if (w->at.len == 0)
		w->is_over = true;
}

/* Take the answer to walk_ask; ask further, or return with is_over. */
static void
walk_take(struct dmarc *d, struct walk *w)
{
	struct dmarc_record r;
	int rc;

	if (d->query.state == DNS_TEMPFAIL) {
		w->has_failed = true;
		w->is_over = true;
		return;
	}
	rc = find_record(&d->query, &r);
	if (rc == 0)
		take_record(w, &r);
	else if (rc == ERR_SYNTAX && w == &d->author &&
	         w->at.len == w->start.len)
		w->is_over = true; /* RFC 9989 4.10.1: no processing */
	if (!w->is_over)
		climb(w);
	if (!w->is_over)
		walk_ask(d, w);
}

/* --- the policy --- */

/* The record that counts (RFC 9989 4.10.1). NULL: there is none. */
static const struct dmarc_record *
policy_record(const struct dmarc *d)
{
	const struct walk *w = &d->author;

	if (w->has_own)
		return &w->own;
	if (w->has_org)
		return &w->at_org;
	return w->has_psd ? &w->at_psd : NULL;
}

enum dmarc_policy
dmarc_asked(const struct dmarc *d)
{
	const struct dmarc_record *r = policy_record(d);

	if (r == NULL)
		return DMARC_P_NONE;
	if (d->author.has_own)
		return r->p;
	/* A public suffix's record: the organizational domain is below it. */
	return d->is_nonexistent ? r->np : r->sp;
}

/* RFC 9989 4.7: t=y lowers it by one. */
enum dmarc_policy
dmarc_policy(const struct dmarc *d)
{
	const struct dmarc_record *r = policy_record(d);
	enum dmarc_policy p = dmarc_asked(d);

	if (r == NULL || !r->is_testing)
		return p;
	return p == DMARC_P_REJECT ? DMARC_P_QUARANTINE : DMARC_P_NONE;
}

/* --- judgement --- */

static bool is_known(struct dmarc *d);

static void
tell(struct dmarc *d)
{
	d->wake(d->owner);
}

static void exists_woken(void *owner);

/* RFC 9989 3.2.13: a domain does not exist when it has no A, AAAA or MX.
 * False: all were asked for. */
static bool
ask_existence(struct dmarc *d)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_MX };

	if (d->n_exists == sizeof(types) / sizeof(types[0]))
		return false;
	dns_ask(d->dns, &d->exists, types[d->n_exists++], d->author.start,
	    exists_woken, d);
	return true;
}

static void
exists_woken(void *owner)
{
	struct dmarc *d = owner;
	enum dns_state state = d->exists.state;

	if (state == DNS_NXDOMAIN || state == DNS_NODATA) {
		if (ask_existence(d))
			return;
		d->is_nonexistent = true;
	}
	if (d->is_asked_to_judge && is_known(d))
		tell(d);
}

/* The author's walk is over: which of sp= and np= counts? */
static void
end_author(struct dmarc *d)
{
	const struct dmarc_record *r = policy_record(d);

	if (r != NULL && !d->author.has_own && r->np != r->sp)
		(void)ask_existence(d);
}

static void
walk_woken(void *owner)
{
	struct dmarc *d = owner;
	struct walk *w = d->walking;

	walk_take(d, w);
	if (!w->is_over)
		return;
	d->walking = NULL;
	if (w == &d->author)
		end_author(d);
	if (d->is_asked_to_judge && is_known(d))
		tell(d);
}

static void
note_aligned(struct dmarc *d, const struct dmarc_identity *i)
{
	if (i->is_unknown) {
		d->may_be_aligned = true;
		return;
	}
	d->is_aligned = true;
	if (i->is_spf)
		d->is_spf_aligned = true;
	else
		d->is_dkim_aligned = true;
}

/* Look at one identity. False: its walk has begun. */
static bool
align(struct dmarc *d, const struct dmarc_identity *i)
{
	const struct dmarc_record *r = policy_record(d);
	bool is_strict = i->is_spf ? r->is_strict_spf : r->is_strict_dkim;

	if (span_is_nocase(i->domain, d->author.start)) {
		note_aligned(d, i);
		return true;
	}
	if (is_strict)
		return true;
	if (span_is_nocase(i->domain, d->author.org)) {
		note_aligned(d, i);
		return true;
	}
	if (!is_below(i->domain, d->author.org) ||
	    !walk_init(&d->other, i->domain))
		return true;
	walk_ask(d, &d->other);
	return false;
}

/* The walk for list[at] is over. */
static void
end_other(struct dmarc *d)
{
	if (d->other.has_failed)
		d->may_be_aligned = true;
	else if (span_is_nocase(d->other.org, d->author.org))
		note_aligned(d, &d->list[d->at]);
}

/* Would this identity tell nothing new? */
static bool
is_needless(const struct dmarc *d, const struct dmarc_identity *i)
{
	return d->looks_at_all ? dmarc_is_aligned(d, i->is_spf) : d->is_aligned;
}

static enum dmarc_result
conclude(const struct dmarc *d)
{
	if (d->is_aligned)
		return DMARC_PASS;
	return d->may_be_aligned ? DMARC_TEMPERROR : DMARC_FAIL;
}

/* Go on until the result is known (true) or an answer is needed. */
static bool
is_known(struct dmarc *d)
{
	if (d->result != DMARC_PENDING)
		return true;
	if (!d->author.is_over || d->walking != NULL ||
	    d->exists.state == DNS_PENDING)
		return false;
	if (d->author.has_failed && policy_record(d) == NULL) {
		d->result = DMARC_TEMPERROR;
		return true;
	}
	if (policy_record(d) == NULL) {
		d->result = DMARC_NONE;
		return true;
	}
	if (d->author.has_failed && d->n > 0)
		d->may_be_aligned = true; /* where it ends is not known */
	if (d->other.is_over) {
		end_other(d);
		d->other.is_over = false;
		d->at++;
	}
	for (; d->at < d->n; d->at++)
		if (!is_needless(d, &d->list[d->at]) &&
		    !align(d, &d->list[d->at]))
			return false;
	d->result = conclude(d);
	return true;
}

int
dmarc_new(struct dns *dns, struct span author_domain, void (*wake)(void *owner),
    void *owner, struct dmarc **out)
{
	struct dmarc *d = mem_alloc(sizeof(*d));

	if (d == NULL)
		return ERR_NOMEM;
	d->dns = dns;
	d->wake = wake;
	d->owner = owner;
	if (walk_init(&d->author, author_domain)) {
		walk_ask(d, &d->author);
	} else {
		d->author.is_over = true;
		d->result = DMARC_NONE;
	}
	*out = d;
	return 0;
}

void
dmarc_free(struct dmarc *d)
{
	if (d == NULL)
		return;
	dns_cancel(&d->query);
	dns_cancel(&d->exists);
	mem_free(d);
}

void
dmarc_judge(struct dmarc *d, const struct dmarc_identity *list, size_t n)
{
	for (size_t i = 0; i < n && d->n < DMARC_MAX_IDENTITIES; i++) {
		struct dmarc_identity *to = &d->list[d->n];
		struct buf b;

		buf_init_fixed(&b, d->names[d->n], sizeof(d->names[0]));
		if (idna_to_ascii(&b, list[i].domain) < 0) /* RFC 8616 6 */
			continue;
		*to = list[i];
		to->domain = buf_span(&b);
		d->n++;
	}
	d->is_asked_to_judge = true;
	(void)is_known(d);
}

void
dmarc_give_up(struct dmarc *d)
{
	dns_cancel(&d->query);
	dns_cancel(&d->exists);
	if (d->result == DMARC_PENDING)
		d->result = d->is_aligned ? DMARC_PASS : DMARC_TEMPERROR;
}

enum dmarc_result
dmarc_result(const struct dmarc *d)
{
	return d->result;
}

struct span
dmarc_author(const struct dmarc *d)
{
	return d->author.start;
}

void
dmarc_look_at_all(struct dmarc *d)
{
	d->looks_at_all = true;
}

bool
dmarc_is_aligned(const struct dmarc *d, bool is_spf)
{
	return is_spf ? d->is_spf_aligned : d->is_dkim_aligned;
}

struct span
dmarc_domain(const struct dmarc *d)
{
	const struct walk *w = &d->author;

	if (w->has_own)
		return w->start;
	if (w->has_org)
		return w->org;
	return w->has_psd ? w->at : span_of(NULL, 0);
}

bool
dmarc_has_rua(const struct dmarc *d)
{
	const struct dmarc_record *r = policy_record(d);

	return r != NULL && r->has_rua;
}

struct span
dmarc_org(const struct dmarc *d)
{
	const struct walk *w = &d->author;

	return w->is_over && !w->has_failed ? w->org : span_of(NULL, 0);
}

const char *
dmarc_name(enum dmarc_result r)
{
	switch (r) {
	case DMARC_PENDING:
		return "pending";
	case DMARC_NONE:
		return "none";
	case DMARC_PASS:
		return "pass";
	case DMARC_FAIL:
		return "fail";
	case DMARC_TEMPERROR:
		return "temperror";
	case DMARC_PERMERROR:
		return "permerror";
	}
	return "none";
}

const char *
dmarc_policy_name(enum dmarc_policy p)
{
	switch (p) {
	case DMARC_P_NONE:
		return "none";
	case DMARC_P_QUARANTINE:
		return "quarantine";
	case DMARC_P_REJECT:
		return "reject";
	}
	return "none";
}
