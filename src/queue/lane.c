#include "queue/lane.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "queue/advice.h"
#include "queue/backoff.h"

/* Looked at for one message: what is moved or being sent is passed over. */
#define PICK_LOOKS 64
/* Texts of one message's recipients. */
#define ARENA_BYTES (160 * 1024)
/* One event each for so many recipients of a transaction. */
#define MAX_EVENTS 20
/* Every so many messages the large and the tried before go first. */
#define BULK_EVERY 4

static struct span
name_of(const struct lane *n)
{
	return span_of(n->name, n->name_len);
}

static struct store *
store_of(const struct lane *n)
{
	return lane_env(n->q)->store;
}

/* --- the message in hand --- */

static void
drop_message(struct lane *n)
{
	arena_reset(&n->arena);
	n->has_message = n->is_given = false;
	n->n_rcpts = 0;
}

/* Take one recipient in hand, or move it to where its way out leads now. */
static int
take_rcpt(struct lane *n, const struct queue_spot *spot)
{
	char storage[MAX_DEST_BYTES];
	struct queue_rcpt_view v;
	struct smtp_out_rcpt *r = &n->rcpts[n->n_rcpts];
	struct queue_outcome move = { .id = spot->id,
		.index = spot->index,
		.what = QUEUE_MOVE,
		.next_s = clock_wall_s() };
	struct buf b;
	int rc = queue_get_rcpt(store_of(n), spot->id, spot->index, &v);

	buf_init_fixed(&b, storage, sizeof(storage));
	if (rc == 0)
		rc = queue_destination(
		    store_of(n), n->message.m.from, v.r.address, &b);
	if (rc < 0)
		return rc;
	if (!span_is(buf_span(&b), name_of(n))) {
		move.destination = buf_span(&b);
		return queue_settle(store_of(n), &move, 1);
	}
	if (v.r.next_s > move.next_s) {
		/* The clock has jumped back. It is due from now on, or it
		 * would be tried again at once whenever the host fails. */
		move.what = QUEUE_AT;
		rc = queue_settle(store_of(n), &move, 1);
	}
	n->index[n->n_rcpts] = spot->index;
	n->notify[n->n_rcpts] = v.r.notify;
	n->attempts[n->n_rcpts] = v.r.attempts;
	r->notify = v.r.notify;
	if (rc == 0)
		rc = arena_copy(&n->arena, v.r.address, &r->address);
	if (rc == 0)
		rc = arena_copy(&n->arena, v.r.orcpt, &r->orcpt);
	n->n_rcpts += rc == 0;
	return rc;
}

/* Take a message in hand, with those of its recipients that wait here. */
static int
take_message(struct lane *n, struct queue_spot spot)
{
	struct queue_message *m = &n->message.m;
	int64_t now = clock_wall_s();
	uint64_t id = spot.id;
	int rc;

	drop_message(n);
	rc = queue_get(store_of(n), id, &n->message);
	while (rc == 0 && spot.id == id && n->n_rcpts < LANE_RCPTS) {
		rc = take_rcpt(n, &spot);
		if (rc == 0 &&
		    queue_next_waiting(store_of(n), name_of(n), now, &spot) < 0)
			break;
	}
	if (rc < 0 || n->n_rcpts == 0)
		return rc;
	n->has_message = true;
	n->sending = (struct smtp_out_message){ .body = m->body,
		.from = m->from,
		.flags = m->flags,
		.ret = m->ret,
		.envid = m->envid,
		.rcpts = n->rcpts,
		.n_rcpts = n->n_rcpts };
	return 0;
}

/* flags: of QUEUE_, all of which it must have. */
static int
pick_from(struct lane *n, bool is_bulk, uint32_t flags)
{
	struct queue_spot spot = { .is_bulk = is_bulk };
	int rc = 0;

	for (int i = 0; i < PICK_LOOKS && rc == 0; i++) {
		rc = queue_next_waiting(
		    store_of(n), name_of(n), clock_wall_s(), &spot);
		if (rc < 0 || lane_is_taken(n->q, name_of(n), spot.id))
			continue;
		rc = take_message(n, spot);
		if (n->has_message && (n->message.m.flags & flags) == flags)
			return rc;
	}
	return rc < 0 ? rc : ERR_NONE;
}

