/* lane_token.c - the access token with which a lane signs in at its relay. */
#include "queue/lane.h"

static void
begin(struct lane *n, bool is_anew)
{
	const struct mover_env *env = lane_env(n->q);
	struct access_token_env te = { env->loop, env->store, env->dns };
	struct relay_view v; /* the refresh token may be a new one by now */
	bool is_read = relay_get(env->store, n->relay->r.scope, &v) == 0;

	access_token_begin(&n->token, &te, is_read ? &v.r : &n->relay->r,
	    is_anew, lane_wake, n);
	wipe(&v, sizeof(v));
}

enum token_state
lane_token(struct lane *n)
{
	struct buf b;

	if (n->relay == NULL || n->relay->r.token_url.len == 0)
		return TOKEN_READY;
	if (n->token.state == TOKEN_NONE)
		begin(n, false);
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
	if (n->token.state != TOKEN_READY || n->has_renewed || n->n_sent > 0 ||
	    why->stage != OUT_AT_AUTH || !why->is_reply || why->code / 100 != 5)
		return false;
	n->has_renewed = true;
	begin(n, true);
	return true;
}
