#include "net/fetch.h"

#include "base/ascii.h"
#include "base/mem.h"
#include "net/dial.h"
#include "net/http_answer.h"

#define HTTPS_PORT 443
/* One silent address leaves time for the next. */
#define MAX_CONNECT_MS 10000

/* The session of the connection, which may outlive us. */
struct fetch_link {
	struct fetch *f; /* NULL: nobody cares any more */
	struct conn *c;
};

struct fetch {
	struct fetch_env env;
	enum fetch_state state;
	const char *why;
	int error;
	void (*wake)(void *owner);
	void *owner;
	struct dns_query a, aaaa;
	struct peer addresses[FETCH_ADDRESSES];
	size_t n_addresses, at;
	struct timer timer; /* the end of our patience; or to tell of the end */
	int64_t connect_ms;
	struct fetch_link *link; /* NULL: no connection */
	struct buf request;
	size_t n_put;
	uint16_t port;
	char host[DNS_MAX_NAME + 1];
	struct http_answer answer;
};

/* --- the URL --- */

struct url {
	struct span host, target; /* the target as it is sent: "/..." */
	struct span authority;
	uint16_t port;
};

static int
parse_url(struct span s, struct url *out)
{
	struct peer literal;
	uint64_t port = HTTPS_PORT;
	size_t n;

	if (s.len > FETCH_MAX_URL || !span_starts_nocase(s, SPAN("https://")))
		return ERR_INVALID;
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_vchar(s.p[i]) || s.p[i] == '#')
			return ERR_INVALID;
	s = span_sub(s, 8, s.len);
	n = span_find(s, '/');
	out->authority = span_sub(s, 0, n);
	out->target = n < s.len ? span_sub(s, n, s.len) : SPAN("/");
	out->host = out->authority;
	n = span_find(out->authority, ':');
	if (n < out->authority.len) {
		out->host = span_sub(out->authority, 0, n);
		if (span_to_u64(span_sub(out->authority, n + 1, 6), UINT16_MAX,
		        &port) < 0 ||
		    port == 0)
			return ERR_INVALID;
	}
	out->port = (uint16_t)port;
	return !dns_is_name(out->host) || out->host.len > DNS_MAX_NAME ||
	               peer_parse(out->host, &literal) == 0
	           ? ERR_INVALID
	           : 0;
}

bool
fetch_is_url(struct span url)
{
	struct url u;

	return parse_url(url, &u) == 0;
}

/* --- the end --- */

static void
leave(struct fetch *f, bool is_polite)
{
	struct fetch_link *link = f->link;

	if (link == NULL)
		return;
	f->link = NULL;
	link->f = NULL;
	if (is_polite)
		conn_close(link->c);
	else
		conn_abort(link->c);
}

/* It is over; tell comes after. */
static void
finish(struct fetch *f, enum fetch_state state, const char *why)
{
	f->state = state;
	f->why = why;
	if (f->error == 0 && state == FETCH_FAILED)
		f->error = ERR_IO;
	dns_cancel(&f->a);
	dns_cancel(&f->aaaa);
	loop_clear_timer(f->env.loop, &f->timer);
	leave(f, state == FETCH_OK);
}

/* The owner may end it in the wake: the last thing that a callback does. */
static void
tell(struct fetch *f)
{
	if (f->state != FETCH_PENDING)
		f->wake(f->owner);
}

/* --- the connection --- */

static void dial_next(struct fetch *f);

/* This address is of no use. */
static void
try_next(struct fetch *f, const char *why)
{
	leave(f, false);
	if (++f->at < f->n_addresses)
		dial_next(f);
	else
		finish(f, FETCH_FAILED, why);
}

static void
put_request(struct fetch *f)
{
	struct span rest = span_sub(
	    buf_span(&f->request), f->n_put, conn_out_room(f->link->c));

	conn_put(f->link->c, rest);
	f->n_put += rest.len;
}

static void
take_answer(struct fetch *f)
{
	struct conn *c = f->link->c;
	struct span in = conn_in(c);
	enum parse p = http_answer_feed(&f->answer, in);

	conn_consume(c, in.len);
	if (p == PARSE_MORE && conn_is_eof(c)) {
		/* RFC 9112 9.8: TLS that does not say its end was cut. */
		if (conn_is_cut(c))
			f->answer.why = "the answer was cut off";
		p = http_answer_end(&f->answer);
	}
	if (p == PARSE_OK)
		finish(f, FETCH_OK, "");
	else if (p == PARSE_BAD)
		finish(f, FETCH_FAILED, f->answer.why);
}

static void
on_step(void *session)
{
	struct fetch_link *link = session;
	struct fetch *f = link->f;

	if (f == NULL)
		return;
	if (conn_failed(link->c) != 0) {
		f->error = conn_failed(link->c) == ERR_TLS ? ERR_TLS : 0;
		try_next(f, conn_fail_text(link->c));
	} else {
		conn_set_deadline(link->c, -1); /* our timer sees to it */
		put_request(f);
		take_answer(f);
	}
	tell(f);
}

static void
on_free(void *session)
{
	struct fetch_link *link = session;
	struct fetch *f = link->f;

	mem_free(link);
	if (f == NULL)
		return;
	f->link = NULL;
	finish(f, FETCH_FAILED, "the connection was lost");
	if (loop_set_timer(f->env.loop, &f->timer, 0) < 0)
		tell(f); /* no memory, not even for a timer: now, then */
}