/* Have the next message in hand. ERR_NONE. */
static int
pick(struct lane *n)
{
	int64_t until_s;
	int rc = ERR_NONE;

	drop_message(n);
	if (n->relay != NULL &&
	    !lane_may_send(n->q, &n->relay->r, true, &until_s)) {
		rc = queue_set_dest(store_of(n), name_of(n), until_s, 0,
		    SPAN("4.4.5 The provider's limit of messages an hour is "
		         "reached"));
		return rc < 0 ? rc : ERR_NONE;
	}
	if (n->n_sent % BULK_EVERY == BULK_EVERY - 1)
		rc = pick_from(n, true, 0);
	if (rc == ERR_NONE)
		rc = pick_from(n, false, 0);
	if (rc < 0)
		drop_message(n);
	else if (n->relay != NULL)
		(void)lane_may_send(n->q, &n->relay->r, false, &until_s);
	return rc;
}

/* --- outcomes --- */

static void
note(struct lane *n, size_t i, enum event_kind kind, struct span words)
{
	static const char *const names[] = { [EVENT_SENT] = "queue.sent",
		[EVENT_DEFERRED] = "queue.deferred",
		[EVENT_BOUNCED] = "queue.failed" };
	struct event e = { .kind = kind,
		.id = n->message.m.trace,
		.from = n->message.m.from,
		.to = n->rcpts[i].address,
		.client = name_of(n),
		.text = words };
	struct log l;
	int rc = i < MAX_EVENTS ? event_add(store_of(n), &e) : 0;

	log_begin(&l, LOG_NOTE, names[kind]);
	log_num(&l, "queued", (int64_t)n->message.m.id);
	log_str(&l, "id", n->message.m.trace);
	log_str(&l, "to", n->rcpts[i].address);
	log_str(&l, "host", span_of(n->mx.host, n->mx.host_len));
	if (kind == EVENT_SENT)
		lane_log_tls(n, &l);
	log_str(&l, "policy", span_str(lane_policy_name(n)));
	log_num(&l, "attempt", n->attempts[i] + 1);
	log_str(&l, "reply", words);
	if (rc < 0)
		log_err(&l, "event_error", rc);
	log_end(&l);
}

/* "550 5.1.1 text", kept in the arena. */
static struct span
words_of(struct lane *n, const struct smtp_out_result *r)
{
	char storage[MAX_QUEUE_REPLY_BYTES];
	struct span out = span_of(NULL, 0);
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	if (r->is_reply && r->code > 0) {
		buf_put_u64(&b, r->code);
		buf_put_char(&b, ' ');
	}
	if (r->enhanced[0] != '\0') {
		buf_put_str(&b, r->enhanced);
		buf_put_char(&b, ' ');
	}
	buf_put(&b, span_sub(r->text, 0, sizeof(storage) - b.len));
	if (arena_copy(&n->arena, buf_span(&b), &out) < 0)
		out = SPAN("4.3.0 No memory for the reply");
	return out;
}

/* What became of recipient i, as an item of a report. */
static struct report_item
item_of(struct lane *n, size_t i, enum smtp_out_what what, struct span words,
    bool is_remote)
{
	struct report_item it = { .notify = n->notify[i] };
	int64_t now = clock_wall_s();

	it.outcome = (struct queue_outcome){ .id = n->message.m.id,
		.index = n->index[i],
		.what = what == OUT_TEMP ? QUEUE_DEFER : QUEUE_GONE,
		.next_s = now + backoff_s(&lane_env(n->q)->limits,
		                    n->attempts[i] + 1, rand_u32()),
		.reply = words };
	it.dsn = (struct dsn_rcpt){ .address = n->rcpts[i].address,
		.orcpt = n->rcpts[i].orcpt,
		.words = words,
		.status = dsn_status(words, true),
		.last_s = now };
	if (is_remote)
		it.outcome.remote = it.dsn.remote =
		    span_of(n->mx.host, n->mx.host_len);
	it.action = what == OUT_SENT ? DSN_RELAYED : DSN_FAILED;
	it.is_telling = what == OUT_PERM;
	return it;
}

static void
count(struct lane *n, size_t i, enum smtp_out_what what, struct span words)
{
	struct mover_stats *st = lane_stats(n->q);

	switch (what) {
	case OUT_SENT:
		st->n_sent++;
		note(n, i, EVENT_SENT, words);
		return;
	case OUT_TEMP:
		st->n_deferred++;
		note(n, i, EVENT_DEFERRED, words);
		return;
	case OUT_PERM:
		st->n_failed++;
		note(n, i, EVENT_BOUNCED, words);
		return;
	}
}

