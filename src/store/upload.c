#include "store/upload.h"

#include "base/mem.h"
#include "store/chunk.h"
#include "store/store.h"
#include "store/volume.h"

struct upload {
	struct store *s;
	struct volumes *vs;
	struct buf raw; /* the chunk that is being filled */
	struct buf chunks[MAX_INLINE_CHUNKS + 1]; /* stored; 0: the prefix */
	struct buf summary;
	uint64_t id; /* 0: not spilled */
	uint64_t data_bytes;
	uint64_t stored_bytes;
	uint64_t uncommitted_bytes;
	uint64_t promised_bytes; /* what the volume still keeps for us */
	size_t staged_bytes;
	uint32_t volume;
	uint32_t n_chunks;
	uint32_t losses; /* of the volumes, when all was committed last */
	int failed;      /* sticky */
};

int
upload_new(struct store *s, struct upload **out)
{
	struct upload *u = mem_alloc(sizeof(*u));

	if (u == NULL)
		return ERR_NOMEM;
	u->s = s;
	u->vs = store_volumes(s);
	buf_init(&u->raw, CHUNK_BYTES);
	for (int i = 0; i <= MAX_INLINE_CHUNKS; i++)
		buf_init(&u->chunks[i], CHUNK_STORED_BYTES);
	buf_init(&u->summary, MAX_SUMMARY_BYTES);
	*out = u;
	return 0;
}

/* Keep the sum that all uploads hold in step with this one's buffers. */
static void
count_staged(struct upload *u)
{
	size_t now = u->raw.cap + u->summary.cap;

	for (int i = 0; i <= MAX_INLINE_CHUNKS; i++)
		now += u->chunks[i].cap;
	*volume_staged_bytes(u->vs) += now - u->staged_bytes;
	u->staged_bytes = now;
}

/* Did an aborted transaction take chunks of ours with it? */
static bool
has_lost(const struct upload *u)
{
	return u->uncommitted_bytes > 0 && u->losses != volume_losses(u->vs);
}

/* May the volume be written? A store that turned read-only still shows what is
 * only in its open transactions: a failed commit would lose that. */
static int
check_volume(const struct upload *u)
{
	if (store_is_read_only(u->s))
		return ERR_READ_ONLY;
	return has_lost(u) || store_is_lost(u->s) ? ERR_IO : 0;
}

static int
commit(struct upload *u)
{
	int rc = check_volume(u);

	if (rc < 0)
		return rc;
	rc = volume_commit(u->vs, u->volume);
	if (rc == 0)
		u->uncommitted_bytes = 0;
	return rc;
}

/* Take so many bytes off the promise; ask for more when it is used up. */
static int
use_promise(struct upload *u, uint64_t bytes)
{
	uint64_t more = volume_promise_bytes(u->vs);
	int rc;

	if (bytes > u->promised_bytes) {
		rc = volume_promise(u->vs, u->volume, (int64_t)more);
		if (rc < 0)
			return rc;
		u->promised_bytes += more;
	}
	rc = volume_promise(u->vs, u->volume, -(int64_t)bytes);
	u->promised_bytes -= bytes;
	return rc;
}

/* Note that so many bytes went to the volume. */
static int
add_spilled(struct upload *u, size_t bytes)
{
	if (u->uncommitted_bytes == 0)
		u->losses = volume_losses(u->vs);
	u->uncommitted_bytes += bytes;
	/* Of all uploads into it together: the dirty bound is memory. */
	if (volume_dirty_bytes_of(u->vs, u->volume) < UPLOAD_COMMIT_BYTES)
		return 0;
	return commit(u);
}

static int
put_spilled(struct upload *u, uint32_t chunk_no, struct span stored)
{
	int rc = check_volume(u);

	if (rc == 0)
		rc = use_promise(u, stored.len);
	if (rc == 0)
		rc = volume_put(u->vs, u->volume, u->id, chunk_no, stored);
	if (rc == 0)
		rc = add_spilled(u, stored.len);
	return rc;
}

/* Draw an id and move what is staged to a volume. */
static int
spill(struct upload *u)
{
	uint64_t promise = volume_promise_bytes(u->vs);
	uint64_t id;
	int rc;

	if (u->id != 0)
		return 0;
	rc = check_volume(u);
	if (rc < 0)
		return rc;
	rc = volume_choose_spill(
	    u->vs, UPLOAD_COMMIT_BYTES, promise, &u->volume);
	if (rc < 0)
		return rc;
	u->promised_bytes = promise;
	id = volume_new_id(u->vs);
	/* Pinned: the sweep leaves an upload at work alone. */
	rc = volume_pin(u->vs, id);
	if (rc < 0)
		return rc;
	u->id = id;
	u->losses = volume_losses(u->vs);
	rc = volume_mark_unfinished(u->vs, u->volume, u->id);
	for (uint32_t i = 1; rc == 0 && i <= u->n_chunks; i++) {
		rc = put_spilled(u, i, buf_span(&u->chunks[i]));
		buf_deinit(&u->chunks[i]);
	}
	return rc;
}

/* The raw chunk is full, or the last: store it, in memory while that is
 * allowed. */
