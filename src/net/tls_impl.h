/* tls_impl.h - the inside of a TLS configuration. */
#ifndef TINPOST_NET_TLS_IMPL_H
#define TINPOST_NET_TLS_IMPL_H

#include <bearssl.h>

#include "net/tls.h"
#include "net/tls_cache.h"

/* Records of 4 KB out: BearSSL adds at most 85 bytes. */
#define TLS_OUT_BYTES (4096 + 85)

/* Lent to the one connection that moves bytes at a time. */
struct tls_buffers {
	uint8_t in[BR_SSL_BUFSIZE_INPUT];
	uint8_t out[TLS_OUT_BYTES];
};

struct tls_config {
	struct cert *certs[TLS_MAX_CERTS];
	size_t n_certs;
	struct tls_cache *cache;
	struct tls_buffers lent;
};

#endif
