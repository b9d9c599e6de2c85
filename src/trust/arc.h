/* arc.h - the Authenticated Received Chain of a message that arrives in pieces
 * (RFC 8617): what those who handed it on say of it, verified, and our own
 * word added when we hand it on.
 *
 * Ownership  arc_new to arc_free; spans point into the header, which must live
 *            as long.
 * Blocking   never. One key is asked for at a time, from the newest signature
 *            to the oldest, and the first that is wrong ends it. arc_step does
 *            the work of one signature: hashes of header fields, or an RSA
 *            operation.
 * Limits     ARC_MAX_SETS, so 51 signatures; RSA keys as in dkim.h.
 * Bugs       no oldest-pass: only the newest ARC-Message-Signature is verified
 *            (RFC 8617 5.2 lets a validator choose). No comments in front of
 *            an instance number.
 */
#ifndef TINPOST_TRUST_ARC_H
#define TINPOST_TRUST_ARC_H

#include "net/dns.h"
#include "trust/dkim_sign.h"
#include "trust/head.h"

#define ARC_MAX_SETS 50 /* RFC 8617 4.2.1 */
/* What arc_seal appends, at most. */
#define ARC_SEAL_BYTES 2048

/* RFC 8617 4.4 */
enum arc_result { ARC_PENDING, ARC_NONE, ARC_PASS, ARC_FAIL };

struct arc_verdict {
	enum arc_result result;
	unsigned n_sets;      /* the greatest instance number; 0: no chain */
	struct span domain;   /* d= of the newest seal, or empty */
	struct span selector; /* s= of it */
	const char *reason;   /* "" unless it fails */
};

struct arc;

/* Begin to verify the chain in a header that is over; wake comes from the loop
 * whenever arc_step may have something to do. ERR_NOMEM. */
MUST_USE int arc_new(struct dns *dns, const struct head *h,
    void (*wake)(void *owner), void *owner, struct arc **out);
void arc_free(struct arc *a); /* NULL is fine */

/* The next bytes of the body; and: it is over. */
void arc_feed(struct arc *a, struct span bytes);
void arc_finish(struct arc *a);

/* Is there work for arc_step? */
bool arc_has_work(const struct arc *a);
/* Do the work of one signature: some milliseconds on a router. */
void arc_step(struct arc *a);

/* ARC_PENDING until arc_finish was called and all is known. */
const struct arc_verdict *arc_get(const struct arc *a);

/* What is not known is a failure from now on (RFC 8617 5.2.1). */
void arc_give_up(struct arc *a);

/* Of a chain that passed: does one of the sealers (domains parted by spaces)
 * say that DMARC passed for this author's domain? Only those above whom nobody
 * else has sealed are asked, the newest first. Its domain goes to *by_out. */
bool arc_vouches(const struct arc *a, struct span sealers, struct span author,
    struct span *by_out);

/* Append "arc=pass as[2].d=b.test as[2].s=y as[1].d=..." of a chain that passed,
 * as many as fit into out (RFC 8617 7.2.2). */
void arc_put_seals(const struct arc *a, struct buf *out);

/* "none", "pass", "fail" */
const char *arc_name(enum arc_result r);

/* --- sealing (RFC 8617 5.1) */

/* The number of the set that may be added when the result is known. 0: none,
 * since the chain has ended, is as long as may be, or cannot be read. */
unsigned arc_next_instance(const struct arc *a);

/* Append the ARC-Seal with its CRLF over the chain and the two other fields of
 * the new set: one RSA operation. ERR_INVALID: the key is none. ERR_LIMIT,
 * ERR_NOMEM. */
MUST_USE int arc_seal(const struct arc *a, const struct dkim_signer *by,
    struct span results, struct span signature, struct buf *out);

#endif
