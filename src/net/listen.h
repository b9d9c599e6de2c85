/* listen.h - accepting connections, within limits.
 *
 * When descriptors run out, one kept in reserve is used to accept and close,
 * and accepting pauses for a moment; the loop never spins.
 *
 * Ownership  the loop owns the listener and its descriptor, until
 *            listen_close or loop_free.
 */
#ifndef TINPOST_NET_LISTEN_H
#define TINPOST_NET_LISTEN_H

#include "net/conn.h"

struct listener;
struct tls_config;

/* Why a connection must be turned away. */
enum listen_refusal {
	LISTEN_OK,
	LISTEN_TOO_MANY,         /* connections in all */
	LISTEN_TOO_MANY_NETWORK, /* from this address or network */
	LISTEN_NO_MEMORY         /* the memory budget is used up */
};

/* A connection came. why is LISTEN_OK: attach a session, put the greeting,
 * set a deadline. Otherwise put one polite line and conn_close(c), attach
 * nothing. (At an implicit TLS port a connection that is turned away is closed
 * without this call: a handshake is what there is no room for.) A connection
 * left without session and not closed is aborted. */
typedef void (*listen_accept)(
    struct conn *c, enum listen_refusal why, void *arg);

struct listen_options {
	const char *name; /* for the log: "smtp"; borrowed for ever */
	/* Certificates, borrowed for as long as the listener lives; NULL: this
	 * port never speaks TLS. */
	struct tls_config *tls;
	bool is_tls; /* TLS from the first byte */
	/* The one ALPN protocol that fits here (RFC 7301): a client that
	 * offers others only is refused. Borrowed for ever. */
	const char *alpn;
	listen_accept accept;
	void *arg;
};

/* Take a bound, listening socket (made non-blocking here). On failure the
 * descriptor stays the caller's. ERR_NOMEM, ERR_IO. */
MUST_USE int listen_open(struct loop *l, int fd,
    const struct listen_options *options, struct listener **out);

/* Stop accepting and close the socket. Its connections live on. NULL is
 * fine. */
void listen_close(struct listener *ls);

struct listen_limits {
	uint32_t max_conns;       /* in all; default 1000 */
	uint32_t max_per_host;    /* IPv4 /32, IPv6 /64; default 20 */
	uint32_t max_per_network; /* IPv4 /24, IPv6 /64; default 100 */
	uint32_t handshake_ms;    /* for a TLS handshake; default 30000 */
	uint32_t drain_ms; /* for the last output, after conn_close; 60000 */
};

/* Replace the limits for all listeners of the loop. Loopback and local peers
 * are exempt from the last two. */
void listen_set_limits(struct loop *l, const struct listen_limits *limits);

/* Bind and listen on a TCP address ("0.0.0.0", "::", "127.0.0.1"; IPv6
 * sockets take IPv6 only). Port 0: any, see listen_port. ERR_SYNTAX: no
 * address; ERR_BUSY: in use; ERR_DENIED: needs more rights; ERR_NONE: no
 * such address here; ERR_UNSUPPORTED: no IPv6 here; ERR_IO. */
MUST_USE int listen_bind(const char *address, uint16_t port, int *fd_out);

/* Bind and listen on a local socket; an old one nobody listens on is removed.
 * mode as for chmod. ERR_BUSY: somebody listens there; ERR_LIMIT: path too
 * long; ERR_DENIED, ERR_IO. */
MUST_USE int listen_bind_local(const char *path, unsigned mode, int *fd_out);

/* The port that a bound socket has; 0 when it has none. */
uint16_t listen_port(int fd);

/* Would a connection to this address and port come to one of the loop's
 * listeners? */
bool listen_is_ours(const struct loop *l, const struct peer *to);

#endif
