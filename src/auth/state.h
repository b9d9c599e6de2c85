/* state.h - struct auth from the inside, for this room's modules. */
#ifndef TINPOST_AUTH_STATE_H
#define TINPOST_AUTH_STATE_H

#include "auth/auth.h"
#include "auth/failures.h"
#include "auth/hasher.h"
#include "auth/recent.h"
#include "auth/throttle.h"
#include "net/net.h"
#include "store/store.h"

struct auth {
	struct store *store;
	struct loop *loop; /* NULL in tests */
	struct auth_options options;
	uint32_t iterations; /* of new passwords and of unknown users */
	/* The store's secret for the salts of unknown users. */
	uint8_t fake_key[MAC_BYTES];
	/* This process's secret for what it remembers. */
	uint8_t mark_key[MAC_BYTES];
	struct job job;
	struct hasher hasher;
	struct throttle throttle;
	struct recent recent;
	struct failures failures;
};

/* Queue a hash and see that it runs. ERR_BUSY. */
MUST_USE int auth_add_hash(struct auth *a, struct hash_request *r);

static inline void
auth_remove_hash(struct auth *a, struct hash_request *r)
{
	hasher_remove(&a->hasher, r);
}

#endif
