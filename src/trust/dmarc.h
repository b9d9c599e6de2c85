/* dmarc.h - what the domain in From asks to be done with mail that is not its
 * own: RFC 9989, with the DNS tree walk (no list of public suffixes).
 *
 * Ownership  dmarc_new to dmarc_free.
 * Blocking   never. dmarc_new asks for the policy; dmarc_judge, when SPF and
 *            DKIM are known, may have to ask again.
 * Limits     eight queries a walk (RFC 9989 4.10), one walk for the author's
 *            domain and one for each domain that passed and shares its
 *            organizational domain's name.
 */
#ifndef TINPOST_TRUST_DMARC_H
#define TINPOST_TRUST_DMARC_H

#include "net/dns.h"

#define DMARC_MAX_WALK       8
#define DMARC_MAX_IDENTITIES 6 /* five of DKIM, one of SPF */

enum dmarc_result {
	DMARC_PENDING,
	DMARC_NONE, /* no policy */
	DMARC_PASS,
	DMARC_FAIL,
	DMARC_TEMPERROR,
	DMARC_PERMERROR
};

enum dmarc_policy { DMARC_P_NONE, DMARC_P_QUARANTINE, DMARC_P_REJECT };

/* A domain that is proved. */
struct dmarc_identity {
	struct span domain;
	bool is_spf;
	/* Not proved, but only for a temporary failure. */
	bool is_unknown;
};

struct dmarc;

/* Begin the walk for the domain of the From field. ERR_NOMEM. */
MUST_USE int dmarc_new(struct dns *dns, struct span author_domain,
    void (*wake)(void *owner), void *owner, struct dmarc **out);
void dmarc_free(struct dmarc *d); /* NULL is fine */

/* Judge by these (copied, at most DMARC_MAX_IDENTITIES), once. The wake comes
 * when the result is still DMARC_PENDING after this. */
void dmarc_judge(struct dmarc *d, const struct dmarc_identity *list, size_t n);

/* DMARC_PENDING until dmarc_judge was called and all is known. */
enum dmarc_result dmarc_result(const struct dmarc *d);

/* What is to be done with a fail: t=y taken into account. */
enum dmarc_policy dmarc_policy(const struct dmarc *d);
/* What was asked for, before t=y. */
enum dmarc_policy dmarc_asked(const struct dmarc *d);
struct span dmarc_author(const struct dmarc *d);

void dmarc_give_up(struct dmarc *d);

/* --- for aggregate reports (RFC 9990) --- */

/* Look at each identity, also when one is aligned already: before dmarc_judge.
 * That can take another walk. */
void dmarc_look_at_all(struct dmarc *d);
/* Is one of SPF (of DKIM) aligned? When all were looked at. */
bool dmarc_is_aligned(const struct dmarc *d, bool is_spf);
/* Where the record was found that counts; empty: there is none. */
struct span dmarc_domain(const struct dmarc *d);
/* Does that record ask for aggregate reports? */
bool dmarc_has_rua(const struct dmarc *d);
/* The organizational domain of the author's (RFC 9989 4.10.2); empty: the DNS
 * did not tell. */
struct span dmarc_org(const struct dmarc *d);

const char *dmarc_name(enum dmarc_result r);
const char *dmarc_policy_name(enum dmarc_policy p);

#endif
