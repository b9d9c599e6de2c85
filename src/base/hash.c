#include "base/hash.h"

#include "base/rand.h"

static uint64_t
rotl(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static void
sip_word(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_round(v);
	sip_round(v);
	v[0] ^= m;
}

uint64_t
hash_sip(struct hash_key key, struct span s)
{
	uint64_t v[4] = { key.k0 ^ 0x736f6d6570736575,
		key.k1 ^ 0x646f72616e646f6d, key.k0 ^ 0x6c7967656e657261,
		key.k1 ^ 0x7465646279746573 };
	uint64_t m = 0;
	size_t i;

	for (i = 0; i < s.len; i++) {
		m |= (uint64_t)(unsigned char)s.p[i] << (i % 8 * 8);
		if (i % 8 == 7) {
			sip_word(v, m);
			m = 0;
		}
	}
	sip_word(v, m | (uint64_t)(s.len & 255) << 56);
	v[2] ^= 0xff;
	for (i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t
hash_mem(struct span s)
{
	static struct hash_key key;

	if (key.k0 == 0 && key.k1 == 0)
		rand_bytes(&key, sizeof(key));
	return hash_sip(key, s);
}
