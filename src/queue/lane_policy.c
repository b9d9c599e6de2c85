/* lane_policy.c - what the policy of a domain (sts.h) means for its lane, and how
 * that is told. */
#include "base/log.h"
#include "queue/lane.h"

void
lane_begin_sts(struct lane *n)
{
	const struct mover_env *env = lane_env(n->q);
	struct sts_env sts = { env->loop, env->store, env->dns,
		env->limits.sts_port };

	sts_begin(&n->sts, &sts, lane_name(n), lane_wake, n);
}

/* RFC 8689 5: TLS-Required: No says not to care. */
static bool
is_enforced(const struct lane *n)
{
	return n->sts.mode == STS_ENFORCE &&
	       !(n->has_message &&
	           (n->message.m.flags & QUEUE_TLS_OPTIONAL) != 0);
}

bool
lane_allows_host(const struct lane *n)
{
	return !is_enforced(n) || sts_allows(&n->sts, lane_host(n));
}

const char *
lane_policy_name(const struct lane *n)
{
	static const char *const sts[] = { [STS_NONE] = "sts-none",
		[STS_TESTING] = "sts-testing",
		[STS_ENFORCE] = "sts-enforce" };

	if (n->relay != NULL)
		return "relay";
	return n->sts.has_policy ? sts[n->sts.mode] : "opportunistic";
}

void
lane_set_last(
    struct lane *n, const struct smtp_out_result *why, struct span words)
{
	struct buf b;

	buf_init_fixed(&b, n->last, sizeof(n->last));
	if (is_enforced(n) && why->stage == OUT_AT_TLS) {
		buf_put_str(&b, why->enhanced);
		buf_put_str(&b, " By MTA-STS this domain takes mail over "
		                "verified TLS only; ");
		buf_put(&b, lane_host(n));
		buf_put_str(&b, ": ");
		words = why->text;
	}
	buf_put(&b, span_sub(words, 0, sizeof(n->last) - b.len));
	n->last_len = b.len;
}

void
lane_pass_over(struct lane *n)
{
	struct smtp_out_result why = { .stage = OUT_AT_TLS,
		.enhanced = "4.7.0",
		.text = SPAN("the policy does not name this host") };
	struct log l;

	if (n->sts.is_unread)
		why.text = SPAN("the policy cannot be read now");
	lane_set_last(n, &why, why.text);
	log_begin(&l, LOG_WARN, "sts.passed_over");
	log_str(&l, "destination", lane_name(n));
	log_str(&l, "host", lane_host(n));
	log_end(&l);
	n->had_trouble = n->is_strict = true;
	mx_next(&n->mx);
}

void
lane_log_tested(const struct lane *n)
{
	struct smtp_out_facts f;
	bool is_named = sts_policy_names(buf_span(&n->sts.text), lane_host(n));
	struct log l;

	if (n->sts.mode != STS_TESTING)
		return;
	smtp_out_facts(n->out, &f);
	if (is_named && f.is_verified)
		return;
	log_begin(&l, LOG_WARN, "sts.would_refuse");
	log_str(&l, "destination", lane_name(n));
	log_str(&l, "host", lane_host(n));
	log_str(&l, "why",
	    !is_named           ? SPAN("its policy does not name this host")
	    : f.tls_why != NULL ? span_str(f.tls_why)
	                        : SPAN("the host offers no TLS"));
	log_end(&l);
}
