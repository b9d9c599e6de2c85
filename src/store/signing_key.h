/* signing_key.h - the keys with which a domain's mail is signed, and a secret
 * of our own for each purpose.
 *
 * Kept as texts beside the settings, as certificates are, and never listed
 * there: backup, restore and check know them as settings. What a key is, the
 * store does not look at.
 *
 * Ownership  spans of a view point into it.
 */
#ifndef TINPOST_STORE_SIGNING_KEY_H
#define TINPOST_STORE_SIGNING_KEY_H

#include "base/buf.h"
#include "base/limits.h"

struct store;

#define MAX_SELECTOR_BYTES    63
#define MAX_SIGNING_KEY_BYTES 2400
#define SIGNING_SECRET_BYTES  32

enum signing_state {
	SIGNING_WAITING, /* made; its record is still to be published */
	SIGNING_ACTIVE,  /* signs; one of a domain */
	SIGNING_OLD      /* signed once; published for mail on its way */
};

struct signing_key {
	struct span domain; /* as domain.h says */
	struct span selector;
	enum signing_state state;
	int64_t created_s;
	struct span key; /* secret */
};

struct signing_key_view {
	struct signing_key k; /* spans into storage */
	char storage[MAX_DOMAIN_BYTES + MAX_SELECTOR_BYTES +
	             MAX_SIGNING_KEY_BYTES];
};

/* Add a key, or replace the one of this domain and selector. ERR_INVALID: a
 * selector that is no label of letters, digits and hyphens, or a domain that
 * cannot be one. ERR_LIMIT. */
MUST_USE int signing_key_put(struct store *s, const struct signing_key *k);

/* ERR_NONE: there is none. */
MUST_USE int signing_key_remove(
    struct store *s, struct span domain, struct span selector);

/* The next key behind *place (empty to begin), which is replaced; the domains'
 * names in order. ERR_NONE: no more. Wipe the view. */
MUST_USE int signing_key_next(
    struct store *s, struct buf *place, struct signing_key_view *out);

/* The key of a domain in this state, of several the first. ERR_NONE. */
MUST_USE int signing_key_find(struct store *s, struct span domain,
    enum signing_state state, struct signing_key_view *out);

/* Is there any key at all? */
bool signing_key_exists(struct store *s);

/* A place for signing_key_next: bytes that it takes. */
#define SIGNING_PLACE_BYTES 360

/* Get the secret of a purpose ("srs"); it is drawn when it is asked for first,
 * and stays. Errors of a change. */
MUST_USE int signing_key_secret(
    struct store *s, struct span purpose, uint8_t out[SIGNING_SECRET_BYTES]);

#endif
