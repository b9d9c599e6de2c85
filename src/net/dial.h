/* dial.h - outgoing connections: the same struct conn, with us as the client.
 *
 * dial returns a connection that is not there yet. Its session's step runs
 * when it is (with is_tls: when the handshake is complete too), or when it
 * could not be made: conn_failed (conn.h) tells. The same holds after
 * conn_start_tls_client.
 * After a failure nothing is read or sent any more; the session conn_close's
 * or conn_abort's it. A connection that breaks later is freed as an accepted
 * one is, its session by conn_ops.free.
 *
 * Blocking   never. A connection attempt ends after timeout_ms, a handshake
 *            after the loop's limits.handshake_ms. The session sets its first
 *            deadline in the step that finds it connected.
 * Limits     there is none here on how many: the caller has one.
 */
#ifndef TINPOST_NET_DIAL_H
#define TINPOST_NET_DIAL_H

#include "net/anchors.h"
#include "net/conn.h"
#include "net/tls.h"

/* How to behave as the client of a TLS handshake. */
struct tls_client {
	/* The peer's name, ASCII: sent (RFC 6066 3) if sends_sni, and looked
	 * for in its certificate (RFC 6125, in subjectAltName). At most 255
	 * bytes; copied. */
	struct span host;
	/* true: the handshake fails unless the chain leads to an anchor, is
	 * valid today and names the host. false: any certificate will do
	 * (RFC 7435), and tls_info.is_verified tells what it was. */
	bool must_verify;
	bool sends_sni;
};

struct dial_options {
	struct peer to;          /* IPv4 or IPv6, with its port */
	const struct peer *from; /* our address; NULL: any. Port 0: any */
	int64_t timeout_ms;
	bool is_tls; /* from the first byte */
	struct tls_client tls;
};

/* Begin. On failure nothing was made, and the session is still the caller's.
 * ERR_NOMEM; ERR_IO: no descriptor, or the source address is not ours;
 * ERR_INVALID: must_verify without a host, or a host that is too long.
 * That the peer cannot be reached is always told by the step. */
MUST_USE int dial(struct loop *l, const struct dial_options *o,
    const struct conn_ops *ops, void *session, struct conn **out);

/* The trust anchors for all later handshakes of this loop's clients; takes a
 * reference of its own. NULL, as at first: nothing verifies. */
void dial_set_anchors(struct loop *l, struct anchors *a);

#endif
