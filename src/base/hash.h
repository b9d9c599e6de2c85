/* hash.h - SipHash-2-4: short keyed hashes that an outsider cannot collide
 * (tables), and stable ones (index keys in the store). */
#ifndef TINPOST_BASE_HASH_H
#define TINPOST_BASE_HASH_H

#include "base/span.h"

struct hash_key {
	uint64_t k0, k1;
};

/* The SipHash-2-4 of s under key. */
uint64_t hash_sip(struct hash_key key, struct span s);

/* The same under this process's random key: for tables in memory only. */
uint64_t hash_mem(struct span s);

#endif
