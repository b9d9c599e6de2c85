/* tls_io.h - one TLS connection as a machine without a socket: encrypted
 * bytes in, plain ones out, and the reverse. Private to this room; what
 * another TLS library would have to offer.
 *
 * Memory     between calls it keeps no record buffer, only a copy of a
 *            record that has come in part, in a block of its size.
 */
#ifndef TINPOST_NET_TLS_IO_H
#define TINPOST_NET_TLS_IO_H

#include "base/buf.h"
#include "net/tls.h"

struct tls_io;

/* RFC 5246 6.2.1: a record carries at most 2^14 bytes. */
#define TLS_MAX_PLAIN 16384
/* What one call may add to the wire at most: a handshake's flight with its
 * chain, or TLS_PUT_MAX plain bytes in records of 4 KB. */
#define TLS_MAX_WIRE (80 * 1024)
#define TLS_PUT_MAX  TLS_MAX_PLAIN

enum tls_state {
	TLS_SHAKING,
	TLS_OPEN,
	TLS_ENDED, /* the peer has said close_notify, or we have */
	TLS_FAILED
};

/* A server's end; alpn may be NULL. ERR_NOMEM, ERR_NONE: the config holds no
 * certificate. */
MUST_USE int tls_io_new(
    struct tls_config *t, const char *alpn, struct tls_io **out);

struct anchors;
struct tls_buffers;
struct tls_client;

/* A client's end (dial.h); a, which may be NULL, is referred to. The first feed, which may be empty, begins.
 * ERR_NOMEM; ERR_INVALID: the host. */
MUST_USE int tls_io_new_client(struct tls_buffers *lent,
    const struct tls_client *how, struct anchors *a, struct tls_io **out);

void tls_io_free(struct tls_io *io); /* NULL is fine */

enum tls_state tls_io_state(const struct tls_io *io);

/* Take bytes from the peer; append what they decrypt to, and what must be
 * sent. A failed buffer makes it fail. */
enum tls_state tls_io_feed(
    struct tls_io *io, struct span bytes, struct buf *plain, struct buf *wire);

/* Encrypt all of plain, at most TLS_PUT_MAX bytes, to the wire. */
void tls_io_put(struct tls_io *io, struct span plain, struct buf *wire);

/* Say close_notify, if it was not said yet. */
void tls_io_end(struct tls_io *io, struct buf *wire);

/* Was the open session resumed? */
bool tls_io_is_resumed(const struct tls_io *io);

/* Did the last feed do an asymmetric operation? */
bool tls_io_has_sweated(const struct tls_io *io);

void tls_io_info(const struct tls_io *io, struct tls_info *out);

/* The library's code for the failure; 0: none. For the log. */
int tls_io_error(const struct tls_io *io);
/* The same in a few static words for people; of a client. */
const char *tls_io_why(const struct tls_io *io);

#endif
