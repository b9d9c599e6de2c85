/* loop_impl.h - the inside of the loop, for the files of this room. */
#ifndef TINPOST_NET_LOOP_IMPL_H
#define TINPOST_NET_LOOP_IMPL_H

#include <signal.h>
#include <sys/epoll.h>

#include "base/buf.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/tls_io.h"

struct anchors;
struct tls_buffers;

/* Descriptors looked at in a turn: with one read of at most CONN_IN_MAX each
 * this bounds what a turn puts into the journal. */
#define LOOP_EVENTS 64
/* Output buffers that are kept for the next that needs one. */
#define LOOP_SPARES 4
/* Unread input and, behind it, what one record more decrypts to. */
#define LOOP_IN_BYTES (CONN_LINE_MAX + TLS_MAX_PLAIN)

struct loop {
	struct loop_hooks hooks;
	int epoll_fd;
	int spare_fd; /* given up to accept, and close, when none are left */
	sigset_t old_mask;
	struct watch signals;
	struct heap timers;
	struct list jobs;
	struct list conns;     /* all of them */
	struct list ready;     /* conns to run */
	struct list outs;      /* conns with something to write */
	struct list reap;      /* conns or sessions to free */
	struct list listeners; /* all of them */
	uint64_t turn;
	uint64_t last_conn_id;
	uint32_t n_held;      /* peers who wait for the flush of this turn */
	uint32_t n_held_last; /* and for the last one */
	uint32_t flush_us;    /* what a flush took of late */
	bool is_turn_dirty;
	bool is_stopping;
	bool is_idle_due; /* something ran since the idle hook last said 0 */
	bool has_handshaken;
	struct listen_limits limits;
	int64_t refusal_logged_ms;          /* at most one line a second */
	struct anchors *anchors;            /* of our clients; or NULL */
	struct tls_buffers *client_buffers; /* since the first of them */
	struct loop_stats stats;
	struct epoll_event events[LOOP_EVENTS];
	int n_events;
	struct buf spares[LOOP_SPARES]; /* for conn.out, empty */
	int n_spares;
	/* Lent to the one connection that runs. */
	char in[LOOP_IN_BYTES];
	char raw[CONN_IN_MAX];
};

/* After something ran: has the turn become dirty? */
void loop_note_dirty(struct loop *l);

/* Count a time in its bucket. */
void loop_count_time(uint64_t buckets[LOOP_BUCKETS], uint32_t *max, int64_t us);

#endif
