#include "auth/attempt.h"

#include "auth/saslprep.h"
#include "auth/scram.h"
#include "base/clock.h"
#include "base/hash.h"

static int64_t
now_s(void)
{
	return clock_mono_ms() / 1000;
}

static void
answer(struct attempt *t, enum sasl_result r)
{
	t->result = r;
	t->wake(t->owner);
}

static void timer_fired(struct timer *timer);
static bool hash_admitted(struct hash_request *r);
static void hash_finished(struct hash_request *r);

void
attempt_init(struct attempt *t, struct auth *a, const struct peer *peer,
    void (*wake)(void *owner), void *owner)
{
	*t = (struct attempt){ .auth = a, .wake = wake, .owner = owner };
	timer_init(&t->timer, timer_fired);
	hash_request_init(&t->request, hash_admitted, hash_finished);
	t->result = SASL_WAIT;
	if (peer == NULL || peer->family == PEER_LOCAL)
		return;
	t->host = peer_host(peer);
	if (!peer_is_loopback(peer) || a->options.limits_loopback)
		t->network = peer_network(peer);
}

void
attempt_deinit(struct attempt *t)
{
	auth_remove_hash(t->auth, &t->request);
	if (t->auth->loop != NULL)
		loop_clear_timer(t->auth->loop, &t->timer);
	wipe(t, sizeof(*t));
}

int
attempt_name(struct attempt *t, struct span user)
{
	uint64_t both[2];
	int rc = identity_find(t->auth, user, &t->who);

	if (rc < 0)
		return rc;
	both[0] = t->host;
	both[1] = t->who.key;
	if (t->host != 0)
		t->pair = hash_mem(span_of(both, sizeof(both))) | 1;
	return 0;
}

uint32_t
attempt_delay_s(const struct attempt *t)
{
	const struct throttle *table = &t->auth->throttle;
	uint32_t a = t->pair ? throttle_delay_s(table, t->pair, now_s()) : 0;
	uint32_t b =
	    t->network ? throttle_delay_s(table, t->network, now_s()) : 0;

	return a > b ? a : b;
}

/* SASL_CONTINUE: nothing stands in the way; SASL_WAIT: held back, the timer is
 * set; SASL_THROTTLED. */
static enum sasl_result
hold_back(struct attempt *t)
{
	uint32_t delay_s = attempt_delay_s(t);

	if (delay_s == 0)
		return SASL_CONTINUE;
	if (t->auth->loop == NULL ||
	    t->held_s + delay_s > t->auth->options.hold_s)
		return SASL_THROTTLED;
	t->held_s += delay_s;
	return loop_set_timer(
	           t->auth->loop, &t->timer, (int64_t)delay_s * 1000) < 0
	           ? SASL_BUSY
	           : SASL_WAIT;
}

/* A password that was right a while ago is right without a hash. */
static bool
is_remembered(const struct attempt *t)
{
	return t->who.account_id != 0 && t->auth->options.remember_s > 0 &&
	       recent_has(
	           &t->auth->recent, t->who.account_id, t->mark, now_s()) &&
	       identity_is_current(t->auth, &t->who);
}

/* Go as far as it goes: waiting, remembered, or into the queue. */
static enum sasl_result
proceed(struct attempt *t)
{
	enum sasl_result r = hold_back(t);

	if (r != SASL_CONTINUE || !t->has_password)
		return r;
	if (is_remembered(t))
		return attempt_verdict(t, true);
	return auth_add_hash(t->auth, &t->request) < 0 ? SASL_BUSY : SASL_WAIT;
}

static void
timer_fired(struct timer *timer)
{
	struct attempt *t = LIST_OF(timer, struct attempt, timer);
	enum sasl_result r = proceed(t);

	if (r != SASL_WAIT)
		answer(t, r);
}

/* While it stood in the queue others may have failed, or got in with the same
 * password. */
