#include "net/network.h"

static size_t
n_bytes(const struct peer *p)
{
	return p->family == PEER_IP4 ? 4 : 16;
}

int
network_parse(struct span s, struct network *out)
{
	size_t at = span_find(s, '/');
	uint64_t bits;

	if (peer_parse(span_sub(s, 0, at), &out->address) < 0 ||
	    out->address.family == PEER_LOCAL)
		return ERR_SYNTAX;
	bits = n_bytes(&out->address) * 8;
	if (at < s.len &&
	    span_to_u64(span_sub(s, at + 1, s.len), bits, &bits) < 0)
		return ERR_SYNTAX;
	out->bits = (uint8_t)bits;
	return 0;
}

bool
network_has(const struct network *n, const struct peer *p)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;
	uint8_t differs;

	if (p->family != n->address.family)
		return false;
	if (memcmp(p->addr, n->address.addr, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	differs = p->addr[whole] ^ n->address.addr[whole];
	return differs >> (8 - rest) == 0;
}

void
network_put(struct buf *b, const struct peer *p)
{
	struct peer base = *p;

	if (p->family == PEER_IP4)
		base.addr[3] = 0;
	else
		memset(base.addr + 8, 0, 8);
	peer_put(b, &base);
}

bool
network_is_list(struct span list)
{
	while (list.len > 0) {
		struct span word = span_split(&list, ' ');
		struct network n;

		if (word.len > 0 && network_parse(word, &n) < 0)
			return false;
	}
	return true;
}

bool
network_list_has(struct span list, const struct peer *p)
{
	while (list.len > 0) {
		struct span word = span_split(&list, ' ');
		struct network n;

		if (word.len > 0 && network_parse(word, &n) == 0 &&
		    network_has(&n, p))
			return true;
	}
	return false;
}
