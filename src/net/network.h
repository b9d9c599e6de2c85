/* network.h - networks as an owner writes them: 192.0.2.0/24 2001:db8::/32, or
 * single addresses, parted by spaces. Pure.
 */
#ifndef TINPOST_NET_NETWORK_H
#define TINPOST_NET_NETWORK_H

#include "net/peer.h"

struct network {
	struct peer address;
	uint8_t bits; /* of it that count */
};

/* ERR_SYNTAX: no address, or more bits than it has. */
MUST_USE int network_parse(struct span s, struct network *out);

bool network_has(const struct network *n, const struct peer *p);

/* Append the network that a stranger's address is in: an IPv4 /24, an IPv6 /64
 * (a subscriber has a whole one). */
void network_put(struct buf *b, const struct peer *p);

/* Is each word of the list a network? An empty one is a list. */
bool network_is_list(struct span list);

/* Is the address in one of the list? A local socket is in none. */
bool network_list_has(struct span list, const struct peer *p);

#endif