/* A provider does not take this sender: tell them what to do, the owner too. */
static void
advise(struct lane *n, struct report_item *it)
{
	char storage[1000];
	struct buf b;
	struct log l;

	buf_init_fixed(&b, storage, sizeof(storage));
	advice_put_sender(
	    &b, n->relay->r.host, n->message.m.from, n->relay->r.user);
	if (arena_copy(&n->arena, buf_span(&b), &it->dsn.advice) < 0)
		it->dsn.advice = span_of(NULL, 0);
	log_begin(&l, LOG_WARN, "queue.sender_refused");
	log_str(&l, "id", n->message.m.trace);
	log_str(&l, "from", n->message.m.from);
	log_str(&l, "relay", n->relay->r.host);
	log_str(&l, "user", n->relay->r.user);
	log_str(&l, "advice",
	    SPAN("make the address known to the provider, or set a relay for "
	         "it: tinpost relay add from:ADDRESS HOST"));
	log_end(&l);
}

/* Write the results of the message in hand. *is_host_out: the host is at
 * fault. */
static int
settle(struct lane *n, bool *is_host_out)
{
	struct report_item items[2][LANE_RCPTS]; /* sent; all others */
	size_t n_items[2] = { 0, 0 };
	int rc = 0;

	*is_host_out = false;
	for (size_t i = 0; i < n->n_rcpts; i++) {
		struct smtp_out_result r;
		struct report_item *it;
		struct span words;
		int which;

		smtp_out_result(n->out, i, &r);
		which = r.what != OUT_SENT;
		words = words_of(n, &r);
		it = &items[which][n_items[which]++];
		*it = item_of(n, i, r.what, words, r.is_reply);
		if (r.what == OUT_SENT) {
			it->is_telling = r.lacks_dsn;
			it->dsn.status = SPAN("2.0.0");
		}
		if (n->relay != NULL && advice_is_sender_refused(&r))
			advise(n, it);
		*is_host_out = *is_host_out || r.is_host;
		count(n, i, r.what, words);
	}
	for (int k = 0; k < 2 && rc == 0; k++)
		if (n_items[k] > 0)
			rc = report_settle(lane_env(n->q), &n->message.m,
			    items[k], n_items[k], &lane_stats(n->q)->n_dsn);
	if (rc == 0 && n->relay != NULL)
		lane_save_rate(n->q, &n->relay->r);
	return rc;
}

/* All in hand fares alike, without asking a host. */
static int
settle_all(struct lane *n, enum smtp_out_what what, struct span words)
{
	struct report_item items[LANE_RCPTS];

	for (size_t i = 0; i < n->n_rcpts; i++) {
		items[i] = item_of(n, i, what, words, false);
		count(n, i, what, words);
	}
	return report_settle(lane_env(n->q), &n->message.m, items, n->n_rcpts,
	    &lane_stats(n->q)->n_dsn);
}

/* The destination is held back. */
static void
hold_back(struct lane *n, struct span words)
{
	struct queue_dest_view d;
	struct log l;
	uint32_t n_failures = 1, wait_s;
	int rc = queue_get_dest(store_of(n), name_of(n), &d);

	if (rc == 0)
		n_failures = d.d.n_failures + 1;
	wait_s = backoff_s(&lane_env(n->q)->limits, n_failures, rand_u32());
	if (rc == 0)
		rc = queue_set_dest(store_of(n), name_of(n),
		    clock_wall_s() + wait_s, n_failures, words);
	log_begin(&l, LOG_NOTE, "queue.held_back");
	log_str(&l, "destination", name_of(n));
	log_str(&l, "host", span_of(n->mx.host, n->mx.host_len));
	log_num(&l, "failures", n_failures);
	log_num(&l, "wait_s", wait_s);
	log_str(&l, "why", words);
	if (rc < 0 && rc != ERR_NONE)
		log_err(&l, "error", rc);
	log_end(&l);
}

/* The host took a message: nothing is held against it. */
static void
absolve(struct lane *n)
{
	struct queue_dest_view d;
	int rc = queue_get_dest(store_of(n), name_of(n), &d);

	if (rc == 0 && d.d.n_failures > 0)
		rc = queue_set_dest(
		    store_of(n), name_of(n), 0, 0, span_of(NULL, 0));
	(void)rc; /* it stays held back, and is tried again later */
}

/* --- the way there --- */

void
lane_wake(void *owner)
{
	struct lane *n = owner;

	if (!n->is_over)
		loop_add_job(lane_env(n->q)->loop, &n->job);
}

