/* dkim_sig.h - the tags of a signature, and the bytes of the header that it
 * signs (RFC 6376 3.5, 3.7). Pure; private to this room. */
#ifndef TINPOST_TRUST_DKIM_SIG_H
#define TINPOST_TRUST_DKIM_SIG_H

#include "trust/dkim_canon.h"
#include "trust/head.h"

enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_RSA_SHA1, DKIM_ED25519_SHA256 };

/* A longer field is no signature that anybody means. */
#define DKIM_MAX_FIELD 16384

struct dkim_sig {
	struct span domain, selector, identity;
	struct span algorithm_text;
	struct span names; /* of h= */
	struct span b, bh; /* base64, folds inside */
	enum dkim_algorithm algorithm;
	enum dkim_canon header_canon, body_canon;
	bool has_length; /* l= */
	uint64_t length_bytes;
	int64_t signed_s, expires_s; /* 0: not there */
};

/* Read the value of a DKIM-Signature; spans point into it. ERR_SYNTAX, with
 * the reason; what could be read stands in out. */
MUST_USE int dkim_sig_parse(
    struct span value, struct dkim_sig *out, const char **why_out);

/* The same for an ARC-Message-Signature or an ARC-Seal (RFC 8617 4.1.2, 4.1.3),
 * whose i= is no identity. */
MUST_USE int dkim_sig_parse_message(
    struct span value, struct dkim_sig *out, const char **why_out);
MUST_USE int dkim_sig_parse_seal(
    struct span value, struct dkim_sig *out, const char **why_out);

/* Give sink the canonical header fields that sig signs, at the end its own
 * field (number `own` of h) without the value of b=. ERR_NOMEM; ERR_LIMIT: too
 * many names. */
MUST_USE int dkim_sig_header(const struct head *h, const struct dkim_sig *sig,
    size_t own, void (*sink)(void *arg, struct span bytes), void *arg);

/* Does a field that may be there once stand beside the one that sig signs, and
 * unsigned (RFC 6376 8.15)? */
bool dkim_sig_has_twin(const struct head *h, const struct dkim_sig *sig);

/* Append the canonical form of a signature's own field: the value of b= left
 * out, no CRLF at the end (RFC 6376 3.7). */
void dkim_sig_put_own(struct buf *out, enum dkim_canon how, struct span field);

#endif
