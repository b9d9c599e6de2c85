#include "reports/report_to.h"

#include "trust/trust.h"

static void look(struct report_to *t);

static void
finish(struct report_to *t, enum report_to_state state)
{
	t->state = state;
	t->wake(t->owner);
}

static struct span
domain_of(const struct report_to *t)
{
	return span_of(t->domain, t->n_domain);
}

static struct rua *
current(struct report_to *t)
{
	return &t->list[t->at];
}

static void
drop(struct report_to *t)
{
	t->n--;
	memmove(&t->list[t->at], &t->list[t->at + 1],
	    (t->n - t->at) * sizeof(t->list[0]));
}

/* --- the record --- */

static bool
is_record(const struct report_to *t, struct span text)
{
	struct span version = span_split(&text, ';');

	if (!t->is_tls)
		return dmarc_record_is(version);
	return span_is(span_trim(version), SPAN("v=TLSRPTv1"));
}

/* Copy the one record of the answer. ERR_NONE: none, or several: of no effect
 * (RFC 9989 4.10, RFC 8460 3). */
static int
copy_record(struct report_to *t)
{
	struct dns_record r;
	size_t at = 0, n = 0;

	while (t->query.state == DNS_OK && dns_next(&t->query, &at, &r)) {
		if (!is_record(t, r.text))
			continue;
		if (n++ > 0 || r.text.len > sizeof(t->record))
			return ERR_NONE;
		memcpy(t->record, r.text.p, r.text.len);
		t->n_record = r.text.len;
	}
	return n == 1 ? 0 : ERR_NONE;
}

static bool
is_listed(const struct report_to *t, struct span address)
{
	for (size_t i = 0; i < t->n; i++)
		if (span_is(rua_address(&t->list[i]), address))
			return true;
	return false;
}

/* The first that can be used. */
static void
take_url(struct report_to *t, struct span uri)
{
	if (!t->is_tls || t->n_url > 0 || uri.len > sizeof(t->url) ||
	    !fetch_is_url(uri))
		return;
	memcpy(t->url, uri.p, uri.len);
	t->n_url = uri.len;
}

static void
read_list(struct report_to *t)
{
	struct span record = span_of(t->record, t->n_record);
	struct cur c = cur_of(dmarc_record_value(record, SPAN("rua")));

	while (t->n < REPORT_MAX_TO && rua_next(&c, &t->list[t->n]) == 0) {
		struct span a = rua_address(&t->list[t->n]);

		take_url(t, t->list[t->n].uri);
		if (a.len > 0 && !is_listed(t, a))
			t->n++;
	}
}

static void
woken_record(void *owner)
{
	struct report_to *t = owner;

	if (t->query.state == DNS_TEMPFAIL) {
		finish(t, TO_LATER);
		return;
	}
	if (copy_record(t) == 0)
		read_list(t);
	if (t->is_tls)
		finish(t, TO_KNOWN); /* RFC 8460 3 asks for no more */
	else
		look(t);
}

/* --- may the others have it? --- */

/* The host's own record may name another address there, and none elsewhere. */
static void
replace(struct report_to *t, struct span record)
{
	struct span host = rua_host(rua_address(current(t)));
	struct cur c = cur_of(dmarc_record_value(record, SPAN("rua")));
	struct rua other;

	if (rua_next(&c, &other) < 0) {
		t->at++; /* it does not */
		return;
	}
	if (!span_is(rua_host(rua_address(&other)), host)) {
		drop(t);
		return;
	}
	*current(t) = other;
	t->at++;
}

static void
woken_confirmed(void *owner)
{
	struct report_to *t = owner;
	struct dns_record r;
	size_t at = 0;

	if (t->query.state == DNS_TEMPFAIL) {
		finish(t, TO_LATER);
		return;
	}
	while (t->query.state == DNS_OK && dns_next(&t->query, &at, &r)) {
		if (!dmarc_record_is(r.text))
			continue;
		replace(t, r.text);
		look(t);
		return;
	}
	drop(t);
	look(t);
}

static void
ask_host(struct report_to *t)
{
	char storage[2 * DNS_MAX_NAME + 32];
	struct buf name;

	buf_init_fixed(&name, storage, sizeof(storage));
	buf_put(&name, domain_of(t));
	buf_put_str(&name, "._report._dmarc.");
	buf_put(&name, rua_host(rua_address(current(t))));
	/* What is too long for a name is answered with DNS_NXDOMAIN. */
	dns_ask(
	    t->dns, &t->query, DNS_TXT, buf_span(&name), woken_confirmed, t);
}

/* The organization of the domain, or of the current address, is known. */
static void
take_walk(struct report_to *t)
{
	struct span org = dmarc_org(t->walk);
	bool is_same = false;

	if (!t->is_org_known) {
		if (org.len == 0 || org.len > DNS_MAX_NAME)
			org = domain_of(t);
		memcpy(t->org, org.p, org.len);
		t->n_org = org.len;
		t->is_org_known = true;
	} else {
		is_same = span_is(org, span_of(t->org, t->n_org));
		if (is_same)
			t->at++;
		else
			ask_host(t);
	}
	dmarc_free(t->walk);
	t->walk = NULL;
}

static void
woken_walk(void *owner)
{
	struct report_to *t = owner;

	take_walk(t);
	if (t->query.state != DNS_PENDING)
		look(t);
}

/* Ask for the organizational domain. False: there is no memory for it. */
static bool
begin_walk(struct report_to *t, struct span name)
{
	if (dmarc_new(t->dns, name, woken_walk, t, &t->walk) < 0)
		return false;
	dmarc_judge(t->walk, NULL, 0);
	return true;
}

/* Go on with what is still to be looked at. */
static void
look(struct report_to *t)
{
	while (t->at < t->n) {
		struct span host = rua_host(rua_address(current(t)));

		if (span_is(host, domain_of(t)) ||
		    (t->is_org_known &&
		        span_is(host, span_of(t->org, t->n_org)))) {
			t->at++;
			continue;
		}
		if (!begin_walk(t, t->is_org_known ? host : domain_of(t))) {
			finish(t, TO_LATER);
			return;
		}
		if (dmarc_result(t->walk) == DMARC_PENDING)
			return;
		take_walk(t);
		if (t->query.state == DNS_PENDING)
			return;
	}
	finish(t, TO_KNOWN);
}

void
report_to_begin(struct report_to *t, struct dns *dns, bool is_tls,
    struct span domain, void (*wake)(void *owner), void *owner)
{
	char storage[DNS_MAX_NAME + 16];
	struct buf name;

	memset(t, 0, sizeof(*t));
	t->dns = dns;
	t->is_tls = is_tls;
	t->wake = wake;
	t->owner = owner;
	domain = span_sub(domain, 0, DNS_MAX_NAME);
	memcpy(t->domain, domain.p, domain.len);
	t->n_domain = domain.len;
	buf_init_fixed(&name, storage, sizeof(storage));
	buf_put_str(&name, is_tls ? "_smtp._tls." : "_dmarc.");
	buf_put(&name, domain);
	dns_ask(dns, &t->query, DNS_TXT, buf_span(&name), woken_record, t);
}

void
report_to_end(struct report_to *t)
{
	dns_cancel(&t->query);
	dmarc_free(t->walk);
	t->walk = NULL;
}

void
report_to_limit(struct report_to *t, uint64_t n_bytes)
{
	for (t->at = 0; t->at < t->n;) {
		if (current(t)->max_bytes < n_bytes)
			drop(t);
		else
			t->at++;
	}
}
