/* setting.h - settings as text. Which there are, and what they may be, is the
 * business of admin/.
 */
#ifndef TINPOST_STORE_SETTING_H
#define TINPOST_STORE_SETTING_H

#include "base/buf.h"
#include "base/limits.h"

struct store;

/* Those that name a domain have it in their key. */
#define MAX_SETTING_KEY_BYTES 350

/* Append the value to out. ERR_NONE: not set. ERR_LIMIT: out is too small. */
MUST_USE int setting_get(struct store *s, struct span key, struct buf *out);

/* Set it. ERR_LIMIT: over MAX_SETTING_BYTES; ERR_INVALID: the key. */
MUST_USE int setting_put(struct store *s, struct span key, struct span value);

/* Back to the default. ERR_NONE: was not set. */
MUST_USE int setting_delete(struct store *s, struct span key);

/* The least key > *key (empty to begin); replaces *key and *value. ERR_NONE:
 * no more. */
MUST_USE int setting_next(struct store *s, struct buf *key, struct buf *value);

#endif
