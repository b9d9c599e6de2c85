/* check_body.c - `tinpost check`: bodies, and who refers to them. */
#include "store/check_in.h"

#include "store/chunk.h"
#include "store/queue_in.h"
#include "store/row.h"

/* --- references: all messages, once for each window of body ids --- */

/* Begin a window at the next body; ERR_NONE: there is none. */
static int
begin_window(struct check *c)
{
	struct key k = key_u64(c->first);
	struct span key, value;
	int rc;

	rc = tree_seek(c->snap, TREE_BODY, key_span(&k), &key, &value);
	if (rc < 0)
		return rc;
	if (key.len != 8) {
		check_say_about(c, "A row of the bodies", c->first,
		    "has a key of a wrong length.");
		return ERR_NONE;
	}
	c->first = be_get64(key.p);
	memset(c->refs, 0, CHECK_WINDOW * sizeof(c->refs[0]));
	c->key_len = 0;
	c->is_counted = c->is_in_queue = false;
	return 0;
}

static void
count_body(struct check *c, uint64_t body)
{
	if (body >= c->first && body - c->first < CHECK_WINDOW)
		c->refs[body - c->first]++;
}

/* Behind the messages. */
static int
count_queued(struct check *c)
{
	struct queue_message_view m;
	struct span key, value;
	int rc = check_next(c, TREE_QUEUE, &key, &value);

	if (rc == ERR_NONE) {
		c->is_counted = true;
		c->body = c->first;
		return 0;
	}
	if (rc == 0 && queue_parse_message(value, &m) == 0)
		count_body(c, m.m.body);
	return rc;
}

static int
count_message(struct check *c)
{
	struct span key, value;
	struct message m;
	int rc;

	if (c->is_in_queue)
		return count_queued(c);
	rc = check_next(c, TREE_MESSAGE, &key, &value);
	if (rc == ERR_NONE) {
		c->is_in_queue = true;
		c->key_len = 0;
		return 0;
	}
	if (rc == 0 && record_get_message(value, &m) == 0)
		count_body(c, m.body);
	return rc;
}

static void
compare_refs(struct check *c, uint64_t id, const struct body_place *at)
{
	uint32_t n = c->refs[id - c->first];
	struct key k = key_u64(id);
	struct span value;
	bool is_dead = tree_get(c->snap, TREE_DEAD, key_span(&k), &value) == 0;
	struct buf *b;

	if (at->refs != n) {
		b = check_say(c);
		buf_putf(b,
		    "Body %llu counts %u references; %u messages name it.",
		    (unsigned long long)id, at->refs, n);
		check_said(c);
	}
	if (at->refs == 0 && !is_dead)
		check_say_about(c, "Body", id,
		    "has no references and is not marked for removal.");
	if (at->refs > 0 && is_dead)
		check_say_about(c, "Body", id,
		    "is marked for removal, but messages still use it.");
}

int
check_refs(struct check *c)
{
	struct key k;
	struct span key, value;
	struct body_place at;
	int rc;

	if (c->first == 0 || c->body - c->first >= CHECK_WINDOW) {
		c->first = c->first == 0 ? 1 : c->first + CHECK_WINDOW;
		rc = begin_window(c);
		c->body = c->first;
		return rc;
	}
	if (!c->is_counted)
		return count_message(c);
	k = key_u64(c->body);
	rc = tree_seek(c->snap, TREE_BODY, key_span(&k), &key, &value);
	if (rc < 0)
		return rc;
	c->body = be_get64(key.p);
	if (key.len != 8 || c->body - c->first >= CHECK_WINDOW)
		return 0; /* the next window's */
	if (record_get_body(value, &at) < 0)
		check_say_about(c, "The row of body", c->body, "is damaged.");
	else
		compare_refs(c, c->body, &at);
	if (c->body > c->snap->meta.last_body)
		check_say_about(
		    c, "Body", c->body, "has a number that was not given yet.");
	c->body++;
	return 0;
}

/* --- what the volumes hold of a body --- */

static bool
is_dead(struct check *c, uint64_t id)
{
	struct key k = key_u64(id);
	struct span value;

	return tree_get(c->snap, TREE_DEAD, key_span(&k), &value) == 0;
}

/* Begin with the next body that is not being removed. */
static int
next_body(struct check *c)
{
	struct span key, value;
	int rc;

	rc = check_next(c, TREE_BODY, &key, &value);
	if (rc < 0 || key.len != 8)
		return rc;
	c->body = be_get64(key.p);
	if (record_get_body(value, &c->at) < 0 || is_dead(c, c->body))
		return 0; /* the first was said before */
	if (c->at.n_chunks !=
	        (c->at.data_bytes + CHUNK_BYTES - 1) / CHUNK_BYTES ||
	    c->at.prefix_bytes > MAX_PREFIX_BYTES) {
		check_say_about(
		    c, "The sizes of body", c->body, "contradict each other.");
		return 0;
	}
	c->chunk = c->at.prefix_bytes > 0 ? 0 : 1;
	c->stored = 0;
	c->volume = c->at.volume;
	return 0;
}

/* The raw length that a chunk must have. */
static size_t
chunk_len(const struct body_place *at, uint32_t no)
{
	uint64_t before;

	if (no == 0)
		return at->prefix_bytes;
	before = (uint64_t)(no - 1) * CHUNK_BYTES;
	return at->data_bytes - before < CHUNK_BYTES
	           ? (size_t)(at->data_bytes - before)
	           : CHUNK_BYTES;
}

