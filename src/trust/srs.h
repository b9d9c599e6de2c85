/* srs.h - senders of mail that is sent on, rewritten to addresses of ours that
 * lead back (Sender Rewriting Scheme: SPF of the next server looks at who
 * sends, and that is us now).
 *
 *	SRS0=HASH=DAY=DOMAIN=LOCAL@ours		kim@DOMAIN was sent on here
 *	SRS1=HASH=FIRST==REST@ours		SRS0=REST@FIRST was
 *
 * HASH is 40 bits of HMAC-SHA-256 under our key, in base32, so that nobody can
 * use us to reach an address of their choice; DAY ends the use of an address
 * after SRS_DAYS. Both are compared without regard to case, which some servers
 * change.
 *
 * Pure: no clock, no globals. Addresses come unquoted (path_parse,
 * address_put_local), and leave so.
 * Bugs       a rewritten local part may be longer than the 64 bytes that RFC
 *            5321 4.5.3.1.1 asks servers to take, as everybody's may.
 */
#ifndef TINPOST_TRUST_SRS_H
#define TINPOST_TRUST_SRS_H

#include "base/buf.h"

#define SRS_KEY_BYTES 32
/* How long a report may take to come back: a queue of five days at each of
 * three servers, and some. */
#define SRS_DAYS 21

struct srs {
	uint8_t key[SRS_KEY_BYTES]; /* secret; the same for years */
	int64_t now_s;
};

/* Append local@domain, the sender of a message that came from sender and is
 * sent on from domain (one of ours). An empty sender stays empty: nothing is
 * appended. ERR_INVALID: sender is no address. ERR_LIMIT: the result would be
 * longer than an address may be. */
MUST_USE int srs_forward(const struct srs *s, struct span sender,
    struct span domain, struct buf *out);

/* Does a local part look like one of these? For RCPT. */
bool srs_is(struct span local);

/* Append the address to which mail for such a local part goes back. ERR_NONE:
 * it is none of these. ERR_DENIED: not made here. ERR_GONE: too old. */
MUST_USE int srs_reverse(
    const struct srs *s, struct span local, struct buf *out);

#endif
