/* buf.h - a growing run of bytes with a maximum and a sticky error.
 *
 * After the first failure (over the maximum, no memory) every call does
 * nothing; check buf_failed() once at the end.
 *
 * Ownership  the buffer owns its bytes until buf_deinit. A span from
 *            buf_span() dies with the next call that changes the buffer.
 */
#ifndef TINPOST_BASE_BUF_H
#define TINPOST_BASE_BUF_H

#include "base/span.h"

struct buf {
	char *p;
	size_t len;
	size_t cap;
	size_t max; /* bytes; never grows past it */
	bool has_failed;
	bool lacks_memory; /* that is why */
	bool is_fixed;     /* p is the caller's storage */
};

/* An empty heap buffer that may grow to max_bytes. Allocates nothing yet. */
void buf_init(struct buf *b, size_t max_bytes);

/* A buffer over the caller's storage; nothing is ever allocated. */
void buf_init_fixed(struct buf *b, char *storage, size_t cap_bytes);

/* Release the memory; the buffer is empty and usable again. */
void buf_deinit(struct buf *b);

/* The same, the bytes overwritten first. */
void buf_wipe(struct buf *b);

static inline struct span
buf_span(const struct buf *b)
{
	return span_of(b->p, b->len);
}

static inline bool
buf_failed(const struct buf *b)
{
	return b->has_failed;
}

/* 0, ERR_LIMIT (over the maximum) or ERR_NOMEM. */
static inline int
buf_error(const struct buf *b)
{
	if (!b->has_failed)
		return 0;
	return b->lacks_memory ? ERR_NOMEM : ERR_LIMIT;
}

/* Forget the content and the error, keep the memory. */
void buf_reset(struct buf *b);

/* Cut to len bytes (never longer). */
void buf_truncate(struct buf *b, size_t len);

/* Drop n bytes at the front. */
void buf_consume(struct buf *b, size_t n);

/* Room for n more bytes at b->p + b->len, which the caller fills before it
 * adds to b->len. ERR_LIMIT or ERR_NOMEM, sticky. */
MUST_USE int buf_reserve(struct buf *b, size_t n);

void buf_put(struct buf *b, struct span s);
void buf_put_char(struct buf *b, char c);
void buf_put_str(struct buf *b, const char *s);
void buf_put_u64(struct buf *b, uint64_t v);
void buf_put_i64(struct buf *b, int64_t v);
/* v in decimal, with zeros in front up to width digits. */
void buf_put_padded(struct buf *b, uint64_t v, int width);
void buf_put_hex(struct buf *b, struct span bytes);

/* Formatted text, as printf; for constant formats of our own only. */
void buf_putf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Fixed-size numbers, big-endian, so that keys sort; and LEB128 varints. */
void buf_put_be16(struct buf *b, uint16_t v);
void buf_put_be32(struct buf *b, uint32_t v);
void buf_put_be64(struct buf *b, uint64_t v);
void buf_put_varint(struct buf *b, uint64_t v);

#endif
