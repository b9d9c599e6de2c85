/* dns_cache.h - what was asked, what is being asked, and what came of it.
 *
 * Ownership  an entry has references: of the table while it is in it, and of
 *            whoever asked. The last one frees it.
 * Limits     finished entries in the table cost at most max_bytes; the least
 *            recently used go first. One that is over an eighth of that is not
 *            kept. Those being asked are bounded by who asks.
 */
#ifndef TINPOST_NET_DNS_CACHE_H
#define TINPOST_NET_DNS_CACHE_H

#include "net/dns_answer.h"
#include "net/dns_channel.h"

#define DNS_BUCKETS 128

/* How long an answer is believed, whatever its TTL. Under the first, the
 * lookups of one message would not find each other's; RFC 2308 5 has the
 * last, for what is not there. */
#define DNS_MIN_TTL_S      5
#define DNS_MAX_TTL_S      86400
#define DNS_NEGATIVE_TTL_S 10800

struct dns_entry {
	struct dns_entry *next; /* in its bucket */
	struct list by_use;     /* finished and in the table */
	struct list waiting;    /* the queries to wake */
	/* dns.c has it while it is asked: to be sent, or sent. */
	struct list flight;
	struct dns_asked asked;
	struct dns *dns;
	uint32_t n_refs;
	enum dns_type type;
	bool is_in_table;
	/* while it is asked */
	bool has_edns;
	bool is_sent; /* else it is to be sent, if it is in flight at all */
	uint8_t n_aliases, n_sent;
	struct dns_wire *target; /* where aliases led to; NULL: its own name */
	/* when it is finished */
	enum dns_state state; /* DNS_PENDING before */
	bool is_authentic, is_alias;
	uint32_t ttl_s; /* before: of the aliases */
	int64_t expires_ms;
	struct span records; /* on the heap */
	struct dns_wire name;
};

struct dns_cache {
	struct dns_entry *buckets[DNS_BUCKETS];
	struct list by_use; /* the least recently used first */
	size_t bytes, max_bytes;
	uint32_t n_entries;
};

void dns_cache_init(struct dns_cache *c, size_t max_bytes);
/* Forget everything; entries live on with those who hold them. */
void dns_cache_deinit(struct dns_cache *c);

/* The entry for a question, finished or being asked; NULL: there is none, or
 * its time is over. Not referenced for the caller. */
struct dns_entry *dns_cache_find(struct dns_cache *c, enum dns_type type,
    const struct dns_wire *name, int64_t now_ms);

/* A new entry in the table, DNS_PENDING, with a reference for the caller too.
 * There must be none for this question. NULL: no memory. */
MUST_USE struct dns_entry *dns_cache_add(
    struct dns_cache *c, enum dns_type type, const struct dns_wire *name);

/* It is answered. The records are copied; without memory for them it is
 * DNS_TEMPFAIL. That state is not remembered. */
void dns_cache_finish(struct dns_cache *c, struct dns_entry *e,
    const struct dns_answer *a, int64_t now_ms);

/* Let nobody find it any more. */
void dns_cache_forget(struct dns_cache *c, struct dns_entry *e);

/* Forget all that are finished. */
void dns_cache_clear(struct dns_cache *c);

struct dns_entry *dns_entry_ref(struct dns_entry *e);
void dns_entry_unref(struct dns_entry *e);

#endif
