/* queue.h - the mover: takes what is due from store/queue.h, and sends it.
 *
 * One struct queue in the process. It wakes when the store's queue changed and
 * when something becomes due, opens connections (smtp/smtp_out.h) within its
 * bounds, sends one message after another over each, and writes each outcome
 * back into the store: gone, or again at a later time. What could not be
 * delivered is told to its sender in a delivery status notification (dsn.h),
 * which enters the store with the outcome, or not at all.
 *
 * Ownership  the queue owns its connections and questions to the resolver.
 * Blocking   never. A turn starts a bounded number of things.
 */
#ifndef TINPOST_QUEUE_QUEUE_H
#define TINPOST_QUEUE_QUEUE_H

#include "base/buf.h"

struct dns;
struct loop;
struct store;
struct queue;

#define MAX_RETRY_STEPS 32

/* Every one is a setting. */
struct queue_limits {
	uint32_t retry_s[MAX_RETRY_STEPS]; /* the last one goes on */
	uint32_t n_retry;
	uint32_t max_connections;      /* in all */
	uint32_t max_dest_connections; /* to one destination */
	uint32_t max_per_connection;   /* messages */
	uint16_t port;                 /* of other servers: 25 */
};

extern const struct queue_limits queue_limits_default;

struct queue_env {
	struct loop *loop;
	struct store *store;
	struct dns *dns;
	struct span host; /* our name, for EHLO and in reports */
	struct queue_limits limits;
};

/* The env is kept, not copied; what stands in it may be changed between turns.
 * ERR_NOMEM. Sends nothing before the first turn. */
MUST_USE int queue_new(struct queue_env *env, struct queue **out);

/* Cut all connections and release; what was being sent waits in the store.
 * NULL is fine. */
void queue_free(struct queue *q);

/* Look again soon: settings or routes have changed. */
void queue_wake(struct queue *q);

/* Parse "1m 5m 15m 1h": the times between attempts, each at least 10 seconds
 * and at most a day. ERR_SYNTAX, ERR_LIMIT. */
MUST_USE int queue_parse_retry(struct span text, struct queue_limits *out);

struct queue_stats {
	uint64_t n_sent, n_deferred, n_failed, n_dsn; /* recipients; reports */
	uint64_t n_connections;                       /* ever begun */
	uint32_t n_open;                              /* now */
};

void queue_stats(const struct queue *q, struct queue_stats *out);

#endif
