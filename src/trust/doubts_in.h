/* doubts_in.h - the doubts of one client, for its two modules: doubts.c finds them,
 * doubts_tell.c weighs and tells them.
 */
#ifndef TINPOST_TRUST_DOUBTS_IN_H
#define TINPOST_TRUST_DOUBTS_IN_H

#include "base/arena.h"
#include "trust/doubts.h"

/* RFC 8601 2.7.3 */
enum iprev { IPREV_NONE, IPREV_PASS, IPREV_FAIL, IPREV_TEMP, IPREV_PERM };

struct list_query {
	struct doubts *doubts;
	struct dns_query client, nobody;
};

struct doubts {
	struct dns *dns;
	void (*wake)(void *owner);
	void *owner;
	struct weights weights;
	struct peer client;
	struct arena arena;
	struct span helo;
	struct span names[DOUBTS_MAX_NAMES];
	size_t n_names, name_at; /* being asked for its addresses */
	struct dns_query reverse, forward, hello;
	struct list_query *lists; /* weights.n_lists of them */
	enum iprev iprev;
	uint32_t found;                        /* bits of enum doubt */
	uint32_t hits;                         /* bits of weights.rules */
	uint8_t answers[WEIGHTS_MAX_RULES][4]; /* of those */
	bool was_helo_asked_again, is_over;
};

#endif
