/* outcome.h - outcomes into the store, with what their sender is to be told. */
#ifndef TINPOST_QUEUE_OUTCOME_H
#define TINPOST_QUEUE_OUTCOME_H

#include "queue/dsn.h"
#include "queue/mover.h"
#include "store/store.h"

/* One recipient of a message: what became of it. */
struct outcome_item {
	struct queue_outcome outcome;
	enum dsn_action action;
	bool is_telling; /* action is something to tell, if NOTIFY says so */
	uint32_t notify;
	struct dsn_rcpt dsn; /* its action is not used */
};

/* Carry out the outcomes of one message, all or none, and put the report that
 * the sender asked for (RFC 3461 4.1) into their mailbox or the queue in the
 * same frame. A message from <> is never reported on (RFC 5321 4.5.5), and a
 * report that cannot be delivered anywhere is told to the log alone. n is 1 to
 * QUEUE_MAX_OUTCOMES; all that tell have the same action. n_dsn is counted up.
 * ERR_: nothing has happened. */
MUST_USE int outcome_settle(const struct mover_env *env,
    const struct queue_message *m, const struct outcome_item *items, size_t n,
    uint64_t *n_dsn);

#endif
