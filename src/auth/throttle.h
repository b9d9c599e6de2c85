/* throttle.h - making guessers wait: a bounded memory of recent failures, by
 * whatever key the caller chooses.
 *
 * The first failures of a key are free; each later one doubles the time
 * during which nothing is tried for it. Quiet time forgets. Nothing is ever
 * blocked for good, and a key always has the network in it: nobody can lock
 * an account by its name alone.
 *
 * Memory     fixed: when a place is needed, the failure that matters least
 *            is forgotten.
 */
#ifndef TINPOST_AUTH_THROTTLE_H
#define TINPOST_AUTH_THROTTLE_H

#include "base/span.h"

#define THROTTLE_ENTRIES 256
#define THROTTLE_WAYS    4

struct throttle_entry {
	uint64_t key;      /* 0: free */
	uint64_t last_tag; /* what was tried last */
	int64_t last_s;
	uint32_t n_failures;
	uint32_t delay_s; /* from last_s on */
};

struct throttle {
	struct throttle_entry entries[THROTTLE_ENTRIES];
};

/* Seconds until the next try is allowed; 0: now. now_s is of the monotonic
 * clock. */
uint32_t throttle_delay_s(
    const struct throttle *t, uint64_t key, int64_t now_s);

struct throttle_rule {
	uint32_t n_free;
	uint32_t max_delay_s;
	/* Failures are forgotten this long after the last one, and the delay
	 * that it brought. */
	uint32_t forget_s;
};

/* Count a failure. tag: a hash of what was tried, 0 if unknown; the same thing
 * tried again and again is a forgotten device, not a guesser, and counts
 * once. */
void throttle_fail(struct throttle *t, uint64_t key,
    const struct throttle_rule *rule, uint64_t tag, int64_t now_s);

/* Forget the failures of a key: it got in. */
void throttle_clear(struct throttle *t, uint64_t key);

#endif
