/* sts.h - what a domain demands of TLS on the way to it: MTA-STS (RFC 8461).
 *
 * The record in the DNS says which policy there is; the policy is fetched by
 * HTTPS and kept in the store (memo.h, MEMO_STS) for as long as it says. It is
 * fetched again when the record names another, or once a day. What cannot be
 * fetched leaves the one that is kept in force, and is tried again minutes
 * later; a record that is gone, or a resolver that fails, as well: who can cut
 * us off from the domain's web server cannot take its policy away.
 *
 *	key	domain
 *	value	fetched and tried (be64 each, wall clock), id with its
 *		length before it, the policy in the form of sts_policy.h
 *		(empty: it could not be fetched)
 *
 * Ownership  who asks embeds a struct sts, and ends it before it dies.
 * Wake       from sts_begin on, once, never from inside it.
 * Blocking   never. Without an answer it is over after about STS_FETCH_MS.
 */
#ifndef TINPOST_QUEUE_STS_H
#define TINPOST_QUEUE_STS_H

#include "net/net.h"
#include "queue/sts_policy.h"

struct store;

#define STS_FETCH_MS  30000
#define STS_REFRESH_S 86400 /* RFC 8461 3.3: once a day */
#define STS_AGAIN_S   300   /* RFC 8461 3.3: after a failed fetch */
#define STS_MAX_BYTES 16384 /* of a policy as it is fetched */

struct sts_env {
	struct loop *loop;
	struct store *store;
	struct dns *dns;
	uint16_t port; /* of the domains' web servers: 443 */
};

/* Why there is no new policy, as RFC 8460 4.3 parts it. */
enum sts_fault {
	STS_FINE,
	STS_NOT_FETCHED, /* sts-policy-fetch-error */
	STS_INVALID,     /* sts-policy-invalid */
	STS_UNTRUSTED    /* sts-webpki-invalid */
};

struct sts {
	bool is_pending;
	enum sts_mode mode; /* STS_NONE, too, where there is no policy */
	bool has_policy;    /* text holds it */
	struct buf text;    /* in the form of sts_policy.h */
	/* What is kept cannot be read now: no host is allowed (STS_ENFORCE). */
	bool is_unread;
	enum sts_fault fault;  /* of the fetch that was made just now */
	const char *fault_why; /* a few words, static; empty: STS_FINE */
	/* --- private */
	struct sts_env env;
	char domain[DNS_MAX_NAME + 1];
	char id[STS_MAX_ID + 1]; /* of the record; empty: there is none */
	char kept_id[STS_MAX_ID + 1];
	int64_t fetched_s, tried_s, until_s; /* of what is kept */
	bool is_kept;
	struct dns_query query;
	struct fetch *fetch;
	void (*wake)(void *owner);
	void *owner;
};

/* Look for the policy of a domain, in ASCII. */
void sts_begin(struct sts *t, const struct sts_env *env, struct span domain,
    void (*wake)(void *owner), void *owner);

/* No wake comes any more. Always safe on one that was begun, or is zero. */
void sts_end(struct sts *t);

/* May mail go to this host? Always, unless the mode is STS_ENFORCE. */
bool sts_allows(const struct sts *t, struct span host);

#endif
