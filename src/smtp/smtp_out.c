#include "smtp/smtp_out.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"
#include "smtp/smtp_out_impl.h"

#define S  1000u
#define MN (60 * S)

const struct smtp_out_times smtp_out_times_default = {
	.connect_ms = 30 * S,
	.banner_ms = 5 * MN,
	.hello_ms = 5 * MN,
	.mail_ms = 5 * MN,
	.rcpt_ms = 5 * MN,
	.data_ms = 2 * MN,
	.block_ms = 3 * MN,
	.end_ms = 10 * MN,
	.idle_ms = 5 * S,
};

/* Tell the owner, at the end of what the loop has called: o may be gone then.
 */
static void
tell(struct smtp_out *o)
{
	if (!o->has_news)
		return;
	o->has_news = false;
	o->env.wake(o->env.owner);
}

static void
set_state(struct smtp_out *o, enum smtp_out_state state)
{
	o->state = state;
	o->has_news = true;
}

/* Something is to be done soon, without a connection that calls us. */
static bool
arm(struct smtp_out *o)
{
	return loop_set_timer(o->env.loop, &o->timer, 0) == 0;
}

struct buf *
out_put(struct smtp_out *o)
{
	return conn_out(o->link->c);
}

/* Part with the connection; what was put still goes out if is_polite. */
static void
leave(struct smtp_out *o, bool is_polite)
{
	struct out_link *link = o->link;

	if (link == NULL)
		return;
	o->link = NULL;
	link->o = NULL;
	if (is_polite)
		conn_close(link->c);
	else
		conn_abort(link->c);
}

static void
die(struct smtp_out *o)
{
	bool is_unknown = o->phase == PH_END && !o->is_void;

	out_auth_end(o);
	o->phase = PH_GONE;
	if (o->has_message) {
		struct outcome r = o->why;
		struct span text = span_of(o->why_text, r.text_len);

		r.is_unknown = is_unknown && !r.is_reply;
		if (r.is_unknown)
			text =
			    SPAN("The connection was lost while the reply to "
			         "the message was due: it is unknown whether "
			         "it was delivered");
		out_decide_all(o, &r, text, false);
		out_body_end(o);
	}
	set_state(o, OUT_DEAD);
}

void
out_stop_trying(struct smtp_out *o)
{
	o->at = o->n_addresses;
}

void
out_fail(struct smtp_out *o, const struct outcome *why, struct span text)
{
	leave(o, why->is_reply);
	o->why = *why;
	o->why.text_len = (uint16_t)span_sub(text, 0, MAX_OUT_TEXT_BYTES).len;
	if (o->why.text_len > 0)
		memcpy(o->why_text, text.p, o->why.text_len);
	if (o->phase < PH_IDLE) {
		out_auth_end(o);
		o->phase = PH_DIAL;
		o->facts.is_tls = false;
		if (o->at < o->n_addresses)
			o->at++;
		if (o->at < o->n_addresses) {
			o->is_tls_broken = o->facts.is_fallback = false;
			if (arm(o))
				return;
		}
	}
	die(o);
	(void)arm(o); /* on_free has nobody else to tell */
}

void
out_lose(struct smtp_out *o, enum smtp_out_stage stage, const char *enhanced,
    const char *text)
{
	struct outcome r = out_of_us(OUT_TEMP, stage, enhanced);

	r.is_host = true;
	out_fail(o, &r, span_str(text));
}

void
out_fail_reply(struct smtp_out *o, enum smtp_out_stage stage)
{
	struct outcome r = out_of_reply(o, stage);

	r.what = OUT_TEMP;
	r.is_host = true;
	if (o->phase > PH_BANNER && o->phase != PH_BODY)
		buf_put_str(out_put(o), "QUIT\r\n");
	out_fail(o, &r, smtp_reply_text(&o->reply));
}

/* Which of the results' stages is it now? */
static enum smtp_out_stage
stage_of(const struct smtp_out *o)
{
	switch (o->phase) {
	case PH_DIAL:
		return OUT_AT_CONNECT;
	case PH_BANNER:
		return OUT_AT_BANNER;
	case PH_EHLO:
	case PH_HELO:
		return OUT_AT_HELLO;
	case PH_STARTTLS:
	case PH_SHAKING:
		return OUT_AT_TLS;
	case PH_AUTH:
	case PH_HASHING:
		return OUT_AT_AUTH;
	case PH_IDLE:
		return OUT_AT_MAIL;
	case PH_ENVELOPE:
		return o->n_got < 2                  ? OUT_AT_MAIL
		       : o->n_got < o->m.n_rcpts + 2 ? OUT_AT_RCPT
		                                     : OUT_AT_DATA;
	case PH_BODY:
		return OUT_AT_DATA;
	case PH_END:
	case PH_GONE:
		break;
	}
	return OUT_AT_END;
}

