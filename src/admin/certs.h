/* certs.h - the server's certificate, as the store keeps it.
 *
 * It stands in two texts of the store beside the settings: the chain and the
 * key, both PEM. They are never listed.
 */
#ifndef TINPOST_ADMIN_CERTS_H
#define TINPOST_ADMIN_CERTS_H

#include "admin/run.h"

struct cert;

/* Make a self-signed one for the host's name, localhost and the loopback
 * addresses, and keep it. Blocks for an asymmetric operation or two: at start
 * only. The store is not flushed here. */
MUST_USE int certs_make(struct store *s);

/* Open what the store keeps. ERR_NONE: nothing. Otherwise as cert_new. */
MUST_USE int certs_open(struct store *s, struct cert **out, struct buf *why);

/* Is there one? */
bool certs_exist(struct store *s);

/* Tell about it: names, end, fingerprint, warnings. */
void certs_say(struct run *r);

/* Append the chain as PEM. ERR_NONE. */
MUST_USE int certs_chain(struct store *s, struct buf *out);

#endif
