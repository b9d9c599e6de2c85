/* lane_count.c - what becomes of TLS on the way to a domain, for the report to
 * it (tls_row.h). One session is one connection that came as far as TLS. */
#include "queue/lane.h"
#include "queue/tls_row.h"

/* Not through a relay, which is no host of the domain. RFC 8460 3: reports go
 * whatever TLS does, and are not counted. */
static bool
is_counted(const struct lane *n)
{
	return lane_env(n->q)->counts_tls && n->relay == NULL &&
	       !(n->has_message &&
	           (n->message.m.flags & QUEUE_TLS_OPTIONAL) != 0);
}

static struct tls_row
row_of(const struct lane *n)
{
	struct tls_row t = { .domain = lane_name(n), .mx = lane_host(n) };

	if (n->sts.has_policy && n->sts.mode != STS_NONE) {
		t.policy = TLS_ROW_STS;
		t.policy_text = buf_span(&n->sts.text);
	}
	return t;
}

/* The words of net/tls_io_client.c about a certificate, as RFC 8460 4.3.2
 * calls it. */
static enum tls_row_result
result_of(struct span why)
{
	static const struct {
		struct span why;
		enum tls_row_result result;
	} rows[] = {
		{ SPAN("the certificate is not valid today"), TLS_ROW_EXPIRED },
		{ SPAN("the certificate is for another name"),
		    TLS_ROW_HOST_MISMATCH },
		{ SPAN("the certificate's issuer is not trusted"),
		    TLS_ROW_NOT_TRUSTED },
		{ SPAN("the host does not offer it"), TLS_ROW_NO_STARTTLS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (span_is(why, rows[i].why))
			return rows[i].result;
	return TLS_ROW_FAILURE;
}

static bool
is_good(const struct lane *n, const struct tls_row *t,
    const struct smtp_out_facts *f, const struct smtp_out_result *why)
{
	if (why != NULL || !f->is_tls)
		return false;
	return t->policy == TLS_ROW_NO_POLICY ||
	       (f->is_verified &&
	           sts_policy_names(buf_span(&n->sts.text), t->mx));
}

void
lane_count_tls(const struct lane *n, const struct smtp_out_result *why)
{
	struct tls_row t = row_of(n);
	struct smtp_out_facts f;

	/* Before TLS there was no session of it, behind it it was told. */
	if (!is_counted(n) || (why != NULL && why->stage != OUT_AT_TLS))
		return;
	smtp_out_facts(n->out, &f);
	t.to = &f.address;
	if (!is_good(n, &t, &f, why)) {
		t.reason = f.tls_why != NULL ? span_str(f.tls_why)
		           : why != NULL     ? why->text
		                             : SPAN("");
		t.result = result_of(t.reason);
	}
	tls_row_count(lane_store(n), &t);
}

void
lane_count_unnamed(const struct lane *n)
{
	struct tls_row t = row_of(n);

	if (!is_counted(n))
		return;
	t.result = TLS_ROW_FAILURE;
	t.reason = SPAN("the policy does not name this host");
	tls_row_count(lane_store(n), &t);
}

void
lane_count_policy(struct lane *n)
{
	static const enum tls_row_result of_fault[] = { [STS_FINE] =
		                                            TLS_ROW_SUCCESS,
		[STS_NOT_FETCHED] = TLS_ROW_STS_FETCH,
		[STS_INVALID] = TLS_ROW_STS_INVALID,
		[STS_UNTRUSTED] = TLS_ROW_STS_WEBPKI };
	struct tls_row t = row_of(n);

	if (n->sts.fault == STS_FINE || n->is_fault_counted || !is_counted(n))
		return;
	n->is_fault_counted = true;
	t.policy = TLS_ROW_STS;
	t.mx = span_of(NULL, 0);
	t.result = of_fault[n->sts.fault];
	t.reason = span_str(n->sts.fault_why);
	tls_row_count(lane_store(n), &t);
}
