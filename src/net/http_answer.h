/* http_answer.h - reads one HTTP/1.1 answer from a stream (RFC 9112), in pieces
 * of any size. Pure: no I/O, no clock. Room-private.
 *
 * Strict where a proxy in between could be fooled: both Content-Length and
 * Transfer-Encoding, two different lengths, another coding than chunked, a
 * bare CR, folded lines, a space before the colon: all are no answer.
 */
#ifndef TINPOST_NET_HTTP_ANSWER_H
#define TINPOST_NET_HTTP_ANSWER_H

#include "base/buf.h"
#include "base/cursor.h"

/* Of one line of the head, and of a chunk's line. */
#define HTTP_MAX_LINE 4096
#define HTTP_MAX_TYPE 128 /* of Content-Type; the rest is cut off */

enum http_part {
	HTTP_STATUS,
	HTTP_FIELDS,
	HTTP_BODY,      /* by its length */
	HTTP_BODY_REST, /* up to the end of the stream (RFC 9112 6.3) */
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK,
	HTTP_CHUNK_END, /* the CRLF behind its data */
	HTTP_TRAILER,
	HTTP_WHOLE
};

struct http_answer {
	uint16_t status;
	struct span type; /* in storage */
	struct buf body;  /* its max is the caller's */
	const char *why;  /* PARSE_BAD: a few words, static */
	/* --- private */
	enum http_part part;
	struct buf line;
	size_t head_bytes;
	uint32_t n_interim;
	uint64_t left; /* of the body or the chunk */
	bool has_length, is_chunked, is_bodyless;
	char type_storage[HTTP_MAX_TYPE];
};

/* For an answer to GET or POST with a body of at most max_bytes. Allocates
 * nothing yet. */
void http_answer_init(struct http_answer *a, size_t max_bytes);

/* Releases and wipes. */
void http_answer_deinit(struct http_answer *a);

/* Take the next bytes of the stream; all are consumed. PARSE_OK: the answer is
 * whole (what follows it does not matter). PARSE_BAD: it is none. */
enum parse http_answer_feed(struct http_answer *a, struct span in);

/* The stream has ended. PARSE_OK or PARSE_BAD. */
enum parse http_answer_end(struct http_answer *a);

#endif
