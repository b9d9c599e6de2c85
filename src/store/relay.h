/* relay.h - the ways out: which mail goes through which provider (smarthost).
 *
 * A rule has a scope: "*" (all mail), "from:address" or "from:@domain" (the
 * envelope's sender), "to:domain" (the recipient's). The most particular one
 * counts: from:address, from:@domain, to:domain, *. Where none fits, mail goes
 * by the MX records of the recipient's domain; a rule whose host is empty says
 * so for its scope.
 */
#ifndef TINPOST_STORE_RELAY_H
#define TINPOST_STORE_RELAY_H

#include "base/buf.h"
#include "base/limits.h"

struct store;

#define MAX_RELAY_SCOPE_BYTES  (MAX_ADDRESS_BYTES + 8)
#define MAX_RELAY_USER_BYTES   320
#define MAX_RELAY_SECRET_BYTES 3072 /* refresh tokens are long */
#define MAX_RELAY_CLIENT_BYTES 256
#define MAX_RELAY_URL_BYTES    512

/* Never renumber: rows live on disk. */
enum relay_tls {
	RELAY_TLS_VERIFIED = 1, /* STARTTLS, the certificate verified */
	RELAY_TLS_IMPLICIT = 2, /* TLS from the first byte, verified */
	RELAY_TLS_REQUIRED = 3, /* STARTTLS, any certificate */
	RELAY_TLS_MAY = 4,      /* STARTTLS where offered, any certificate */
	RELAY_TLS_NEVER = 5
};

struct relay {
	enum relay_tls tls;
	uint16_t port;
	uint32_t max_per_hour; /* messages; 0: no limit known */
	struct span scope;
	struct span host;   /* empty: by MX */
	struct span user;   /* empty: no AUTH */
	struct span secret; /* the password, or the refresh token */
	/* Access tokens are fetched there with the refresh token (RFC 6749 6);
	 * empty: the secret is a password. */
	struct span token_url;
	struct span client, client_secret; /* who we are there */
};

struct relay_view {
	struct relay r; /* spans into storage */
	char storage[MAX_RELAY_SCOPE_BYTES + MAX_DOMAIN_BYTES +
	             MAX_RELAY_USER_BYTES + MAX_RELAY_SECRET_BYTES +
	             MAX_RELAY_URL_BYTES + 2 * MAX_RELAY_CLIENT_BYTES];
};

/* Add a rule, or change the one with its scope. ERR_INVALID: a scope, host or
 * port that is none; ERR_LIMIT: a text is too long. */
MUST_USE int relay_put(struct store *s, const struct relay *r);

/* ERR_NONE: no rule has this scope. */
MUST_USE int relay_remove(struct store *s, struct span scope);

MUST_USE int relay_get(
    struct store *s, struct span scope, struct relay_view *out);

/* The rule for one message and recipient's domain (lower case). sender is
 * empty for <>. ERR_NONE: by MX. */
MUST_USE int relay_find(struct store *s, struct span sender, struct span domain,
    struct relay_view *out);

/* The rule with the least scope > *scope (empty to begin); replaces *scope.
 * ERR_NONE: no more. */
MUST_USE int relay_next(
    struct store *s, struct buf *scope, struct relay_view *out);

#endif
