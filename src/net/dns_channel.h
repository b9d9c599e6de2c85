/* dns_channel.h - questions to a few resolvers through c-ares: its sockets,
 * time-outs and tries, the next server, TCP for what is too long for UDP.
 *
 * It calls back when a question has ended, from inside dns_channel_ask too.
 */
#ifndef TINPOST_NET_DNS_CHANNEL_H
#define TINPOST_NET_DNS_CHANNEL_H

#include "net/dns_servers.h"
#include "net/loop.h"

struct dns_channel;

struct dns_channel_options {
	const struct dns_servers *servers; /* copied */
	int64_t timeout_ms;                /* of the first try */
	int tries;
};

/* What is embedded in whatever asks. */
struct dns_asked {
	/* The question has ended: the answer, borrowed, or empty when there is
	 * none that is of use. It may not ask, nor close the channel. */
	void (*ended)(struct dns_asked *, struct span answer);
};

/* ERR_NOMEM. */
MUST_USE int dns_channel_open(struct loop *l,
    const struct dns_channel_options *o, struct dns_channel **out);

/* Close the sockets; ended is called for no question any more. NULL is
 * fine. */
void dns_channel_close(struct dns_channel *ch);

/* Send a question: a whole message, copied. q lives until it has ended or the
 * channel is closed. */
void dns_channel_ask(
    struct dns_channel *ch, struct span message, struct dns_asked *q);

#endif
