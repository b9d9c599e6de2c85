#include "reports/gzip.h"

#include <assert.h>

/* RFC 1952 8, four bits at a time. */
static uint32_t
crc32_of(uint32_t crc, struct span s)
{
	static const uint32_t table[16] = { 0x00000000, 0x1db71064, 0x3b6e20c8,
		0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0,
		0x86d3d2d4, 0xa00ae278, 0xbdbdf21c };

	crc = ~crc;
	for (size_t i = 0; i < s.len; i++) {
		crc ^= (uint8_t)s.p[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

static void
put_le16(struct buf *out, uint32_t v)
{
	buf_put_char(out, (char)(v & 0xff));
	buf_put_char(out, (char)(v >> 8 & 0xff));
}

static void
put_block(struct buf *out, char is_last, struct span bytes)
{
	buf_put_char(out, is_last);
	put_le16(out, (uint32_t)bytes.len);
	put_le16(out, ~(uint32_t)bytes.len);
	buf_put(out, bytes);
}

void
gzip_begin(struct gzip *g, struct buf *out)
{
	/* Deflate, no name, no time, of Unix: the same report is the same
	 * file. */
	static const char head[10] = "\x1f\x8b\x08\0\0\0\0\0\0\x03";

	*g = (struct gzip){ .crc = 0 };
	buf_put(out, span_of(head, sizeof(head)));
}

void
gzip_put(struct gzip *g, struct span piece, struct buf *out)
{
	assert(piece.len <= GZIP_MAX_PIECE);
	g->crc = crc32_of(g->crc, piece);
	g->n_bytes += (uint32_t)piece.len;
	put_block(out, 0, piece);
}

void
gzip_end(struct gzip *g, struct buf *out)
{
	put_block(out, 1, span_of(NULL, 0));
	put_le16(out, g->crc);
	put_le16(out, g->crc >> 16);
	put_le16(out, g->n_bytes);
	put_le16(out, g->n_bytes >> 16);
}
