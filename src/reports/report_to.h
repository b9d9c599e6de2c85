/* report_to.h - does a domain want a report, and where? Its record is asked
 * for anew when the report is made; an address in another organization must be
 * confirmed there (RFC 9990, "Verifying External Destinations").
 *
 *	report_to_begin ... wake ... (state TO_KNOWN) ... report_to_end
 *
 * Ownership  who asks embeds it, and ends it before it dies.
 * Blocking   never; the wake comes from the loop, once, never from inside
 *            report_to_begin.
 * Room-private.
 */
#ifndef TINPOST_REPORTS_REPORT_TO_H
#define TINPOST_REPORTS_REPORT_TO_H

#include "net/net.h"
#include "reports/report_mail.h"
#include "reports/rua.h"

struct dmarc;

enum report_to_state {
	TO_PENDING,
	TO_KNOWN, /* n addresses, maybe none, and maybe a URL */
	TO_LATER  /* the DNS could not tell */
};

#define REPORT_MAX_RECORD 2048
#define REPORT_MAX_URL    512

struct report_to {
	enum report_to_state state;
	struct rua list[REPORT_MAX_TO];
	size_t n;
	/* Reports about TLS: where to post it (RFC 8460 5.4); empty: nowhere. */
	char url[REPORT_MAX_URL];
	size_t n_url;
	char record[REPORT_MAX_RECORD]; /* the domain's own */
	size_t n_record;
	/* --- private */
	struct dns *dns;
	bool is_tls;
	char domain[DNS_MAX_NAME + 1], org[DNS_MAX_NAME + 1];
	size_t n_domain, n_org;
	size_t at; /* looked at in list */
	bool is_org_known;
	struct dns_query query;
	struct dmarc *walk;
	void (*wake)(void *owner);
	void *owner;
};

/* Ask for the record of a domain: of DMARC, or of reports about TLS. */
void report_to_begin(struct report_to *t, struct dns *dns, bool is_tls,
    struct span domain, void (*wake)(void *owner), void *owner);

/* No wake comes any more. Safe on one that was begun, or is zero. */
void report_to_end(struct report_to *t);

/* Drop those that take no message of so many bytes. */
void report_to_limit(struct report_to *t, uint64_t n_bytes);

#endif
