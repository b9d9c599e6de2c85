/* dkim.h - the DKIM signatures of a message that arrives in pieces: RFC 6376,
 * RFC 8301, RFC 8463.
 *
 * Ownership  dkim_new to dkim_free; spans of a verdict point into the header,
 *            which must live as long.
 * Blocking   never. Keys are asked for at once, while the body still comes.
 *            dkim_step does the work of one signature: a header hash or an
 *            RSA operation.
 * Limits     the first DKIM_MAX_SIGNATURES signatures from the top, the rest
 *            are not looked at (RFC 6376 6.1 lets a verifier choose);
 *            DKIM_MAX_NAMES names in h=; RSA keys of 1024 to 4096 bits.
 * Bugs       ed25519-sha256 is neutral: BearSSL has no Ed25519.
 */
#ifndef TINPOST_TRUST_DKIM_H
#define TINPOST_TRUST_DKIM_H

#include "net/dns.h"
#include "trust/head.h"

#define DKIM_MAX_SIGNATURES 5
#define DKIM_MAX_NAMES      256
#define DKIM_MIN_BITS       1024 /* RFC 8301 3.2 */
#define DKIM_MAX_BITS       4096

/* RFC 8601 2.7.1 */
enum dkim_result {
	DKIM_PENDING,
	DKIM_PASS,
	DKIM_FAIL,      /* the bytes are not those that were signed */
	DKIM_POLICY,    /* good, but not taken: see the reason */
	DKIM_NEUTRAL,   /* cannot be judged here */
	DKIM_TEMPERROR, /* no key for now */
	DKIM_PERMERROR
};

struct dkim_verdict {
	enum dkim_result result;
	struct span domain;    /* d=; may be empty in an error */
	struct span identity;  /* i=; empty: it has none */
	struct span selector;  /* s= */
	struct span algorithm; /* a= */
	struct span b;         /* the first 8 characters of b= (RFC 6008 4) */
	const char *reason;    /* "" when it passes */
	bool is_testing;       /* t=y in the key (RFC 6376 3.6.1) */
};

struct dkim;

/* Begin to verify the signatures in a header that is over; wake comes from the
 * loop whenever dkim_step may have something to do, or a signature was decided
 * without it. ERR_NOMEM. */
MUST_USE int dkim_new(struct dns *dns, const struct head *h,
    void (*wake)(void *owner), void *owner, struct dkim **out);
void dkim_free(struct dkim *d); /* NULL is fine */

/* The next bytes of the body. */
void dkim_feed(struct dkim *d, struct span bytes);

/* The body is over. */
void dkim_finish(struct dkim *d);

/* Is there work for dkim_step? */
bool dkim_has_work(const struct dkim *d);
/* Do the work of one signature: some milliseconds on a router. */
void dkim_step(struct dkim *d);

/* After dkim_finish: is every signature decided? */
bool dkim_is_done(const struct dkim *d);

/* What is not decided is a temperror from now on. */
void dkim_give_up(struct dkim *d);

/* Those that were looked at, from the top. */
size_t dkim_count(const struct dkim *d);
const struct dkim_verdict *dkim_get(const struct dkim *d, size_t i);

/* "pass", "fail", ... */
const char *dkim_name(enum dkim_result r);

#endif
