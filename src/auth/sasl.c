#include "auth/sasl.h"

#include "auth/attempt.h"
#include "auth/scram.h"
#include "auth/state.h"
#include "base/base64.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "net/net.h"

/* What the next line from the client is. */
enum sasl_state {
	SASL_NEW,
	PLAIN_MESSAGE, /* RFC 4616 2 */
	LOGIN_USER,
	LOGIN_PASSWORD,
	SCRAM_FIRST,     /* client-first-message */
	SCRAM_CHALLENGE, /* none: held back before our challenge */
	SCRAM_FINAL,     /* client-final-message */
	SCRAM_LAST,      /* the empty answer to our last message */
	PASSWORD_HASH,   /* none: the hash runs */
	SASL_ENDED,
};

struct sasl {
	enum sasl_state state;
	struct attempt attempt;
	struct peer peer;
	struct buf user;
	struct scram scram;
	bool is_plus;
	bool is_tls;
	bool is_plain_allowed;
	uint8_t unique_len, end_point_len;
	uint8_t unique[64], end_point[64];
	uint32_t delay_s;
	const char *mechanism; /* for the log */
	const char *reason;
};

struct mechanism {
	struct span name;
	enum sasl_state state;
	bool is_plain; /* gives the password away: needs TLS */
	bool is_plus;
};

/* In the order in which they are offered: the best first. */
static const struct mechanism mechanisms[] = {
	{ SPAN("SCRAM-SHA-256-PLUS"), SCRAM_FIRST, false, true }, /* RFC 7677 */
	{ SPAN("SCRAM-SHA-256"), SCRAM_FIRST, false, false },
	{ SPAN("PLAIN"), PLAIN_MESSAGE, true, false }, /* RFC 4616 */
	{ SPAN("LOGIN"), LOGIN_USER, true, false },    /* no RFC: Outlook */
};

#define N_MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

void
sasl_put_mechanisms(struct buf *out, const struct sasl_env *e)
{
	bool has_binding =
	    e->tls_unique.len > 0 || e->tls_server_end_point.len > 0;
	const char *between = "";

	for (size_t i = 0; i < N_MECHANISMS; i++) {
		const struct mechanism *m = &mechanisms[i];

		if (m->is_plain && !sasl_env_allows_plain(e))
			continue;
		if (m->is_plus && !has_binding)
			continue;
		buf_put_str(out, between);
		buf_put(out, m->name);
		between = " ";
	}
}

static uint8_t
keep_binding(struct span data, uint8_t out[64])
{
	if (data.len == 0 || data.len > 64)
		return 0;
	memcpy(out, data.p, data.len);
	return (uint8_t)data.len;
}

static void
wake_conn(void *owner)
{
	conn_wake(owner);
}

struct sasl_env
sasl_env_of(struct auth *a, struct conn *c, bool is_plain_allowed,
    struct tls_info *info)
{
	struct sasl_env e = {
		.auth = a,
		.peer = conn_peer(c),
		.is_tls = conn_tls_info(c, info) == 0,
		.is_plain_allowed = is_plain_allowed,
		.wake = wake_conn,
		.owner = c,
	};

	if (!e.is_tls)
		return e;
	e.tls_server_end_point = span_of(info->end_point, info->end_point_len);
	if (info->has_unique)
		e.tls_unique = span_of(info->unique, sizeof(info->unique));
	return e;
}

int
sasl_new(const struct sasl_env *e, struct sasl **out)
{
	struct sasl *x = mem_alloc(sizeof(*x));

	if (x == NULL)
		return ERR_NOMEM;
	attempt_init(&x->attempt, e->auth, e->peer, e->wake, e->owner);
	x->peer.family = PEER_LOCAL;
	if (e->peer != NULL)
		x->peer = *e->peer;
	buf_init(&x->user, MAX_ADDRESS_BYTES);
	scram_init(&x->scram);
	x->is_tls = e->is_tls;
	x->is_plain_allowed = e->is_plain_allowed;
	x->unique_len = keep_binding(e->tls_unique, x->unique);
	x->end_point_len = keep_binding(e->tls_server_end_point, x->end_point);
	x->mechanism = "none";
	*out = x;
	return 0;
}

