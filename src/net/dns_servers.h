/* dns_servers.h - which resolvers to ask, from a setting or resolv.conf. */
#ifndef TINPOST_NET_DNS_SERVERS_H
#define TINPOST_NET_DNS_SERVERS_H

#include "net/peer.h"

/* As glibc and musl have it, and one more. */
#define DNS_MAX_SERVERS 4

struct dns_servers {
	struct peer at[DNS_MAX_SERVERS];
	size_t n;
};

/* Addresses separated by spaces or commas, with a port of 53 unless they say
 * another: 192.0.2.1, 192.0.2.1:5353, 2001:db8::1, [2001:db8::1]:5353. Those
 * past DNS_MAX_SERVERS are left out. ERR_SYNTAX: one of them is no address, or
 * there is none. */
MUST_USE int dns_servers_parse(struct span text, struct dns_servers *out);

/* The `nameserver` lines of a resolv.conf; what else it says is not for mail.
 * With none of use it is the resolver on this machine, as for the C library. */
void dns_servers_of_conf(struct span text, struct dns_servers *out);

#endif
