/* smtp_params.h - the parameters of MAIL and RCPT (RFC 5321 4.1.2). Pure.
 *
 * Ownership  spans point into the input.
 */
#ifndef TINPOST_SMTP_SMTP_PARAMS_H
#define TINPOST_SMTP_SMTP_PARAMS_H

#include "base/buf.h"

enum smtp_body { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME };
enum smtp_ret { SMTP_RET_NONE, SMTP_RET_FULL, SMTP_RET_HDRS };

/* RFC 3461 4.1; 0: not given. */
#define SMTP_NOTIFY_NEVER   1u
#define SMTP_NOTIFY_SUCCESS 2u
#define SMTP_NOTIFY_FAILURE 4u
#define SMTP_NOTIFY_DELAY   8u

#define MAX_ENVID_BYTES 100 /* RFC 3461 4.4 */
#define MAX_ORCPT_BYTES 500 /* RFC 3461 4.2 */

struct smtp_mail_params {
	unsigned seen; /* private: which were given */
	uint64_t size_bytes;
	enum smtp_body body;
	enum smtp_ret ret;
	bool is_utf8;
	bool requires_tls; /* REQUIRETLS */
	struct span envid; /* xtext; empty: none */
	struct span auth;  /* xtext or "<>"; empty: none */
};

struct smtp_rcpt_params {
	unsigned seen;
	unsigned notify; /* SMTP_NOTIFY_ bits */
	struct span orcpt;
};

/* Parse what stands behind the path, spaces first. ERR_SYNTAX: 501;
 * ERR_EXISTS: given twice, 501; ERR_UNSUPPORTED: unknown, or BINARYMIME, 555;
 * ERR_INVALID: a wrong value, 501; ERR_LIMIT: SIZE over 63 bits, 552. */
MUST_USE int smtp_params_mail(struct span s, struct smtp_mail_params *out);
MUST_USE int smtp_params_rcpt(struct span s, struct smtp_rcpt_params *out);

/* The argument of BDAT (RFC 3030 2): a number and, perhaps, LAST. ERR_SYNTAX;
 * ERR_LIMIT: over 63 bits. */
MUST_USE int smtp_params_bdat(
    struct span s, uint64_t *size_out, bool *is_last_out);

/* Append text as xtext (RFC 3461 4). */
void smtp_params_put_xtext(struct buf *out, struct span text);

/* Is it xtext (RFC 3461 4) that hides no control character? */
bool smtp_params_is_xtext(struct span s);

#endif
