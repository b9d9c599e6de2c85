/* lane_token.c - the access token with which a lane signs in at its relay. */
#include "queue/lane.h"

/* The login as it is now: the refresh token may be a new one. NULL: it is
 * another, perhaps another provider's, which is the next lane's. */
static const struct relay *
login_now(const struct lane *n, struct relay_view *v)
{
	const struct relay *old = &n->relay->r;

	if (relay_get(lane_env(n->q)->store, old->scope, v) < 0 ||
	    !span_is(v->r.host, old->host) || !span_is(v->r.user, old->user) ||
	    !span_is(v->r.token_url, old->token_url) ||
	    !span_is(v->r.client, old->client))
		return NULL;
	return &v->r;
}

static void
begin(struct lane *n, const struct relay *login, bool is_anew)
{
	const struct mover_env *env = lane_env(n->q);
	struct access_token_env te = { env->loop, env->store, env->dns };

	access_token_begin(&n->token, &te, login, is_anew, lane_wake, n);
}

enum token_state
lane_token(struct lane *n)
{
	const struct relay *login;
	struct relay_view v;
	struct buf b;

	if (n->relay == NULL || n->relay->r.token_url.len == 0)
		return TOKEN_READY;
	if (n->token.state == TOKEN_NONE) {
		login = login_now(n, &v);
		begin(n, login != NULL ? login : &n->relay->r, false);
		wipe(&v, sizeof(v));
	}
	if (n->token.state == TOKEN_FAILED) {
		buf_init_fixed(&b, n->last, sizeof(n->last));
		buf_put_str(&b, "4.7.0 There is no access token for the "
		                "relay: ");
		buf_put(&b, span_sub(buf_span(&n->token.text), 0,
		                sizeof(n->last) - b.len));
		n->last_len = b.len;
	}
	return n->token.state;
}

bool
lane_renews_token(struct lane *n, const struct smtp_out_result *why)
{
	const struct relay *login;
	struct relay_view v;

	if (n->token.state != TOKEN_READY || n->has_renewed || n->n_sent > 0 ||
	    why->stage != OUT_AT_AUTH || !why->is_reply || why->code / 100 != 5)
		return false;
	n->has_renewed = true;
	login = login_now(n, &v);
	if (login != NULL)
		begin(n, login, true);
	wipe(&v, sizeof(v));
	return login != NULL;
}
