#include "queue/mx.h"

#include "base/rand.h"
#include "net/listen.h"

static void ask(struct mx *m);

static void
end(struct mx *m, enum mx_state state, const char *why)
{
	m->state = state;
	m->why = why;
	m->wake(m->owner);
}

/* All hosts are through. Was it the resolver's fault? */
static void
end_hosts(struct mx *m)
{
	if (m->had_temp)
		end(m, MX_TEMP, "4.4.3 The resolver could not be asked");
	else if (m->had_host)
		end(m, MX_END, "");
	else
		end(m, MX_PERM, "5.1.2 No host of this domain has an address");
}

static void
take(struct mx *m, const struct dns_query *q)
{
	struct dns_record r;
	size_t at = 0;

	if (q->state == DNS_TEMPFAIL)
		m->had_temp = true;
	while (q->state == DNS_OK && m->n_addresses < MX_MAX_ADDRESSES &&
	       dns_next(q, &at, &r))
		m->addresses[m->n_addresses++] = r.address;
}

/* --- ourselves (RFC 5321 5.1) --- */

static bool
has_own_address(const struct mx *m)
{
	for (size_t i = 0; i < m->n_addresses; i++) {
		struct peer to = m->addresses[i];

		to.port = m->env.port;
		if (listen_is_ours(m->env.loop, &to))
			return true;
	}
	return false;
}

/* Host i is this server: it goes, with all that are not preferred to it.
 * Returns whether any are left that count, or were tried. */
static bool
leave_out(struct mx *m, size_t own)
{
	uint16_t preference = m->hosts[own].preference;

	while (
	    m->n_hosts > 0 && m->hosts[m->n_hosts - 1].preference >= preference)
		m->n_hosts--;
	if (m->n_hosts > 0)
		return true;
	end(m, MX_PERM,
	    m->is_fixed ? "5.4.6 The host to send through is this server"
	                : "5.4.6 By the DNS this server takes the mail of the "
	                  "domain, and here it is unknown: a loop");
	return false;
}

static bool
leave_out_name(struct mx *m)
{
	for (size_t i = 0; i < m->n_hosts; i++)
		if (span_is_nocase(span_str(m->hosts[i].name), m->env.host))
			return leave_out(m, i);
	return true;
}

/* Is there a host as good as that at m->at, which was not looked at yet? */
static bool
has_unseen(const struct mx *m)
{
	return m->n_looked < m->n_hosts &&
	       m->hosts[m->n_looked].preference == m->hosts[m->at].preference;
}

/* --- the hosts --- */

static void
next_host(struct mx *m, bool is_unknown)
{
	if (m->at < m->n_hosts)
		ask(m);
	else if (!m->had_host && !m->had_temp && is_unknown && m->n_hosts == 1)
		end(m, MX_PERM, "5.1.2 There is no such domain");
	else
		end_hosts(m);
}

static void
addresses_came(void *owner)
{
	struct mx *m = owner;
	bool is_unknown = m->a.state == DNS_NXDOMAIN;

	if (m->a.state == DNS_PENDING || m->aaaa.state == DNS_PENDING)
		return;
	m->n_addresses = 0;
	take(m, &m->aaaa);
	take(m, &m->a);
	dns_cancel(&m->a); /* the other's wake may still be to come */
	dns_cancel(&m->aaaa);
	if (m->look == m->n_looked) {
		m->n_looked++;
		if (has_own_address(m)) {
			if (leave_out(m, m->look))
				next_host(m, false);
			return;
		}
	}
	if (m->look != m->at || has_unseen(m)) {
		ask(m);
	} else if (m->n_addresses > 0) {
		m->had_host = true;
		end(m, MX_HOST, "");
	} else {
		m->at++;
		next_host(m, is_unknown);
	}
}

/* Ask for the addresses of the host at m->at. One that is as good may be
 * ourselves, and then none of them is to be tried: all are looked at first. */
static void
ask(struct mx *m)
{
	struct span name;

	m->look = has_unseen(m) ? m->n_looked : m->at;
	name = span_str(m->hosts[m->look].name);
	memcpy(m->host, name.p, name.len + 1);
	m->host_len = name.len;
	m->state = MX_PENDING;
	dns_ask(m->env.dns, &m->aaaa, DNS_AAAA, name, addresses_came, m);
	dns_ask(m->env.dns, &m->a, DNS_A, name, addresses_came, m);
}

