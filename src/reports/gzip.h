/* gzip.h - a gzip file (RFC 1952) of stored blocks (RFC 1951 3.2.4), written in
 * pieces: what asks for gzip reads it, and nothing is compressed. Reports of a
 * small office are small; a compressor would be larger than they are.
 */
#ifndef TINPOST_REPORTS_GZIP_H
#define TINPOST_REPORTS_GZIP_H

#include "base/buf.h"

struct gzip {
	uint32_t crc;
	uint32_t n_bytes; /* modulo 2^32, as RFC 1952 2.3.1 says */
};

/* A piece's bytes, at most, and what one costs beside them; of a file. */
#define GZIP_MAX_PIECE  65535
#define GZIP_PIECE_COST 5
#define GZIP_FILE_COST  23

/* Append the file's head. */
void gzip_begin(struct gzip *g, struct buf *out);
/* Append a piece of at most GZIP_MAX_PIECE bytes. */
void gzip_put(struct gzip *g, struct span piece, struct buf *out);
/* Append the file's end. */
void gzip_end(struct gzip *g, struct buf *out);

#endif
