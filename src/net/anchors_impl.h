/* anchors_impl.h - the inside of the trust anchors, for the TLS files. */
#ifndef TINPOST_NET_ANCHORS_IMPL_H
#define TINPOST_NET_ANCHORS_IMPL_H

#include <bearssl.h>

#include "net/anchors.h"

struct anchors {
	uint32_t n_refs;
	br_x509_trust_anchor *list; /* each in a block of its own: dn.data */
	size_t n;
	size_t cap;
	size_t n_skipped;
	int64_t changed_s; /* 0: not of a file */
};

#endif
