/* idna.h - domain names in other scripts (RFC 5890, RFC 5891): between UTF-8
 * (U-labels) and what the DNS and hosts know (A-labels, "xn--" and RFC 3492).
 *
 * Pure. Letters are put in lower case first (base/casemap.h; final sigma and
 * dotless i are letters of their own), and letters of full width are those of
 * ASCII (RFC 5895). The other dots of UTS 46 count as dots.
 * Left out, as they are rules for those who give names away, and a name that
 * breaks them is not in the DNS: the tables of allowed characters, the rules of
 * mixed writing directions and of context (RFC 5892, RFC 5893), except that
 * controls, spaces and signs of ASCII do not come out of it.
 *
 * Bugs  characters are not composed (NFC): keyboards send them composed. One
 *       that is not is a name that does not exist.
 */
#ifndef TINPOST_BASE_IDNA_H
#define TINPOST_BASE_IDNA_H

#include "base/buf.h"

#define IDNA_MAX_LABEL 63 /* RFC 1035 2.3.4 */

/* Append a domain as the DNS knows it, in lower case. One in ASCII (a literal,
 * too) stays as it is but for its case. ERR_SYNTAX: not UTF-8, or a character
 * that no name has; ERR_LIMIT: a label would be over 63 bytes, or out is full.
 * Then nothing is appended. */
MUST_USE int idna_to_ascii(struct buf *out, struct span domain);

/* Append a domain as people read it: each label that begins with "xn--" and is
 * a proper one in UTF-8, all others as they are. */
void idna_to_unicode(struct buf *out, struct span domain);

/* Are two domains the same, whatever their form and case? */
bool idna_is_same(struct span a, struct span b);

#endif
