/* lane_told.c - what becomes of TLS on the way to a domain, for the report to
 * it (tls_note.h). One session is one connection that came as far as TLS. */
#include "queue/lane.h"
#include "queue/tls_note.h"

/* Not through a relay, which is no host of the domain. RFC 8460 3: reports go
 * whatever TLS does, and are not told of. */
static bool
is_told(const struct lane *n)
{
	return lane_env(n->q)->tells_tls && n->relay == NULL &&
	       !(n->has_message &&
	           (n->message.m.flags & QUEUE_TLS_OPTIONAL) != 0);
}

static struct tls_note
note_of(const struct lane *n)
{
	struct tls_note t = { .domain = lane_name(n), .mx = lane_host(n) };

	if (n->sts.has_policy && n->sts.mode != STS_NONE) {
		t.policy = TLS_NOTE_STS;
		t.policy_text = buf_span(&n->sts.text);
	}
	return t;
}

/* The words of net/tls_io_client.c about a certificate, as RFC 8460 4.3.2
 * calls it. */
static enum tls_note_result
result_of(struct span why)
{
	static const struct {
		struct span why;
		enum tls_note_result result;
	} rows[] = {
		{ SPAN("the certificate is not valid today"),
		    TLS_NOTE_EXPIRED },
		{ SPAN("the certificate is for another name"),
		    TLS_NOTE_HOST_MISMATCH },
		{ SPAN("the certificate's issuer is not trusted"),
		    TLS_NOTE_NOT_TRUSTED },
		{ SPAN("the host does not offer it"), TLS_NOTE_NO_STARTTLS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (span_is(why, rows[i].why))
			return rows[i].result;
	return TLS_NOTE_FAILURE;
}

static bool
is_good(const struct lane *n, const struct tls_note *t,
    const struct smtp_out_facts *f, const struct smtp_out_result *why)
{
	if (why != NULL || !f->is_tls)
		return false;
	return t->policy == TLS_NOTE_NO_POLICY ||
	       (f->is_verified &&
	           sts_policy_names(buf_span(&n->sts.text), t->mx));
}

void
lane_tell_tls(const struct lane *n, const struct smtp_out_result *why)
{
	struct tls_note t = note_of(n);
	struct smtp_out_facts f;

	/* Before TLS there was no session of it, behind it it was told. */
	if (!is_told(n) || (why != NULL && why->stage != OUT_AT_TLS))
		return;
	smtp_out_facts(n->out, &f);
	t.to = &f.address;
	if (!is_good(n, &t, &f, why)) {
		t.reason = f.tls_why != NULL ? span_str(f.tls_why)
		           : why != NULL     ? why->text
		                             : SPAN("");
		t.result = result_of(t.reason);
	}
	tls_note(lane_store(n), &t);
}

void
lane_tell_unnamed(const struct lane *n)
{
	struct tls_note t = note_of(n);

	if (!is_told(n))
		return;
	t.result = TLS_NOTE_FAILURE;
	t.reason = SPAN("the policy does not name this host");
	tls_note(lane_store(n), &t);
}

void
lane_tell_policy(struct lane *n)
{
	static const enum tls_note_result of_fault[] = { [STS_FINE] =
		                                             TLS_NOTE_SUCCESS,
		[STS_NOT_FETCHED] = TLS_NOTE_STS_FETCH,
		[STS_INVALID] = TLS_NOTE_STS_INVALID,
		[STS_UNTRUSTED] = TLS_NOTE_STS_WEBPKI };
	struct tls_note t = note_of(n);

	if (n->sts.fault == STS_FINE || n->is_fault_told || !is_told(n))
		return;
	n->is_fault_told = true;
	t.policy = TLS_NOTE_STS;
	t.mx = span_of(NULL, 0);
	t.result = of_fault[n->sts.fault];
	t.reason = span_str(n->sts.fault_why);
	tls_note(lane_store(n), &t);
}
