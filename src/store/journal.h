/* journal.h - the file in front of LMDB: frames of operations, each durable
 * with one flush (rules 1, 2 and 5). Room-private.
 *
 * A frame, at a multiple of JOURNAL_BLOCK_BYTES, padded with zeros:
 *
 *	0	4	"TPJ1"
 *	4	4	CRC-32C of the rest of the header and the payload
 *	8	8	generation
 *	16	8	sequence number of its first operation
 *	24	4	number of operations
 *	28	4	bytes of payload
 *	32		payload
 *
 * The CRC is seeded with the CRC of the frame before; that of the first frame
 * of a lap, at offset 0, with one over its own generation and sequence. All
 * numbers are big-endian. This module knows nothing of LMDB or of what an
 * operation is.
 */
#ifndef TINPOST_STORE_JOURNAL_H
#define TINPOST_STORE_JOURNAL_H

#include "base/buf.h"

#define JOURNAL_BLOCK_BYTES  4096
#define JOURNAL_HEADER_BYTES 32
/* The most that one frame takes, header and padding included. */
#define JOURNAL_FRAME_BYTES (256 * 1024)
#define JOURNAL_MIN_BYTES   (2 * JOURNAL_FRAME_BYTES)

struct journal {
	int fd;
	uint64_t size_bytes;
	uint64_t offset; /* where the next frame goes */
	uint64_t generation;
	uint32_t crc;   /* of the last frame; unused at offset 0 */
	bool is_broken; /* a write or flush failed: rule 5 */
	uint64_t n_flushes;
};

/* What a frame holds, as journal_read tells it. */
struct journal_frame {
	uint64_t generation;
	uint64_t sequence; /* of the first operation */
	uint32_t n_ops;
	struct span payload;
};

/* Write a new journal full of zeros and sync it. ERR_EXISTS, ERR_IO,
 * ERR_FULL. */
MUST_USE int journal_create(const char *path, uint64_t size_bytes);

/* Open an existing one. ERR_NONE: not there. ERR_DAMAGED: shorter than
 * JOURNAL_MIN_BYTES. ERR_IO. */
MUST_USE int journal_open(struct journal *j, const char *path);
void journal_close(struct journal *j);

/* Read the frame at *offset into b (emptied first) if it continues the chain:
 * *crc is the CRC of the frame before it. Advances both. ERR_NONE: no frame
 * continues the chain there (rule 2). ERR_IO, ERR_NOMEM. */
MUST_USE int journal_read(const struct journal *j, uint64_t *offset,
    uint32_t *crc, struct buf *b, struct journal_frame *out);

/* Bytes of payload that the next frame may have; 0: a checkpoint must come
 * first. */
size_t journal_room(const struct journal *j);

/* Write the next frame and flush it. b holds JOURNAL_HEADER_BYTES of room, then
 * the payload, which fits journal_room(), then room for padding up to a block;
 * its length is unchanged. ERR_IO, ERR_FULL: the journal is broken, until
 * journal_begin. */
MUST_USE int journal_write(
    struct journal *j, struct buf *b, uint64_t sequence, uint32_t n_ops);

/* After a checkpoint: the next frame goes to offset 0 (rule 4). */
void journal_restart(struct journal *j);

/* Begin a generation: write an empty frame at offset 0 and flush it, so that
 * nothing that was in the file before can follow (rules 2, 3, 5). sequence is
 * that of the next operation. ERR_IO, ERR_FULL. */
MUST_USE int journal_begin(
    struct journal *j, uint64_t generation, uint64_t sequence);

/* What a journal of so many bytes takes: whole blocks, JOURNAL_MIN_BYTES. */
uint64_t journal_size(uint64_t bytes);

/* Make the file longer, with zeros behind what is in it (rule 1), or shorter,
 * for which nothing may be in it past the new end. Synced. On an error it is as
 * it was. ERR_FULL, ERR_IO. */
MUST_USE int journal_resize(struct journal *j, uint64_t size_bytes);

#endif
