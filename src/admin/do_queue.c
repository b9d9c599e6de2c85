/* The commands of the queue and of the ways out. */
#include "admin/do.h"

#include "base/idna.h"
#include "base/utf8.h"
#include "base/ascii.h"
#include "base/clock.h"
#include "net/net.h"
#include "store/store.h"

/* Messages, or recipients, of one step. */
#define LIST_BATCH 50
#define ACT_BATCH  50

static uint64_t
id_of(const struct run *r)
{
	uint64_t id = 0;

	return span_to_u64(run_arg(r, "ID"), UINT64_MAX, &id) < 0 ? 0 : id;
}

/* --- looking --- */

struct listing {
	uint64_t id;
	uint64_t n;
};

int
do_queue_list_start(struct run *r)
{
	return run_new_state(r, sizeof(struct listing)) == NULL ? ERR_NOMEM : 0;
}

static void
put_time(struct buf *b, int64_t at_s)
{
	clock_put_iso(b, at_s);
}

/* Why it waits, in few words. */
static void
put_why(struct store *s, const struct queue_rcpt *q, struct buf *b)
{
	struct queue_dest_view d;

	if (q->state == QUEUE_HELD) {
		buf_put_str(b, "held");
	} else if (queue_get_dest(s, q->destination, &d) == 0 &&
	           d.d.retry_s > q->next_s) {
		buf_put_str(b, "next try ");
		put_time(b, d.d.retry_s);
		buf_put_str(b, ": ");
		buf_put(b, d.d.reply);
	} else {
		buf_put_str(b, "next try ");
		put_time(b, q->next_s);
		if (q->reply.len > 0)
			buf_put_str(b, ": ");
		buf_put(b, q->reply);
	}
}

static void
list_one(struct run *r, const struct queue_message *m)
{
	struct store *s = r->admin->store;
	struct queue_rcpt_view q;
	struct buf *b = run_begin(r, FRAME_TEXT);

	buf_putf(b, "%llu  ", (unsigned long long)m->id);
	put_time(b, m->arrived_s);
	buf_putf(b, "  %llu bytes  <", (unsigned long long)m->bytes);
	buf_put(b, m->from);
	buf_putf(b, ">  %u to go\n", (unsigned)m->n_left);
	if (queue_next_rcpt(s, m->id, 0, &q) == 0) {
		buf_put_str(b, "    <");
		buf_put(b, q.r.address);
		buf_put_str(b, ">  ");
		put_why(s, &q.r, b);
		buf_put_char(b, '\n');
	}
	run_end(r);
}

enum run_step
do_queue_list_step(struct run *r)
{
	struct listing *l = r->state;
	struct queue_message_view m;

	for (int i = 0; i < LIST_BATCH; i++) {
		int rc = queue_next(r->admin->store, l->id + 1, &m);

		if (rc == ERR_NONE) {
			run_say(
			    r, "%llu messages wait.", (unsigned long long)l->n);
			return RUN_DONE;
		}
		if (rc < 0) {
			run_error(r, rc, SPAN("the queue"));
			return RUN_DONE;
		}
		l->id = m.m.id;
		l->n++;
		list_one(r, &m.m);
	}
	return RUN_MORE;
}

static void
show_rcpt(struct run *r, const struct queue_rcpt *q)
{
	struct buf *b = run_begin(r, FRAME_TEXT);

	buf_put_str(b, "  <");
	buf_put(b, q->address);
	buf_put_str(b, ">\n    by ");
	buf_put(b, q->destination);
	buf_putf(b, ", %u attempts, ", (unsigned)q->attempts);
	put_why(r->admin->store, q, b);
	if (q->remote.len > 0) {
		buf_put_str(b, "\n    said by ");
		buf_put(b, q->remote);
	}
	buf_put_char(b, '\n');
	run_end(r);
}

