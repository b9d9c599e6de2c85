#include "store/chunk.h"

#include <lz4.h>

#define CODEC_RAW 0
#define CODEC_LZ4 1
#define LZ4_HEAD  3 /* codec and raw length */

_Static_assert(CHUNK_BYTES <= UINT16_MAX, "a raw length has two bytes");

/* Compress behind what out holds. Returns false, out as before, when that
 * does not save a sixteenth. */
static bool
put_lz4(struct span raw, struct buf *out)
{
	size_t before = out->len;
	size_t most = raw.len - raw.len / 16;
	int n;

	if (most <= LZ4_HEAD || buf_reserve(out, most) < 0)
		return false;
	buf_put_char(out, CODEC_LZ4);
	buf_put_be16(out, (uint16_t)raw.len);
	n = LZ4_compress_default(
	    raw.p, out->p + out->len, (int)raw.len, (int)(most - LZ4_HEAD));
	if (n <= 0) {
		buf_truncate(out, before);
		return false;
	}
	out->len += (size_t)n;
	return true;
}

void
chunk_encode(struct span raw, struct buf *out)
{
	if (raw.len > 0 && put_lz4(raw, out))
		return;
	buf_put_char(out, CODEC_RAW);
	buf_put(out, raw);
}

int
chunk_raw_len(struct span stored, size_t *out)
{
	const unsigned char *p = (const unsigned char *)stored.p;
	size_t len;

	if (stored.len == 0)
		return ERR_DAMAGED;
	if (p[0] == CODEC_RAW)
		len = stored.len - 1;
	else if (p[0] == CODEC_LZ4 && stored.len > LZ4_HEAD)
		len = (size_t)p[1] << 8 | p[2];
	else
		return ERR_DAMAGED;
	if (len > CHUNK_BYTES)
		return ERR_DAMAGED;
	*out = len;
	return 0;
}

int
chunk_decode(struct span stored, struct buf *out)
{
	size_t len = 0;
	int n, rc;

	rc = chunk_raw_len(stored, &len);
	if (rc < 0)
		return rc;
	if (len == 0)
		return stored.len == 1 ? 0 : ERR_DAMAGED;
	rc = buf_reserve(out, len);
	if (rc < 0)
		return rc;
	if (stored.p[0] == CODEC_RAW) {
		buf_put(out, span_sub(stored, 1, len));
		return 0;
	}
	n = LZ4_decompress_safe(stored.p + LZ4_HEAD, out->p + out->len,
	    (int)(stored.len - LZ4_HEAD), (int)len);
	if (n < 0 || (size_t)n != len)
		return ERR_DAMAGED;
	out->len += len;
	return 0;
}
