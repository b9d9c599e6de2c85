/* fetch_structure.h - BODY and BODYSTRUCTURE (RFC 9051 7.5.2), from the
 * summary of a message alone.
 *
 * A multipart or message that was not looked into (PART_IS_OPAQUE, or encoded
 * against RFC 2046 5.2.1) is told as a leaf: a list without parts, or a
 * message without envelope, is none of the grammar.
 */
#ifndef TINPOST_IMAP_FETCH_STRUCTURE_H
#define TINPOST_IMAP_FETCH_STRUCTURE_H

#include "imap/fetch_envelope.h"

/* is_extensible: BODYSTRUCTURE. ERR_DAMAGED: something may have been put. */
MUST_USE int fetch_put_structure(
    struct fetch_writer *w, const struct summary *s, bool is_extensible);

#endif