int
do_queue_show_start(struct run *r)
{
	struct store *s = r->admin->store;
	struct queue_message_view m;
	struct queue_rcpt_view q;
	struct buf *b;
	uint32_t n = 0;
	int rc = queue_get(s, id_of(r), &m);

	if (rc < 0)
		return run_error(r, rc, run_arg(r, "ID"));
	b = run_begin(r, FRAME_TEXT);
	buf_putf(b, "message %llu, received as ", (unsigned long long)m.m.id);
	buf_put(b, m.m.trace);
	buf_put_str(b, "\nfrom <");
	buf_put(b, m.m.from);
	buf_put_str(b, ">\narrived ");
	put_time(b, m.m.arrived_s);
	buf_put_str(b, "\ngiven up ");
	put_time(b, m.m.expires_s);
	buf_putf(b, "\n%llu bytes, %u of %u recipients to go\n",
	    (unsigned long long)m.m.bytes, (unsigned)m.m.n_left,
	    (unsigned)m.m.n_rcpts);
	run_end(r);
	q.r.index = 0;
	for (uint32_t at = 0;
	     n < LIST_BATCH && queue_next_rcpt(s, m.m.id, at, &q) == 0;
	     at = q.r.index + 1, n++)
		show_rcpt(r, &q.r);
	if (n < m.m.n_left)
		run_say(r, "  and %u more", (unsigned)(m.m.n_left - n));
	return 0;
}

/* --- changing: one message's recipients, or all, in slices --- */

struct act {
	enum queue_what what;
	uint64_t id;
	uint32_t index; /* the next one */
	uint64_t n;
	bool is_all;
};

static int
begin_act(struct run *r, enum queue_what what)
{
	struct queue_message_view m;
	struct act *a = run_new_state(r, sizeof(*a));
	int rc;

	if (a == NULL)
		return ERR_NOMEM;
	a->what = what;
	a->id = id_of(r);
	a->is_all = a->id == 0;
	if (a->is_all)
		return 0;
	rc = queue_get(r->admin->store, a->id, &m);
	return rc < 0 ? run_error(r, rc, run_arg(r, "ID")) : 0;
}

int
do_queue_retry_start(struct run *r)
{
	return begin_act(r, QUEUE_AT);
}

int
do_queue_hold_start(struct run *r)
{
	return begin_act(r, QUEUE_HOLD);
}

int
do_queue_release_start(struct run *r)
{
	return begin_act(r, QUEUE_RELEASE);
}

int
do_queue_drop_start(struct run *r)
{
	return begin_act(r, QUEUE_GONE);
}

/* The next recipient; of the next message, too, when all are meant. */
static int
next_rcpt(struct store *s, struct act *a, struct queue_rcpt_view *q)
{
	struct queue_message_view m;
	int rc = queue_next_rcpt(s, a->id, a->index, q);

	while (rc == ERR_NONE && a->is_all) {
		rc = queue_next(s, a->id + 1, &m);
		if (rc < 0)
			return rc;
		a->id = m.m.id;
		a->index = 0;
		rc = queue_next_rcpt(s, a->id, a->index, q);
	}
	return rc;
}

static int
act_on(struct store *s, struct act *a, const struct queue_rcpt *q)
{
	struct queue_outcome o = { .id = q->id,
		.index = q->index,
		.what = a->what,
		.next_s = clock_wall_s() };
	struct queue_dest_view d;
	int rc = 0;

	if (a->what == QUEUE_AT && q->state == QUEUE_HELD)
		return 0;
	if (a->what == QUEUE_AT && queue_get_dest(s, q->destination, &d) == 0 &&
	    d.d.retry_s > 0)
		rc = queue_set_dest(
		    s, q->destination, 0, d.d.n_failures, d.d.reply);
	a->n++;
	return rc < 0 ? rc : queue_settle(s, &o, 1);
}

