/* dkim_canon.h - the canonical forms of DKIM (RFC 6376 3.4), for who signs and
 * who verifies: whole header fields, and bodies that arrive in pieces.
 *
 * Pure: bytes in, bytes out. A line ends with CRLF; a CR or LF alone is an
 * ordinary byte.
 */
#ifndef TINPOST_TRUST_DKIM_CANON_H
#define TINPOST_TRUST_DKIM_CANON_H

#include "base/buf.h"

enum dkim_canon { DKIM_SIMPLE, DKIM_RELAXED };

/* Append a header field's form with its CRLF. field is the name, the colon and
 * the value with its folds; its last CRLF may be there or not. */
void dkim_canon_field(struct buf *out, enum dkim_canon how, struct span field);

/* The relaxed form of a field whose name and value (raw, folds included) were
 * taken apart already. */
void dkim_canon_put_relaxed(
    struct buf *out, struct span name, struct span value);

/* A body on its way. Read n_bytes: what the sink was given so far. */
struct dkim_body {
	uint64_t n_bytes;
	/* --- private */
	void (*sink)(void *arg, struct span bytes);
	void *arg;
	uint64_t n_crlf; /* line ends not given yet: they may be the last */
	enum dkim_canon how;
	bool has_cr, has_wsp; /* not given yet */
};

/* Begin; sink takes the form's bytes in pieces of any length. */
void dkim_body_init(struct dkim_body *b, enum dkim_canon how,
    void (*sink)(void *arg, struct span bytes), void *arg);

/* The next bytes of the body (what is behind the header's blank line). */
void dkim_body_feed(struct dkim_body *b, struct span bytes);

/* The body is over. */
void dkim_body_finish(struct dkim_body *b);

#endif
