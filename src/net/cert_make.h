/* cert_make.h - a self-signed certificate for the first start. */
#ifndef TINPOST_NET_CERT_MAKE_H
#define TINPOST_NET_CERT_MAKE_H

#include "net/peer.h"

/* Make a P-256 key and a self-signed ECDSA certificate for these names and
 * addresses (at least one name; the first is the common name, cut to 64
 * bytes), valid from 2020-01-01, so that a board without a clock may use it,
 * until ten years past now_s (or past 2026 when the clock is not set). Append
 * both as PEM; the key as PKCS#8. Takes one asymmetric operation or two: call
 * at start, not in a turn. ERR_LIMIT, ERR_INVALID (not a name), ERR_NOMEM. */
MUST_USE int cert_make(const struct span *names, size_t n_names,
    const struct peer *addresses, size_t n_addresses, int64_t now_s,
    struct buf *cert_pem, struct buf *key_pem);

#endif
