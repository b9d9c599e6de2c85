/* certs.h - the server's certificates, as the store keeps them.
 *
 * There is a main one, for clients that name no host or none that matches, and
 * further ones, each under a label, for the names in them (RFC 6066 3). Each
 * stands in two texts of the store beside the settings: the chain and the key,
 * both PEM. They are never listed there.
 */
#ifndef TINPOST_ADMIN_CERTS_H
#define TINPOST_ADMIN_CERTS_H

#include "admin/run.h"
#include "net/net.h"

struct cert;

#define CERTS_MAX             8 /* with the main one */
#define CERTS_MAX_LABEL_BYTES 64

_Static_assert(CERTS_MAX <= TLS_MAX_CERTS, "all of them are served");

/* Make a self-signed one for the host's name, localhost and the loopback
 * addresses, and keep it as the main one. Blocks for an asymmetric operation
 * or two: at start only. The store is not flushed here. */
MUST_USE int certs_make(struct store *s);

/* Is there one of this label (empty: the main one)? */
bool certs_exist(struct store *s, struct span label);

/* The least label > *label (empty to begin), of CERTS_MAX_LABEL_BYTES;
 * replaces it. ERR_NONE: no more. */
MUST_USE int certs_next(struct store *s, struct buf *label);

/* Open the one of this label (empty: the main one). ERR_NONE: there is none.
 * Otherwise as cert_new. */
MUST_USE int certs_open(
    struct store *s, struct span label, struct cert **out, struct buf *why);

/* Open all, the main one first; certs_free_all releases them. Fails as
 * certs_open, with none of them open. */
MUST_USE int certs_open_all(struct store *s, struct cert *out[static CERTS_MAX],
    size_t *n_out, struct buf *why);
void certs_free_all(struct cert **certs, size_t n);

/* Tell about each: label, names, end, fingerprint, warnings. */
void certs_say(struct run *r);

#endif
