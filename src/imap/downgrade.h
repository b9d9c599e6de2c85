/* downgrade.h - internationalised mail for clients that do not know of it.
 *
 * The simple way of RFC 6858: what the client reads is ASCII, made from the
 * stored message while it is read. Names and subjects become encoded words
 * (RFC 2047); an address that is not ASCII is replaced by one that is nobody's,
 * with the true one as its display name (2.1); parameters become extended ones
 * (RFC 2231); other header fields that cannot be shown are left out (2.4).
 *
 * Text that is not UTF-8 either is read as windows-1252, as clients would.
 */
#ifndef TINPOST_IMAP_DOWNGRADE_H
#define TINPOST_IMAP_DOWNGRADE_H

#include "base/buf.h"
#include "mime/mime.h"

/* Put in place of an address (RFC 6858 2.1). */
#define DOWNGRADE_LOCAL "invalid"
#define DOWNGRADE_HOST  "internationalized-address.invalid"

/* The longest field that is downgraded. */
#define MAX_DOWNGRADE_FIELD (16 * 1024)
/* Of one field; there are eight bytes for each of them then. */
#define MAX_DOWNGRADE_ADDRESSES 2000
/* The most that downgrade_put_field appends. */
#define MAX_DOWNGRADED_FIELD (384 * 1024)

/* Append text as encoded words of UTF-8 (RFC 2047 2), with `between` between
 * two of them. Encoded words that are in it already are decoded first. */
void downgrade_put_words(
    struct buf *out, struct span text, const char *between);

/* Append the value of a parameter in the form of RFC 2231 4. */
void downgrade_put_extended(struct buf *out, struct span value);

/* Append a whole header field (folds and last CRLF included), of which some
 * byte is not ASCII, as ASCII; or nothing. Without memory out fails. */
void downgrade_put_field(struct buf *out, struct span field);

#endif
