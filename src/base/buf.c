#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

#define FIRST_CAP 64

void
buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){ .max = max_bytes };
}

void
buf_init_fixed(struct buf *b, char *storage, size_t cap_bytes)
{
	*b = (struct buf){ .p = storage,
		.cap = cap_bytes,
		.max = cap_bytes,
		.is_fixed = true };
}

void
buf_deinit(struct buf *b)
{
	if (!b->is_fixed) {
		mem_free(b->p);
		b->p = NULL;
		b->cap = 0;
	}
	buf_reset(b);
}

void
buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		wipe(b->p, b->cap);
	buf_deinit(b);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->has_failed = false;
	b->lacks_memory = false;
}

void
buf_truncate(struct buf *b, size_t len)
{
	if (len < b->len)
		b->len = len;
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->p, b->p + n, b->len - n);
	b->len -= n;
}

int
buf_reserve(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : FIRST_CAP;
	char *p;

	if (b->has_failed)
		return buf_error(b);
	if (n <= b->cap - b->len)
		return 0;
	if (n > b->max - b->len) {
		b->has_failed = true;
		b->lacks_memory = false;
		return ERR_LIMIT;
	}
	while (cap - b->len < n)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	if (cap > b->max)
		cap = b->max;
	p = mem_resize(b->p, cap);
	if (p == NULL) {
		b->has_failed = true;
		b->lacks_memory = true;
		return ERR_NOMEM;
	}
	b->p = p;
	b->cap = cap;
	return 0;
}

/* Most of what is put is short, and calling costs more than copying. */
static void
copy(char *to, const char *from, size_t len)
{
	if (len > 16) {
		memcpy(to, from, len);
	} else if (len >= 8) {
		memcpy(to, from, 8);
		memcpy(to + len - 8, from + len - 8, 8);
	} else if (len >= 4) {
		memcpy(to, from, 4);
		memcpy(to + len - 4, from + len - 4, 4);
	} else {
		for (size_t i = 0; i < len; i++)
			to[i] = from[i];
	}
}

void
buf_put(struct buf *b, struct span s)
{
	if (s.len == 0)
		return;
	if ((b->has_failed || s.len > b->cap - b->len) &&
	    buf_reserve(b, s.len) < 0)
		return;
	copy(b->p + b->len, s.p, s.len);
	b->len += s.len;
}

void
buf_put_char(struct buf *b, char c)
{
	if (b->len < b->cap && !b->has_failed)
		b->p[b->len++] = c;
	else
		buf_put(b, span_of(&c, 1));
}

void
buf_put_str(struct buf *b, const char *s)
{
	buf_put(b, span_str(s));
}

void
buf_put_padded(struct buf *b, uint64_t v, int width)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	for (int n = (int)(sizeof(digits) - at); n < width; n++)
		buf_put_char(b, '0');
	buf_put(b, span_of(digits + at, sizeof(digits) - at));
}

void
buf_put_u64(struct buf *b, uint64_t v)
{
	buf_put_padded(b, v, 1);
}

void
buf_put_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_put_char(b, '-');
	buf_put_u64(b, v < 0 ? ~(uint64_t)v + 1 : (uint64_t)v);
}

void
buf_put_hex(struct buf *b, struct span bytes)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.p[i];

		buf_put_char(b, digits[c >> 4]);
		buf_put_char(b, digits[c & 15]);
	}
}

void
buf_putf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	/* vsnprintf writes a NUL behind, which needs room too. */
	if (n > 0 && buf_reserve(b, (size_t)n + 1) == 0) {
		vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void
buf_put_be16(struct buf *b, uint16_t v)
{
	char s[2] = { (char)(v >> 8), (char)v };

	buf_put(b, span_of(s, sizeof(s)));
}

void
buf_put_be32(struct buf *b, uint32_t v)
{
	buf_put_be16(b, (uint16_t)(v >> 16));
	buf_put_be16(b, (uint16_t)v);
}

void
buf_put_be64(struct buf *b, uint64_t v)
{
	buf_put_be32(b, (uint32_t)(v >> 32));
	buf_put_be32(b, (uint32_t)v);
}

void
buf_put_varint(struct buf *b, uint64_t v)
{
	while (v >= 0x80) {
		buf_put_char(b, (char)(v | 0x80));
		v >>= 7;
	}
	buf_put_char(b, (char)v);
}
