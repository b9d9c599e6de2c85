/* fetch_envelope.h - ENVELOPE (RFC 9051 7.5.2), and the strings of summaries
 * in the forms that a session may read.
 */
#ifndef TINPOST_IMAP_FETCH_ENVELOPE_H
#define TINPOST_IMAP_FETCH_ENVELOPE_H

#include "base/buf.h"
#include "mime/mime.h"

/* Where and how things are put. */
struct fetch_writer {
	struct buf *out;
	struct buf *scratch; /* for one address; FETCH_SCRATCH_BYTES */
	bool is_utf8;        /* RFC 6855, RFC 9051; else all is ASCII */
};

#define FETCH_SCRATCH_BYTES (16 * 1024)

/* In one field; they have at least eight bytes each then. */
#define MAX_FETCH_ADDRESSES 1000

/* Stands where a message says no domain: NIL would mean a group there. */
#define FETCH_NO_HOST "missing.invalid"

/* A text, NIL when p is NULL. Not in ASCII, where it must be: encoded words
 * (RFC 6858 2.3). */
void fetch_put_text(struct fetch_writer *w, struct span s);

/* An identifier, which encoded words would make another: NIL where it must be
 * ASCII and is not (RFC 6858 2.4). */
void fetch_put_id(struct fetch_writer *w, struct span s);

void fetch_put_envelope(struct fetch_writer *w, const struct envelope *e);

#endif
