/* smtp_out_hello.c - from the greeting to a connection that is ready: EHLO or
 * HELO, and STARTTLS as the route demands. */
#include "smtp/smtp_out_impl.h"

void
out_put_ehlo(struct smtp_out *o)
{
	struct buf *b = out_put(o);

	o->offer = (struct smtp_offer){ 0 };
	o->phase = PH_EHLO;
	buf_put_str(b, "EHLO ");
	buf_put(b, o->ehlo);
	buf_put_str(b, "\r\n");
}

void
out_banner(struct smtp_out *o)
{
	struct outcome r;

	if (o->reply.code == 220) {
		out_put_ehlo(o);
		return;
	}
	if (o->reply.code != 521) {
		/* Deviation from RFC 5321 3.1, by which 554 is final: more
		 * often it is a host that is being repaired. */
		out_fail_reply(o, OUT_AT_BANNER);
		return;
	}
	/* RFC 7504 3: it takes no mail at all. */
	r = out_of_reply(o, OUT_AT_BANNER);
	r.is_host = true;
	out_stop_trying(o);
	out_fail(o, &r, smtp_reply_text(&o->reply));
}

static void
begin_tls(struct smtp_out *o)
{
	o->phase = PH_STARTTLS;
	buf_put_str(out_put(o), "STARTTLS\r\n");
}

/* TLS or not? */
static void
choose_tls(struct smtp_out *o)
{
	bool is_offered = (o->offer.words & OFFER_STARTTLS) != 0;

	o->facts.offers_tls |= is_offered;
	switch (o->tls) {
	case TLS_NEVER:
		break;
	case TLS_OPPORTUNISTIC:
		if (!is_offered)
			o->facts.tls_why = "the host does not offer it";
		else if (!o->is_tls_broken) {
			begin_tls(o);
			return;
		}
		break;
	case TLS_REQUIRED:
	case TLS_VERIFIED:
	case TLS_IMPLICIT_VERIFIED:
		if (is_offered) {
			begin_tls(o);
			return;
		}
		o->facts.tls_why = "the host does not offer it";
		out_lose(o, OUT_AT_TLS, "4.7.4",
		    "TLS is required, and the host does not offer it");
		return;
	}
	out_auth_begin(o);
}

/* What the host offers counts now. */
static void
end_tls(struct smtp_out *o)
{
	o->facts.offers_requiretls = (o->offer.words & OFFER_REQUIRETLS) != 0;
	if (o->needs_requiretls && !o->facts.offers_requiretls)
		out_lose(o, OUT_AT_TLS, "5.7.30",
		    "The host does not offer REQUIRETLS");
	else
		out_auth_begin(o);
}

void
out_hello(struct smtp_out *o)
{
	struct buf *b;

	if (o->reply.code / 100 == 2) {
		if (o->phase == PH_HELO)
			o->offer = (struct smtp_offer){ 0 };
		if (o->facts.is_tls)
			end_tls(o);
		else
			choose_tls(o);
		return;
	}
	/* RFC 5321 3.2: older servers know HELO. */
	if (o->phase == PH_HELO || o->reply.code / 100 != 5) {
		out_fail_reply(o, OUT_AT_HELLO);
		return;
	}
	o->phase = PH_HELO;
	b = out_put(o);
	buf_put_str(b, "HELO ");
	buf_put(b, o->ehlo);
	buf_put_str(b, "\r\n");
}

void
out_starttls(struct smtp_out *o)
{
	struct tls_client how = { o->host, o->tls == TLS_VERIFIED, true };
	int rc;

	if (o->reply.code != 220) {
		if (o->tls == TLS_OPPORTUNISTIC) {
			o->facts.is_fallback = true;
			o->facts.tls_why = "the host refused to begin";
			out_auth_begin(o);
		} else {
			out_fail_reply(o, OUT_AT_TLS);
		}
		return;
	}
	/* What came behind the reply came from anybody: RFC 3207 6. */
	if (conn_in(o->link->c).len > 0) {
		out_lose(o, OUT_AT_TLS, "4.7.0",
		    "Bytes came behind the reply to STARTTLS");
		return;
	}
	o->phase = PH_SHAKING;
	rc = conn_start_tls_client(o->link->c, &how);
	if (rc < 0)
		out_lose(o, OUT_AT_TLS, "4.7.5", "TLS cannot be begun");
}

void
out_shaken(struct smtp_out *o)
{
	struct tls_info info;

	if (conn_tls_info(o->link->c, &info) < 0)
		return;
	o->facts.is_tls = true;
	o->facts.is_verified = info.is_verified;
	o->facts.tls_why = info.why_not;
	o->facts.cipher = info.cipher;
	o->facts.is_fallback = false;
	/* RFC 3207 4.2: what was learnt before counts no more. */
	o->reply = (struct smtp_reply){ 0 };
	if (o->phase == PH_SHAKING)
		out_put_ehlo(o);
}
