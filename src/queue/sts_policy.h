/* sts_policy.h - the record and the policy of MTA-STS as text (RFC 8461 3).
 *
 * Pure: no DNS, no clock. A policy is kept as its lines in one form ("mode:
 * enforce", "mx: *.a.test"), each with LF, in the order version, mode, max_age,
 * mx; what we do not know is left out.
 */
#ifndef TINPOST_QUEUE_STS_POLICY_H
#define TINPOST_QUEUE_STS_POLICY_H

#include "base/buf.h"

#define STS_MAX_ID    32       /* RFC 8461 3.1 */
#define STS_MAX_AGE_S 31557600 /* RFC 8461 3.2: a year */
/* Of a policy in our form; a real one has a few hundred bytes. */
#define STS_MAX_POLICY 7168

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };

/* Read the TXT record at _mta-sts.DOMAIN: its id, a part of txt. ERR_NONE: it
 * is about something else; ERR_SYNTAX. */
MUST_USE int sts_record_parse(struct span txt, struct span *id);

struct sts_policy {
	enum sts_mode mode;
	uint32_t max_age_s; /* at most STS_MAX_AGE_S */
};

/* Read what was fetched (also our own form) and append it in our form to text.
 * ERR_SYNTAX: it is no policy; ERR_LIMIT, ERR_NOMEM: of text. */
MUST_USE int sts_policy_parse(
    struct span body, struct sts_policy *out, struct buf *text);

/* Does a policy in our form name this host (RFC 8461 4.1)? A star stands for
 * one label. */
bool sts_policy_names(struct span text, struct span host);

/* "none", "testing", "enforce". */
const char *sts_mode_name(enum sts_mode mode);

#endif