void
sasl_free(struct sasl *x)
{
	if (x == NULL)
		return;
	attempt_deinit(&x->attempt);
	scram_deinit(&x->scram);
	buf_wipe(&x->user);
	wipe(x, sizeof(*x));
	mem_free(x);
}

uint32_t
sasl_account(const struct sasl *x)
{
	return x->attempt.who.account_id;
}

uint32_t
sasl_delay_s(const struct sasl *x)
{
	return x->delay_s;
}

struct span
sasl_user(const struct sasl *x)
{
	return buf_span(&x->user);
}

/* The exchange ends: the one place where a login is logged, and a
 * failure noted as an event. */
static enum sasl_result
end(struct sasl *x, enum sasl_result r, const char *reason)
{
	char storage[64];
	struct buf peer;
	struct log l;

	x->state = SASL_ENDED;
	if (r == SASL_THROTTLED)
		x->delay_s = attempt_delay_s(&x->attempt);
	buf_init_fixed(&peer, storage, sizeof(storage));
	peer_put(&peer, &x->peer);
	log_begin(&l, LOG_NOTE, r == SASL_OK ? "auth.ok" : "auth.failed");
	log_str(&l, "user", buf_span(&x->user));
	log_str(&l, "peer", buf_span(&peer));
	log_str(&l, "mechanism", span_str(x->mechanism));
	if (r == SASL_OK)
		log_num(&l, "account", x->attempt.who.account_id);
	else
		log_str(&l, "reason", span_str(reason));
	log_end(&l);
	if (r == SASL_FAIL)
		failures_note(&x->attempt.auth->failures, buf_span(&x->user),
		    &x->peer, "wrong name or password");
	else if (r == SASL_THROTTLED)
		failures_note(&x->attempt.auth->failures, buf_span(&x->user),
		    &x->peer, "held back after too many failures");
	return r;
}

/* An answer of the attempt, which may be the end. */
static enum sasl_result
settle(struct sasl *x, enum sasl_result r)
{
	switch (r) {
	case SASL_CONTINUE:
	case SASL_WAIT:
		return r;
	case SASL_OK:
		return end(x, r, "");
	case SASL_FAIL:
		return end(x, r, "credentials");
	case SASL_THROTTLED:
		return end(x, r, "throttled");
	case SASL_BUSY:
		return end(x, r, "busy");
	case SASL_BAD:
	case SASL_ABORTED:
	case SASL_UNKNOWN:
	case SASL_NEEDS_TLS:
		break;
	}
	return end(x, r, "protocol");
}

/* May who is meant act as authzid (RFC 4422 3.4.1)? Only as themselves. */
static bool
is_self(struct sasl *x, struct span authzid)
{
	struct identity other;

	if (authzid.len == 0 || span_is(authzid, buf_span(&x->user)))
		return true;
	return identity_find(x->attempt.auth, authzid, &other) == 0 &&
	       other.key == x->attempt.who.key;
}

/* Name and password are known. */
static enum sasl_result
try_password(struct sasl *x, struct span authzid, struct span password)
{
	x->state = PASSWORD_HASH;
	if (attempt_name(&x->attempt, buf_span(&x->user)) < 0)
		return end(x, SASL_BUSY, "store");
	/* An identity of somebody else is refused as a wrong password is, at
	 * the same cost. */
	if (!is_self(x, authzid))
		x->attempt.who.account_id = 0;
	return settle(x, attempt_password(&x->attempt, password));
}

enum sasl_result
sasl_password(struct sasl *x, struct span user, struct span password)
{
	x->mechanism = "password";
	if (!x->is_tls && !x->is_plain_allowed)
		return end(x, SASL_NEEDS_TLS, "plaintext");
	buf_put(&x->user, user);
	if (buf_error(&x->user) == ERR_NOMEM)
		return end(x, SASL_BUSY, "memory");
	if (buf_failed(
	        &x->user)) /* too long for any name: tried all the same */
		buf_reset(&x->user);
	return try_password(x, span_of(NULL, 0), password);
}