/* RFC 5321 4.5.3.2. */
static int64_t
wait_ms(const struct smtp_out *o)
{
	const struct smtp_out_times *t = o->times;

	switch (o->phase) {
	case PH_BANNER:
		return t->banner_ms;
	case PH_ENVELOPE:
		switch (stage_of(o)) {
		case OUT_AT_MAIL:
			return t->mail_ms;
		case OUT_AT_RCPT:
			return t->rcpt_ms;
		default:
			return t->data_ms;
		}
	case PH_BODY:
		return t->block_ms;
	case PH_END:
		return t->end_ms;
	case PH_IDLE:
		return t->idle_ms;
	case PH_DIAL:
	case PH_EHLO:
	case PH_HELO:
	case PH_STARTTLS:
	case PH_SHAKING:
	case PH_AUTH:
	case PH_HASHING:
	case PH_GONE:
		break;
	}
	return t->hello_ms;
}

/* A reply that comes byte by byte gets no more time than one that comes whole.
 */
static void
set_deadline(struct smtp_out *o)
{
	uint64_t progress = o->body_at + o->n_got + o->n_chunks_got +
	                    o->auth_step + o->facts.n_messages;

	if (o->link == NULL ||
	    (o->phase == o->timed_phase && progress == o->timed_progress &&
	        !conn_timed_out(o->link->c)))
		return;
	o->timed_phase = o->phase;
	o->timed_progress = progress;
	conn_set_deadline(o->link->c, wait_ms(o));
}

static void
on_reply(struct smtp_out *o)
{
	if (o->reply.code == 421 && o->phase != PH_BODY && o->phase != PH_END) {
		/* RFC 5321 3.8, 4.2.3: it closes. */
		out_fail_reply(o, stage_of(o));
		return;
	}
	switch (o->phase) {
	case PH_BANNER:
		out_banner(o);
		break;
	case PH_EHLO:
	case PH_HELO:
		out_hello(o);
		break;
	case PH_STARTTLS:
		out_starttls(o);
		break;
	case PH_AUTH:
		out_auth_reply(o);
		break;
	case PH_ENVELOPE:
		out_mail_reply(o);
		break;
	case PH_BODY:
	case PH_END:
		out_body_reply(o);
		break;
	case PH_DIAL:
	case PH_SHAKING:
	case PH_HASHING:
	case PH_IDLE:
	case PH_GONE:
		out_lose(o, stage_of(o), "4.5.0",
		    "The host replied when nothing was asked");
		break;
	}
}

static void
each_line(void *arg, struct span text)
{
	smtp_offer_take(arg, text);
}

/* Take one reply. False: there is none yet, or no connection any more. */
static bool
take_reply(struct smtp_out *o)
{
	struct span in = conn_in(o->link->c);
	struct cur c = cur_of(in);
	enum parse p = smtp_reply_take(
	    &o->reply, &c, o->phase == PH_EHLO ? each_line : NULL, &o->offer);

	conn_consume(o->link->c, in.len - cur_left(&c));
	if (p == PARSE_BAD)
		out_lose(o, stage_of(o), "4.5.0",
		    "The host sent what is no SMTP reply, or no end of one");
	return p == PARSE_OK;
}

static void
run(struct smtp_out *o)
{
	while (o->link != NULL && o->phase != PH_SHAKING && take_reply(o))
		on_reply(o);
	if (o->link == NULL)
		return;
	if (o->phase == PH_IDLE && o->has_message)
		out_mail_begin(o);
	if (o->phase == PH_ENVELOPE)
		out_mail_pump(o);
	if (o->phase == PH_BODY)
		out_body_pump(o);
	if (o->link != NULL && conn_is_eof(o->link->c))
		out_lose(
		    o, stage_of(o), "4.4.2", "The host closed the connection");
}

