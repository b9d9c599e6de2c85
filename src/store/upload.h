/* upload.h - a body on its way into the store, piece by piece.
 *
 * A small body stays in memory and travels in the operation that delivers it.
 * A larger one is spilled: its chunks go to a volume, durable every 256 KB,
 * invisible until it is delivered. What a crash leaves is swept.
 *
 *	upload_new, upload_put ..., upload_finish, mailbox_deliver, upload_free
 *
 * Ownership  the caller owns the upload until upload_free; the struct body
 *            that upload_finish fills points into it.
 * Blocking   a put may commit a volume: two flushes of at most about 256 KB.
 * Memory     one raw chunk and at most MAX_INLINE_CHUNKS stored ones; less
 *            when all uploads together hold UPLOAD_STAGED_BYTES.
 */
#ifndef TINPOST_STORE_UPLOAD_H
#define TINPOST_STORE_UPLOAD_H

#include "base/buf.h"
#include "base/limits.h"

struct store;
struct upload;

/* What all uploads together keep in memory before even small ones spill. */
#define UPLOAD_STAGED_BYTES (1024 * 1024)
/* A volume is committed each time that the bodies spilled into it, and what
 * else it has open, come to this much. */
#define UPLOAD_COMMIT_BYTES (256 * 1024)
/* The stored chunks, prefix and summary of an inline body in sum: the rest of
 * an operation's MAX_OP_BYTES is for its recipients. */
#define UPLOAD_INLINE_BYTES (MAX_OP_BYTES - 12 * 1024)

/* A finished body, ready to be delivered. */
struct body {
	uint64_t id;       /* 0: inline; the delivery draws it */
	uint32_t volume;   /* 0: inline; the delivery chooses it */
	uint32_t n_chunks; /* of data, numbered from 1 */
	uint32_t prefix_bytes;
	uint64_t data_bytes;   /* uncompressed, without the prefix */
	uint64_t stored_bytes; /* all stored chunks and the summary */
	/* Inline only: stored forms (chunk.h), 0 is the prefix (empty when
	 * there is none); and the summary. */
	struct span chunks[MAX_INLINE_CHUNKS + 1];
	struct span summary;
};

static inline bool
body_is_inline(const struct body *b)
{
	return b->id == 0;
}

/* Bytes of the message as it is read back. */
static inline uint64_t
body_bytes(const struct body *b)
{
	return b->prefix_bytes + b->data_bytes;
}

/* What an inline body takes in the journal, about; 0: it is spilled. */
size_t upload_inline_bytes(const struct body *b);

/* Begin. ERR_NOMEM. */
MUST_USE int upload_new(struct store *s, struct upload **out);

/* Append bytes, lines ended by CRLF. After an error (ERR_FULL, ERR_IO,
 * ERR_NOMEM) the upload can only be freed. */
MUST_USE int upload_put(struct upload *u, struct span bytes);

/* Bytes put so far. */
uint64_t upload_bytes(const struct upload *u);

/* End the body. prefix (at most MAX_PREFIX_BYTES) comes to stand before it;
 * summary (at most MAX_SUMMARY_BYTES) beside it. What is spilled is durable
 * on return. The spans of out live until upload_free. ERR_FULL, ERR_IO,
 * ERR_NOMEM, ERR_LIMIT. */
MUST_USE int upload_finish(struct upload *u, struct span prefix,
    struct span summary, struct body *out);

/* Spill an inline body after upload_finish, when many would not fit into one
 * turn (mailbox_deliver_many); out is as of a spilled one then. Nothing to do
 * for a spilled one. Errors as of upload_finish. */
MUST_USE int upload_spill(struct upload *u, struct body *out);

/* Release. What was spilled, and is not delivered by then, is removed by a
 * later sweep. NULL is fine. */
void upload_free(struct upload *u);

#endif
