/* mutf7.h - modified UTF-7, the form of mailbox names in IMAP4rev1 (RFC 3501
 * 5.1.3) and in Maildir++ folders.
 *
 * Each name has exactly one encoding, and mutf7_get takes no other: what it
 * accepts, mutf7_put gives back byte for byte.
 */
#ifndef TINPOST_BASE_MUTF7_H
#define TINPOST_BASE_MUTF7_H

#include "base/buf.h"

/* The most bytes that a name of len bytes of UTF-8 is encoded in. */
#define MUTF7_ROOM(len) (3 * (len) + 2)

/* Append the encoding of a name. A byte that is not UTF-8 becomes U+FFFD. */
void mutf7_put(struct buf *out, struct span utf8);

/* Append the name that `in` encodes, as UTF-8 (never longer than in).
 * ERR_SYNTAX: not the encoding of any name: bytes that are not printable ASCII,
 * a shift without end, printable ASCII or nothing inside a shift, two shifts
 * where one would do, stray bits, half a surrogate pair; out may have grown.
 * ERR_LIMIT: out is full. */
MUST_USE int mutf7_get(struct buf *out, struct span in);

#endif
