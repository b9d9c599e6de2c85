#include "queue/lane.h"

#include "base/mem.h"

/* Texts of one message's recipients. */
#define ARENA_BYTES (160 * 1024)

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
	struct smtp_route route = { .host = lane_host(n),
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
	lane_drop_message(n);
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
	mx_begin(&n->mx, &how,
	    n->relay != NULL ? n->relay->r.host : lane_name(n),
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
		rc = is_temp ? lane_settle_all(n, OUT_TEMP, last_words(n))
		             : lane_settle_all(n, OUT_PERM, span_str(n->unfit));
		return rc == 0 && lane_pick(n) == 0 ? begin_route(n)
		                                    : is_over(n);
	}
	lane_hold_back(n, last_words(n));
	/* RFC 8689 5: what may go without TLS does not wait with the others. */
	if (n->is_strict &&
	    (lane_pick_from(n, false, QUEUE_TLS_OPTIONAL) == 0 ||
	        lane_pick_from(n, true, QUEUE_TLS_OPTIONAL) == 0))
		return begin_route(n);
	return is_over(n);
}

/* A host was found for the message in hand. */
static bool
try_host(struct lane *n)
{
	if (!lane_allows_host(n)) {
		lane_count_unnamed(n);
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
		lane_hold_back(n, last_words(n));
		return is_over(n);
	case TOKEN_READY:
		break;
	}
	if (connect_host(n) == 0)
		return false;
	lane_hold_back(n, SPAN("4.3.0 The connection could not be begun"));
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
	lane_count_policy(n);
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
			lane_hold_back(n, why);
			return is_over(n);
		}
		rc = lane_settle_all(n, OUT_PERM, why);
		if (rc == 0)
			rc = lane_pick(n);
		return rc == 0 ? true : is_over(n);
	}
	return false;
}

static bool
next_message(struct lane *n)
{
	bool is_host;
	int rc = lane_settle(n, &is_host);

	if (n->n_sent++ == 0) {
		lane_count_tls(n, NULL);
		lane_note_first(n);
		lane_log_tested(n);
	}
	if (rc == 0 && !is_host)
		lane_absolve(n);
	if (rc == 0 && n->n_sent < lane_env(n->q)->limits.max_per_connection)
		rc = lane_pick(n);
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
	lane_set_last(n, &why, lane_words(n, &why));
	lane_count_tls(n, &why);
	lane_note_dead(n, &why);
	if (!is_early && n->has_message)
		rc = lane_settle(n, &is_host);
	smtp_out_free(n->out);
	n->out = NULL;
	if (lane_renews_token(n, &why)) /* once */
		return true;
	if (is_early && n->n_sent == 0 && n->has_message) {
		mx_next(&n->mx); /* RFC 5321 5.1: the next host */
		return n->mx.state != MX_PENDING;
	}
	if (rc == 0 && is_host)
		lane_hold_back(n, span_of(n->last, n->last_len));
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
	struct span scope = span_sub(lane_name(n), 6, n->name_len);

	if (!span_starts(lane_name(n), SPAN("relay:")))
		return 0;
	n->relay = mem_alloc(sizeof(*n->relay));
	return n->relay == NULL ? ERR_NOMEM
	                        : relay_get(lane_store(n), scope, n->relay);
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
		rc = lane_pick(n);
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
