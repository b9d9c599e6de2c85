/* dns_wire.h - names as the DNS writes them in its messages.
 *
 * Pure functions: bytes in, a value out. */
#ifndef TINPOST_NET_DNS_WIRE_H
#define TINPOST_NET_DNS_WIRE_H

#include "base/buf.h"

#define DNS_WIRE_BYTES 255 /* RFC 1035 2.3.4 */

/* A whole name: labels with their lengths in front, up to the empty one of the
 * root, not compressed, its ASCII letters in lower case. */
struct dns_wire {
	uint8_t len; /* 1 to 255 */
	uint8_t bytes[DNS_WIRE_BYTES];
};

/* From text, a final dot is fine. ERR_INVALID: empty, a label that is empty or
 * over 63 bytes, over 253 bytes in all, controls or bytes outside ASCII. */
MUST_USE int dns_wire_pack(struct span text, struct dns_wire *out);

/* Read the name at *at of a message, following compression (RFC 1035 4.1.4),
 * and move *at behind it. Each pointer must lead farther back than all before
 * it, so that it ends. ERR_SYNTAX: malformed, or past the message. */
MUST_USE int dns_wire_read(
    struct span message, size_t *at, struct dns_wire *out);

bool dns_wire_is(const struct dns_wire *a, const struct dns_wire *b);

/* Append as text without the final dot (nothing for the root), if it is made
 * of letters, digits, hyphens and underscores. ERR_INVALID: it is not, and
 * nothing was appended. */
MUST_USE int dns_wire_put(struct buf *b, const struct dns_wire *w);

#endif
