/* structure.h - the one pass over a message at delivery.
 *
 * Feed the message in pieces of any size and take its summary (summary.h).
 * The result does not depend on how the message was cut.
 *
 * Memory  about 2 KB for an ordinary message, under 96 KB for any.
 * Limits  MAX_MIME_DEPTH, MAX_MIME_PARTS, MAX_MIME_PARAMS, MAX_HEADER_*,
 *         MAX_SUMMARY_BYTES. What is beyond is opaque text, never an error.
 * Time    linear in the input.
 */
#ifndef TINPOST_MIME_STRUCTURE_H
#define TINPOST_MIME_STRUCTURE_H

#include "base/buf.h"

struct mime_parser;

/* NULL: no memory. */
MUST_USE struct mime_parser *mime_parser_new(void);
void mime_parser_free(struct mime_parser *p);

/* Take the next bytes. Never fails; a lack of memory is told at the end. */
void mime_parser_feed(struct mime_parser *p, struct span piece);

/* The message is over: append its summary (at most MAX_SUMMARY_BYTES).
 * ERR_NOMEM; ERR_LIMIT: out may not grow so far. */
MUST_USE int mime_parser_finish(struct mime_parser *p, struct buf *summary_out);

#endif
