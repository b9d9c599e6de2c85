/* reports.h - the daily reports to other domains: what DMARC found in their
 * name (RFC 9990), and how TLS went with their servers (RFC 8460).
 *
 * What is counted stands in store/tally.h, and is counted where it happens
 * (smtp/smtp_judge.c, queue/lane.c). Here, once a day, a few hours behind
 * midnight (UTC; another time for each server, RFC 8460 5.4), each group of a
 * day that is over becomes a message in the queue, if its domain still wants
 * it. The message and the mark that it was made are in one frame: none is made
 * twice. A domain whose DNS does not answer is asked again within
 * TALLY_KEEP_DAYS.
 *
 * Ownership  one struct reports in the process, which borrows its env.
 * Blocking   never: a job, some rows or one signature in a turn.
 */
#ifndef TINPOST_REPORTS_REPORTS_H
#define TINPOST_REPORTS_REPORTS_H

#include "base/buf.h"

struct dns;
struct loop;
struct store;
struct reports;

struct reports_env {
	struct loop *loop;
	struct store *store;
	struct dns *dns;
	struct span contact; /* our address for reports; 7-bit */
	struct span host;    /* our name */
	bool sends_dmarc, sends_tls;
	bool is_paused; /* no mail leaves */
};

/* The env is kept, not copied; what stands in it may be changed between turns.
 * ERR_NOMEM. */
MUST_USE int reports_new(struct reports_env *env, struct reports **out);
void reports_free(struct reports *r); /* NULL is fine */

/* Send what was counted until now, this day's too. What is counted for a
 * domain while its report is being made may be lost. */
void reports_send_now(struct reports *r);

/* Settings have changed. */
void reports_wake(struct reports *r);

#endif
