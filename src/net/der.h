/* der.h - reading DER (X.690), element by element, and writing it. */
#ifndef TINPOST_NET_DER_H
#define TINPOST_NET_DER_H

#include "base/buf.h"
#include "base/cursor.h"

#define DER_BOOLEAN          0x01
#define DER_INTEGER          0x02
#define DER_BIT_STRING       0x03
#define DER_OCTET_STRING     0x04
#define DER_OID              0x06
#define DER_UTF8_STRING      0x0c
#define DER_SEQUENCE         0x30
#define DER_SET              0x31
#define DER_UTC_TIME         0x17
#define DER_GENERALIZED_TIME 0x18

/* Take the next element: its tag (one byte), its content, and the whole with
 * its header. ERR_SYNTAX: there is none, or it is cut or malformed; the
 * cursor stands still. Any out may be NULL. */
MUST_USE int der_next(
    struct cur *c, uint8_t *tag_out, struct span *content, struct span *whole);

/* Take the next element, which must have this tag. ERR_SYNTAX. */
MUST_USE int der_expect(struct cur *c, uint8_t tag, struct span *content);

/* Take a UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 profiles them.
 * ERR_SYNTAX. */
MUST_USE int der_time(struct cur *c, int64_t *wall_s);

/* Append one element. */
void der_put(struct buf *b, uint8_t tag, struct span content);

#endif
