/* rsa_make.h - an RSA key for signing, made in small steps.
 *
 *	rsa_make_new, rsa_make_step until it is not 1, rsa_make_free
 *
 * A key of 2048 bits needs about 120 steps: the tests of Miller and Rabin on
 * candidates that no small prime divides. Each is one modular power of 1024
 * bits: 2 ms on a PC, 250 ms on the slowest router.
 */
#ifndef TINPOST_TRUST_RSA_MAKE_H
#define TINPOST_TRUST_RSA_MAKE_H

#include "base/buf.h"

/* RFC 8301 3.2: at least 1024, and 2048 should be; a longer public key does
 * not fit one string of DNS any better, and some verifiers stop here. */
#define RSA_MAKE_BITS 2048
#define RSA_EXPONENT  65537
/* What such a key takes as DER, at most. */
#define RSA_MAX_DER_BYTES 1300

struct rsa_make;

/* ERR_NOMEM. */
MUST_USE int rsa_make_new(struct rsa_make **out);

/* Wipes. NULL is fine. */
void rsa_make_free(struct rsa_make *m);

/* Do one step. 1: more to do. 0: the key, an RSAPrivateKey (RFC 8017 A.1.2) as
 * DER, was appended to out. ERR_LIMIT: out is too small. */
MUST_USE int rsa_make_step(struct rsa_make *m, struct buf *out);

#endif
