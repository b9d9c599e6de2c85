#include "auth/pbkdf2.h"

#include <bearssl_hash.h>

#define BLOCK_BYTES 64

static void
block_state(const uint8_t key[BLOCK_BYTES], uint8_t pad, uint8_t out[MAC_BYTES])
{
	uint8_t block[BLOCK_BYTES];
	br_sha256_context c;

	for (size_t i = 0; i < BLOCK_BYTES; i++)
		block[i] = key[i] ^ pad;
	br_sha256_init(&c);
	br_sha256_update(&c, block, BLOCK_BYTES);
	br_sha256_state(&c, out);
	wipe(block, sizeof(block));
	wipe(&c, sizeof(c));
}

/* HMAC of a and b from the two states. */
static void
hmac(const struct pbkdf2 *p, struct span a, struct span b,
    uint8_t out[MAC_BYTES])
{
	br_sha256_context c;

	c.vtable = &br_sha256_vtable;
	br_sha256_set_state(&c, p->inner, BLOCK_BYTES);
	br_sha256_update(&c, a.p, a.len);
	br_sha256_update(&c, b.p, b.len);
	br_sha256_out(&c, out);
	br_sha256_set_state(&c, p->outer, BLOCK_BYTES);
	br_sha256_update(&c, out, MAC_BYTES);
	br_sha256_out(&c, out);
	wipe(&c, sizeof(c));
}

void
pbkdf2_begin(struct pbkdf2 *p, struct span password, struct span salt,
    uint32_t iterations)
{
	static const uint8_t block_number[4] = { 0, 0, 0, 1 };
	uint8_t key[BLOCK_BYTES] = { 0 };

	/* RFC 2104 2: a key longer than a block is hashed first. */
	if (password.len > BLOCK_BYTES)
		mac_sha256(password, key);
	else if (password.len > 0)
		memcpy(key, password.p, password.len);
	block_state(key, 0x36, p->inner);
	block_state(key, 0x5c, p->outer);
	wipe(key, sizeof(key));
	hmac(p, salt, span_of(block_number, sizeof(block_number)), p->last);
	memcpy(p->sum, p->last, MAC_BYTES);
	p->n_left = iterations > 0 ? iterations - 1 : 0;
}

bool
pbkdf2_step(struct pbkdf2 *p, uint32_t n)
{
	struct span last = span_of(p->last, MAC_BYTES);

	if (n > p->n_left)
		n = p->n_left;
	p->n_left -= n;
	for (; n > 0; n--) {
		hmac(p, last, span_of(NULL, 0), p->last);
		for (size_t i = 0; i < MAC_BYTES; i++)
			p->sum[i] ^= p->last[i];
	}
	return p->n_left == 0;
}
