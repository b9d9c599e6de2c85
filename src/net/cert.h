/* cert.h - one certificate chain with its private key, checked.
 *
 * Ownership  reference counted: connections that run keep the one they
 *            began with. cert_ref and cert_free pair up.
 */
#ifndef TINPOST_NET_CERT_H
#define TINPOST_NET_CERT_H

#include "base/buf.h"

#define CERT_MAX_CHAIN     10
#define CERT_MAX_PEM_BYTES 65536
#define CERT_MAX_NAMES     64 /* names of one certificate that are kept */
#define CERT_MAX_WHY       400

struct cert;

/* Take an owner's PEM: the server's certificate first, then the intermediates
 * in order (a root at the end is fine), and its unencrypted key (PKCS#1, SEC1
 * or PKCS#8; RSA of 2048 to 4096 bits, EC P-256 or P-384). Both may be in one
 * text. Checks: it parses, each certificate is signed by the next (by
 * name), the key matches, names are present. Expiry is not refused here, see
 * cert_warning. On failure *why gets one plain sentence for the owner.
 * ERR_SYNTAX, ERR_INVALID, ERR_UNSUPPORTED, ERR_LIMIT, ERR_NOMEM. */
MUST_USE int cert_new(struct span chain_pem, struct span key_pem,
    struct cert **out, struct buf *why);

struct cert *cert_ref(struct cert *c);
void cert_free(struct cert *c); /* NULL is fine */

/* Append a plain sentence when it is not valid at this time or ends within
 * 30 days; returns whether there was one. A clock before 2020 is not
 * believed. */
bool cert_warning(const struct cert *c, int64_t now_s, struct buf *why);

/* Validity, seconds since 1970. */
int64_t cert_not_before_s(const struct cert *c);
int64_t cert_not_after_s(const struct cert *c);

/* The i-th name that it is good for (DNS names; the common name when there
 * are none); an empty span past the last. Borrowed. */
struct span cert_name(const struct cert *c, size_t i);

/* Does it name this host, exactly or by a wildcard for the first label
 * (RFC 6125 6.4)? */
bool cert_matches(const struct cert *c, struct span host);

/* SHA-256 of the certificate, to compare with what a client shows. */
void cert_fingerprint(const struct cert *c, uint8_t out[32]);

#endif
