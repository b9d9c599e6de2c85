/* mac.h - SHA-256 and HMAC-SHA-256 (RFC 6234, RFC 2104) in one call each.
 *
 * Outputs are MAC_BYTES long and may be the same memory as an input.
 */
#ifndef TINPOST_AUTH_MAC_H
#define TINPOST_AUTH_MAC_H

#include "base/span.h"

#define MAC_BYTES 32

void mac_sha256(struct span s, uint8_t out[MAC_BYTES]);

/* The HMAC of a, and of b behind it (which may be empty). */
void mac_hmac(
    struct span key, struct span a, struct span b, uint8_t out[MAC_BYTES]);

#endif
