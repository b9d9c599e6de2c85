#include "store/body.h"

#include "store/chunk.h"
#include "store/volume.h"

/* Have the cache hold one decompressed chunk, which is raw_len bytes long. */
static int
load_chunk(struct volumes *vs, const struct body_place *at, uint64_t body_id,
    uint32_t chunk_no, size_t raw_len)
{
	struct volume_cache *c = volume_cache(vs);
	struct buf stored;
	int rc;

	if (c->body_id == body_id && c->chunk_no == chunk_no)
		return c->raw.len == raw_len ? 0 : ERR_DAMAGED;
	c->body_id = 0;
	buf_reset(&c->raw);
	buf_init(&stored, CHUNK_STORED_BYTES);
	rc = volume_get(vs, at->volume, body_id, chunk_no, &stored);
	/* The index says that it is there, and not larger than a chunk. */
	if (rc == ERR_NONE || rc == ERR_LIMIT)
		rc = ERR_DAMAGED;
	if (rc == 0)
		rc = chunk_decode(buf_span(&stored), &c->raw);
	buf_deinit(&stored);
	if (rc == 0 && c->raw.len != raw_len)
		rc = ERR_DAMAGED;
	if (rc < 0)
		return rc;
	c->body_id = body_id;
	c->chunk_no = chunk_no;
	return 0;
}

/* Append from one chunk what is asked for, at most len bytes from its byte
 * `from` on. */
static int
read_chunk(struct volumes *vs, const struct body_place *at, uint64_t body_id,
    uint64_t offset, size_t len, struct buf *out)
{
	uint32_t chunk_no = 0;
	size_t raw_len = at->prefix_bytes;
	int rc;

	if (offset >= at->prefix_bytes) {
		uint64_t before;

		offset -= at->prefix_bytes;
		chunk_no = (uint32_t)(offset / CHUNK_BYTES) + 1;
		before = (uint64_t)(chunk_no - 1) * CHUNK_BYTES;
		raw_len = at->data_bytes - before < CHUNK_BYTES
		              ? (size_t)(at->data_bytes - before)
		              : CHUNK_BYTES;
		offset -= before;
	}
	rc = load_chunk(vs, at, body_id, chunk_no, raw_len);
	if (rc < 0)
		return rc;
	buf_put(out,
	    span_sub(buf_span(&volume_cache(vs)->raw), (size_t)offset, len));
	return buf_failed(out) ? ERR_LIMIT : 0;
}

/* Do the index's figures agree with each other? */
static bool
is_sound(const struct body_place *at)
{
	uint64_t n = (at->data_bytes + CHUNK_BYTES - 1) / CHUNK_BYTES;

	return n == at->n_chunks && at->prefix_bytes <= MAX_PREFIX_BYTES;
}

int
body_read(struct store *s, uint64_t body_id, uint64_t offset_bytes,
    size_t len_bytes, struct buf *out)
{
	struct volumes *vs = store_volumes(s);
	struct body_place at;
	size_t before = out->len;
	uint64_t size;
	int rc;

	rc = store_body_place(s, body_id, &at);
	if (rc < 0)
		return rc;
	if (!is_sound(&at))
		return ERR_DAMAGED;
	size = at.prefix_bytes + at.data_bytes;
	if (offset_bytes >= size)
		return 0;
	if (len_bytes > size - offset_bytes)
		len_bytes = (size_t)(size - offset_bytes);
	while (rc == 0 && out->len - before < len_bytes) {
		size_t done = out->len - before;

		rc = read_chunk(vs, &at, body_id, offset_bytes + done,
		    len_bytes - done, out);
	}
	if (rc < 0)
		buf_truncate(out, before);
	return rc;
}

int
body_size(struct store *s, uint64_t body_id, uint64_t *out)
{
	struct body_place at;
	int rc;

	rc = store_body_place(s, body_id, &at);
	if (rc < 0)
		return rc;
	*out = at.prefix_bytes + at.data_bytes;
	return 0;
}

int
body_summary(struct store *s, uint64_t body_id, struct buf *out)
{
	struct body_place at;
	int rc;

	rc = store_body_place(s, body_id, &at);
	if (rc < 0)
		return rc;
	rc = volume_get_summary(store_volumes(s), at.volume, body_id, out);
	return rc == ERR_NONE ? ERR_DAMAGED : rc;
}

int
body_pin(struct store *s, uint64_t body_id)
{
	return volume_pin(store_volumes(s), body_id);
}

void
body_unpin(struct store *s, uint64_t body_id)
{
	volume_unpin(store_volumes(s), body_id);
}
