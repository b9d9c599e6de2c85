#include "queue/access_token.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"

#define MAX_ANSWER_BYTES 16384
#define KEEP_ERROR_S     86400
/* A token is not used in its last minute. */
#define EARLY_S 60

static struct span
scope_of(const struct access_token *t)
{
	return span_of(t->scope, t->scope_len);
}

/* In memory only. */
static uint64_t
login_of(const struct relay *r)
{
	const struct span texts[] = { r->user, r->secret, r->token_url,
		r->client, r->client_secret };
	uint64_t hash = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		hash = hash * 31 + hash_mem(texts[i]);
	return hash;
}

/* The owner may have set another login, or taken the relay away, while the
 * token was fetched. */
static bool
is_login_same(const struct access_token *t)
{
	struct relay_view v;
	bool is_same = relay_get(t->env.store, scope_of(t), &v) == 0 &&
	               login_of(&v.r) == t->login;

	wipe(&v, sizeof(v));
	return is_same;
}

static void
keep(struct access_token *t, bool is_token, int64_t until_s)
{
	int rc = ERR_NONE;

	if (is_login_same(t))
		rc = relay_token_put(t->env.store, scope_of(t), is_token,
		    buf_span(&t->text), until_s);
	(void)rc; /* it is fetched again */
}

static void
fail(struct access_token *t, struct span why, struct span more)
{
	struct log l;

	t->state = TOKEN_FAILED;
	buf_reset(&t->text);
	buf_put(&t->text, why);
	buf_put(&t->text, more);
	keep(t, false, clock_wall_s() + KEEP_ERROR_S);
	log_begin(&l, LOG_WARN, "relay.no_token");
	log_str(&l, "relay", scope_of(t));
	log_str(&l, "why", buf_span(&t->text));
	log_end(&l);
}

/* RFC 6749 6: a new refresh token replaces the old one. */
static void
replace_refresh(struct access_token *t, struct span refresh)
{
	struct relay_view v;
	struct log l;
	int rc = relay_get(t->env.store, scope_of(t), &v);

	if (rc == 0 && !span_is(v.r.secret, refresh)) {
		v.r.secret = refresh;
		rc = relay_put(t->env.store, &v.r);
	}
	wipe(&v, sizeof(v));
	if (rc == 0)
		return;
	log_begin(&l, LOG_FAULT, "relay.refresh_token_lost");
	log_str(&l, "relay", scope_of(t));
	log_err(&l, "error", rc);
	log_end(&l);
}

static void
take(struct access_token *t, const struct token_answer *a)
{
	int64_t early = a->expires_s > 2 * EARLY_S ? EARLY_S : 0;
	struct log l;

	buf_reset(&t->text);
	buf_put(&t->text, buf_span(&a->access));
	if (buf_failed(&t->text)) {
		fail(t, SPAN("not enough memory"), SPAN(""));
		return;
	}
	t->state = TOKEN_READY;
	keep(t, true, clock_wall_s() + a->expires_s - early);
	if (a->refresh.len > 0 && is_login_same(t))
		replace_refresh(t, buf_span(&a->refresh));
	log_begin(&l, LOG_NOTE, "relay.token");
	log_str(&l, "relay", scope_of(t));
	log_num(&l, "expires_s", a->expires_s);
	log_end(&l);
}

static void
fetched(void *owner)
{
	struct access_token *t = owner;
	struct fetch *f = t->fetch;
	struct token_answer a;
	char status[24];
	struct buf b;

	token_answer_init(&a);
	buf_init_fixed(&b, status, sizeof(status));
	if (fetch_state(f) != FETCH_OK) {
		fail(t, SPAN("the provider's token server: "),
		    span_str(fetch_why(f)));
	} else if (token_answer_parse(&a, fetch_body(f)) < 0) {
		buf_put_u64(&b, fetch_status(f));
		fail(t,
		    SPAN("the provider's token server gave no token; its "
		         "status is "),
		    buf_span(&b));
	} else if (a.error.len > 0) {
		fail(t, SPAN("the provider's token server said: "),
		    buf_span(&a.error));
	} else {
		take(t, &a);
	}
	token_answer_deinit(&a);
	t->fetch = NULL;
	fetch_end(f);
	t->wake(t->owner);
}

/* application/x-www-form-urlencoded (RFC 6749 B). */
static void
put_field(struct buf *b, const char *name, struct span value)
{
	if (b->len > 0)
		buf_put_char(b, '&');
	buf_put_str(b, name);
	buf_put_char(b, '=');
	for (size_t i = 0; i < value.len; i++) {
		char c = value.p[i];

		if (ascii_is_alnum(c) || c == '-' || c == '.' || c == '_') {
			buf_put_char(b, c);
		} else {
			buf_put_char(b, '%');
			buf_put_hex(b, span_of(&c, 1));
		}
	}
}

static int
begin_fetch(struct access_token *t, const struct relay *r)
{
	struct fetch_env env = { t->env.loop, t->env.dns };
	struct fetch_request q = { .method = FETCH_POST,
		.url = r->token_url,
		.headers = SPAN("Accept: application/json\r\n"),
		.type = SPAN("application/x-www-form-urlencoded"),
		.max_bytes = MAX_ANSWER_BYTES,
		.timeout_ms = TOKEN_FETCH_MS };
	struct buf body;
	int rc;

	buf_init(&body, 16 * 1024);
	put_field(&body, "grant_type", SPAN("refresh_token"));
	put_field(&body, "refresh_token", r->secret);
	put_field(&body, "client_id", r->client);
	if (r->client_secret.len > 0)
		put_field(&body, "client_secret", r->client_secret);
	q.body = buf_span(&body);
	rc = buf_error(&body);
	if (rc == 0)
		rc = fetch_begin(&env, &q, fetched, t, &t->fetch);
	buf_wipe(&body);
	return rc;
}

/* The token that is kept, if there is one. */
static bool
load(struct access_token *t)
{
	bool is_token;
	int rc = relay_token_get(
	    t->env.store, scope_of(t), &is_token, &t->text, NULL);

	if (rc == 0 && is_token)
		return true;
	buf_reset(&t->text);
	return false;
}

void
access_token_begin(struct access_token *t, const struct access_token_env *env,
    const struct relay *r, bool is_anew, void (*wake)(void *owner), void *owner)
{
	int rc;

	access_token_end(t);
	t->env = *env;
	t->wake = wake;
	t->owner = owner;
	memcpy(t->scope, r->scope.p, r->scope.len);
	t->scope_len = r->scope.len;
	t->login = login_of(r);
	buf_init(&t->text, TOKEN_MAX_BYTES);
	if (!is_anew && load(t)) {
		t->state = TOKEN_READY;
		return;
	}
	t->state = TOKEN_PENDING;
	rc = begin_fetch(t, r);
	if (rc < 0)
		fail(t, SPAN("a token could not be asked for: "),
		    span_str(err_text(rc)));
}

void
access_token_end(struct access_token *t)
{
	fetch_end(t->fetch);
	t->fetch = NULL;
	buf_wipe(&t->text);
	t->state = TOKEN_NONE;
}
