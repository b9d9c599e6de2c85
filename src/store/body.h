/* body.h - reading the messages' bytes.
 *
 * A body is its prefix (the trace header) followed by its data, one run of
 * body_size bytes. All is copied out at once: nothing here points into the
 * store.
 *
 * Errors     ERR_NONE: the index knows no such body. ERR_DAMAGED: its volume
 *            is cut or contradicts the index. ERR_IO.
 * Blocking   never but for the page faults of the map.
 */
#ifndef TINPOST_STORE_BODY_H
#define TINPOST_STORE_BODY_H

#include "base/buf.h"
#include "base/limits.h"

struct store;

/* Append up to len_bytes from offset_bytes on to out, fewer at the end of the
 * body: none there or past it. On an error out is as before. Decompresses the
 * chunks that it needs, and keeps the last one for the next call.
 * ERR_LIMIT, ERR_NOMEM: out cannot hold them. */
MUST_USE int body_read(struct store *s, uint64_t body_id, uint64_t offset_bytes,
    size_t len_bytes, struct buf *out);

/* Bytes of the body, prefix and data. */
MUST_USE int body_size(struct store *s, uint64_t body_id, uint64_t *out);

/* Append what was given to upload_finish as summary. */
MUST_USE int body_summary(struct store *s, uint64_t body_id, struct buf *out);

/* Keep a body readable, though its last message may be expunged, until it is
 * unpinned as often. In memory only. ERR_NOMEM. */
MUST_USE int body_pin(struct store *s, uint64_t body_id);
void body_unpin(struct store *s, uint64_t body_id);

#endif
