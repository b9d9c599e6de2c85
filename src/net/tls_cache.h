/* tls_cache.h - sessions that may be resumed by identifier (RFC 5246 F.1.4),
 * the least recently used given up first. Private to this room. */
#ifndef TINPOST_NET_TLS_CACHE_H
#define TINPOST_NET_TLS_CACHE_H

#include "base/span.h"

#define TLS_ID_BYTES     32
#define TLS_MASTER_BYTES 48
/* RFC 5246 F.1.4: an upper limit of 24 hours is suggested. */
#define TLS_SESSION_MS (12 * 3600 * 1000)

struct tls_session {
	uint8_t id[TLS_ID_BYTES];
	uint8_t master[TLS_MASTER_BYTES];
	uint64_t sni_hash;
	int64_t since_ms; /* monotonic */
	uint64_t used;    /* the time of the cache's own clock; 0: free */
	uint16_t version, suite;
	uint8_t cert; /* index in the config */
};

struct tls_cache;

/* A memory of at most n sessions. ERR_NOMEM. */
MUST_USE int tls_cache_new(size_t n, struct tls_cache **out);
void tls_cache_free(struct tls_cache *c);

/* Keep a session; `since_ms` and `used` are set here. */
void tls_cache_put(
    struct tls_cache *c, const struct tls_session *s, int64_t now_ms);

/* Find one that is not too old. ERR_NONE. */
MUST_USE int tls_cache_get(struct tls_cache *c, const uint8_t id[TLS_ID_BYTES],
    int64_t now_ms, struct tls_session *out);

/* Forget all. */
void tls_cache_clear(struct tls_cache *c);

#endif
