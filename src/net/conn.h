/* conn.h - one connection, plain or TLS, TCP or local.
 *
 * A protocol attaches a session. Its step runs once a turn, and again when a
 * turn that will be flushed looks for more to share the flush; when
 * there is new input or the end of it, when output that had passed
 * CONN_OUT_LOW has drained below, when the deadline has passed, when it was
 * woken, and when a TLS handshake that it began is complete. The session
 * looks what there is; a step finds no reason handed to it.
 *
 * Ownership  the loop owns the connection and frees it, and through
 *            conn_ops.free its session, at the end of a turn: after
 *            conn_close, conn_abort, a reset by the peer, or a failed
 *            flush. After conn_close the session is freed at once, while
 *            the output still drains. No pointer to a conn outlives that.
 * Memory     an idle connection lends no buffer. Unread input is kept in a
 *            block of its size, at most conn_set_in_max (and one TLS record)
 *            bytes; output in one of at most CONN_OUT_MAX.
 * Deadlines  each wait has one: a session sets it in its first step or at
 *            accept. A session that neither closes nor sets a new deadline
 *            in the step after the last has passed is aborted.
 */
#ifndef TINPOST_NET_CONN_H
#define TINPOST_NET_CONN_H

#include "base/buf.h"
#include "net/peer.h"

struct conn;
struct loop;
struct tls_client; /* dial.h */
struct tls_info;

struct conn_ops {
	/* Look, work within bounds, put replies. May close or abort. */
	void (*step)(void *session);
	/* The connection ends: release the session. Must not touch the conn. */
	void (*free)(void *session);
};

#define CONN_OUT_MAX (32 * 1024)
#define CONN_OUT_LOW (8 * 1024)
/* While more output than this waits, no input is read. */
#define CONN_OUT_HIGH (16 * 1024)
#define CONN_IN_MAX   (32 * 1024) /* for bulk data */
/* The most that conn_set_in_max takes: a line that must be seen whole. */
#define CONN_LINE_MAX (64 * 1024 + 2)

/* At accept: from now on this session is served. */
void conn_attach(struct conn *c, const struct conn_ops *ops, void *session);

/* All unread input (decrypted), contiguous. Borrowed: valid until the next
 * conn_consume, conn_start_tls or conn_close and to the end of the step. */
struct span conn_in(const struct conn *c);
/* Drop n bytes of it, n <= conn_in().len. Nothing after conn_close, conn_abort
 * or conn_start_tls, which have dropped all. */
void conn_consume(struct conn *c, size_t n);
/* Unread input may grow to this many bytes (default 8192): at least the
 * longest line, more (CONN_IN_MAX) for bulk data. When that much is unread,
 * reading stops until some is consumed. */
void conn_set_in_max(struct conn *c, size_t bytes);
/* The peer has ended its direction and conn_in() holds the last of it. What
 * is put can still reach it. */
bool conn_is_eof(const struct conn *c);
/* It has, but TLS did not say so (no close_notify): who can cut the line may
 * have cut the input. Mail protocols end by commands and need not ask. */
bool conn_is_cut(const struct conn *c);
/* Stop (start) reading, while the session waits for something else. Starting
 * also wakes, so that input at hand is looked at. */
void conn_pause_input(struct conn *c, bool is_paused);

/* How many bytes may be put. */
size_t conn_out_room(const struct conn *c);
/* Put output; more than there is room for aborts the connection. */
void conn_put(struct conn *c, struct span s);
void conn_put_str(struct conn *c, const char *s);
/* The output buffer itself, for the buf_put_* functions: append only. Its
 * sticky error aborts the connection at the end of the step. */
struct buf *conn_out(struct conn *c);
/* In a turn that will be flushed, what a session puts leaves after the flush.
 * A session that says this, at accept, tells of changes only where it says
 * conn_hold: all else that it puts may leave before, so that its peer goes on
 * and can share the flush. */
void conn_speak_early(struct conn *c);
/* What is put in this turn, now or before or after, leaves after its flush. */
void conn_hold(struct conn *c);
/* Is everything that was put handed to the kernel? */
bool conn_is_drained(const struct conn *c);

/* The deadline, ms from now; replaces the last one. -1: none. */
void conn_set_deadline(struct conn *c, int64_t ms);
/* Has it passed? (False again once a new one is set.) */
bool conn_timed_out(const struct conn *c);

/* Close when what was put has been sent: TLS says close_notify, and unread
 * input is swallowed for a moment so that no reset overtakes the last reply.
 * The session is freed at the end of the turn; step is not called again. */
void conn_close(struct conn *c);
/* Close at the end of this turn, discarding output. */
void conn_abort(struct conn *c);
bool conn_is_closing(const struct conn *c);

/* Run the session's step in the next turn. */
void conn_wake(struct conn *c);

/* Can conn_start_tls be called: has its listener certificates, and is it not
 * TLS yet? */
bool conn_can_start_tls(const struct conn *c);
/* After the reply that was put: discard all unread input (also what arrives
 * before the reply is out), then begin a handshake as the server. The step
 * runs again when it is complete; if it fails, the connection is freed.
 * Resetting what was learnt before is the session's duty. */
void conn_start_tls(struct conn *c);
/* TLS is complete. (At an implicit TLS port the first step comes after that,
 * and what is put at accept leaves encrypted.) */
bool conn_is_tls(const struct conn *c);
/* What was negotiated. ERR_NONE: not TLS. */
MUST_USE int conn_tls_info(const struct conn *c, struct tls_info *out);

/* --- of connections that dial.h began --- */

/* 0, or why there is no connection: ERR_TIMEOUT, ERR_REFUSED, ERR_UNREACHABLE
 * (all other reasons of the network), ERR_TLS (the handshake, or the
 * certificate when must_verify). */
int conn_failed(const struct conn *c);
/* The reason in a few English words, static: "connection refused",
 * "certificate has expired". Empty when nothing failed. */
const char *conn_fail_text(const struct conn *c);

/* After the peer's go-ahead has been consumed: discard all unread input (it
 * came before the handshake and could be forged: RFC 3207 6), and begin the
 * handshake as the client. ERR_INVALID as for dial; ERR_NOMEM. */
MUST_USE int conn_start_tls_client(
    struct conn *c, const struct tls_client *how);

/* --- */

const struct peer *conn_peer(const struct conn *c);
/* Our own end: the address that the peer connected to. */
const struct peer *conn_self(const struct conn *c);
struct loop *conn_loop(const struct conn *c);
/* A number that no other connection of this process has had. */
uint64_t conn_id(const struct conn *c);

#endif