/* Connect to the host that was found, and give it the message. */
static int
connect_host(struct lane *n)
{
	const struct mover_env *env = lane_env(n->q);
	struct smtp_out_env out_env = { .loop = env->loop,
		.store = env->store,
		.times = env->times,
		.wake = lane_wake,
		.owner = n };
	struct smtp_route route = { .host = span_of(n->mx.host, n->mx.host_len),
		.port = env->limits.port,
		.addresses = n->mx.addresses,
		.n_addresses = n->mx.n_addresses,
		.tls = lane_tls(n),
		.needs_requiretls = lane_requires_tls(n),
		.ehlo = env->host };
	int rc;

	for (int i = 0; i < 2; i++)
		route.from[i] = env->has_source[i] ? &env->source[i] : NULL;
	if (n->relay != NULL) {
		route.port = n->relay->r.port;
		route.auth.user = n->relay->r.user;
		route.auth.is_bearer = n->relay->r.token_url.len > 0;
		route.auth.secret = route.auth.is_bearer
		                        ? buf_span(&n->token.text)
		                        : n->relay->r.secret;
	}
	rc = smtp_out_new(&out_env, &route, &n->out);
	if (rc == 0)
		rc = smtp_out_send(n->out, &n->sending);
	n->is_given = rc == 0;
	n->n_sent = 0;
	if (rc == 0)
		lane_stats(n->q)->n_connections++;
	return rc;
}

/* --- the steps; each returns whether there is more to do now --- */

static bool
is_over(struct lane *n)
{
	drop_message(n);
	n->is_over = true;
	lane_ended(n);
	return false;
}

/* Look for the hosts. */
static bool
begin_route(struct lane *n)
{
	const struct mover_env *env = lane_env(n->q);
	struct mx_env how = { .dns = env->dns,
		.loop = env->loop,
		.host = env->host,
		.port =
		    n->relay != NULL ? n->relay->r.port : env->limits.port };

	n->unfit = NULL;
	n->had_trouble = n->is_strict = false;
	n->last_len = 0;
	mx_end(&n->mx);
	mx_begin(&n->mx, &how, n->relay != NULL ? n->relay->r.host : name_of(n),
	    n->relay != NULL, lane_wake, n);
	return false;
}

static struct span
last_words(const struct lane *n)
{
	return n->last_len > 0 ? span_of(n->last, n->last_len)
	                       : span_str(n->mx.why);
}

/* No host is left. One message's demands are not the destination's fault. */
static bool
end_route(struct lane *n)
{
	bool is_temp = n->had_trouble || n->mx.state == MX_TEMP;
	int rc;

	if (n->unfit != NULL && n->has_message) {
		rc = is_temp ? settle_all(n, OUT_TEMP, last_words(n))
		             : settle_all(n, OUT_PERM, span_str(n->unfit));
		return rc == 0 && pick(n) == 0 ? begin_route(n) : is_over(n);
	}
	hold_back(n, last_words(n));
	/* RFC 8689 5: what may go without TLS does not wait with the others. */
	if (n->is_strict && (pick_from(n, false, QUEUE_TLS_OPTIONAL) == 0 ||
	                        pick_from(n, true, QUEUE_TLS_OPTIONAL) == 0))
		return begin_route(n);
	return is_over(n);
}

/* A host was found for the message in hand. */
static bool
try_host(struct lane *n)
{
	if (!lane_allows_host(n)) {
		lane_tell_unnamed(n);
		lane_pass_over(n);
		return n->mx.state != MX_PENDING;
	}
	/* RFC 8689 4.2.1: nobody may have forged its name. */
	if (lane_requires_tls(n) && !lane_is_proved(n)) {
		n->unfit = "5.7.10 The sender requires TLS on the whole way, "
		           "and neither DNSSEC nor MTA-STS proves which hosts "
		           "take the mail of the domain";
		return end_route(n);
	}
	switch (lane_token(n)) {
	case TOKEN_NONE:
	case TOKEN_PENDING:
		return false;
	case TOKEN_FAILED:
		hold_back(n, last_words(n));
		return is_over(n);
	case TOKEN_READY:
		break;
	}
	if (connect_host(n) == 0)
		return false;
	hold_back(n, SPAN("4.3.0 The connection could not be begun"));
	return is_over(n);
}

