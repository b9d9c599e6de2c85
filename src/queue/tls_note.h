/* tls_note.h - how TLS went with other domains, counted for the daily reports
 * of RFC 8460 (reports/).
 *
 * Counts are facts of memo.h, MEMO_TLS_ROW, by day (UTC) and domain: one of
 * each policy, and one of each different failure. What does not fit any more
 * into the kind's bound is not counted.
 *
 *	key	day (be32), domain NUL, policy type, hash of the detail (be64)
 *	value	how often (be32), JSON of the policy or the detail
 *
 * The hash is 0 for a policy itself, whose count is that of sessions that went
 * well.
 */
#ifndef TINPOST_QUEUE_TLS_NOTE_H
#define TINPOST_QUEUE_TLS_NOTE_H

#include "base/buf.h"

struct peer;
struct store;

/* RFC 8460 4.2. TLSA is not asked for here. */
enum tls_note_policy { TLS_NOTE_NO_POLICY, TLS_NOTE_STS };

/* RFC 8460 4.3 */
enum tls_note_result {
	TLS_NOTE_SUCCESS,
	TLS_NOTE_NO_STARTTLS,   /* starttls-not-supported */
	TLS_NOTE_HOST_MISMATCH, /* certificate-host-mismatch */
	TLS_NOTE_EXPIRED,       /* certificate-expired */
	TLS_NOTE_NOT_TRUSTED,   /* certificate-not-trusted */
	TLS_NOTE_FAILURE,       /* validation-failure: all else */
	TLS_NOTE_STS_FETCH,     /* sts-policy-fetch-error */
	TLS_NOTE_STS_INVALID,   /* sts-policy-invalid */
	TLS_NOTE_STS_WEBPKI     /* sts-webpki-invalid */
};

struct tls_note {
	struct span domain; /* the recipients'; not a relay's */
	enum tls_note_policy policy;
	/* TLS_NOTE_STS: the policy as it was fetched, lines; may be empty. */
	struct span policy_text;
	enum tls_note_result result;
	struct span mx;          /* the host; empty: none was asked */
	const struct peer *from; /* our address; NULL: not known */
	const struct peer *to;   /* its address; NULL: none */
	struct span reason;      /* more about a failure, in words; may be empty */
};

/* Count one session. Not for those that carry a report about TLS (RFC 8460
 * 5.3), nor when the setting is off. */
void tls_note(struct store *s, const struct tls_note *n);

#endif