static void
on_late(struct smtp_out *o)
{
	if (o->phase == PH_IDLE && !o->has_message) {
		struct outcome r = out_of_us(OUT_TEMP, OUT_AT_MAIL, "4.4.2");

		r.is_host = true;
		r.is_reply = true; /* to part politely */
		buf_put_str(out_put(o), "QUIT\r\n");
		out_fail(o, &r, SPAN("Closed: there was nothing to send"));
		return;
	}
	out_lose(o, stage_of(o), "4.4.1", "The host did not answer in time");
}

/* No connection, or no TLS on it. */
static void
on_failed(struct smtp_out *o)
{
	bool is_tls =
	    conn_failed(o->link->c) == ERR_TLS || o->phase == PH_SHAKING;
	const char *why = conn_fail_text(o->link->c);

	if (is_tls)
		o->facts.tls_why = why;
	if (is_tls && o->tls == TLS_OPPORTUNISTIC && !o->is_tls_broken) {
		/* RFC 7435 3: rather in the clear than not at all. */
		struct log line;

		log_begin(&line, LOG_NOTE, "smtp_out.tls_fallback");
		log_str(&line, "host", o->host);
		log_str(&line, "why", span_str(why));
		log_end(&line);
		leave(o, true);
		o->is_tls_broken = o->facts.is_fallback = true;
		o->phase = PH_DIAL;
		if (arm(o))
			return;
	}
	out_lose(o, is_tls ? OUT_AT_TLS : OUT_AT_CONNECT,
	    is_tls ? "4.7.5" : "4.4.1", why);
}

static void
on_step(void *session)
{
	struct out_link *link = session;
	struct smtp_out *o = link->o;

	if (o == NULL)
		return;
	if (conn_failed(link->c) != 0) {
		on_failed(o);
	} else if (conn_timed_out(link->c)) {
		on_late(o);
	} else {
		if (o->phase == PH_DIAL)
			o->phase = PH_BANNER;
		if (conn_is_tls(link->c) && !o->facts.is_tls)
			out_shaken(o);
		run(o);
	}
	set_deadline(o);
	tell(o);
}

static void
on_free(void *session)
{
	struct out_link *link = session;
	struct smtp_out *o = link->o;

	mem_free(link);
	if (o == NULL)
		return;
	o->link = NULL;
	out_lose(o, stage_of(o), "4.4.2", "The connection was lost");
	if (o->timer.node.place == 0)
		tell(o); /* no memory, not even for a timer: now, then */
}

static void
dial_next(struct smtp_out *o)
{
	static const struct conn_ops ops = { on_step, on_free };
	struct dial_options d = { .to = o->addresses[o->at],
		.timeout_ms = o->times->connect_ms,
		.is_tls = o->tls == TLS_IMPLICIT_VERIFIED,
		.tls = { o->host, true, true } };
	struct out_link *link = mem_alloc(sizeof(*link));
	int rc = link == NULL ? ERR_NOMEM : 0;

	d.to.port = o->port;
	if (d.to.family < 2 && o->has_from[d.to.family])
		d.from = &o->from[d.to.family];
	o->facts.address = d.to;
	o->facts.offers_tls = false;
	o->reply = (struct smtp_reply){ 0 };
	if (rc == 0)
		rc = dial(o->env.loop, &d, &ops, link, &link->c);
	if (rc < 0) {
		mem_free(link);
		out_lose(o, OUT_AT_CONNECT, "4.3.2",
		    rc == ERR_NOMEM ? "Not enough memory to connect"
		                    : "No connection can be made from here");
		return;
	}
	link->o = o;
	o->link = link;
}

static void
on_timer(struct timer *t)
{
	struct smtp_out *o = LIST_OF(t, struct smtp_out, timer);

	if (o->phase == PH_DIAL && o->link == NULL)
		dial_next(o);
	tell(o);
}

void
out_idle(struct smtp_out *o)
{
	out_auth_end(o);
	o->phase = PH_IDLE;
	if (!o->has_message) /* else nobody needs to know */
		set_state(o, OUT_READY);
}

static struct span
keep_name(struct smtp_out *o, struct span s)
{
	/* The buffer has its whole size already: it does not move. */
	buf_put(&o->names, s);
	return span_of(o->names.p + o->names.len - s.len, s.len);
}

