/* own_sign.h - the DKIM signature of mail that the server itself writes:
 * reports of many kinds.
 *
 * Blocking   one RSA operation, as dkim_sign_put: one in a turn.
 */
#ifndef TINPOST_SMTP_OWN_SIGN_H
#define TINPOST_SMTP_OWN_SIGN_H

#include "base/buf.h"

struct dkim_sign;
struct store;

/* Append the signature of a message that was fed and finished (dkim_sign.h), by
 * the key of the domain in its From, or of one above: both are aligned (RFC 9989
 * 4.4). The message's summary gets to know of it. ERR_NONE: there is no key, and
 * nothing is appended. ERR_INVALID, ERR_LIMIT as dkim_sign_put. */
MUST_USE int own_sign_put(struct store *s, struct span domain,
    struct dkim_sign *sign, struct buf *prefix, struct buf *summary);

#endif
