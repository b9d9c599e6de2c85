#include "store/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/file.h"
#include "store/record.h"

#define MAGIC "TPJ1"

static uint64_t
padded(uint64_t len)
{
	return (len + JOURNAL_BLOCK_BYTES - 1) / JOURNAL_BLOCK_BYTES *
	       JOURNAL_BLOCK_BYTES;
}

/* The seed of the first frame of a lap. */
static uint32_t
seed_of(uint64_t generation, uint64_t sequence)
{
	char b[16];

	be_put64(b, generation);
	be_put64(b + 8, sequence);
	return crc32c(0, span_of(b, sizeof(b)));
}

/* Write zeros from one byte of the file to another, and sync. */
static int
put_zeros(int fd, uint64_t from, uint64_t to)
{
	static char zeros[64 * 1024]; /* never written: const takes flash */
	int rc = 0;

	for (uint64_t at = from; at < to && rc == 0; at += sizeof(zeros)) {
		uint64_t left = to - at;

		rc = file_pwrite(fd,
		    span_of(zeros,
		        left < sizeof(zeros) ? (size_t)left : sizeof(zeros)),
		    at);
	}
	return rc < 0 ? rc : file_sync(fd);
}

uint64_t
journal_size(uint64_t bytes)
{
	return bytes < JOURNAL_MIN_BYTES ? JOURNAL_MIN_BYTES : padded(bytes);
}

int
journal_create(const char *path, uint64_t size_bytes)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return errno == EEXIST ? ERR_EXISTS : ERR_IO;
	rc = put_zeros(fd, 0, journal_size(size_bytes));
	close(fd);
	if (rc == 0)
		rc = file_sync_folder(path);
	return rc;
}

int
journal_open(struct journal *j, const char *path)
{
	struct stat st;

	*j = (struct journal){ .fd = open(path, O_RDWR | O_CLOEXEC) };
	if (j->fd < 0)
		return errno == ENOENT ? ERR_NONE : ERR_IO;
	if (fstat(j->fd, &st) < 0)
		return ERR_IO;
	if (st.st_size < JOURNAL_MIN_BYTES)
		return ERR_DAMAGED;
	j->size_bytes =
	    (uint64_t)st.st_size / JOURNAL_BLOCK_BYTES * JOURNAL_BLOCK_BYTES;
	return 0;
}

void
journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

/* Fill b up to len bytes of the frame at offset. ERR_NONE: the file is
 * shorter. */
static int
fill(const struct journal *j, uint64_t offset, struct buf *b, size_t len)
{
	if (offset + len > j->size_bytes)
		return ERR_NONE;
	if (buf_reserve(b, len - b->len) < 0)
		return ERR_NOMEM;
	while (b->len < len) {
		ssize_t n = pread(j->fd, b->p + b->len, len - b->len,
		    (off_t)(offset + b->len));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_IO;
		if (n == 0)
			return ERR_NONE;
		b->len += (size_t)n;
	}
	return 0;
}

int
journal_read(const struct journal *j, uint64_t *offset, uint32_t *crc,
    struct buf *b, struct journal_frame *out)
{
	uint32_t len, sum, seed;
	size_t whole;
	int rc;

	buf_reset(b);
	rc = fill(j, *offset, b, JOURNAL_HEADER_BYTES);
	if (rc < 0)
		return rc;
	if (memcmp(b->p, MAGIC, 4) != 0)
		return ERR_NONE;
	len = be_get32(b->p + 28);
	if (len > JOURNAL_FRAME_BYTES - JOURNAL_HEADER_BYTES)
		return ERR_NONE;
	whole = JOURNAL_HEADER_BYTES + (size_t)len;
	rc = fill(j, *offset, b, whole);
	if (rc < 0)
		return rc;
	out->generation = be_get64(b->p + 8);
	out->sequence = be_get64(b->p + 16);
	out->n_ops = be_get32(b->p + 24);
	out->payload = span_of(b->p + JOURNAL_HEADER_BYTES, len);
	seed = *offset == 0 ? seed_of(out->generation, out->sequence) : *crc;
	sum = crc32c(seed, span_of(b->p + 8, whole - 8));
	if (sum != be_get32(b->p + 4))
		return ERR_NONE;
	*crc = sum;
	*offset += padded(whole);
	return 0;
}

size_t
journal_room(const struct journal *j)
{
	uint64_t left = j->size_bytes - j->offset;

	if (left > JOURNAL_FRAME_BYTES)
		left = JOURNAL_FRAME_BYTES;
	return left < JOURNAL_BLOCK_BYTES ? 0
	                                  : (size_t)left - JOURNAL_HEADER_BYTES;
}

int
journal_write(
    struct journal *j, struct buf *b, uint64_t sequence, uint32_t n_ops)
{
	size_t len = b->len;
	size_t whole = (size_t)padded(len);
	uint32_t seed, sum;
	int rc;

	if (j->is_broken)
		return ERR_IO;
	if (len - JOURNAL_HEADER_BYTES > journal_room(j))
		return ERR_LIMIT;
	if (buf_reserve(b, whole - len) < 0)
		return ERR_NOMEM;
	memset(b->p + len, 0, whole - len);
	memcpy(b->p, MAGIC, 4);
	be_put64(b->p + 8, j->generation);
	be_put64(b->p + 16, sequence);
	be_put32(b->p + 24, n_ops);
	be_put32(b->p + 28, (uint32_t)(len - JOURNAL_HEADER_BYTES));
	seed = j->offset == 0 ? seed_of(j->generation, sequence) : j->crc;
	sum = crc32c(seed, span_of(b->p + 8, len - 8));
	be_put32(b->p + 4, sum);
	rc = file_pwrite(j->fd, span_of(b->p, whole), j->offset);
	if (rc == 0) {
		rc = file_sync(j->fd);
		j->n_flushes++;
	}
	if (rc < 0) {
		j->is_broken = true;
		return rc;
	}
	j->crc = sum;
	j->offset += whole;
	return 0;
}

void
journal_restart(struct journal *j)
{
	j->offset = 0;
}

int
journal_begin(struct journal *j, uint64_t generation, uint64_t sequence)
{
	char block[JOURNAL_BLOCK_BYTES];
	struct buf b;

	buf_init_fixed(&b, block, sizeof(block));
	b.len = JOURNAL_HEADER_BYTES;
	memset(block, 0, sizeof(block));
	j->offset = 0;
	j->generation = generation;
	j->is_broken = false;
	return journal_write(j, &b, sequence, 0);
}

int
journal_resize(struct journal *j, uint64_t size_bytes)
{
	uint64_t old = j->size_bytes;
	int rc;

	size_bytes = journal_size(size_bytes);
	assert(j->offset <= size_bytes);
	if (size_bytes > old) {
		rc = put_zeros(j->fd, old, size_bytes);
		if (rc < 0 && ftruncate(j->fd, (off_t)old) < 0)
			return ERR_IO; /* too long does no harm */
	} else {
		rc = ftruncate(j->fd, (off_t)size_bytes) < 0 ? ERR_IO
		                                             : file_sync(j->fd);
	}
	if (rc == 0)
		j->size_bytes = size_bytes;
	return rc;
}