static int
keep_route(struct smtp_out *o, const struct smtp_route *r)
{
	size_t len =
	    r->host.len + r->ehlo.len + r->auth.user.len + r->auth.secret.len;

	buf_init(&o->names, len + 1);
	if (buf_reserve(&o->names, len + 1) < 0)
		return ERR_NOMEM;
	o->host = keep_name(o, r->host);
	o->ehlo = keep_name(o, r->ehlo);
	o->user = keep_name(o, r->auth.user);
	o->secret = keep_name(o, r->auth.secret);
	o->is_bearer = r->auth.is_bearer;
	o->tls = r->tls;
	o->needs_requiretls = r->needs_requiretls;
	o->port = r->port;
	o->n_addresses =
	    (uint8_t)(r->n_addresses > MAX_OUT_ADDRESSES ? MAX_OUT_ADDRESSES
	                                                 : r->n_addresses);
	for (size_t i = 0; i < o->n_addresses; i++)
		o->addresses[i] = r->addresses[i];
	for (int i = 0; i < 2; i++) {
		o->has_from[i] = r->from[i] != NULL;
		if (o->has_from[i])
			o->from[i] = *r->from[i];
	}
	o->facts.host = o->host;
	return 0;
}

static bool
is_route_valid(const struct smtp_route *r)
{
	bool is_verified =
	    r->tls == TLS_VERIFIED || r->tls == TLS_IMPLICIT_VERIFIED;

	return r->n_addresses > 0 && r->auth.secret.len <= MAX_OUT_SECRET &&
	       r->auth.user.len <= MAX_ADDRESS_BYTES &&
	       r->host.len <= MAX_DOMAIN_BYTES &&
	       r->ehlo.len <= MAX_DOMAIN_BYTES && r->ehlo.len > 0 &&
	       (!is_verified || r->host.len > 0);
}

int
smtp_out_new(const struct smtp_out_env *env, const struct smtp_route *route,
    struct smtp_out **out)
{
	struct smtp_out *o;
	int rc;

	if (!is_route_valid(route))
		return ERR_INVALID;
	o = mem_alloc(sizeof(*o));
	if (o == NULL)
		return ERR_NOMEM;
	o->env = *env;
	o->times = env->times ? env->times : &smtp_out_times_default;
	timer_init(&o->timer, on_timer);
	job_init(&o->hashing, out_auth_job);
	buf_init(&o->texts, OUT_TEXTS_BYTES);
	rc = keep_route(o, route);
	if (rc == 0)
		rc = loop_set_timer(env->loop, &o->timer, 0);
	if (rc < 0) {
		smtp_out_free(o);
		return rc;
	}
	*out = o;
	return 0;
}

void
smtp_out_free(struct smtp_out *o)
{
	if (o == NULL)
		return;
	leave(o, false);
	loop_clear_timer(o->env.loop, &o->timer);
	out_auth_end(o);
	out_body_end(o);
	out_results_end(o);
	buf_wipe(&o->names);
	mem_free(o);
}

void
smtp_out_quit(struct smtp_out *o)
{
	if (o != NULL && o->link != NULL && o->phase == PH_IDLE &&
	    !o->has_message) {
		buf_put_str(out_put(o), "QUIT\r\n");
		leave(o, true);
	}
	smtp_out_free(o);
}

enum smtp_out_state
smtp_out_state(const struct smtp_out *o)
{
	return o->state;
}

int
smtp_out_send(struct smtp_out *o, const struct smtp_out_message *m)
{
	uint64_t bytes;
	int rc;

	assert(m->n_rcpts > 0 && m->n_rcpts <= MAX_RCPTS);
	if (o->has_message || o->state == OUT_BUSY || o->state == OUT_DEAD)
		return ERR_BUSY;
	rc = body_size(o->env.store, m->body, &bytes);
	if (rc < 0)
		return rc;
	o->m = *m;
	rc = out_results_begin(o);
	if (rc == 0)
		rc = body_pin(o->env.store, m->body);
	if (rc < 0) {
		out_results_end(o);
		return rc;
	}
	o->is_pinned = true;
	o->has_message = true;
	o->body_bytes = m->prefix.len + bytes;
	if (o->state != OUT_CONNECTING) {
		o->state = OUT_BUSY;
		conn_wake(o->link->c);
	}
	return 0;
}

void
smtp_out_facts(const struct smtp_out *o, struct smtp_out_facts *f)
{
	*f = o->facts;
}