/* RFC 4616 2: [authzid] NUL authcid NUL passwd. */
static enum sasl_result
step_plain(struct sasl *x, struct span message)
{
	struct span rest = message;
	struct span authzid = span_split(&rest, '\0');
	struct span user = span_split(&rest, '\0');

	if (authzid.len + user.len + 2 > message.len || user.len == 0 ||
	    rest.len == 0 || rest.len > MAX_PASSWORD_BYTES ||
	    span_find(rest, '\0') < rest.len || !utf8_is_valid(message))
		return end(x, SASL_BAD, "message");
	buf_put(&x->user, user);
	if (buf_error(&x->user) == ERR_NOMEM)
		return end(x, SASL_BUSY, "memory");
	if (buf_failed(&x->user))
		return end(x, SASL_BAD, "message");
	return try_password(x, authzid, rest);
}

static enum sasl_result
step_login_user(struct sasl *x, struct span message, struct buf *out)
{
	buf_put(&x->user, message);
	if (buf_error(&x->user) == ERR_NOMEM)
		return end(x, SASL_BUSY, "memory");
	if (buf_failed(&x->user) || message.len == 0 ||
	    !utf8_is_valid(message) || span_find(message, '\0') < message.len)
		return end(x, SASL_BAD, "message");
	base64_encode(out, SPAN("Password:"));
	x->state = LOGIN_PASSWORD;
	return SASL_CONTINUE;
}

static enum sasl_result
step_login_password(struct sasl *x, struct span message)
{
	if (message.len > MAX_PASSWORD_BYTES)
		return end(x, SASL_BAD, "message");
	return try_password(x, span_of(NULL, 0), message);
}

/* The server-first-message, when nothing holds it back. */
static enum sasl_result
challenge(struct sasl *x, struct buf *out)
{
	char nonce_storage[32];
	struct buf nonce, message;
	uint8_t random[18];
	bool is_made;

	rand_bytes(random, sizeof(random));
	buf_init_fixed(&nonce, nonce_storage, sizeof(nonce_storage));
	base64_encode(&nonce, span_of(random, sizeof(random)));
	buf_init(&message, SASL_REPLY_BYTES);
	scram_challenge(
	    &x->scram, &x->attempt.who.secret, buf_span(&nonce), &message);
	is_made = message.len > 0 && !buf_failed(&message);
	base64_encode(out, buf_span(&message));
	buf_deinit(&message);
	if (!is_made)
		return end(x, SASL_BUSY, "memory");
	x->state = SCRAM_FINAL;
	return SASL_CONTINUE;
}

static enum sasl_result
step_scram_first(struct sasl *x, struct span message, struct buf *out)
{
	struct scram_binding binding = {
		span_of(x->unique, x->unique_len),
		span_of(x->end_point, x->end_point_len),
	};
	char storage[MAX_ADDRESS_BYTES];
	struct buf authzid;
	enum scram_error e;
	enum sasl_result r;

	buf_init_fixed(&authzid, storage, sizeof(storage));
	e = scram_begin(
	    &x->scram, message, x->is_plus, &binding, &x->user, &authzid);
	if (e == SCRAM_NO_RESOURCES)
		return end(x, SASL_BUSY, scram_error_text(e));
	if (e != SCRAM_OK)
		return end(x,
		    e == SCRAM_INVALID_ENCODING ? SASL_BAD : SASL_FAIL,
		    scram_error_text(e));
	if (attempt_name(&x->attempt, buf_span(&x->user)) < 0)
		return end(x, SASL_BUSY, "store");
	if (!is_self(x, buf_span(&authzid)))
		x->attempt.who.account_id = 0;
	x->state = SCRAM_CHALLENGE;
	r = settle(x, attempt_delay(&x->attempt));
	return r == SASL_CONTINUE ? challenge(x, out) : r;
}

/* The server-final-message goes as one more challenge (RFC 4954 4, RFC 5034 4:
 * success carries no data), and the client answers it with an empty line. */
