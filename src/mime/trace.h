/* trace.h - the header fields that Tinpost itself writes.
 *
 * Each appends one whole field with CRLF, folded at 78 columns where it can
 * be. Every text from outside passes trace_put_text, so that none can start
 * a new line or field.
 */
#ifndef TINPOST_MIME_TRACE_H
#define TINPOST_MIME_TRACE_H

#include "base/buf.h"

/* Append s with controls replaced by "?", and what is not UTF-8 too; at most
 * 256 bytes of it. The one escaping writer of this module. */
void trace_put_text(struct buf *b, struct span s);

/* Return-Path (RFC 5321 4.4). local is unquoted; both empty: "<>". */
void trace_put_return_path(
    struct buf *b, struct span local, struct span domain);

struct received {
	struct span helo; /* what the client said in EHLO */
	struct span peer; /* its address as text: 192.0.2.1 or 2001:db8::1 */
	struct span peer_name; /* its verified name, or empty */
	struct span by;        /* our name */
	struct span tls;       /* "TLSv1.2 ECDHE-...", or empty */
	struct span id;        /* of this message, in our log */
	struct span for_local; /* the one recipient; empty: none or several */
	struct span for_domain;
	int64_t wall_s;
	int zone_minutes;
	bool is_esmtp, is_auth, is_utf8; /* is_utf8: SMTPUTF8 was asked for */
};

/* Received (RFC 5321 4.4; "with" as RFC 3848 and RFC 6531 4.3). */
void trace_put_received(struct buf *b, const struct received *r);

/* Message-ID from a time and a random number, at our name. */
void trace_put_message_id(
    struct buf *b, int64_t wall_ms, uint64_t random, struct span host);

void trace_put_date(struct buf *b, int64_t wall_s, int zone_minutes);

#endif
