/* trust.h - is a message from whom it says? SPF, DKIM, DMARC and ARC of one
 * message that comes in, put together into one verdict.
 *
 * Public modules of this room: those that are included here.
 *
 * Ownership  trust_new makes one struct trust for a message; trust_free at
 *            any time stops what is still being asked.
 * Errors     of DNS are results (temperror), never reasons to lose mail.
 * Blocking   never: SPF is asked at once, keys and policy as soon as the
 *            header is over, while the body still comes. Header hashes and
 *            RSA are steps of a job, one signature each.
 * Limits     DKIM_MAX_SIGNATURES, ARC_MAX_SETS, MAX_HEADER_BYTES of header kept until its
 *            end, SPF's of RFC 7208 4.6.4, eight queries for each tree walk.
 */
#ifndef TINPOST_TRUST_TRUST_H
#define TINPOST_TRUST_TRUST_H

#include "net/net.h"
#include "trust/arc.h"
#include "trust/authres.h"
#include "trust/dkim.h"
#include "trust/dkim_sign.h"
#include "trust/dmarc.h"
#include "trust/dmarc_record.h"
#include "trust/dmarc_row.h"
#include "trust/rsa_make.h"
#include "trust/doubts.h"
#include "trust/spf.h"
#include "trust/srs.h"

enum trust_mode {
	TRUST_OFF,  /* not looked at */
	TRUST_NOTE, /* results are put in the header only */
	TRUST_ACT   /* and decide about the message */
};

struct trust_options {
	struct dns *dns;
	struct loop *loop;
	struct span host;                 /* our name: authserv-id and %{r} */
	enum trust_mode spf, dkim, dmarc; /* ARC is looked at with DKIM */
	/* Domains, parted by spaces: where their ARC says that DMARC passed, it
	 * is taken for granted (RFC 8617 7.2.1). */
	struct span sealers;
	/* How long results may take from trust_finish on; what is missing then
	 * is a temperror. */
	int64_t wait_ms;
	/* Rows for aggregate reports are wanted: trust_dmarc_row. */
	bool has_rows;
	/* What doubts about the client weigh; NULL: nothing is looked at. */
	const struct weights *weights;
	int64_t client_ms; /* time for those from trust_new on */
	/* From this weight on it is Junk, or refused; 0: never. */
	int junk_weight, refuse_weight;
};

struct trust_from {
	const struct peer *peer; /* the client */
	struct span helo;
	struct span mail_from; /* local@domain, unquoted; empty: <> */
};

enum trust_verdict {
	TRUST_ACCEPT,
	TRUST_JUNK,    /* DMARC quarantine, or doubts: into the folder Junk */
	TRUST_REJECT,  /* reply with trust_text */
	TRUST_TEMPFAIL /* the same, a temporary one */
};

struct trust;

/* Begin to judge a message of this sender; everything is copied, the weights
 * too. wake is called from the loop, once for each, when trust_ask_client or
 * trust_finish had to wait and what they wait for is there. ERR_NOMEM. */
MUST_USE int trust_new(const struct trust_options *o,
    const struct trust_from *from, void (*wake)(void *owner), void *owner,
    struct trust **out);
void trust_free(struct trust *t); /* NULL is fine */

/* Before the message: is it known who the client is, by SPF and its doubts, or
 * is the time for that over? False: wake will come. */
bool trust_ask_client(struct trust *t);
bool trust_knows_client(const struct trust *t);
/* What speaks against the client, so far. */
int trust_weight(const struct trust *t);
/* The reply when that is too much already; NULL. */
const char *trust_client_refusal(struct trust *t);

/* The next bytes of the message as the client sent them, dots unstuffed. */
void trust_feed(struct trust *t, struct span bytes);

/* The message is whole. True: the verdict is there; false: wake will come. */
bool trust_finish(struct trust *t);

/* Is the verdict there? */
bool trust_is_known(const struct trust *t);

/* The rest is for when it is. */
enum trust_verdict trust_verdict(const struct trust *t);
/* The reply, "550 5.7.1 ...", for TRUST_REJECT and TRUST_TEMPFAIL. */
const char *trust_text(const struct trust *t);
/* Append the Authentication-Results field with its CRLF (RFC 8601). */
void trust_put_header(const struct trust *t, struct buf *out);
/* Append "spf=pass dkim=pass dmarc=fail (reject)" for the event log, and what
 * follows. */
void trust_put_words(const struct trust *t, struct buf *out);
/* Append " weight=4 (no-reverse=2 helo-bad=2)"; nothing when nothing weighs. */
void trust_put_weight(const struct trust *t, struct buf *out);
/* For who weighs a message: the results themselves; borrowed. */
enum spf_result trust_spf(const struct trust *t);
struct span trust_spf_domain(const struct trust *t);
enum dmarc_result trust_dmarc(const struct trust *t);

/* What the domain that asked for a policy is to be told of the message (RFC
 * 9990); the spans of out live as long as t. False: nothing, since nobody asks
 * for reports, or the message is to come again. */
bool trust_dmarc_row(const struct trust *t, struct dmarc_row *out);

/* The sealer whose word made trust_dmarc DMARC_PASS, against what SPF and DKIM
 * say: a local policy, for reports; or empty. */
struct span trust_vouching(const struct trust *t);

/* For who seals what is sent on: NULL: the chain was not looked at. */
const struct arc *trust_arc(const struct trust *t);
/* Append the ARC-Authentication-Results of an instance with its CRLF. */
void trust_put_arc_results(
    const struct trust *t, unsigned instance, struct buf *out);

#endif
