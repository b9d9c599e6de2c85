#include "auth/mac.h"

#include <bearssl_hash.h>
#include <bearssl_hmac.h>

void
mac_sha256(struct span s, uint8_t out[MAC_BYTES])
{
	br_sha256_context c;

	br_sha256_init(&c);
	br_sha256_update(&c, s.p, s.len);
	br_sha256_out(&c, out);
	wipe(&c, sizeof(c));
}

void
mac_hmac(struct span key, struct span a, struct span b, uint8_t out[MAC_BYTES])
{
	br_hmac_key_context k;
	br_hmac_context c;

	br_hmac_key_init(&k, &br_sha256_vtable, key.p, key.len);
	br_hmac_init(&c, &k, 0);
	br_hmac_update(&c, a.p, a.len);
	br_hmac_update(&c, b.p, b.len);
	br_hmac_out(&c, out);
	wipe(&k, sizeof(k));
	wipe(&c, sizeof(c));
}
