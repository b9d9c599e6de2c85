/* cert_impl.h - the inside of a certificate, for the TLS files of this room. */
#ifndef TINPOST_NET_CERT_IMPL_H
#define TINPOST_NET_CERT_IMPL_H

#include <bearssl.h>

#include "net/cert.h"

struct cert {
	uint32_t n_refs;
	bool is_ec;
	br_skey_decoder_context key; /* holds the key's numbers */
	br_x509_certificate chain[CERT_MAX_CHAIN];
	size_t n_chain;
	struct span names[CERT_MAX_NAMES]; /* into chain[0] */
	size_t n_names;
	int64_t not_before_s, not_after_s;
	uint8_t end_point[64];
	size_t end_point_len;
};

/* The curve of an EC key; 0 for RSA. */
int cert_curve(const struct cert *c);

#endif
