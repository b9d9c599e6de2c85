/* weights.h - what makes mail doubtful, and how much: the owner's settings,
 * read. Pure.
 *
 * trust.weights says what each doubt weighs: "no-reverse=2 helo-unknown=2".
 *
 * trust.dnsbl says which DNS lists of addresses are asked (RFC 5782), and what
 * an entry there weighs: "zen.example=5 white.example:127.0.*.2-3=-2". Behind the
 * colon stands which of the answers count: each of the four numbers is one, a
 * range, or * for any. Without it any of 127/8 does. A weight below 0 speaks for
 * the client. A list may stand there several times; it is asked once.
 */
#ifndef TINPOST_TRUST_WEIGHTS_H
#define TINPOST_TRUST_WEIGHTS_H

#include "base/buf.h"

/* One bit each of the doubts of a client. */
enum doubt {
	DOUBT_NO_REVERSE,   /* its address has no name */
	DOUBT_BAD_REVERSE,  /* the name does not lead back to it */
	DOUBT_HELO_BAD,     /* HELO is neither a host's name nor an address */
	DOUBT_HELO_UNKNOWN, /* it is a name without an address */
	DOUBT_HELO_OTHER,   /* of another host */
	DOUBT_HELO_OURS,    /* of ours */
	DOUBT_SPF_FAIL,
	DOUBT_SPF_SOFTFAIL,
	N_DOUBTS
};

#define WEIGHTS_MAX_LISTS 8
#define WEIGHTS_MAX_RULES 16
#define WEIGHTS_MAX_TEXT  400 /* of the names of all lists */
#define WEIGHTS_MAX       100 /* of one doubt */

struct weights_rule {
	uint8_t list; /* index in lists */
	uint8_t low[4], high[4];
	int8_t weight; /* never 0 */
};

/* Holds no pointers: copy it freely. */
struct weights {
	int8_t of[N_DOUBTS]; /* 0: not looked at */
	uint8_t n_lists, n_rules;
	struct {
		uint16_t at, len;
	} lists[WEIGHTS_MAX_LISTS];
	struct weights_rule rules[WEIGHTS_MAX_RULES];
	uint16_t n_text;
	char text[WEIGHTS_MAX_TEXT];
};

/* Read trust.weights into a zeroed one; what is not named weighs nothing.
 * ERR_SYNTAX, ERR_LIMIT (over WEIGHTS_MAX). */
MUST_USE int weights_parse_doubts(struct span s, struct weights *w);

/* Read trust.dnsbl into it. ERR_SYNTAX, ERR_LIMIT (over one of the above). */
MUST_USE int weights_parse_lists(struct span s, struct weights *w);

/* Is there anything to look at? */
bool weights_are_any(const struct weights *w);

struct span weights_list(const struct weights *w, size_t list);

/* Does the answer, an address of 127/8, count for the rule? */
bool weights_rule_has(const struct weights_rule *r, const uint8_t answer[4]);

/* "no-reverse", as in the setting. */
const char *weights_name(enum doubt s);

#endif
