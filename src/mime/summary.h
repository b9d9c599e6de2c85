/* summary.h - what is kept of a parsed message, read without allocation.
 *
 * Ownership  all spans point into the blob.
 * Errors     ERR_DAMAGED: the blob contradicts itself. ERR_TOO_NEW: its
 *            version is unknown.
 *
 * The parts are a flat list in the order of the text, each with its depth.
 * The first is the message itself (depth 0). The children of a multipart,
 * and the one child of a message/rfc822, stand behind it, one deeper. A part
 * that is the root of a message has an envelope.
 */
#ifndef TINPOST_MIME_SUMMARY_H
#define TINPOST_MIME_SUMMARY_H

#include "base/buf.h"
#include "base/cursor.h"

#define SUMMARY_VERSION 1

#define SUMMARY_HAS_NUL        0x01u
#define SUMMARY_8BIT_HEADER    0x02u /* any header: needs UTF8 (RFC 6532) */
#define SUMMARY_8BIT_BODY      0x04u
#define SUMMARY_HAS_ATTACHMENT 0x08u
#define SUMMARY_HAS_DATE       0x10u /* sent_wall_s is from the Date field */
#define SUMMARY_IS_CUT         0x20u /* a limit was met: some of it is opaque */

struct summary {
	uint32_t flags;
	uint64_t size_bytes;
	uint64_t header_bytes; /* of the message, blank line included */
	uint64_t n_lines;
	uint64_t longest_line; /* bytes, without CRLF */
	int64_t sent_wall_s;
	int sent_zone_minutes;
	uint64_t thread_root; /* hash of the first id of the thread; 0: none */
	struct span references; /* unfolded; the first id and the last ones */
	struct span preview;    /* RFC 8970: UTF-8, at most 200 characters */
	uint32_t n_parts;
	struct span parts; /* for summary_parts */
};

#define PART_HAS_ENVELOPE  0x01u
#define PART_IS_MULTIPART  0x02u /* with at least one child in the list */
#define PART_IS_MESSAGE    0x04u /* message/rfc822 with a child in the list */
#define PART_IS_ATTACHMENT 0x08u
#define PART_IS_OPAQUE                                                         \
	0x10u /* a multipart or message not looked into:                       \
	       * show it as a leaf */

/* Fields of a message's root, unfolded; p is NULL where there was none.
 * sender and reply_to are not filled in from from. */
struct envelope {
	struct span date, subject, from, sender, reply_to, to, cc, bcc;
	struct span in_reply_to, message_id;
};

struct summary_part {
	unsigned depth;
	uint32_t flags;
	struct span type,
	    subtype;          /* lower case; text/plain if none was given */
	struct span params;   /* for summary_param_next */
	struct span encoding; /* lower case; 7bit if none was given */
	struct span id, description, md5, language, location; /* NULL: none */
	struct span disposition; /* lower case; NULL: none */
	struct span disposition_params;
	uint64_t header_start, body_start, body_end; /* offsets */
	uint64_t n_lines;                            /* line ends in the body */
	struct envelope envelope;                    /* if PART_HAS_ENVELOPE */
};

/* Open a blob. ERR_DAMAGED, ERR_TOO_NEW. */
MUST_USE int summary_open(struct span blob, struct summary *out);

/* Change a blob: a field of the message's own header, with its CRLF, came to
 * stand before all that the body's parts hold. A blob that is none stays as it
 * is. */
void summary_add_header(struct buf *blob, struct span field);

/* A cursor over the parts, to be given to summary_part_next. */
struct cur summary_parts(const struct summary *s);

/* The next part. ERR_NONE: no more. ERR_DAMAGED. */
MUST_USE int summary_part_next(struct cur *c, struct summary_part *out);

/* The next parameter of params or disposition_params; a name that ends with
 * "*" has an extended value (RFC 2231). ERR_NONE, ERR_DAMAGED. */
MUST_USE int summary_param_next(
    struct cur *c, struct span *name_out, struct span *value_out);

#endif
