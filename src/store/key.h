/* key.h - how the index's keys are laid out. Room-private.
 *
 * Numbers are big-endian, so that keys sort in the order of what they name.
 */
#ifndef TINPOST_STORE_KEY_H
#define TINPOST_STORE_KEY_H

#include "base/buf.h"
#include "base/limits.h"

static inline void
be_put32(char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (char)(v >> (24 - 8 * i));
}

static inline void
be_put64(char *p, uint64_t v)
{
	be_put32(p, (uint32_t)(v >> 32));
	be_put32(p + 4, (uint32_t)v);
}

static inline uint32_t
be_get32(const char *p)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

static inline uint64_t
be_get64(const char *p)
{
	return (uint64_t)be_get32(p) << 32 | be_get32(p + 4);
}

struct key {
	size_t len;
	char b[2 * MAX_ADDRESS_BYTES];
};

static inline struct span
key_span(const struct key *k)
{
	return span_of(k->b, k->len);
}

/* One number, two numbers, or a number before text. What is longer than LMDB
 * allows is cut by the caller's checks before. */
struct key key_u32(uint32_t a);
struct key key_u64(uint64_t a);
struct key key_u32_u32(uint32_t a, uint32_t b);
struct key key_u32_u64(uint32_t a, uint64_t b);
struct key key_u32_text(uint32_t a, struct span text);
struct key key_name(uint32_t account, uint32_t parent, struct span leaf);

/* "local@domain" as domain, NUL, local part. ERR_INVALID: not an address, too
 * long, or with a control character. */
MUST_USE int key_address(struct span address, struct key *out);

/* The inverse: append the address to b. ERR_DAMAGED. */
MUST_USE int key_address_text(struct span key, struct buf *b);

#endif
