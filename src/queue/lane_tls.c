/* lane_tls.c - how safe a way must be: by the relay's rule, by what the domain
 * gave before, by what the message demands (RFC 8689). */
#include "queue/lane.h"
#include "queue/tls_memory.h"

static bool
has_flag(const struct lane *n, uint32_t flag)
{
	return n->has_message && (n->message.m.flags & flag) != 0;
}

bool
lane_requires_tls(const struct lane *n)
{
	return has_flag(n, QUEUE_REQUIRETLS);
}

static enum smtp_out_tls
tls_of_relay(enum relay_tls tls)
{
	switch (tls) {
	case RELAY_TLS_VERIFIED:
		return TLS_VERIFIED;
	case RELAY_TLS_IMPLICIT:
		return TLS_IMPLICIT_VERIFIED;
	case RELAY_TLS_REQUIRED:
		return TLS_REQUIRED;
	case RELAY_TLS_MAY:
		return TLS_OPPORTUNISTIC;
	case RELAY_TLS_NEVER:
		return TLS_NEVER;
	}
	return TLS_VERIFIED;
}

/* By policy, whatever the message says. TLS-Required: No is about the policies
 * of recipients' domains (RFC 8689 5), not about those of the owner here. */
static enum smtp_out_tls
tls_of(const struct lane *n)
{
	if (n->relay != NULL)
		return tls_of_relay(n->relay->r.tls);
	if (has_flag(n, QUEUE_TLS_OPTIONAL))
		return TLS_OPPORTUNISTIC;
	if (n->sts.mode == STS_ENFORCE) /* RFC 8461 5 */
		return TLS_VERIFIED;
	return tls_memory_demand(lane_env(n->q), lane_name(n), lane_host(n));
}

enum smtp_out_tls
lane_tls(const struct lane *n)
{
	enum smtp_out_tls tls = tls_of(n);

	if (lane_requires_tls(n) && tls != TLS_IMPLICIT_VERIFIED)
		return TLS_VERIFIED;
	return tls;
}

/* RFC 8689 4.2.1: by DNSSEC, by a policy that names it, by the owner. */
bool
lane_is_proved(const struct lane *n)
{
	return n->mx.is_authentic ||
	       (n->sts.mode == STS_ENFORCE && lane_allows_host(n));
}

bool
lane_fits(const struct lane *n)
{
	struct smtp_out_facts f;

	smtp_out_facts(n->out, &f);
	if (lane_requires_tls(n) && !(f.offers_requiretls && lane_is_proved(n)))
		return false;
	if (!lane_allows_host(n))
		return false;
	switch (lane_tls(n)) {
	case TLS_VERIFIED:
	case TLS_IMPLICIT_VERIFIED:
		return f.is_verified;
	case TLS_REQUIRED:
		return f.is_tls;
	case TLS_OPPORTUNISTIC:
	case TLS_NEVER:
		break;
	}
	return true;
}

void
lane_note_first(struct lane *n)
{
	struct smtp_out_facts f;

	smtp_out_facts(n->out, &f);
	if (n->relay == NULL)
		tls_memory_note(
		    lane_env(n->q), lane_name(n), lane_host(n), &f, false);
}

void
lane_note_dead(struct lane *n, const struct smtp_out_result *why)
{
	enum smtp_out_tls tls = tls_of(n);
	struct smtp_out_facts f;

	smtp_out_facts(n->out, &f);
	if (!n->has_message || n->n_sent > 0)
		return;
	if (why->stage != OUT_AT_TLS) {
		n->had_trouble = n->had_trouble || why->stage < OUT_AT_MAIL;
		return;
	}
	if (n->relay == NULL && tls != TLS_OPPORTUNISTIC) {
		n->is_strict = true;
		tls_memory_note(
		    lane_env(n->q), lane_name(n), lane_host(n), &f, true);
	}
	if (!lane_requires_tls(n))
		return;
	if (strcmp(why->enhanced, "5.7.30") == 0)
		n->unfit = "5.7.30 The sender requires TLS on the whole way "
		           "(REQUIRETLS), which no host of the domain offers";
	else if (n->unfit == NULL)
		n->unfit = "5.7.10 The sender requires TLS on the whole way "
		           "(REQUIRETLS), and no host could prove by TLS who "
		           "it is";
}

void
lane_log_tls(const struct lane *n, struct log *l)
{
	struct smtp_out_facts f;

	smtp_out_facts(n->out, &f);
	log_str(l, "tls",
	    f.is_verified ? SPAN("verified")
	    : f.is_tls    ? SPAN("unverified")
	                  : SPAN("clear"));
	if (!f.is_verified && f.tls_why != NULL)
		log_str(l, "tls_why", span_str(f.tls_why));
}
