/* mx.h - which hosts take the mail of a domain, one after another (RFC 5321
 * 5.1).
 *
 * Hosts come by preference, in random order among equals, each with its IPv6
 * and IPv4 addresses; without MX records the domain itself is the host. Those
 * that have no address are passed over. Where we are a host of the domain
 * ourselves (by our name, or by an address at which we listen), we and all
 * that are not preferred to us are left out: mail would come back.
 *
 * Ownership  who looks embeds a struct mx, and ends it before it dies.
 * Wake       from mx_begin and mx_next on, once, never from inside them.
 */
#ifndef TINPOST_QUEUE_MX_H
#define TINPOST_QUEUE_MX_H

#include "net/dns.h"

/* RFC 5321 5.1 asks for two at least. */
#define MX_MAX_HOSTS     8
#define MX_MAX_ADDRESSES 16

enum mx_state {
	MX_PENDING,
	MX_HOST, /* host and addresses are there */
	MX_END,  /* no more hosts */
	MX_TEMP, /* the resolver could not tell */
	MX_PERM  /* there is no such domain, it takes no mail, or only we do */
};

struct mx_env {
	struct dns *dns;
	struct loop *loop; /* whose listeners are ours */
	struct span host;  /* our name; copied */
	uint16_t port;     /* where the hosts will be called */
};

struct mx {
	enum mx_state state;
	const char *why; /* MX_TEMP, MX_PERM: "5.1.2 ..." */
	char host[DNS_MAX_NAME + 1];
	size_t host_len;
	struct peer addresses[MX_MAX_ADDRESSES];
	size_t n_addresses;
	/* Nobody can have forged the name of the host: the resolver validated
	 * it, or it is the domain's own. */
	bool is_authentic;
	/* --- private */
	struct mx_env env;
	char own[DNS_MAX_NAME + 1]; /* env.host */
	struct dns_query mx_query, a, aaaa;
	struct {
		char name[DNS_MAX_NAME + 1];
		uint16_t preference;
		uint32_t random;
	} hosts[MX_MAX_HOSTS];
	size_t n_hosts, at;
	size_t look;     /* whose addresses are asked for */
	size_t n_looked; /* hosts of which we know that they are not we */
	bool is_literal;
	bool had_temp; /* one host's addresses could not be told */
	bool had_host; /* one had addresses */
	bool is_fixed; /* no MX is asked for */
	struct peer literal;
	void (*wake)(void *owner);
	void *owner;
};

/* Look for the hosts of a domain; is_fixed: this host (or address) itself. */
void mx_begin(struct mx *m, const struct mx_env *env, struct span domain,
    bool is_fixed, void (*wake)(void *owner), void *owner);

/* The next host; in MX_HOST only. The state is MX_PENDING, or MX_END at
 * once (no wake comes). */
void mx_next(struct mx *m);

/* No wake comes any more. Always safe on one that was begun, or is zero. */
void mx_end(struct mx *m);

#endif
