#include "store/relay_token.h"

#include "store/memo.h"

/* Scopes of the greatest length differ in their ends. */
static struct span
key_of(struct span scope)
{
	return span_sub(scope,
	    scope.len > MEMO_MAX_KEY ? scope.len - MEMO_MAX_KEY : 0,
	    MEMO_MAX_KEY);
}

int
relay_token_put(struct store *s, struct span scope, bool is_token,
    struct span text, int64_t until_s)
{
	char storage[1 + MAX_RELAY_TOKEN_BYTES];
	struct buf value;
	int rc;

	buf_init_fixed(&value, storage, sizeof(storage));
	buf_put_char(&value, is_token ? 'T' : 'E');
	buf_put(&value, text);
	rc = buf_error(&value);
	if (rc == 0)
		rc = memo_put(
		    s, MEMO_TOKEN, key_of(scope), buf_span(&value), until_s);
	wipe(storage, sizeof(storage));
	return rc;
}

int
relay_token_get(struct store *s, struct span scope, bool *is_token,
    struct buf *text, int64_t *until_s)
{
	char storage[1 + MAX_RELAY_TOKEN_BYTES];
	struct buf value;
	int rc;

	buf_init_fixed(&value, storage, sizeof(storage));
	rc = memo_get(s, MEMO_TOKEN, key_of(scope), &value, until_s);
	if (rc == 0 && value.len < 2)
		rc = ERR_NONE;
	if (rc == 0) {
		*is_token = value.p[0] == 'T';
		buf_put(text, span_sub(buf_span(&value), 1, value.len));
		rc = buf_error(text);
	}
	wipe(storage, sizeof(storage));
	return rc;
}

void
relay_token_forget(struct store *s, struct span scope)
{
	int rc = memo_delete(s, MEMO_TOKEN, key_of(scope));

	(void)rc; /* none, or it ends by itself */
}
