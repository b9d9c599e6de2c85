/* chunk.h - one piece of a body, compressed where that pays.
 *
 * Stored form: a codec byte, then the bytes.
 *
 *	0 raw	the bytes as they are
 *	1 LZ4	length of the raw bytes as 2 bytes, big-endian; an LZ4 block
 *
 * LZ4 and not zlib: see the figures in the commit that chose it.
 */
#ifndef TINPOST_STORE_CHUNK_H
#define TINPOST_STORE_CHUNK_H

#include "base/buf.h"
#include "base/limits.h"

/* The most that the stored form of a chunk takes. */
#define CHUNK_STORED_BYTES (CHUNK_BYTES + 1)

/* Append the stored form of raw (at most CHUNK_BYTES) to out. It is raw
 * unless compression saves a sixteenth. Errors are out's, sticky. */
void chunk_encode(struct span raw, struct buf *out);

/* Append the raw bytes of a stored chunk to out. ERR_DAMAGED: not a chunk, or
 * longer than CHUNK_BYTES; out is as before. ERR_NOMEM, ERR_LIMIT: out
 * cannot hold it. */
MUST_USE int chunk_decode(struct span stored, struct buf *out);

/* The raw length that a stored chunk claims. ERR_DAMAGED. */
MUST_USE int chunk_raw_len(struct span stored, size_t *out);

#endif
