/* peer.h - who is at the other end. */
#ifndef TINPOST_NET_PEER_H
#define TINPOST_NET_PEER_H

#include "base/buf.h"

enum peer_family { PEER_IP4, PEER_IP6, PEER_LOCAL };

/* An IPv4-mapped IPv6 address is kept as IPv4. */
struct peer {
	enum peer_family family;
	uint8_t addr[16]; /* 4 bytes of it for PEER_IP4, none for PEER_LOCAL */
	uint16_t port;
	uint32_t pid, uid, gid; /* PEER_LOCAL: SO_PEERCRED */
};

/* Is it this machine: 127/8, ::1, or a local socket? */
bool peer_is_loopback(const struct peer *p);

/* Is it one that nobody outside can have: loopback, RFC 1918 3, link-local
 * (RFC 3927, RFC 4291 2.5.6), unique local (RFC 4193 3.1)? */
bool peer_is_private(const struct peer *p);

/* Append the address alone: 192.0.2.1, 2001:db8::1 (RFC 5952 4), "local". */
void peer_put(struct buf *b, const struct peer *p);

/* Append as an address literal of RFC 5321 4.1.3, without the brackets:
 * 192.0.2.1 or IPv6:2001:db8::1. */
void peer_put_literal(struct buf *b, const struct peer *p);

/* A number for its network, under this process's hash key: the IPv4 /24, the
 * IPv6 /64, all local ones alike. */
uint64_t peer_network(const struct peer *p);

/* The same for the single address: IPv4 /32, IPv6 /64 (a subscriber has a
 * whole one). */
uint64_t peer_host(const struct peer *p);

/* Parse an IPv4 or IPv6 address in text. ERR_SYNTAX. */
MUST_USE int peer_parse(struct span s, struct peer *out);

struct sockaddr;
struct sockaddr_storage;

/* Fill from a socket address; an unknown family becomes PEER_LOCAL. */
void peer_from_sockaddr(const struct sockaddr *sa, struct peer *out);

/* The address and port of an IPv4 or IPv6 peer for the system's calls; returns
 * the length. */
uint32_t peer_to_sockaddr(const struct peer *p, struct sockaddr_storage *out);

/* Is it an address of this machine? Unspecified ones (0.0.0.0, ::) count: who
 * connects to them reaches this machine. */
bool peer_is_here(const struct peer *p);

#endif