static void
dial_next(struct fetch *f)
{
	static const struct conn_ops ops = { on_step, on_free };
	struct dial_options d = { .to = f->addresses[f->at],
		.timeout_ms = f->connect_ms,
		.is_tls = true,
		.tls = { span_str(f->host), true, true } };
	struct fetch_link *link = mem_alloc(sizeof(*link));
	int rc = link == NULL ? ERR_NOMEM : 0;

	d.to.port = f->port;
	if (rc == 0)
		rc = dial(f->env.loop, &d, &ops, link, &link->c);
	if (rc < 0) {
		mem_free(link);
		finish(f, FETCH_FAILED,
		    rc == ERR_NOMEM ? "not enough memory"
		                    : "no connection can be made from here");
		return;
	}
	link->f = f;
	f->link = link;
}

/* --- its addresses --- */

static void
take_addresses(struct fetch *f, const struct dns_query *q, size_t max)
{
	struct dns_record r;
	size_t at = 0;

	while (
	    q->state == DNS_OK && f->n_addresses < max && dns_next(q, &at, &r))
		f->addresses[f->n_addresses++] = r.address;
}

static void
addresses_came(void *owner)
{
	struct fetch *f = owner;
	bool is_temp;

	if (f->a.state == DNS_PENDING || f->aaaa.state == DNS_PENDING)
		return;
	is_temp = f->a.state == DNS_TEMPFAIL || f->aaaa.state == DNS_TEMPFAIL;
	take_addresses(f, &f->aaaa, FETCH_ADDRESSES / 2);
	take_addresses(f, &f->a, FETCH_ADDRESSES);
	dns_cancel(&f->a); /* the other's wake may still be to come */
	dns_cancel(&f->aaaa);
	if (f->n_addresses > 0)
		dial_next(f);
	else
		finish(f, FETCH_FAILED,
		    is_temp ? "the resolver could not be asked"
		            : "the host has no address");
	tell(f);
}

static void
on_timer(struct timer *t)
{
	struct fetch *f = LIST_OF(t, struct fetch, timer);

	if (f->state == FETCH_PENDING)
		finish(f, FETCH_FAILED, "the host did not answer in time");
	tell(f);
}

/* --- the request --- */

/* RFC 9112 3: one request on this connection. */
static int
put_text(struct fetch *f, const struct fetch_request *r, const struct url *u)
{
	struct buf *b = &f->request;
	bool is_post = r->method == FETCH_POST;

	buf_init(b, FETCH_MAX_REQUEST);
	buf_put_str(b, is_post ? "POST " : "GET ");
	buf_put(b, u->target);
	buf_put_str(b, " HTTP/1.1\r\nHost: ");
	buf_put(b, u->authority);
	buf_put_str(b, "\r\nConnection: close\r\nUser-Agent: tinpost\r\n");
	buf_put(b, r->headers);
	if (is_post) {
		buf_put_str(b, "Content-Type: ");
		buf_put(b, r->type);
		buf_putf(b, "\r\nContent-Length: %zu\r\n", r->body.len);
	}
	buf_put_str(b, "\r\n");
	if (is_post)
		buf_put(b, r->body);
	return buf_error(b);
}

int
fetch_begin(const struct fetch_env *env, const struct fetch_request *r,
    void (*wake)(void *owner), void *owner, struct fetch **out)
{
	struct url u;
	struct fetch *f;
	int rc = parse_url(r->url, &u);

	if (rc < 0 || r->max_bytes > FETCH_MAX_BYTES)
		return rc < 0 ? rc : ERR_LIMIT;
	f = mem_alloc(sizeof(*f));
	if (f == NULL)
		return ERR_NOMEM;
	f->env = *env;
	f->wake = wake;
	f->owner = owner;
	f->port = u.port;
	memcpy(f->host, u.host.p, u.host.len);
	f->connect_ms = r->timeout_ms / 2 < MAX_CONNECT_MS ? r->timeout_ms / 2
	                                                   : MAX_CONNECT_MS;
	http_answer_init(&f->answer, r->max_bytes);
	timer_init(&f->timer, on_timer);
	rc = put_text(f, r, &u);
	if (rc == 0)
		rc = loop_set_timer(env->loop, &f->timer, r->timeout_ms);
	if (rc < 0) {
		fetch_end(f);
		return rc;
	}
	dns_ask(env->dns, &f->aaaa, DNS_AAAA, u.host, addresses_came, f);
	dns_ask(env->dns, &f->a, DNS_A, u.host, addresses_came, f);
	*out = f;
	return 0;
}

void
fetch_end(struct fetch *f)
{
	if (f == NULL)
		return;
	finish(f, FETCH_FAILED, "");
	http_answer_deinit(&f->answer);
	buf_wipe(&f->request);
	mem_free(f);
}

enum fetch_state
fetch_state(const struct fetch *f)
{
	return f->state;
}

const char *
fetch_why(const struct fetch *f)
{
	return f->why;
}

int
fetch_error(const struct fetch *f)
{
	return f->error;
}

uint16_t
fetch_status(const struct fetch *f)
{
	return f->answer.status;
}

struct span
fetch_type(const struct fetch *f)
{
	return f->answer.type;
}

struct span
fetch_body(const struct fetch *f)
{
	return buf_span(&f->answer.body);
}
