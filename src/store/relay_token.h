/* relay_token.h - the access token with which a relay is signed in at, or why
 * there is none; facts of memo.h, MEMO_TOKEN, by the relay's scope.
 */
#ifndef TINPOST_STORE_RELAY_TOKEN_H
#define TINPOST_STORE_RELAY_TOKEN_H

#include "base/buf.h"

struct store;

#define MAX_RELAY_TOKEN_BYTES 4096

/* Keep a token until then, or (is_token false) the words why there is none. As
 * memo_put. */
MUST_USE int relay_token_put(struct store *s, struct span scope, bool is_token,
    struct span text, int64_t until_s);

/* Append what is kept to text; until_s may be NULL. ERR_NONE. */
MUST_USE int relay_token_get(struct store *s, struct span scope, bool *is_token,
    struct buf *text, int64_t *until_s);

/* The relay has another login, or is gone. */
void relay_token_forget(struct store *s, struct span scope);

#endif
