/* dsn.h - the text of a delivery status notification (RFC 3464, RFC 6522).
 *
 * Pure: bytes out, no store, no clock. What comes from outside (addresses, the
 * words of other servers) is put in one line each, controls as "?".
 */
#ifndef TINPOST_QUEUE_DSN_H
#define TINPOST_QUEUE_DSN_H

#include "base/buf.h"

enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_RELAYED };

struct dsn_rcpt {
	enum dsn_action action;
	struct span address; /* local@domain */
	struct span orcpt;   /* "rfc822;" and xtext; empty: none */
	struct span status;  /* "5.1.1" */
	struct span remote;  /* host that said it; empty: we do */
	struct span words;   /* its reply, or ours */
	struct span advice;  /* what that means, in lines; or empty */
	int64_t last_s;      /* of the last attempt; 0: none */
	int64_t until_s;     /* DSN_DELAYED: tried so long */
};

struct dsn {
	struct span host; /* ours */
	struct span to;   /* who gets it */
	struct span envid;
	uint64_t random; /* for the boundary and the Message-ID */
	int64_t now_s, arrived_s;
	int zone_minutes;
	const struct dsn_rcpt *rcpts;
	size_t n_rcpts;
	bool is_full; /* the original follows whole, not its header alone */
	bool is_8bit; /* it has bytes above 127 */
	/* The sender's side reads addresses and headers in UTF-8, and there are
	 * some: the types of RFC 6533. Else they are told in ASCII. */
	bool is_utf8;
	bool has_utf8_header; /* the original's */
};

/* Append all that stands before the original message or its header. */
void dsn_begin(const struct dsn *d, struct buf *out);

/* Append what stands behind it. */
void dsn_end(const struct dsn *d, struct buf *out);

/* The status in words that begin with one ("5.1.1 No such user", or "550
 * 5.1.1 ..."), else a general one of the class. */
struct span dsn_status(struct span words, bool is_permanent);

#endif
