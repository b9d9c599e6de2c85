/* trust_in.h - one message that is judged, for the two modules of trust.h: trust.c
 * comes to the verdict, trust_tell.c tells it.
 */
#ifndef TINPOST_TRUST_TRUST_IN_H
#define TINPOST_TRUST_TRUST_IN_H

#include "base/arena.h"
#include "trust/trust.h"

struct trust {
	struct trust_options options;
	void (*wake)(void *owner);
	void *owner;
	struct arena arena; /* what options and from point to */
	struct span mail_from, helo_name;
	struct spf *spf;       /* of MAIL FROM, or HELO when that is empty */
	struct spf *helo;      /* of HELO beside it; NULL: not asked */
	struct doubts *doubts; /* NULL: not looked for */
	struct head head;
	struct dkim *dkim;
	struct arc *arc;
	struct dmarc *dmarc;
	struct peer client;
	struct span vouching; /* the sealer that is believed, or empty */
	struct job job;
	struct timer timer;
	struct timer client_timer;
	char author[DNS_MAX_NAME + 1];
	char text[480]; /* a reply line: RFC 5321 4.5.3.1.5 */
	size_t n_author;
	enum trust_verdict verdict;
	/* The same before doubts are weighed, for reports. */
	enum trust_verdict by_policy;
	int fault; /* ERR_NOMEM on the way: what is missing is a temperror */
	bool is_finished, is_judged, is_decided, is_waiting;
	bool is_client_late, is_client_asked;
	/* Whose it is cannot be told: RFC 9989 leaves it to us, and it must not
	 * be a way around a policy. */
	bool has_many_authors;
};

#endif
