/* domain.h - the mail domains that are ours.
 *
 * Names are in lower case and ASCII (base/idna.h), at most MAX_DOMAIN_BYTES. The
 * catch-all of a domain is the address "@domain" (address.h).
 */
#ifndef TINPOST_STORE_DOMAIN_H
#define TINPOST_STORE_DOMAIN_H

#include "base/buf.h"
#include "base/limits.h"

struct store;

/* ERR_EXISTS. ERR_INVALID: empty, too long, or with "@", space or control. */
MUST_USE int domain_create(struct store *s, struct span name);

/* ERR_NONE. ERR_BUSY: it still has addresses. */
MUST_USE int domain_delete(struct store *s, struct span name);

bool domain_exists(struct store *s, struct span name);

/* The least name > *name (empty to begin); replaces it. ERR_NONE: no more. */
MUST_USE int domain_next(struct store *s, struct buf *name);

#endif
