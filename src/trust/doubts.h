/* doubts.h - how doubtful is a client, by its address and by what it calls
 * itself? Its reverse name (RFC 8601 3), its HELO, and the DNS lists that the
 * owner chose (RFC 5782) are asked, all at once, and weighed.
 *
 * Ownership  doubts_new copies what it is given; doubts_free at any time.
 * Errors     what the DNS cannot tell weighs nothing. So does a list that refuses
 *            to answer this resolver (127.255.255.0/24, 127.0.0.1, anything
 *            outside 127/8), and one that lists everybody (RFC 5782 5): the log
 *            says so, once an hour at most.
 * Blocking   never. The time is the caller's: doubts_give_up.
 * Limits     DOUBTS_MAX_NAMES of an address, WEIGHTS_MAX_LISTS.
 */
#ifndef TINPOST_TRUST_DOUBTS_H
#define TINPOST_TRUST_DOUBTS_H

#include "net/dns.h"
#include "trust/authres.h"
#include "trust/weights.h"

#define DOUBTS_MAX_NAMES 10

struct doubts_input {
	const struct peer *client;
	struct span helo;
	struct span host; /* our name */
};

struct doubts;

/* Begin to ask for what has a weight. wake is called from the loop, once, when
 * all is known; when nothing is to be asked it is known at once, without.
 * ERR_NOMEM. */
MUST_USE int doubts_new(struct dns *dns, const struct weights *w,
    const struct doubts_input *in, void (*wake)(void *owner), void *owner,
    struct doubts **out);
void doubts_free(struct doubts *s); /* NULL is fine */

bool doubts_are_known(const struct doubts *s);

/* Ask no more: what is not known weighs nothing. No wake comes. */
void doubts_give_up(struct doubts *s);

/* Add a doubt that others found. */
void doubts_add(struct doubts *s, enum doubt d);

/* Was anything found, and what does it weigh? */
bool doubts_are_any(const struct doubts *s);
int doubts_weight(const struct doubts *s);

/* Append "no-reverse=2 zen.example=5"; nothing when nothing was found. */
void doubts_put_words(const struct doubts *s, struct buf *out);

/* Append the same for the client: "your address has no name, ...". */
void doubts_put_reasons(const struct doubts *s, struct buf *out);

/* Append the results that RFC 8601 and RFC 8904 name: iprev=, with the weight
 * as a comment, and dnswl=. */
void doubts_put_results(const struct doubts *s, struct authres *a);

#endif
