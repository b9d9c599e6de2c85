/* head.h - the header of a message, kept until all that judge it have looked.
 *
 * Ownership  spans live until head_deinit.
 * Limits     MAX_HEADER_BYTES and MAX_HEADER_LINES fields; past either
 *            is_cut is set and no field is there.
 */
#ifndef TINPOST_TRUST_HEAD_H
#define TINPOST_TRUST_HEAD_H

#include "base/buf.h"

struct head_field {
	struct span name; /* without space before the colon */
	struct span raw;  /* the whole field, the last CRLF too */
};

struct head {
	size_t n_fields;
	bool is_over;
	bool is_cut;
	/* --- private */
	struct buf text;
	struct head_place *places;
	uint64_t line_bytes;
	char first; /* of this line */
};

void head_init(struct head *h);
void head_deinit(struct head *h);

/* Take what belongs to the header from *piece. True: it has just ended, and
 * the rest of *piece is body. Call only while !is_over. */
bool head_feed(struct head *h, struct span *piece);

/* The message ended inside the header. */
void head_finish(struct head *h);

/* Field i < n_fields, from the top. */
struct head_field head_get(const struct head *h, size_t i);

/* What stands behind the colon, folds and all, without the last CRLF. */
struct span head_value(const struct head_field *f);

#endif