/* Without a connection. */
static bool
step_route(struct lane *n)
{
	struct span why = span_str(n->mx.why);
	int rc;

	if (n->sts.is_pending)
		return false;
	lane_tell_policy(n);
	switch (n->mx.state) {
	case MX_PENDING:
		return false;
	case MX_HOST:
		return try_host(n);
	case MX_TEMP:
	case MX_END:
		return end_route(n);
	case MX_PERM:
		if (n->relay != NULL) { /* the owner's mistake, not theirs */
			hold_back(n, why);
			return is_over(n);
		}
		rc = settle_all(n, OUT_PERM, why);
		if (rc == 0)
			rc = pick(n);
		return rc == 0 ? true : is_over(n);
	}
	return false;
}

static bool
next_message(struct lane *n)
{
	bool is_host;
	int rc = settle(n, &is_host);

	if (n->n_sent++ == 0) {
		lane_tell_tls(n, NULL);
		lane_note_first(n);
		lane_note_tested(n);
	}
	if (rc == 0 && !is_host)
		absolve(n);
	if (rc == 0 && n->n_sent < lane_env(n->q)->limits.max_per_connection)
		rc = pick(n);
	else if (rc == 0)
		rc = ERR_NONE;
	if (rc == 0 && !lane_fits(n))
		rc = ERR_NONE; /* another connection is made for it */
	if (rc == 0)
		rc = smtp_out_send(n->out, &n->sending);
	n->is_given = rc == 0;
	if (rc == 0)
		return false;
	smtp_out_quit(n->out);
	n->out = NULL;
	return is_over(n);
}

/* The connection broke, or could not be made. */
static bool
step_dead(struct lane *n)
{
	struct smtp_out_result why;
	bool is_early, is_host = true;
	int rc = 0;

	smtp_out_why(n->out, &why);
	is_early = why.stage <= OUT_AT_AUTH;
	lane_set_last(n, &why, words_of(n, &why));
	lane_tell_tls(n, &why);
	lane_note_dead(n, &why);
	if (!is_early && n->has_message)
		rc = settle(n, &is_host);
	smtp_out_free(n->out);
	n->out = NULL;
	if (lane_renews_token(n, &why)) /* once */
		return true;
	if (is_early && n->n_sent == 0 && n->has_message) {
		mx_next(&n->mx); /* RFC 5321 5.1: the next host */
		return n->mx.state != MX_PENDING;
	}
	if (rc == 0 && is_host)
		hold_back(n, span_of(n->last, n->last_len));
	return is_over(n);
}

static bool
step(struct job *j)
{
	struct lane *n =
	    (struct lane *)((char *)j - offsetof(struct lane, job));

	if (n->is_over)
		return false;
	if (n->out == NULL)
		return step_route(n);
	switch (smtp_out_state(n->out)) {
	case OUT_CONNECTING:
	case OUT_READY:
	case OUT_BUSY:
		return false;
	case OUT_DONE:
		return next_message(n);
	case OUT_DEAD:
		return step_dead(n);
	}
	return false;
}

/* The rule of a destination "relay:SCOPE". */
static int
find_relay(struct lane *n)
{
	struct span scope = span_sub(name_of(n), 6, n->name_len);

	if (!span_starts(name_of(n), SPAN("relay:")))
		return 0;
	n->relay = mem_alloc(sizeof(*n->relay));
	return n->relay == NULL ? ERR_NOMEM
	                        : relay_get(store_of(n), scope, n->relay);
}

int
lane_new(struct mover *q, const struct queue_dest *d, struct lane **out)
{
	struct lane *n = mem_alloc(sizeof(*n));
	int rc;

	if (n == NULL)
		return ERR_NOMEM;
	n->q = q;
	memcpy(n->name, d->name.p, d->name.len);
	n->name_len = d->name.len;
	arena_init(&n->arena, ARENA_BYTES);
	job_init(&n->job, step);
	rc = find_relay(n);
	if (rc == ERR_NONE) { /* the rule is gone: its mail is moved */
		mem_free(n->relay);
		n->relay = NULL;
		rc = 0;
	}
	if (rc == 0)
		rc = pick(n);
	if (rc < 0) {
		lane_free(n);
		return rc;
	}
	if (n->relay == NULL && lane_env(q)->uses_sts)
		lane_begin_sts(n);
	(void)begin_route(n);
	*out = n;
	return 0;
}

void
lane_free(struct lane *n)
{
	if (n == NULL)
		return;
	loop_remove_job(lane_env(n->q)->loop, &n->job);
	mx_end(&n->mx);
	sts_end(&n->sts);
	access_token_end(&n->token);
	smtp_out_free(n->out);
	arena_reset(&n->arena);
	if (n->relay != NULL)
		wipe(n->relay, sizeof(*n->relay));
	mem_free(n->relay);
	mem_free(n);
}