static bool
hash_admitted(struct hash_request *request)
{
	struct attempt *t = LIST_OF(request, struct attempt, request);
	enum sasl_result r;

	if (attempt_delay_s(t) == 0 && !is_remembered(t))
		return true;
	hasher_leave(&t->auth->hasher, request);
	r = proceed(t);
	if (r != SASL_WAIT)
		answer(t, r);
	return false;
}

static void
hash_finished(struct hash_request *request)
{
	struct attempt *t = LIST_OF(request, struct attempt, request);
	struct scram_secret derived;
	bool is_right;

	scram_secret_set(&derived, request->hash.sum);
	wipe(&request->hash, sizeof(request->hash));
	is_right = span_is_secret(
	    span_of(derived.stored_key, sizeof(derived.stored_key)),
	    span_of(
	        t->who.secret.stored_key, sizeof(t->who.secret.stored_key)));
	wipe(&derived, sizeof(derived));
	answer(t, attempt_verdict(t, is_right));
}

/* One person's password never fits another's account, nor an older one. */
static void
set_mark(struct attempt *t, struct span password)
{
	uint8_t key[MAC_BYTES];

	mac_hmac(span_of(t->auth->mark_key, MAC_BYTES),
	    span_of(&t->who.account_id, sizeof(t->who.account_id)),
	    span_of(t->who.secret.stored_key, sizeof(t->who.secret.stored_key)),
	    key);
	mac_hmac(span_of(key, MAC_BYTES), password, span_of(NULL, 0), t->mark);
	wipe(key, sizeof(key));
}

enum sasl_result
attempt_password(struct attempt *t, struct span password)
{
	struct buf prepared;
	int rc = ERR_LIMIT;

	buf_init(&prepared, MAX_PASSWORD_BYTES);
	/* For one that nobody can have, hash one that nobody can have: it
	 * costs the same. */
	if (password.len <= MAX_PASSWORD_BYTES)
		rc = saslprep(&prepared, password);
	if (rc < 0 && rc != ERR_NOMEM) {
		buf_reset(&prepared);
		buf_put_char(&prepared, '\0');
	}
	if (buf_failed(&prepared)) {
		buf_wipe(&prepared);
		return SASL_BUSY;
	}
	pbkdf2_begin(&t->request.hash, buf_span(&prepared),
	    span_of(t->who.secret.salt, sizeof(t->who.secret.salt)),
	    t->who.secret.iterations);
	set_mark(t, buf_span(&prepared));
	buf_wipe(&prepared);
	t->has_password = true;
	return proceed(t);
}

enum sasl_result
attempt_delay(struct attempt *t)
{
	return proceed(t);
}

/* What was tried, for the throttle; never 0. */
static uint64_t
tag_of(const struct attempt *t)
{
	return t->has_password ? hash_mem(span_of(t->mark, MAC_BYTES)) | 1 : 0;
}

enum sasl_result
attempt_verdict(struct attempt *t, bool is_right)
{
	const struct auth_options *o = &t->auth->options;
	struct throttle_rule pair = { o->free_failures, o->max_delay_s,
		o->forget_s };
	struct throttle_rule net = { o->free_network_failures, o->max_delay_s,
		o->forget_s };

	if (!t->has_password && attempt_delay_s(t) > 0)
		return SASL_THROTTLED;
	if (is_right && identity_is_current(t->auth, &t->who)) {
		if (t->pair != 0)
			throttle_clear(&t->auth->throttle, t->pair);
		if (t->has_password)
			recent_put(&t->auth->recent, t->who.account_id, t->mark,
			    now_s() + o->remember_s);
		return SASL_OK;
	}
	if (t->pair != 0)
		throttle_fail(
		    &t->auth->throttle, t->pair, &pair, tag_of(t), now_s());
	if (t->network != 0)
		throttle_fail(
		    &t->auth->throttle, t->network, &net, tag_of(t), now_s());
	return SASL_FAIL;
}
