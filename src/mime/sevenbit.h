/* sevenbit.h - a message with 8-bit bytes made one of 7 bits, in pieces, for
 * hosts without 8BITMIME (RFC 6152 3).
 *
 * Every leaf of the MIME structure that is not in quoted-printable or base64
 * is encoded: text and multiparts' other text as quoted-printable, all else as
 * base64; multiparts and message/rfc822 keep their form, and their parts are
 * looked at. The field Content-Transfer-Encoding of each is replaced, at the
 * end of its header. A text without MIME fields gets them (RFC 1428).
 *
 * What has no right to 8-bit bytes where nothing can be encoded (header fields,
 * boundaries, parts that claim to be encoded, other message types) has "?" in
 * their place.
 *
 * Memory  about 3 KB, and up to 8 KB while a header is read.
 * Time    linear in the input, times the depth for lines that begin with "--".
 * Bugs    signatures over what is changed break (DKIM, multipart/signed).
 */
#ifndef TINPOST_MIME_SEVENBIT_H
#define TINPOST_MIME_SEVENBIT_H

#include "base/buf.h"

struct sevenbit;

/* NULL: no memory. */
MUST_USE struct sevenbit *sevenbit_new(void);
void sevenbit_free(struct sevenbit *s); /* NULL is fine */

/* What n bytes may become at most. */
static inline size_t
sevenbit_room(size_t n)
{
	return n * 7 / 2 + 6000;
}

/* Append what the next bytes become. */
void sevenbit_put(struct sevenbit *s, struct span piece, struct buf *out);

/* The message is over: append what is held. */
void sevenbit_end(struct sevenbit *s, struct buf *out);

#endif
