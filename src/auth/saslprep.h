/* saslprep.h - passwords and names in the form in which they are compared
 * (RFC 4013, profile of RFC 3454), as far as it goes without Unicode's
 * normalization tables.
 *
 * Bugs  no NFKC (RFC 4013 2.2) and no check of mixed writing directions
 *       (RFC 4013 2.3): what a keyboard sends is composed already, and
 *       ASCII is exact. A password with compatibility characters (full-width
 *       letters, ligatures) signs in by PLAIN, but by SCRAM only with a client
 *       that leaves them alone too. Unassigned code points are allowed.
 */
#ifndef TINPOST_AUTH_SASLPREP_H
#define TINPOST_AUTH_SASLPREP_H

#include "base/buf.h"

/* Append the prepared form: odd spaces become a space, invisible characters
 * vanish. ERR_SYNTAX: not UTF-8; ERR_INVALID: a prohibited character (controls,
 * private use and the like), or nothing is left; ERR_LIMIT, ERR_NOMEM: out. */
MUST_USE int saslprep(struct buf *out, struct span s);

#endif
