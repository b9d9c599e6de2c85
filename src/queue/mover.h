/* mover.h - the mover: takes what is due from store/queue.h, and sends it.
 *
 * One struct mover in the process. It wakes when the store's queue changed and
 * when something becomes due, opens connections (smtp/smtp_out.h) within its
 * bounds, sends one message after another over each, and writes each outcome
 * back into the store: gone, or again at a later time. What could not be
 * delivered is told to its sender in a delivery status notification (dsn.h),
 * which enters the store with the outcome, or not at all.
 *
 * Ownership  the queue owns its connections and questions to the resolver.
 * Blocking   never. A turn starts a bounded number of things.
 */
#ifndef TINPOST_QUEUE_MOVER_H
#define TINPOST_QUEUE_MOVER_H

#include "net/peer.h"

struct dns;
struct smtp_out_times;
struct loop;
struct store;
struct mover;

#define MAX_RETRY_STEPS 32

/* Every one is a setting. */
struct mover_limits {
	uint32_t retry_s[MAX_RETRY_STEPS]; /* the last one goes on */
	uint32_t n_retry;
	uint32_t max_connections;      /* in all */
	uint32_t max_dest_connections; /* to one destination */
	uint32_t max_per_connection;   /* messages */
	uint16_t port;                 /* of other servers: 25 */
	uint16_t sts_port; /* of the web servers with their policies: 443 */
};

extern const struct mover_limits mover_limits_default;

/* What to do when a domain gives less TLS than before (tls_memory.h): the
 * words of queue.tls-memory, in their order. */
enum tls_memory { TLS_MEMORY_OFF, TLS_MEMORY_LOG, TLS_MEMORY_DEFER };

struct mover_env {
	struct loop *loop;
	struct store *store;
	struct dns *dns;
	struct span host; /* our name, for EHLO and in reports */
	struct mover_limits limits;
	/* Our addresses, by family; where has_source is false, any. */
	struct peer source[2];
	bool has_source[2];
	/* Only through relays, or (paused) not at all. */
	bool is_relay_only, is_paused;
	enum tls_memory tls_memory;
	uint32_t tls_defer_s; /* TLS_MEMORY_DEFER: then it goes nevertheless */
	bool counts_tls;      /* how TLS went is counted (tls_row.h) */
	bool uses_sts;        /* RFC 8461: the domains' policies are kept to */
	const struct smtp_out_times *times; /* NULL: the defaults */
};

/* The env is kept, not copied; what stands in it may be changed between turns.
 * ERR_NOMEM. Sends nothing before the first turn. */
MUST_USE int mover_new(struct mover_env *env, struct mover **out);

/* Cut all connections and release; what was being sent waits in the store.
 * NULL is fine. */
void mover_free(struct mover *q);

/* Look again soon: settings or routes have changed. */
void mover_wake(struct mover *q);

/* Parse "1m 5m 15m 1h": the times between attempts, each at least 10 seconds
 * and at most a day. ERR_SYNTAX, ERR_LIMIT. */
MUST_USE int mover_parse_retry(struct span text, struct mover_limits *out);

struct mover_stats {
	uint64_t n_sent, n_deferred, n_failed, n_dsn; /* recipients; reports */
	uint64_t n_connections;                       /* ever begun */
	uint32_t n_open;                              /* now */
};

void mover_stats(const struct mover *q, struct mover_stats *out);

#endif
