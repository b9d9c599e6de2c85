/* rua.h - where a domain wants its reports: the list of URIs in a rua tag
 * (RFC 9990, RFC 7489 6.4, RFC 8460 3). Pure.
 */
#ifndef TINPOST_REPORTS_RUA_H
#define TINPOST_REPORTS_RUA_H

#include "base/cursor.h"
#include "base/limits.h"

struct rua {
	struct span uri;    /* as it stands, without its size */
	uint64_t max_bytes; /* "!10m": no larger message; UINT64_MAX: any */
	/* mailto: local@domain, the domain in lower case, 7-bit, without a
	 * header of the URI; empty: it is another, or wrong. */
	char address[MAX_ADDRESS_BYTES];
	size_t n_address;
};

/* The next URI of the list. ERR_NONE: no more. */
MUST_USE int rua_next(struct cur *c, struct rua *out);

static inline struct span
rua_address(const struct rua *r)
{
	return span_of(r->address, r->n_address);
}

/* The host part of an address. */
struct span rua_host(struct span address);

#endif