static bool
goes_before(const struct mx *m, size_t i, size_t j)
{
	if (m->hosts[i].preference != m->hosts[j].preference)
		return m->hosts[i].preference < m->hosts[j].preference;
	return m->hosts[i].random < m->hosts[j].random;
}

/* RFC 5321 5.1: by preference, at random among equals. */
static void
sort_hosts(struct mx *m)
{
	for (size_t i = 1; i < m->n_hosts; i++)
		for (size_t j = i; j > 0 && goes_before(m, j, j - 1); j--) {
			char swap[sizeof(m->hosts[0])];

			memcpy(swap, &m->hosts[j], sizeof(swap));
			memcpy(&m->hosts[j], &m->hosts[j - 1], sizeof(swap));
			memcpy(&m->hosts[j - 1], swap, sizeof(swap));
		}
}

static void
add_host(struct mx *m, struct span name, uint16_t preference)
{
	size_t i = m->n_hosts;

	if (name.len == 0 || name.len > DNS_MAX_NAME)
		return;
	if (i == MX_MAX_HOSTS) { /* the last one makes room */
		sort_hosts(m);
		i--;
		if (m->hosts[i].preference <= preference)
			return;
	} else {
		m->n_hosts++;
	}
	memcpy(m->hosts[i].name, name.p, name.len);
	m->hosts[i].name[name.len] = '\0';
	m->hosts[i].preference = preference;
	m->hosts[i].random = rand_u32();
}

static void
mx_came(void *owner)
{
	struct mx *m = owner;
	struct dns_record r;
	bool is_null = false;
	size_t at = 0;

	m->is_authentic =
	    m->mx_query.is_authentic || m->mx_query.state == DNS_NODATA;
	switch (m->mx_query.state) {
	case DNS_TEMPFAIL:
		end(m, MX_TEMP, "4.4.3 The resolver could not be asked");
		return;
	case DNS_NXDOMAIN:
		end(m, MX_PERM, "5.1.2 There is no such domain");
		return;
	case DNS_OK:
		m->n_hosts = 0;
		while (dns_next(&m->mx_query, &at, &r)) {
			is_null = is_null || r.text.len == 0;
			add_host(m, r.text, r.preference);
		}
		break;
	case DNS_NODATA: /* RFC 5321 5.1: the implicit MX */
	case DNS_IDLE:
	case DNS_PENDING:
		break;
	}
	if (is_null && m->n_hosts == 0) { /* RFC 7505 3 */
		end(m, MX_PERM, "5.1.10 The domain takes no mail");
		return;
	}
	sort_hosts(m);
	dns_cancel(&m->mx_query);
	if (m->n_hosts == 0)
		end(m, MX_PERM, "5.4.4 The domain's MX records name no host");
	else if (leave_out_name(m))
		ask(m);
}

static void
literal_came(void *owner)
{
	struct mx *m = owner;

	m->addresses[0] = m->literal;
	m->n_addresses = 1;
	m->had_host = true;
	if (!has_own_address(m) || leave_out(m, 0))
		end(m, MX_HOST, "");
}

void
mx_begin(struct mx *m, const struct mx_env *env, struct span domain,
    bool is_fixed, void (*wake)(void *owner), void *owner)
{
	memset(m, 0, sizeof(*m));
	m->state = MX_PENDING;
	m->env = *env;
	m->env.host = span_sub(env->host, 0, DNS_MAX_NAME);
	memcpy(m->own, m->env.host.p, m->env.host.len);
	m->env.host.p = m->own;
	m->wake = wake;
	m->owner = owner;
	m->is_fixed = m->is_authentic = is_fixed;
	m->is_literal = is_fixed && peer_parse(domain, &m->literal) == 0;
	add_host(m, domain, 0);
	if (m->is_literal) {
		memcpy(m->host, m->hosts[0].name, domain.len + 1);
		m->host_len = domain.len;
		/* A question that needs no packet brings the wake. */
		dns_ask(env->dns, &m->a, DNS_A, SPAN(""), literal_came, m);
	} else if (is_fixed) {
		ask(m);
	} else {
		dns_ask(env->dns, &m->mx_query, DNS_MX, domain, mx_came, m);
	}
}

void
mx_next(struct mx *m)
{
	if (!m->is_literal && ++m->at < m->n_hosts)
		ask(m);
	else
		m->state = m->had_temp ? MX_TEMP : MX_END;
}

void
mx_end(struct mx *m)
{
	dns_cancel(&m->mx_query);
	dns_cancel(&m->a);
	dns_cancel(&m->aaaa);
}
