/* tls_row.h - how TLS went with other domains, counted for the daily reports
 * of RFC 8460 (reports/).
 *
 * Counts are rows of store/tally.h, MEMO_TLS_ROW, each a piece of the report's
 * JSON:
 *
 *	class	text				count
 *	n0, s0	"policy":{...}			sessions that went well
 *	n1, s1	"result-type":"..."...		sessions that failed so
 *
 * n is no policy, s MTA-STS. Before a failure there is always the policy's
 * row.
 */
#ifndef TINPOST_QUEUE_TLS_ROW_H
#define TINPOST_QUEUE_TLS_ROW_H

#include "base/buf.h"

struct peer;
struct store;

/* RFC 8460 4.2. TLSA is not asked for here. */
enum tls_row_policy { TLS_ROW_NO_POLICY, TLS_ROW_STS };

/* RFC 8460 4.3 */
enum tls_row_result {
	TLS_ROW_SUCCESS,
	TLS_ROW_NO_STARTTLS,   /* starttls-not-supported */
	TLS_ROW_HOST_MISMATCH, /* certificate-host-mismatch */
	TLS_ROW_EXPIRED,       /* certificate-expired */
	TLS_ROW_NOT_TRUSTED,   /* certificate-not-trusted */
	TLS_ROW_FAILURE,       /* validation-failure: all else */
	TLS_ROW_STS_FETCH,     /* sts-policy-fetch-error */
	TLS_ROW_STS_INVALID,   /* sts-policy-invalid */
	TLS_ROW_STS_WEBPKI     /* sts-webpki-invalid */
};

struct tls_row {
	struct span domain; /* the recipients'; not a relay's */
	enum tls_row_policy policy;
	/* TLS_ROW_STS: the policy as it was fetched, lines; may be empty. */
	struct span policy_text;
	enum tls_row_result result;
	struct span mx;          /* the host; empty: none was asked */
	const struct peer *from; /* our address; NULL: not known */
	const struct peer *to;   /* its address; NULL: none */
	struct span reason; /* more about a failure, in words; may be empty */
};

/* Count one session. Not for those that carry a report about TLS (RFC 8460
 * 5.3), nor when the setting is off. */
void tls_row_count(struct store *s, const struct tls_row *n);

#endif