enum run_step
do_queue_act_step(struct run *r)
{
	struct act *a = r->state;
	struct queue_rcpt_view q;

	for (int i = 0; i < ACT_BATCH; i++) {
		int rc = next_rcpt(r->admin->store, a, &q);

		if (rc == ERR_NONE) {
			run_say(
			    r, "%llu recipients.", (unsigned long long)a->n);
			return RUN_DONE;
		}
		if (rc == 0)
			rc = act_on(r->admin->store, a, &q.r);
		if (rc < 0) {
			run_error(r, rc, SPAN("the queue"));
			return RUN_DONE;
		}
		a->index = q.r.index + 1;
	}
	return RUN_MORE;
}

int
do_queue_expire_start(struct run *r)
{
	struct store *s = r->admin->store;
	struct queue_message_view m;
	uint64_t id = id_of(r);
	int rc = queue_get(s, id, &m);

	if (rc == 0)
		rc = queue_set_times(
		    s, id, m.m.arrived_s, clock_wall_s(), m.m.notice_s);
	return rc < 0 ? run_error(r, rc, run_arg(r, "ID")) : 0;
}

/* --- the ways out --- */

static const char *const tls_words[] = { [RELAY_TLS_VERIFIED] = "verified",
	[RELAY_TLS_IMPLICIT] = "implicit",
	[RELAY_TLS_REQUIRED] = "required",
	[RELAY_TLS_MAY] = "may",
	[RELAY_TLS_NEVER] = "never" };

static uint64_t
number_of(const struct run *r, const char *name, uint64_t fallback)
{
	uint64_t v = 0;

	if (run_arg(r, name).len == 0 ||
	    span_to_u64(run_arg(r, name), UINT32_MAX, &v) < 0)
		return fallback;
	return v;
}

/* A scope or a host in lower case, its domain as A-labels. Empty: it cannot be
 * one. */
static struct span
normal(struct span s, char *storage, size_t max)
{
	size_t at = span_rfind(s, '@');
	struct buf b;

	if (at == s.len)
		at = span_find(s, ':');
	at = at == s.len ? 0 : at + 1;
	buf_init_fixed(&b, storage, max);
	if (utf8_fold(&b, span_sub(s, 0, at)) < 0 ||
	    idna_to_ascii(&b, span_sub(s, at, s.len)) < 0)
		buf_reset(&b);
	return buf_span(&b);
}

static int
put_relay(struct run *r, const struct relay *relay)
{
	int rc = relay_put(r->admin->store, relay);

	if (rc == ERR_INVALID)
		run_fail(r,
		    "\"%.*s\" is no scope, or the host is none: say *, "
		    "from:ADDRESS, from:@DOMAIN or to:DOMAIN.",
		    RUN_SPAN(relay->scope));
	else if (rc < 0)
		run_error(r, rc, relay->scope);
	return rc;
}

int
do_relay_add_start(struct run *r)
{
	char scope[MAX_RELAY_SCOPE_BYTES], host[MAX_DOMAIN_BYTES];
	struct relay_view old;
	struct relay relay = { .tls = RELAY_TLS_VERIFIED };
	int rc;

	relay.scope = normal(run_arg(r, "SCOPE"), scope, sizeof(scope));
	relay.host = normal(run_arg(r, "HOST"), host, sizeof(host));
	for (int i = RELAY_TLS_VERIFIED; i <= RELAY_TLS_NEVER; i++)
		if (span_is(run_arg(r, "--tls"), span_str(tls_words[i])))
			relay.tls = (enum relay_tls)i;
	relay.port = (uint16_t)number_of(
	    r, "--port", relay.tls == RELAY_TLS_IMPLICIT ? 465 : 587);
	relay.max_per_hour = (uint32_t)number_of(r, "--limit", 0);
	rc = relay_get(r->admin->store, relay.scope, &old);
	if (rc == 0) { /* a changed one keeps its login */
		relay.user = old.r.user;
		relay.secret = old.r.secret;
		relay.token_url = old.r.token_url;
		relay.client = old.r.client;
		relay.client_secret = old.r.client_secret;
	}
	rc = put_relay(r, &relay);
	if (rc == 0 && r->admin->refresh != NULL)
		r->admin->refresh(r->admin->server);
	return rc;
}

