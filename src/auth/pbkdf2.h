/* pbkdf2.h - PBKDF2-HMAC-SHA-256 of one block (RFC 8018 5.2), which is Hi()
 * of RFC 5802 2.2, cut into slices.
 *
 * The two key blocks of HMAC are hashed once; an iteration is two
 * compressions.
 */
#ifndef TINPOST_AUTH_PBKDF2_H
#define TINPOST_AUTH_PBKDF2_H

#include "auth/mac.h"

struct pbkdf2 {
	uint8_t inner[MAC_BYTES]; /* the hash state behind key XOR ipad */
	uint8_t outer[MAC_BYTES]; /* and behind key XOR opad */
	uint8_t last[MAC_BYTES];
	uint8_t sum[MAC_BYTES];
	uint32_t n_left;
};

/* Begin, with at least one iteration; the first is done. The password is not
 * needed any more. Wipe p in the end. */
void pbkdf2_begin(struct pbkdf2 *p, struct span password, struct span salt,
    uint32_t iterations);

/* Do up to n iterations. True: finished, the key is in p->sum. */
bool pbkdf2_step(struct pbkdf2 *p, uint32_t n);

#endif
