/* dkim_check.h - one signature, its key in the DNS and the body that it speaks
 * of: what DKIM and ARC share. Private to this room. */
#ifndef TINPOST_TRUST_DKIM_CHECK_H
#define TINPOST_TRUST_DKIM_CHECK_H

#include <bearssl.h>

#include "trust/dkim.h"
#include "trust/dkim_sig.h"

#define DKIM_HASH_BYTES 32

/* Ask for the key of a signature. ERR_LIMIT: its name is too long. */
MUST_USE int dkim_check_ask(struct dns *dns, struct dns_query *q,
    const struct dkim_sig *sig, void (*wake)(void *owner), void *owner);

/* The answer to q is there: did that key sign this hash? DKIM_PASS with an
 * empty reason, or another result with its reason. One RSA operation. */
enum dkim_result dkim_check(const struct dns_query *q,
    const struct dkim_sig *sig, const uint8_t hash[DKIM_HASH_BYTES],
    bool *is_testing_out, const char **why_out);

/* May this signature be looked at at all: its algorithm, and when it expires?
 * DKIM_PASS: yes. */
enum dkim_result dkim_check_terms(
    const struct dkim_sig *sig, const char **why_out);

/* A body on its way through a signature's form and l=. */
struct dkim_hash {
	struct dkim_body body;
	br_sha256_context sha;
	bool has_length;
	uint64_t left;    /* bytes that l= still lets in */
	uint64_t n_extra; /* bytes past those */
	uint8_t out[DKIM_HASH_BYTES];
};

void dkim_hash_init(struct dkim_hash *h, const struct dkim_sig *sig);
void dkim_hash_feed(struct dkim_hash *h, struct span bytes);
void dkim_hash_finish(struct dkim_hash *h);

/* Is it the body of bh=? DKIM_PASS, DKIM_FAIL or DKIM_POLICY. */
enum dkim_result dkim_hash_judge(const struct dkim_hash *h,
    const struct dkim_sig *sig, const char **why_out);

#endif
