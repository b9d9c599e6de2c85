/* dkim.h - the DKIM signatures of a message that arrives in pieces: RFC 6376,
 * RFC 8301, RFC 8463.
 *
 * Ownership  dkim_new to dkim_free; spans of a result live as long.
 * Blocking   never. Keys are asked for when the header is over. dkim_step
 *            does the work of one signature: a header hash or an RSA
 *            operation.
 * Limits     the first DKIM_MAX_SIGNATURES signatures from the top, the rest
 *            are not looked at (RFC 6376 6.1 lets a verifier choose);
 *            MAX_HEADER_BYTES and MAX_HEADER_LINES of header, past which no
 *            signature is good; DKIM_MAX_NAMES names in h=; RSA keys of 1024 to
 *            4096 bits.
 * Bugs       ed25519-sha256 is neutral: BearSSL has no Ed25519.
 */
#ifndef TINPOST_TRUST_DKIM_H
#define TINPOST_TRUST_DKIM_H

#include "net/dns.h"

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
	struct span domain;    /* d=, lower case; may be empty in an error */
	struct span identity;  /* i=, or "@" and d= */
	struct span selector;  /* s= */
	struct span algorithm; /* a= */
	char b[9];          /* the first 8 characters of b= (RFC 6008), or "" */
	const char *reason; /* "" when it passes */
	bool is_testing;    /* t=y in the key (RFC 6376 3.6.1) */
};

struct dkim;

/* A verifier; wake comes from the loop whenever dkim_step has something to do
 * or the last key is there. ERR_NOMEM. */
MUST_USE int dkim_new(
    struct dns *dns, void (*wake)(void *owner), void *owner, struct dkim **out);
void dkim_free(struct dkim *d); /* NULL is fine */

/* The next bytes of the message, header first. */
void dkim_feed(struct dkim *d, struct span bytes);

/* The message is over. */
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