int
do_relay_login_start(struct run *r)
{
	char scope[MAX_RELAY_SCOPE_BYTES];
	struct relay_view v;
	struct span name = normal(run_arg(r, "SCOPE"), scope, sizeof(scope));
	int rc = relay_get(r->admin->store, name, &v);

	if (rc < 0)
		return run_error(r, rc, name);
	v.r.user = run_arg(r, "USER");
	v.r.secret = buf_span(&r->password);
	v.r.token_url = v.r.client = v.r.client_secret = span_of(NULL, 0);
	relay_token_forget(r->admin->store, name);
	return put_relay(r, &v.r);
}

int
do_relay_token_start(struct run *r)
{
	char scope[MAX_RELAY_SCOPE_BYTES];
	struct relay_view v;
	struct span name = normal(run_arg(r, "SCOPE"), scope, sizeof(scope));
	struct span rest = span_trim(buf_span(&r->password));
	int rc = relay_get(r->admin->store, name, &v);

	if (rc < 0)
		return run_error(r, rc, name);
	v.r.user = run_arg(r, "USER");
	v.r.client = run_arg(r, "CLIENT");
	v.r.token_url = run_arg(r, "URL");
	v.r.secret = span_split(&rest, ' ');
	v.r.client_secret = span_trim(rest);
	if (!fetch_is_url(v.r.token_url)) {
		run_fail(r, "\"%.*s\" is no https:// URL with a host name.",
		    RUN_SPAN(v.r.token_url));
		return ERR_INVALID;
	}
	relay_token_forget(r->admin->store, name);
	return put_relay(r, &v.r);
}

int
do_relay_remove_start(struct run *r)
{
	char scope[MAX_RELAY_SCOPE_BYTES];
	struct span name = normal(run_arg(r, "SCOPE"), scope, sizeof(scope));
	int rc = relay_remove(r->admin->store, name);

	relay_token_forget(r->admin->store, name);
	return rc < 0 ? run_error(r, rc, name) : 0;
}

static void
put_token(struct store *s, struct span scope, struct buf *b)
{
	char storage[MAX_RELAY_TOKEN_BYTES];
	bool is_token = false;
	int64_t until_s = 0;
	struct buf text;
	int rc;

	buf_init_fixed(&text, storage, sizeof(storage));
	rc = relay_token_get(s, scope, &is_token, &text, &until_s);
	if (rc < 0) {
		buf_put_str(b, "none was needed yet");
	} else if (is_token) {
		buf_put_str(b, "the one at hand is good until ");
		put_time(b, until_s);
	} else {
		buf_put_str(b, "there is none: ");
		buf_put(b, buf_span(&text));
	}
	wipe(storage, sizeof(storage));
}

static void
list_token(struct run *r, const struct relay *relay)
{
	struct buf *b;

	if (relay->token_url.len == 0)
		return;
	b = run_begin(r, FRAME_TEXT);
	buf_put_str(b, "    signs in with tokens of ");
	buf_put(b, relay->token_url);
	buf_put_str(b, "; ");
	put_token(r->admin->store, relay->scope, b);
	buf_put_char(b, '\n');
	run_end(r);
}

int
do_relay_list_start(struct run *r)
{
	char storage[MAX_RELAY_SCOPE_BYTES + 1];
	struct relay_view v;
	struct buf scope;

	buf_init_fixed(&scope, storage, sizeof(storage));
	while (relay_next(r->admin->store, &scope, &v) == 0) {
		run_say(r, "%.*s  %.*s:%u  TLS %s%s%.*s", RUN_SPAN(v.r.scope),
		    RUN_SPAN(v.r.host), (unsigned)v.r.port, tls_words[v.r.tls],
		    v.r.user.len > 0 ? ", as " : "", RUN_SPAN(v.r.user));
		if (v.r.max_per_hour > 0)
			run_say(r, "    at most %u messages an hour",
			    (unsigned)v.r.max_per_hour);
		list_token(r, &v.r);
	}
	return 0;
}
