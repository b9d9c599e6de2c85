/* fetch_section.h - the bytes that a section of FETCH means (RFC 9051
 * 6.4.5.1), found by the summary and read from the store in pieces.
 *
 * What is not stored as it is sent (some fields of a header, a header made
 * ASCII, a decoded body) is made twice: once to count it, for a literal begins
 * with its length, and once to send it.
 *
 * Errors     ERR_NONE, ERR_DAMAGED, ERR_IO, ERR_NOMEM.
 */
#ifndef TINPOST_IMAP_FETCH_SECTION_H
#define TINPOST_IMAP_FETCH_SECTION_H

#include "base/base64.h"
#include "imap/fetch_fields.h"

struct store;

enum fetch_coding { FETCH_AS_IS, FETCH_MADE_FIELDS, FETCH_BASE64, FETCH_QP };

struct fetch_stream {
	const struct fetch_section *section;
	uint64_t body;     /* id */
	uint64_t from, to; /* bytes of the body */
	uint64_t at;       /* is read up to */
	enum fetch_coding coding;
	bool has_nul;     /* something counted is NUL */
	bool is_over;     /* made is the last that comes */
	struct buf heads; /* of struct fetch_range: headers, in order */
	size_t head;      /* the one that is read, or comes next */
	struct fetch_fields fields;
	struct base64_stream base64;
	struct qp_stream qp;
	struct buf made; /* and not yet taken, from taken on */
	size_t taken;
	uint64_t size; /* what it all makes */
	uint64_t skip; /* of it before the partial */
	uint64_t left; /* to be sent */
};

/* Bytes of a body. */
struct fetch_range {
	uint64_t from, to;
};

void fetch_stream_init(struct fetch_stream *s);
void fetch_stream_deinit(struct fetch_stream *s);

/* Find the part, and the bytes of it. summary may be NULL (damaged): then the
 * message as a whole is all there is. bytes: of the message. ERR_NONE: no such
 * part: NIL. ERR_UNSUPPORTED: BINARY of an encoding that is unknown (RFC 3516
 * 4.3). ERR_DAMAGED. */
MUST_USE int fetch_stream_open(struct fetch_stream *s,
    const struct fetch_section *section, uint64_t body, uint64_t bytes,
    const struct summary *summary, bool is_utf8);

/* Count a bounded part. Returns 1 when there is more, 0 when size is known, or
 * an error. */
MUST_USE int fetch_stream_count(struct fetch_stream *s, struct store *store);

/* size is known: go to the begin of what is asked for, and look whether it can
 * be read. left is how much that is. */
MUST_USE int fetch_stream_rewind(struct fetch_stream *s, struct store *store);

/* Append up to max bytes of what is left. After an error, or when out has
 * failed, the literal cannot be kept: end the connection. */
MUST_USE int fetch_stream_put(
    struct fetch_stream *s, struct store *store, size_t max, struct buf *out);

#endif