static void
say_chunk(struct check *c, const char *trouble)
{
	struct buf *b = check_say(c);

	buf_putf(b, "Body %llu in volume %u: piece %u of %u %s",
	    (unsigned long long)c->body, c->at.volume, c->chunk, c->at.n_chunks,
	    trouble);
	check_said(c);
}

static int
look_at_chunk(struct check *c)
{
	struct buf stored, raw;
	int rc;

	buf_init(&stored, CHUNK_STORED_BYTES);
	buf_init(&raw, CHUNK_BYTES);
	rc = volume_get(
	    c->snap->volumes, c->at.volume, c->body, c->chunk, &stored);
	c->stored += stored.len;
	if (rc == 0)
		rc = chunk_decode(buf_span(&stored), &raw);
	if (rc == ERR_NONE)
		say_chunk(c, "is missing.");
	else if (rc == 0 && raw.len != chunk_len(&c->at, c->chunk))
		say_chunk(c, "has a wrong length.");
	else if (rc < 0 && rc != ERR_NOMEM)
		say_chunk(c, "cannot be read.");
	buf_deinit(&stored);
	buf_deinit(&raw);
	if (rc != 0)
		c->volume = 0; /* one sentence a body is enough */
	c->chunk++;
	return rc == ERR_NOMEM ? rc : 0;
}

static int
look_at_summary(struct check *c)
{
	struct buf summary;
	int rc;

	buf_init(&summary, MAX_SUMMARY_BYTES);
	rc = volume_get_summary(
	    c->snap->volumes, c->at.volume, c->body, &summary);
	c->stored += summary.len;
	if (rc == ERR_NOMEM)
		return rc;
	if (rc < 0)
		check_say_about(
		    c, "The summary of body", c->body, "cannot be read.");
	else if (c->stored != c->at.stored_bytes)
		check_say_about(c, "Body", c->body,
		    "takes another space than its row says.");
	buf_deinit(&summary);
	c->volume = 0;
	return 0;
}

int
check_bodies(struct check *c)
{
	if (c->volume == 0)
		return next_body(c);
	if (c->chunk <= c->at.n_chunks)
		return look_at_chunk(c);
	return look_at_summary(c);
}

int
check_dead(struct check *c)
{
	struct span key, value;
	struct body_place at;
	int rc;

	rc = check_next(c, TREE_DEAD, &key, &value);
	if (rc < 0)
		return rc;
	if (key.len != 8 || row_get_body(c->snap, be_get64(key.p), &at) < 0)
		check_say_about(c, "A body marked for removal",
		    key.len == 8 ? be_get64(key.p) : 0, "has no row.");
	return 0;
}

/* --- what the volumes hold besides --- */

/* The next key of a tree of the volumes, one after the other. */
static int
next_key(struct check *c, enum volume_tree tree, uint32_t *chunk_no)
{
	struct volumes *vs = c->snap->volumes;
	size_t len;
	int rc;

	if (c->volume == 0) {
		rc = volume_next(vs, 1, &c->volume);
		if (rc < 0)
			return rc;
	}
	*chunk_no = c->volume_chunk;
	rc = volume_next_key(vs, c->volume, tree, &c->body, chunk_no, &len);
	if (rc == 0)
		return 0;
	if (rc == ERR_NOMEM)
		return rc;
	if (rc != ERR_NONE)
		check_say_about(
		    c, "Volume", c->volume, "cannot be read any further.");
	c->body = 0;
	c->volume_chunk = 0;
	rc = volume_next(vs, c->volume + 1, &c->volume);
	return rc < 0 ? rc : ERR_AGAIN;
}

/* Is a body in a volume that no row knows of an upload at work, or left from a
 * crash and waiting for the sweep? */
static bool
is_passing(struct check *c, uint64_t id)
{
	uint64_t found = id;
	uint32_t no = 0;
	size_t len;

	return id > c->snap->meta.last_body ||
	       (volume_next_key(c->snap->volumes, c->volume, VOLUME_UNFINISHED,
	            &found, &no, &len) == 0 &&
	           found == id);
}

static void
say_stray(struct check *c, const char *what)
{
	struct buf *b = check_say(c);

	buf_putf(b, "Volume %u has %s of body %llu, which is not known there.",
	    c->volume, what, (unsigned long long)c->body);
	check_said(c);
}

int
check_chunks(struct check *c)
{
	struct body_place at;
	uint32_t no;
	int rc;

	rc = next_key(c, VOLUME_CHUNK, &no);
	if (rc < 0)
		return rc == ERR_AGAIN ? 0 : rc;
	rc = row_get_body(c->snap, c->body, &at);
	if (rc == 0 && at.volume == c->volume && no <= at.n_chunks) {
		c->volume_chunk = no + 1;
		return 0;
	}
	if (rc == ERR_NOMEM)
		return rc;
	if (!is_passing(c, c->body))
		say_stray(c, "a piece");
	c->body++;
	c->volume_chunk = 0;
	return 0;
}

int
check_summaries(struct check *c)
{
	struct body_place at;
	uint32_t no;
	int rc;

	c->volume_chunk = 0;
	rc = next_key(c, VOLUME_SUMMARY, &no);
	if (rc < 0)
		return rc == ERR_AGAIN ? 0 : rc;
	rc = row_get_body(c->snap, c->body, &at);
	if (rc == ERR_NOMEM)
		return rc;
	if ((rc < 0 || at.volume != c->volume) && !is_passing(c, c->body))
		say_stray(c, "the summary");
	c->body++;
	return 0;
}
