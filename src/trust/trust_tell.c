/* The verdict on a message, told: to who stores it, in its header, in the log,
 * and to the domain that asked for reports. */
#include "base/idna.h"
#include "trust/trust_in.h"

bool
trust_is_known(const struct trust *t)
{
	return t->is_decided;
}

enum trust_verdict
trust_verdict(const struct trust *t)
{
	return t->verdict;
}

const char *
trust_text(const struct trust *t)
{
	return t->text;
}

enum spf_result
trust_spf(const struct trust *t)
{
	return t->spf == NULL ? SPF_NONE : spf_result(t->spf);
}

struct span
trust_spf_domain(const struct trust *t)
{
	return t->spf == NULL ? span_of(NULL, 0) : spf_domain(t->spf);
}

int
trust_weight(const struct trust *t)
{
	return t->doubts == NULL ? 0 : doubts_weight(t->doubts);
}

enum dmarc_result
trust_dmarc(const struct trust *t)
{
	if (t->has_many_authors)
		return DMARC_PERMERROR;
	if (t->dmarc == NULL)
		return t->fault < 0 ? DMARC_TEMPERROR : DMARC_NONE;
	return t->vouching.len > 0 ? DMARC_PASS : dmarc_result(t->dmarc);
}

struct span
trust_vouching(const struct trust *t)
{
	return t->vouching;
}

const struct arc *
trust_arc(const struct trust *t)
{
	return t->arc;
}

/* What was done, and why not what was asked for. */
static void
set_done(const struct trust *t, struct dmarc_row *out)
{
	static const enum dmarc_done of_policy[] = { [DMARC_P_NONE] =
		                                         DMARC_DONE_NONE,
		[DMARC_P_QUARANTINE] = DMARC_DONE_QUARANTINE,
		[DMARC_P_REJECT] = DMARC_DONE_REJECT };
	enum dmarc_policy asked = dmarc_asked(t->dmarc);

	if (t->vouching.len > 0 && t->verdict == TRUST_ACCEPT) {
		out->done = DMARC_DONE_NONE;
		out->reason = "local_policy";
		out->comment = t->text; /* RFC 8617 7.2.2 */
		return;
	}
	if (t->by_policy == TRUST_JUNK)
		out->done = DMARC_DONE_QUARANTINE;
	else if (t->by_policy == TRUST_REJECT)
		out->done = DMARC_DONE_REJECT;
	else if (trust_dmarc(t) == DMARC_PASS && asked != DMARC_P_NONE)
		out->done = DMARC_DONE_PASS;
	if (trust_dmarc(t) == DMARC_PASS || out->done == of_policy[asked])
		return;
	if (out->done == of_policy[dmarc_policy(t->dmarc)]) {
		out->reason = "policy_test_mode";
		out->comment = "t=y";
		return;
	}
	out->reason = "local_policy";
	out->comment = t->by_policy == TRUST_REJECT ? "refused for SPF"
	               : t->options.dmarc != TRUST_ACT
	                   ? "policies are noted only"
	                   : "not told from whom it is";
}

bool
trust_dmarc_row(const struct trust *t, struct dmarc_row *out)
{
	enum dmarc_result r = trust_dmarc(t);
	struct span from = t->mail_from;

	*out = (struct dmarc_row){ .dkim = t->dkim };
	if (t->dmarc == NULL || !dmarc_has_rua(t->dmarc) ||
	    t->by_policy == TRUST_TEMPFAIL ||
	    (r != DMARC_PASS && r != DMARC_FAIL && r != DMARC_TEMPERROR))
		return false;
	out->domain = dmarc_domain(t->dmarc);
	out->is_spf_aligned = dmarc_is_aligned(t->dmarc, true);
	out->is_dkim_aligned = dmarc_is_aligned(t->dmarc, false);
	out->header_from = dmarc_author(t->dmarc);
	out->envelope_from =
	    span_sub(from, span_rfind(from, '@') + 1, from.len);
	if (t->spf != NULL) {
		out->spf_domain = spf_domain(t->spf);
		out->spf = trust_spf(t);
	}
	set_done(t, out);
	return true;
}

/* RFC 8601 2.7.2: for a null sender, the name in HELO is the identity. */
static void
put_spf(const struct trust *t, struct authres *a)
{
	bool is_helo = t->mail_from.len == 0;

	if (t->spf == NULL)
		return;
	authres_method(
	    a, "spf", spf_name(spf_result(t->spf)), spf_reason(t->spf));
	authres_property(a, is_helo ? "smtp.helo" : "smtp.mailfrom",
	    is_helo ? t->helo_name : t->mail_from);
	if (t->helo == NULL || spf_result(t->helo) == SPF_NONE)
		return;
	authres_method(
	    a, "spf", spf_name(spf_result(t->helo)), spf_reason(t->helo));
	authres_property(a, "smtp.helo", t->helo_name);
}

/* Long names of a sender must not crowd out the trace. */
#define MAX_FIELD 1500

