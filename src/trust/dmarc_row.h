/* dmarc_row.h - a judged message as a record of an aggregate report (RFC 9990)
 * in XML. Pure.
 *
 * The record comes in two pieces, with the number of messages that are alike
 * between them:
 *
 *	<record><row><source_ip>...</source_ip>
 *	<count>12</count>
 *	<policy_evaluated>... </record>
 */
#ifndef TINPOST_TRUST_DMARC_ROW_H
#define TINPOST_TRUST_DMARC_ROW_H

#include "net/net.h"
#include "trust/dkim.h"
#include "trust/dmarc.h"
#include "trust/spf.h"

/* RFC 9990: what was done. PASS: the policy is to be enforced, and need not. */
enum dmarc_done {
	DMARC_DONE_NONE,
	DMARC_DONE_PASS,
	DMARC_DONE_QUARANTINE,
	DMARC_DONE_REJECT
};

struct dmarc_row {
	struct span domain; /* of the policy: whose report it is */
	enum dmarc_done done;
	bool is_dkim_aligned, is_spf_aligned;
	/* Why something else was done than was asked for: a type of RFC 9990,
	 * and words; NULL: no reason. */
	const char *reason, *comment;
	struct span header_from;
	struct span envelope_from; /* the domain; empty: <> */
	const struct dkim *dkim;   /* NULL: not looked at */
	struct span spf_domain;
	enum spf_result spf; /* SPF_PENDING: not looked at */
};

/* Both pieces together are below this, whatever a message says: names are cut
 * at their greatest length, of signatures there are DKIM_MAX_SIGNATURES. */
#define DMARC_ROW_BYTES 7900

/* Append the piece before the count, and the one behind it. */
void dmarc_row_put_source(struct buf *b, const struct peer *client);
void dmarc_row_put_rest(struct buf *b, const struct dmarc_row *r);

#endif
