/* dns.h - questions to the resolver, asked in the loop and remembered.
 *
 * Ownership  who asks embeds a struct dns_query, and cancels it before it
 *            dies. Spans of a record belong to the query: they die with the
 *            next dns_ask, dns_cancel or dns_free.
 * Errors     are states of the query. What goes wrong between here and the
 *            resolver, or in it, is DNS_TEMPFAIL: never a reason to bounce.
 * Blocking   never, but for reading the small /etc/resolv.conf when it has
 *            changed. Every question ends within about timeout_ms * 2^tries
 *            for each server.
 * Limits     DNS_MAX_RECORDS and DNS_MAX_ANSWER_BYTES an answer,
 *            DNS_MAX_CHAIN aliases on the way to it, DNS_MAX_ACTIVE questions
 *            at once (others wait), cache_bytes for what is remembered.
 * Bugs       /etc/hosts is not read, and no search list applies: every name
 *            is a full one. Answers are believed as the resolver sends them;
 *            is_authentic is as good as the way to it.
 */
#ifndef TINPOST_NET_DNS_H
#define TINPOST_NET_DNS_H

#include "base/list.h"
#include "net/loop.h"
#include "net/peer.h"

#define DNS_MAX_RECORDS      64
#define DNS_MAX_ANSWER_BYTES 65536 /* of one message, as of one answer */
#define DNS_MAX_CHAIN        8     /* CNAMEs from a name to its records */
/* Silent names must not keep all others waiting; dnsmasq, which is in most home
 * routers, takes 150 at once. */
#define DNS_MAX_ACTIVE 128
/* RFC 1035 2.3.4: 255 bytes on the wire are 253 as text. */
#define DNS_MAX_NAME  253
#define DNS_MAX_LABEL 63

struct dns;
struct dns_entry;

/* RFC 1035 3.2.2, RFC 3596 2.1, RFC 6698 7.1. */
enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_TLSA = 52
};

enum dns_state {
	DNS_IDLE,     /* nothing was asked, or it was cancelled */
	DNS_PENDING,  /* the wake is still to come */
	DNS_OK,       /* there is at least one record */
	DNS_NXDOMAIN, /* the name does not exist, or cannot */
	DNS_NODATA,   /* the name exists, without a record of this type */
	DNS_TEMPFAIL  /* time-out, SERVFAIL, garbage, no memory: ask later */
};

struct dns_options {
	/* Resolvers as "192.0.2.1 192.0.2.2:5353 [2001:db8::1]:53", separated
	 * by spaces or commas. NULL or empty: those of /etc/resolv.conf. */
	const char *servers;
	int64_t timeout_ms; /* of the first try; each further one has twice */
	int tries;          /* of each server, at least 1 */
	size_t cache_bytes;
	const char *resolv_conf; /* NULL: /etc/resolv.conf */
};

/* dns.timeout and cache unless settings say otherwise. */
#define DNS_TIMEOUT_MS  3000
#define DNS_TRIES       3
#define DNS_CACHE_BYTES (256 * 1024)

/* A resolver client in this loop; options are copied. No packet is sent
 * before the first question. ERR_NOMEM, ERR_SYNTAX (servers). */
MUST_USE int dns_new(
    struct loop *l, const struct dns_options *o, struct dns **out);

/* Queries that are pending become DNS_IDLE and are not woken; cancelling them
 * later stays safe. Not in a wake. NULL is fine. */
void dns_free(struct dns *d);

/* Take other options: what was learnt is forgotten, and what is being asked is
 * asked again, unless they are those that it has. On failure all stays as it
 * was. Not in a wake. ERR_NOMEM, ERR_SYNTAX. */
MUST_USE int dns_set_options(struct dns *d, const struct dns_options *o);

/* Would dns_options.servers take this text? */
bool dns_are_servers(struct span text);

/* Zero before its first use. Read what stands above the line. */
struct dns_query {
	enum dns_state state;
	bool is_authentic; /* the resolver has validated it (RFC 4035 3.2.3) */
	bool is_alias;     /* the name is a CNAME of where the records are */
	uint32_t ttl_s;    /* how long it was good for when it was asked */
	/* --- private */
	struct dns *dns;
	struct dns_entry *entry;
	struct list link;
	enum dns_state result; /* when there is no entry */
	void (*wake)(void *owner);
	void *owner;
};

/* Ask for the records of type at name (any case, with or without the final
 * dot; not ending in an address). q is cancelled first if it is pending. The
 * state is DNS_PENDING when this returns, whatever is known already; wake is
 * called in a later turn or later in this one, once, never from inside a
 * function of this module. In it q may be asked again, or freed.
 * A name in UTF-8 is asked for as its A-labels (base/idna.h, RFC 8616). One
 * that no DNS can hold (empty or long labels) is DNS_NXDOMAIN. */
void dns_ask(struct dns *d, struct dns_query *q, enum dns_type type,
    struct span name, void (*wake)(void *owner), void *owner);

/* No wake comes any more, and its records are gone. Always safe: pending or
 * not, zeroed too. */
void dns_cancel(struct dns_query *q);

struct dns_record {
	struct peer address; /* A, AAAA; its port is 0 */
	uint16_t preference; /* MX */
	/* MX, PTR, CNAME: a name of letters, digits, hyphens and underscores,
	 * lower case, no final dot; empty for the root (the null MX of RFC
	 * 7505 3). TXT: its strings joined, any bytes. TLSA: as on the wire.
	 */
	struct span text;
};

/* The next record of a query that is DNS_OK. *at is 0 for the first. False:
 * there is none any more. Equal records come once; records with a malformed
 * name are left out (where all MX records are such, it is DNS_TEMPFAIL). The
 * order is the resolver's. */
bool dns_next(const struct dns_query *q, size_t *at, struct dns_record *out);

/* Append the name at which the PTR of an address stands: 1.2.0.192.in-addr.arpa
 * (RFC 1035 3.5) or nibbles under ip6.arpa (RFC 3596 2.5). */
void dns_put_reverse(struct buf *b, const struct peer *p);

/* Could it be the name of a host or of a record: labels of 1 to 63 letters,
 * digits, hyphens and underscores, 253 bytes in all (RFC 1035 2.3.4); a final
 * dot is fine? */
bool dns_is_name(struct span name);

struct dns_stats {
	uint64_t n_asked, n_hits, n_sent, n_failed;
	size_t cache_bytes;
	uint32_t n_entries, n_active;
};

/* The figures since the start, and of now. */
struct dns_stats dns_stats(const struct dns *d);

#endif
