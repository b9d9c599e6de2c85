/* smtp_grey.h - greylisting: who sends here for the first time is asked to come
 * again, which mail servers do and much of the rest does not (RFC 6647).
 *
 * A try is known by who sends it, from and to whom. Who: the domain, when SPF
 * says that the client may send for it, so that it does not matter which of a
 * big provider's hosts comes back; else the network of its address. Once a try
 * came back in time, the sender's domain from there passes, to anybody here,
 * for as long as it goes on sending.
 *
 * What is learnt is in store/memo.h, two entries for a new sender.
 */
#ifndef TINPOST_SMTP_SMTP_GREY_H
#define TINPOST_SMTP_SMTP_GREY_H

#include "base/span.h"

struct store;

enum grey_mode { GREY_OFF, GREY_ON, GREY_SUSPICIOUS };

struct grey_options {
	enum grey_mode mode;
	int min_weight;    /* GREY_SUSPICIOUS: whose doubts weigh that much */
	uint32_t delay_s;  /* a try that comes back earlier does not count */
	uint32_t window_s; /* nor one that comes later */
	uint32_t keep_s;   /* from the last mail on */
};

struct grey_sender {
	struct span who;    /* a domain, or the text of a network */
	struct span from;   /* local@domain; empty: <> */
	struct span domain; /* of it; empty: none */
};

/* May this sender's mail pass by what it sent before? Renews what is kept.
 * False as well when the store cannot tell. */
bool grey_is_known(struct store *s, const struct grey_options *o,
    const struct grey_sender *from, int64_t now_s);

/* Note a try to this address. 0: it came back in time, and the sender is known
 * from now on; else the seconds it should wait. When the store takes nothing,
 * 0: mail is not held up by our faults. */
uint32_t grey_try(struct store *s, const struct grey_options *o,
    const struct grey_sender *from, struct span to, int64_t now_s);

#endif
