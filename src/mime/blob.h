/* blob.h - the bytes of a summary, as structure.c writes and summary.c reads
 * them; private to this room.
 *
 * blob    = version:1 flags:4 size:4 header:4 lines:4 longest:4 sent:8
 *           zone:2 thread:8 n_parts:2 references:string preview:string part*
 * part    = length:2 depth:1 flags:1 header_start:4 body_start:4 body_end:4
 *           lines:4 string{N_PART_STRINGS} [string{N_ENVELOPE_STRINGS}]
 * string  = varint(0), none, or varint(length + 1) bytes
 *
 * Numbers are big-endian. A part's length counts what stands behind it.
 */
#ifndef TINPOST_MIME_BLOB_H
#define TINPOST_MIME_BLOB_H

#include "base/buf.h"

/* Where a blob's first numbers stand. */
#define BLOB_SIZE_AT   5
#define BLOB_HEADER_AT 9
#define BLOB_LINES_AT  13

/* Where a part's fixed fields stand, from its begin. */
#define PART_FLAGS_AT        3
#define PART_HEADER_START_AT 4
#define PART_BODY_START_AT   8
#define PART_BODY_END_AT     12
#define PART_LINES_AT        16

enum {
	PART_TYPE,
	PART_SUBTYPE,
	PART_PARAMS,
	PART_ENCODING,
	PART_ID,
	PART_DESCRIPTION,
	PART_MD5,
	PART_LANGUAGE,
	PART_LOCATION,
	PART_DISPOSITION,
	PART_DISPOSITION_PARAMS,
	N_PART_STRINGS
};

enum {
	ENV_DATE,
	ENV_SUBJECT,
	ENV_FROM,
	ENV_SENDER,
	ENV_REPLY_TO,
	ENV_TO,
	ENV_CC,
	ENV_BCC,
	ENV_IN_REPLY_TO,
	ENV_MESSAGE_ID,
	N_ENVELOPE_STRINGS
};

static inline void
blob_put_string(struct buf *b, struct span s)
{
	buf_put_varint(b, s.p == NULL ? 0 : (uint64_t)s.len + 1);
	buf_put(b, s);
}

#endif
