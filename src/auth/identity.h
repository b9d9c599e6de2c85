/* identity.h - the account that a login name means, or a stand-in that
 * behaves like one.
 *
 * An unknown name gets a salt that is always the same for it and for its
 * other spellings, and the iterations of new passwords: from outside it is a
 * person whose password is never right.
 *
 * Bugs  an account whose password is older than a change of the iteration
 *       count, or came with a backup from another board, shows another count
 *       in SCRAM than unknown names do.
 */
#ifndef TINPOST_AUTH_IDENTITY_H
#define TINPOST_AUTH_IDENTITY_H

#include "auth/auth.h"
#include "store/store.h"

struct identity {
	uint32_t account_id; /* 0: nobody may sign in by this name */
	struct scram_secret secret;
	uint64_t key; /* the same for all spellings, for the throttle */
};

/* Find who is meant; an unknown or disabled one is a stand-in, not an error.
 * Only an error of the store is negative. */
MUST_USE int identity_find(
    struct auth *a, struct span name, struct identity *out);

/* Is the account still there, may it sign in, and has it still this stored
 * key? */
bool identity_is_current(struct auth *a, const struct identity *i);

#endif
