/* x509.h - the fields of a certificate that a server must know of its own
 * (RFC 5280 4.1). Pure; private to this room. */
#ifndef TINPOST_NET_X509_H
#define TINPOST_NET_X509_H

#include "base/span.h"

enum x509_hash { X509_SHA256, X509_SHA384, X509_SHA512, X509_SHA224 };

struct x509 {
	struct span issuer, subject; /* whole DER, to compare */
	struct span common_name;     /* the last; may be empty */
	struct span alt_names;       /* content of GeneralNames; may be empty */
	int64_t not_before_s, not_after_s;
	/* Of its signature, as RFC 5929 4.1 wants it: MD5, SHA-1 and what
	 * names none become SHA-256. */
	enum x509_hash hash;
};

/* Spans borrow from der. ERR_SYNTAX. */
MUST_USE int x509_parse(struct span der, struct x509 *out);

/* The next DNS name of alt_names; *at begins at 0. ERR_NONE. */
MUST_USE int x509_next_name(
    const struct x509 *x, size_t *at, struct span *name_out);

#endif
