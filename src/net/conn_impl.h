/* conn_impl.h - the inside of a connection, for the files of this room. */
#ifndef TINPOST_NET_CONN_IMPL_H
#define TINPOST_NET_CONN_IMPL_H

#include "net/conn.h"
#include "net/loop.h"
#include "net/tls_io.h"

/* Deadlines of what the connection does by itself. */
#define CONN_LINGER_MS    2000
#define CONN_LINGER_BYTES (256 * 1024)
#define CONN_IN_DEFAULT   8192

enum conn_state {
	CONN_OPEN,
	CONN_DIALING,   /* ours: the peer has not answered yet */
	CONN_FAILED,    /* ours: there is none; the session will be told */
	CONN_SWITCHING, /* the reply before a handshake drains */
	CONN_SHAKING,
	CONN_DRAINING,  /* conn_close: the last output goes out */
	CONN_LINGERING, /* all was sent: swallow until the peer closes */
	CONN_DEAD
};

struct dialed;

struct conn {
	struct loop *loop;
	struct list all_link, ready_link, out_link, reap_link;
	struct watch watch;
	struct timer timer;
	int64_t deadline_ms; /* the session's, monotonic; -1: none */
	const struct conn_ops *ops;
	void *session;
	struct tls_config *tls_config;
	struct tls_io *tls;
	struct dialed *dialed; /* outgoing ones; else NULL */
	const char *alpn;
	char *kept; /* unread input between steps, or NULL */
	char *in;   /* unread input: the loop's buffer, or kept */
	size_t in_len;
	struct buf out;  /* plain */
	struct buf wire; /* encrypted, on its way */
	uint64_t id;
	uint64_t dirty_turn; /* the last turn that was dirty when it ran */
	uint64_t held_turn;  /* the last turn whose flush it waited for */
	uint64_t host_hash, network_hash;
	uint32_t in_max;
	uint32_t n_swallowed;
	enum conn_state state;
	struct peer peer, self;
	bool is_readable; /* epoll said so, not read yet */
	bool is_woken;
	bool is_paused;
	bool is_eof;
	bool is_cut;     /* and TLS did not say so */
	bool has_news;   /* a reason to call step */
	bool was_full;   /* output has passed CONN_OUT_LOW */
	bool is_blocked; /* the socket takes no more for now */
	bool is_broken;  /* it takes nothing any more */
	bool has_timed_out;
	bool is_early; /* may be written before the flush, ... */
	bool is_held;  /* ... but not in this turn */
};

/* 500 idle sessions are a matter of how small this stays. */
_Static_assert(sizeof(struct conn) <= 640, "an idle connection stays small");

/* A connection around an accepted socket, in the loop, without a session.
 * ERR_NOMEM, ERR_IO: the descriptor stays the caller's. */
MUST_USE int conn_new(struct loop *l, int fd, struct conn **out);

/* Begin a handshake now. */
void conn_shake(struct conn *c);

/* --- dial.c, for outgoing connections --- */

/* The socket has become ready: has it worked? */
void dial_run(struct conn *c);
/* It has not, or what came after has not: code and words as of conn_failed. */
void dial_fail(struct conn *c, int code, const char *why);
/* The handshake as a client; in dial_fail if that is not possible. */
void dial_shake(struct conn *c);
void dial_free(struct dialed *d);
/* What a loop keeps for its clients. */
void dial_forget(struct loop *l);

/* The run phase: read what is there, call the session. */
void conn_run(struct conn *c);
/* The write phase: send what may be sent. */
void conn_write(struct conn *c);
/* The last phase: free the session of a closing connection, or all of a dead
 * one. */
void conn_reap(struct conn *c);
/* The flush has failed: abort if its session ran in this turn since it became
 * dirty. */
void conn_drop_dirty(struct conn *c);

/* Work out what to watch for from the state. */
void conn_update(struct conn *c);
/* Let it run in this turn or the next. */
void conn_schedule(struct conn *c);
/* Let its output be written in this turn. */
void conn_schedule_write(struct conn *c);
/* From now on this state, with its deadline. */
void conn_enter(struct conn *c, enum conn_state state);
/* The timer has fired. */
void conn_expire(struct timer *t);

struct listener *listener_of(struct list *link);

#endif
