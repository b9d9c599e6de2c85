/* hasher.h - the queue of password hashes: one runs, in slices, the others
 * wait in order (a thousand wrong logins may not stop the loop).
 *
 * Ownership  a request is embedded by its owner, who removes it before it
 *            dies.
 */
#ifndef TINPOST_AUTH_HASHER_H
#define TINPOST_AUTH_HASHER_H

#include "auth/pbkdf2.h"
#include "base/list.h"

/* Iterations between two looks at the clock. */
#define HASH_STEP 128
/* A slice of this much CPU time, then the other sessions have their turn. */
#define HASH_SLICE_US 3000

struct hash_request {
	struct list link;
	struct pbkdf2 hash;
	/* Its turn has come. False: it needs no hash any more and is out of
	 * the queue. NULL: it does. */
	bool (*admit)(struct hash_request *);
	/* The key is in hash.sum; the request is out of the queue. */
	void (*finish)(struct hash_request *);
};

struct hasher {
	struct list queue; /* the first is the one that runs */
	size_t n;
	size_t max;      /* requests in the queue; the owner sets it */
	bool is_running; /* the first was admitted */
};

void hasher_init(struct hasher *h, size_t max);

/* A request that is in no queue, with hash begun by the caller. */
void hash_request_init(struct hash_request *r,
    bool (*admit)(struct hash_request *),
    void (*finish)(struct hash_request *));

/* ERR_BUSY: the queue is full. */
MUST_USE int hasher_add(struct hasher *h, struct hash_request *r);

/* Take it out, with its hash as it is: it may come again. It may be in no
 * queue. */
void hasher_leave(struct hasher *h, struct hash_request *r);

/* Take it out and wipe its hash; it may be in no queue. */
void hasher_remove(struct hasher *h, struct hash_request *r);

/* Work for HASH_SLICE_US. True: there is more to do. */
bool hasher_step(struct hasher *h);

#endif
