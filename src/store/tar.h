/* tar.h - writing and reading tar archives as a stream (POSIX.1-2008 pax,
 * "ustar Interchange Format" and "pax Interchange Format").
 *
 * The reader takes any bytes in any pieces, and keeps at most a name and a
 * block. It knows files and hard links; it passes over what else there is.
 */
#ifndef TINPOST_STORE_TAR_H
#define TINPOST_STORE_TAR_H

#include "base/buf.h"

#define TAR_BLOCK_BYTES 512
/* Of a path in an archive that is read or written. */
#define TAR_PATH_BYTES 6000
/* The most that one header takes: block, extended header, block. */
#define TAR_HEADER_BYTES (2 * TAR_PATH_BYTES + 4 * TAR_BLOCK_BYTES)

struct tar_entry {
	uint64_t bytes;
	int64_t mtime_s;
	struct span path;
	struct span link; /* a hard link to this path; empty: a file */
};

/* Append the header of an entry. The caller then appends exactly e->bytes, and
 * tar_put_padding. Errors are out's, sticky. */
void tar_put_header(struct buf *out, const struct tar_entry *e);

/* Fill the last block of an entry of so many bytes. */
void tar_put_padding(struct buf *out, uint64_t bytes);

/* The two blocks of zeros that end an archive. */
void tar_put_end(struct buf *out);

enum tar_what {
	TAR_MORE,  /* the input is used up */
	TAR_ENTRY, /* a header was read: t->entry */
	TAR_DATA,  /* a piece of its content */
	TAR_DONE,  /* its content was read */
	TAR_END    /* the archive's end */
};

struct tar_reader {
	struct tar_entry entry; /* its spans live to the next TAR_ENTRY */
	uint64_t left_bytes;    /* of the content */
	uint64_t pax_bytes;     /* size from an extended header */
	size_t n_padding;
	size_t n_block; /* bytes in block */
	int state;
	bool has_pax_bytes;
	struct buf path;
	struct buf link;
	struct buf pax;
	char block[TAR_BLOCK_BYTES];
};

void tar_reader_init(struct tar_reader *t);
void tar_reader_deinit(struct tar_reader *t);

/* Take input from *in and say what came of it; call again until TAR_MORE.
 * TAR_DATA: *data_out is a part of the input. ERR_SYNTAX: not a tar archive,
 * ERR_LIMIT: a name too long; ERR_NOMEM. After an error or TAR_END it is not
 * called again. */
MUST_USE int tar_read(
    struct tar_reader *t, struct span *in, struct span *data_out);

#endif