static enum sasl_result
step_scram_final(struct sasl *x, struct span message, struct buf *out)
{
	char storage[64];
	struct buf last;
	enum scram_error e;
	enum sasl_result r;

	buf_init_fixed(&last, storage, sizeof(storage));
	e = scram_finish(&x->scram, message, &last);
	if (e == SCRAM_NO_RESOURCES) /* nothing was tried */
		return end(x, SASL_BUSY, scram_error_text(e));
	if (e == SCRAM_INVALID_ENCODING || e == SCRAM_EXTENSIONS_NOT_SUPPORTED)
		return end(x, SASL_BAD, scram_error_text(e));
	r = attempt_verdict(&x->attempt, e == SCRAM_OK);
	if (r == SASL_FAIL)
		return end(x, r,
		    scram_error_text(e == SCRAM_OK ? SCRAM_OTHER_ERROR : e));
	if (r != SASL_OK)
		return settle(x, r);
	base64_encode(out, buf_span(&last));
	x->state = SCRAM_LAST;
	return SASL_CONTINUE;
}

/* One decoded message, by state. */
static enum sasl_result
step_message(struct sasl *x, struct span message, struct buf *out)
{
	switch (x->state) {
	case PLAIN_MESSAGE:
		return step_plain(x, message);
	case LOGIN_USER:
		return step_login_user(x, message, out);
	case LOGIN_PASSWORD:
		return step_login_password(x, message);
	case SCRAM_FIRST:
		return step_scram_first(x, message, out);
	case SCRAM_FINAL:
		return step_scram_final(x, message, out);
	case SCRAM_LAST:
		if (message.len > 0)
			return end(x, SASL_BAD, "message");
		return settle(x, SASL_OK);
	case SASL_NEW:
	case SCRAM_CHALLENGE:
	case PASSWORD_HASH:
	case SASL_ENDED:
		break;
	}
	return SASL_BAD; /* a line where none is awaited */
}

enum sasl_result
sasl_step(struct sasl *x, struct span line, struct buf *out)
{
	struct buf message;
	enum sasl_result r;
	int rc;

	if (span_is(line, SPAN("*"))) /* RFC 4954 4, RFC 5034 4 */
		return end(x, SASL_ABORTED, "aborted");
	buf_init(&message, MAX_AUTH_LINE);
	rc = base64_decode(&message, line);
	if (rc == ERR_NOMEM)
		r = end(x, SASL_BUSY, "memory");
	else if (rc < 0)
		r = end(x, SASL_BAD, "base64");
	else
		r = step_message(x, buf_span(&message), out);
	buf_wipe(&message);
	return r;
}

/* The challenge that asks for a first message nobody has sent yet. */
static enum sasl_result
ask(struct sasl *x, struct buf *out)
{
	if (x->state == LOGIN_USER)
		base64_encode(out, SPAN("Username:"));
	return SASL_CONTINUE;
}

enum sasl_result
sasl_begin(struct sasl *x, struct span mechanism, bool has_initial,
    struct span initial, struct buf *out)
{
	const struct mechanism *m = NULL;

	for (size_t i = 0; i < N_MECHANISMS && m == NULL; i++) {
		if (span_is_nocase(mechanism, mechanisms[i].name))
			m = &mechanisms[i];
	}
	if (m == NULL)
		return end(x, SASL_UNKNOWN, "mechanism");
	x->mechanism = m->name.p;
	if (m->is_plain && !x->is_tls && !x->is_plain_allowed)
		return end(x, SASL_NEEDS_TLS, "plaintext");
	if (m->is_plus && x->unique_len == 0 && x->end_point_len == 0)
		return end(x, SASL_UNKNOWN, "mechanism");
	x->state = m->state;
	x->is_plus = m->is_plus;
	if (!has_initial)
		return ask(x, out);
	if (span_is(initial, SPAN("=")))
		initial = span_of(NULL, 0);
	return sasl_step(x, initial, out);
}

enum sasl_result
sasl_poll(struct sasl *x, struct buf *out)
{
	enum sasl_result r = x->attempt.result;

	if (x->state != PASSWORD_HASH && x->state != SCRAM_CHALLENGE)
		return SASL_BAD;
	if (r == SASL_WAIT)
		return r;
	r = settle(x, r);
	return r == SASL_CONTINUE ? challenge(x, out) : r;
}
