/* dkim_key.h - the key records of DKIM (RFC 6376 3.6.1) and what is done with
 * an RSA key. Pure; private to this room. */
#ifndef TINPOST_TRUST_DKIM_KEY_H
#define TINPOST_TRUST_DKIM_KEY_H

#include "base/buf.h"

enum dkim_key_kind { DKIM_KEY_RSA, DKIM_KEY_ED25519, DKIM_KEY_OTHER };

struct dkim_key {
	enum dkim_key_kind kind;
	struct span data; /* p=, base64; empty: revoked */
	bool is_testing;  /* t=y */
	bool is_strict;   /* t=s: i= must be at d= itself */
	bool is_for_mail; /* s= */
	bool has_sha256;  /* h= */
};

/* Read a TXT. ERR_SYNTAX: it is no key. */
MUST_USE int dkim_key_parse(struct span txt, struct dkim_key *out);

/* Longer than the base64 of a key of 4096 bits and of its signature. */
#define DKIM_MAX_BASE64 2048

/* Is b (base64) the key's signature of this SHA-256 (RFC 8017 8.2.2)? 0: yes.
 * ERR_DENIED: no. ERR_SYNTAX: the key is no RSA key; ERR_LIMIT: *bits_out is
 * less than DKIM_MIN_BITS or more than DKIM_MAX_BITS. ERR_NOMEM. */
MUST_USE int dkim_key_verify(const struct dkim_key *key, struct span b,
    const uint8_t hash[32], unsigned *bits_out);

#endif
