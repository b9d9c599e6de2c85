#include "net/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"

/* ::ffff:0:0/96, RFC 4291 2.5.5.2 */
static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
static const uint8_t loopback6[16] = { [15] = 1 };
static const uint8_t unspecified[16] = { 0 };

bool
peer_is_loopback(const struct peer *p)
{
	switch (p->family) {
	case PEER_IP4:
		return p->addr[0] == 127;
	case PEER_IP6:
		return memcmp(p->addr, loopback6, 16) == 0;
	case PEER_LOCAL:
		return true;
	}
	return false;
}

bool
peer_is_private(const struct peer *p)
{
	const uint8_t *a = p->addr;

	if (peer_is_loopback(p))
		return true;
	if (p->family == PEER_IP4)
		return a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) ||
		       (a[0] == 192 && a[1] == 168) ||
		       (a[0] == 169 && a[1] == 254);
	return (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
}

void
peer_put(struct buf *b, const struct peer *p)
{
	char text[INET6_ADDRSTRLEN] = "local";

	if (p->family == PEER_IP4)
		inet_ntop(AF_INET, p->addr, text, sizeof(text));
	else if (p->family == PEER_IP6)
		inet_ntop(AF_INET6, p->addr, text, sizeof(text));
	buf_put_str(b, text);
}

void
peer_put_literal(struct buf *b, const struct peer *p)
{
	if (p->family == PEER_IP6)
		buf_put_str(b, "IPv6:");
	peer_put(b, p);
}

/* A hash of the family and the first n bytes of the address. */
static uint64_t
prefix_hash(const struct peer *p, size_t n)
{
	uint8_t key[17];

	key[0] = (uint8_t)p->family;
	memcpy(key + 1, p->addr, n);
	return hash_mem(span_of(key, 1 + n));
}

uint64_t
peer_network(const struct peer *p)
{
	switch (p->family) {
	case PEER_IP4:
		return prefix_hash(p, 3);
	case PEER_IP6:
		return prefix_hash(p, 8);
	case PEER_LOCAL:
		break;
	}
	return prefix_hash(p, 0);
}

uint64_t
peer_host(const struct peer *p)
{
	return p->family == PEER_IP4 ? prefix_hash(p, 4) : peer_network(p);
}

static void
set_ip6(struct peer *out, const uint8_t *addr)
{
	if (memcmp(addr, mapped, sizeof(mapped)) == 0) {
		out->family = PEER_IP4;
		memcpy(out->addr, addr + 12, 4);
	} else {
		out->family = PEER_IP6;
		memcpy(out->addr, addr, 16);
	}
}

int
peer_parse(struct span s, struct peer *out)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t addr[16];

	*out = (struct peer){ 0 };
	if (span_to_cstr(s, text, sizeof(text)) < 0)
		return ERR_SYNTAX;
	if (inet_pton(AF_INET, text, addr) == 1) {
		out->family = PEER_IP4;
		memcpy(out->addr, addr, 4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, addr) != 1)
		return ERR_SYNTAX;
	set_ip6(out, addr);
	return 0;
}

void
peer_from_sockaddr(const struct sockaddr *sa, struct peer *out)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	*out = (struct peer){ .family = PEER_LOCAL };
	if (sa->sa_family == AF_INET) {
		memcpy(&in4, sa, sizeof(in4));
		out->family = PEER_IP4;
		memcpy(out->addr, &in4.sin_addr, 4);
		out->port = ntohs(in4.sin_port);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		set_ip6(out, in6.sin6_addr.s6_addr);
		out->port = ntohs(in6.sin6_port);
	}
}

uint32_t
peer_to_sockaddr(const struct peer *p, struct sockaddr_storage *out)
{
	struct sockaddr_in *a4 = (struct sockaddr_in *)(void *)out;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)(void *)out;

	*out = (struct sockaddr_storage){ 0 };
	if (p->family == PEER_IP4) {
		a4->sin_family = AF_INET;
		a4->sin_port = htons(p->port);
		memcpy(&a4->sin_addr, p->addr, 4);
		return sizeof(*a4);
	}
	a6->sin6_family = AF_INET6;
	a6->sin6_port = htons(p->port);
	memcpy(&a6->sin6_addr, p->addr, 16);
	return sizeof(*a6);
}

bool
peer_is_here(const struct peer *p)
{
	struct sockaddr_storage sa;
	socklen_t len = peer_to_sockaddr(p, &sa);
	struct peer self = { .family = PEER_LOCAL };
	size_t n = p->family == PEER_IP4 ? 4 : 16;
	int fd;

	if (peer_is_loopback(p) || memcmp(p->addr, unspecified, n) == 0)
		return true;
	/* No packet is sent: the kernel chooses the source of those that
	 * would be, which is the address itself if it is one of here. */
	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (connect(fd, (struct sockaddr *)&sa, len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
		peer_from_sockaddr((struct sockaddr *)&sa, &self);
	close(fd);
	return self.family == p->family && memcmp(self.addr, p->addr, n) == 0;
}