static void
put_domain(struct authres *a, struct span domain)
{
	char storage[DNS_MAX_NAME];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	if (idna_to_ascii(&b, domain) == 0)
		domain = buf_span(&b);
	authres_property(a, "header.d", domain);
}

static void
put_dkim(const struct trust *t, struct authres *a)
{
	size_t n = t->dkim == NULL ? 0 : dkim_count(t->dkim);
	size_t start = a->out->len;

	if (t->dkim != NULL && n == 0)
		authres_method(a, "dkim", t->head.is_cut ? "permerror" : "none",
		    t->head.is_cut ? "the header is too large" : "");
	for (size_t i = 0; i < n && a->out->len - start < MAX_FIELD; i++) {
		const struct dkim_verdict *v = dkim_get(t->dkim, i);

		authres_method(a, "dkim", dkim_name(v->result), v->reason);
		put_domain(a, v->domain);
		if (v->identity.len > 0)
			authres_property(a, "header.i", v->identity);
		authres_property(a, "header.s", v->selector);
		authres_property(a, "header.a", v->algorithm);
		authres_property(a, "header.b", v->b);
	}
}

static void
put_arc(const struct trust *t, struct authres *a)
{
	const struct arc_verdict *v;
	char storage[64];
	struct buf ip;

	if (t->arc == NULL)
		return;
	v = arc_get(t->arc);
	if (v->result == ARC_NONE)
		return;
	authres_method(a, "arc", arc_name(v->result), v->reason);
	put_domain(a, v->domain);
	authres_property(a, "header.s", v->selector);
	buf_init_fixed(&ip, storage, sizeof(storage));
	peer_put(&ip, &t->client);
	authres_property(a, "smtp.remote-ip", buf_span(&ip));
}

/* What the result is owed to, when it is no plain one. */
static void
put_dmarc_reason(const struct trust *t, struct buf *out)
{
	if (t->head.is_cut) {
		buf_put_str(out, "the header is too large");
	} else if (t->has_many_authors) {
		buf_put_str(out, "more than one author domain");
	} else if (t->vouching.len > 0) {
		buf_put_str(out, "local policy: ARC of ");
		buf_put(out, t->vouching);
	}
	buf_put_char(out, '\0');
}

static void
put_dmarc(const struct trust *t, struct authres *a)
{
	enum dmarc_result r = trust_dmarc(t);
	char storage[DNS_MAX_NAME + 40];
	struct buf reason;

	if (t->options.dmarc == TRUST_OFF)
		return;
	buf_init_fixed(&reason, storage, sizeof(storage));
	put_dmarc_reason(t, &reason);
	authres_method(
	    a, "dmarc", dmarc_name(r), buf_failed(&reason) ? "" : reason.p);
	authres_property(a, "header.from", span_of(t->author, t->n_author));
	if (r == DMARC_PASS || r == DMARC_FAIL)
		/* What was asked for, beside what was done. */
		authres_property(a, "policy.dmarc",
		    span_str(dmarc_policy_name(dmarc_asked(t->dmarc))));
}

static void
put_results(const struct trust *t, struct authres *a)
{
	put_spf(t, a);
	put_dmarc(t, a);
	put_arc(t, a);
	put_dkim(t, a);
	if (t->doubts != NULL)
		doubts_put_results(t->doubts, a);
	authres_end(a);
}

void
trust_put_header(const struct trust *t, struct buf *out)
{
	struct authres a;

	authres_begin(&a, out, t->options.host);
	put_results(t, &a);
}

void
trust_put_arc_results(const struct trust *t, unsigned instance, struct buf *out)
{
	struct authres a;

	authres_begin_arc(&a, out, instance, t->options.host);
	put_results(t, &a);
}

void
trust_put_weight(const struct trust *t, struct buf *out)
{
	if (t->doubts == NULL || !doubts_are_any(t->doubts))
		return;
	buf_putf(out, " weight=%d (", trust_weight(t));
	doubts_put_words(t->doubts, out);
	buf_put_char(out, ')');
}

void
trust_put_words(const struct trust *t, struct buf *out)
{
	size_t n = t->dkim == NULL ? 0 : dkim_count(t->dkim);

	buf_put_str(out, "spf=");
	buf_put_str(out, spf_name(trust_spf(t)));
	buf_put_str(out, n == 0 ? " dkim=none" : "");
	for (size_t i = 0; i < n; i++) {
		buf_put_str(out, " dkim=");
		buf_put_str(out, dkim_name(dkim_get(t->dkim, i)->result));
	}
	if (t->arc != NULL && arc_get(t->arc)->result != ARC_NONE) {
		buf_put_str(out, " arc=");
		buf_put_str(out, arc_name(arc_get(t->arc)->result));
	}
	buf_put_str(out, " dmarc=");
	buf_put_str(out, dmarc_name(trust_dmarc(t)));
	if (trust_dmarc(t) == DMARC_FAIL) {
		buf_put_str(out, " (");
		buf_put_str(out, dmarc_policy_name(dmarc_asked(t->dmarc)));
		buf_put_char(out, ')');
	}
	trust_put_weight(t, out);
}
