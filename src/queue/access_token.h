/* access_token.h - the access tokens of providers' servers (RFC 6749 6).
 *
 * A relay with a token_url signs in with a token that is fetched with its
 * refresh token, and is good for an hour or so. It is kept in the store
 * (store/relay_token.h) until shortly before its end. A new refresh token that
 * comes with it takes the old one's place. What is fetched with a login that
 * was changed meanwhile is for who asked alone: it is not kept.
 *
 * Ownership  who needs one embeds a struct access_token, and ends it before it dies.
 * Blocking   never. It is over after about TOKEN_FETCH_MS.
 */
#ifndef TINPOST_QUEUE_ACCESS_TOKEN_H
#define TINPOST_QUEUE_ACCESS_TOKEN_H

#include "net/net.h"
#include "queue/token_answer.h"
#include "store/store.h"

#define TOKEN_FETCH_MS 30000

enum token_state { TOKEN_NONE, TOKEN_PENDING, TOKEN_READY, TOKEN_FAILED };

struct access_token_env {
	struct loop *loop;
	struct store *store;
	struct dns *dns;
};

struct access_token {
	enum token_state state;
	struct buf text; /* TOKEN_READY: the token; TOKEN_FAILED: why, words */
	/* --- private */
	struct access_token_env env;
	struct fetch *fetch;
	char scope[MAX_RELAY_SCOPE_BYTES];
	size_t scope_len;
	uint64_t login; /* a hash of that with which it is fetched */
	void (*wake)(void *owner);
	void *owner;
};

/* Get a token for a relay. With TOKEN_PENDING a wake comes, once; else it is
 * there, or failed, at once. is_anew: the one that is kept was refused. */
void access_token_begin(struct access_token *t,
    const struct access_token_env *env, const struct relay *r, bool is_anew,
    void (*wake)(void *owner), void *owner);

/* No wake comes any more; back to TOKEN_NONE, and wiped. Always safe on one that
 * was begun, or is zero. */
void access_token_end(struct access_token *t);

#endif