static int
end_chunk(struct upload *u)
{
	bool is_tight = *volume_staged_bytes(u->vs) > UPLOAD_STAGED_BYTES;
	struct buf *b = &u->chunks[1];
	int rc = 0;

	if (u->n_chunks == UINT32_MAX)
		return ERR_LIMIT;
	if (u->n_chunks == MAX_INLINE_CHUNKS || is_tight)
		rc = spill(u);
	if (rc < 0)
		return rc;
	if (u->id == 0)
		b = &u->chunks[u->n_chunks + 1];
	buf_reset(b);
	chunk_encode(buf_span(&u->raw), b);
	buf_reset(&u->raw);
	if (buf_failed(b))
		return ERR_NOMEM;
	u->n_chunks++;
	u->stored_bytes += b->len;
	if (u->id != 0)
		rc = put_spilled(u, u->n_chunks, buf_span(b));
	count_staged(u);
	return rc;
}

int
upload_put(struct upload *u, struct span bytes)
{
	while (u->failed == 0 && bytes.len > 0) {
		struct span now = span_sub(bytes, 0, CHUNK_BYTES - u->raw.len);

		bytes = span_sub(bytes, now.len, bytes.len);
		buf_put(&u->raw, now);
		if (buf_failed(&u->raw))
			u->failed = ERR_NOMEM;
		u->data_bytes += now.len;
		count_staged(u);
		if (u->failed == 0 && u->raw.len == CHUNK_BYTES)
			u->failed = end_chunk(u);
	}
	return u->failed;
}

uint64_t
upload_bytes(const struct upload *u)
{
	return u->data_bytes;
}

/* Put what comes with the end: the prefix as chunk 0, and the summary. */
static int
put_ends(struct upload *u)
{
	size_t len = u->summary.len;
	int rc = 0;

	if (u->chunks[0].len > 0)
		rc = put_spilled(u, 0, buf_span(&u->chunks[0]));
	if (rc == 0)
		rc = check_volume(u);
	if (rc == 0)
		rc = use_promise(u, len);
	if (rc == 0)
		rc = volume_put_summary(
		    u->vs, u->volume, u->id, buf_span(&u->summary));
	if (rc == 0)
		rc = add_spilled(u, len);
	/* The mark itself may be all that is not committed. */
	if (rc == 0)
		rc = commit(u);
	return rc;
}

static int
finish(struct upload *u, struct span prefix, struct span summary)
{
	int rc = 0;

	if (prefix.len > MAX_PREFIX_BYTES || summary.len > MAX_SUMMARY_BYTES)
		return ERR_LIMIT;
	if (u->raw.len > 0)
		rc = end_chunk(u);
	if (rc < 0)
		return rc;
	if (prefix.len > 0)
		chunk_encode(prefix, &u->chunks[0]);
	buf_put(&u->summary, summary);
	if (buf_failed(&u->chunks[0]) || buf_failed(&u->summary))
		return ERR_NOMEM;
	u->stored_bytes += u->chunks[0].len + u->summary.len;
	buf_deinit(&u->raw); /* it may wait for others (RFC 3502) */
	count_staged(u);
	if (u->stored_bytes > UPLOAD_INLINE_BYTES)
		rc = spill(u);
	if (rc == 0 && u->id != 0)
		rc = put_ends(u);
	return rc;
}

static void
fill_body(const struct upload *u, uint32_t prefix_bytes, struct body *out)
{
	*out = (struct body){ .id = u->id,
		.volume = u->volume,
		.n_chunks = u->n_chunks,
		.prefix_bytes = prefix_bytes,
		.data_bytes = u->data_bytes,
		.stored_bytes = u->stored_bytes };
	if (u->id != 0)
		return;
	for (uint32_t i = 0; i <= u->n_chunks; i++)
		out->chunks[i] = buf_span(&u->chunks[i]);
	out->summary = buf_span(&u->summary);
}

int
upload_finish(
    struct upload *u, struct span prefix, struct span summary, struct body *out)
{
	if (u->failed == 0)
		u->failed = finish(u, prefix, summary);
	if (u->failed < 0)
		return u->failed;
	fill_body(u, (uint32_t)prefix.len, out);
	return 0;
}

int
upload_spill(struct upload *u, struct body *out)
{
	if (u->failed == 0 && u->id == 0) {
		u->failed = spill(u);
		if (u->failed == 0)
			u->failed = put_ends(u);
		count_staged(u);
	}
	if (u->failed < 0)
		return u->failed;
	fill_body(u, out->prefix_bytes, out);
	return 0;
}

size_t
upload_inline_bytes(const struct body *b)
{
	size_t sum = b->summary.len + 16;

	if (!body_is_inline(b))
		return 0;
	for (uint32_t i = 0; i <= b->n_chunks && i <= MAX_INLINE_CHUNKS; i++)
		sum += b->chunks[i].len + 4;
	return sum;
}

void
upload_free(struct upload *u)
{
	if (u == NULL)
		return;
	if (u->volume != 0) {
		/* It only gives back: that cannot fail. */
		int rc = volume_promise(
		    u->vs, u->volume, -(int64_t)u->promised_bytes);

		(void)rc;
	}
	if (u->id != 0) {
		volume_unpin(u->vs, u->id);
		volume_settle(u->vs, u->volume);
	}
	*volume_staged_bytes(u->vs) -= u->staged_bytes;
	buf_deinit(&u->raw);
	for (int i = 0; i <= MAX_INLINE_CHUNKS; i++)
		buf_deinit(&u->chunks[i]);
	buf_deinit(&u->summary);
	mem_free(u);
}
