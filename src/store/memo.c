#include "store/memo.h"

#include "base/clock.h"
#include "store/apply.h"
#include "store/memo_in.h"

/* Rows looked at by one memo_next, and removed by one operation: rule 8, as a
 * fact is two records, and its kind's count one more. */
#define LOOK_BATCH  200
#define SWEEP_BATCH 20
/* Removed for one that comes, so that a lowered bound is reached soon. */
#define TRIM_BATCH 2
/* Between two looks for what is over: each is a write, if there is some. */
#define SWEEP_EVERY_S 600

/* Of a small office's correspondents, with room for a day of spam. */
static const uint32_t max_entries[N_MEMO_KINDS] = {
	[MEMO_GREYLIST] = 20000,
	[MEMO_STS] = 1000,
	[MEMO_TLS] = 5000,
	[MEMO_DMARC_ROW] = 20000,
	[MEMO_TLS_ROW] = 5000,
	[MEMO_RATE] = 2000,
	[MEMO_TOKEN] = 200,
	[MEMO_RECENT] = 20000,
};

uint32_t
memo_max(enum memo_kind kind)
{
	return max_entries[kind];
}

/* --- rows --- */

struct key
memo_key(enum memo_kind kind, struct span text)
{
	struct key k = { .len = 1 + text.len };

	k.b[0] = (char)kind;
	if (text.len > 0)
		memcpy(k.b + 1, text.p, text.len);
	return k;
}

struct key
memo_key_time(enum memo_kind kind, int64_t until_s, struct span text)
{
	struct key k = { .len = 9 + text.len };

	k.b[0] = (char)kind;
	be_put64(k.b + 1, (uint64_t)until_s);
	if (text.len > 0)
		memcpy(k.b + 9, text.p, text.len);
	return k;
}

int
memo_parse(struct span row, struct span *value, int64_t *until_s)
{
	struct cur c = cur_of(row);
	uint8_t version;
	uint64_t until;

	if (cur_u8(&c, &version) != PARSE_OK || version != MEMO_VERSION ||
	    cur_be64(&c, &until) != PARSE_OK || until > INT64_MAX ||
	    row.len - 9 > MEMO_MAX_VALUE)
		return ERR_DAMAGED;
	*until_s = (int64_t)until;
	*value = span_sub(row, 9, row.len);
	return 0;
}

int
memo_count(struct store *s, enum memo_kind kind, uint64_t *out)
{
	struct key k = memo_key(kind, span_of(NULL, 0));
	struct span value;
	int rc = tree_get(s, TREE_MEMO, key_span(&k), &value);

	*out = 0;
	if (rc == 0)
		rc = record_get_number(value, out);
	return rc == ERR_NONE ? 0 : rc;
}

static int
put_count(struct store *s, enum memo_kind kind, uint64_t n)
{
	struct key k = memo_key(kind, span_of(NULL, 0));
	struct record r;

	record_put_number(&r, n);
	return tree_put(s, TREE_MEMO, key_span(&k), record_span(&r));
}

/* The fact whose time ends first. ERR_NONE: the kind has none. */
static int
first_to_end(struct store *s, enum memo_kind kind, struct key *time_out,
    int64_t *until_out)
{
	struct key from = memo_key(kind, span_of(NULL, 0));
	struct span key, value;
	int rc = tree_seek(s, TREE_MTIME, key_span(&from), &key, &value);

	if (rc < 0)
		return rc;
	if (key.len < 1 || key.p[0] != (char)kind)
		return ERR_NONE;
	if (key.len < 10 || key.len > 9 + MEMO_MAX_KEY)
		return ERR_DAMAGED;
	memcpy(time_out->b, key.p, key.len);
	time_out->len = key.len;
	*until_out = (int64_t)be_get64(key.p + 1);
	return 0;
}

static int
drop(struct store *s, const struct key *time)
{
	struct key k = memo_key(
	    (enum memo_kind)time->b[0], span_of(time->b + 9, time->len - 9));
	int rc = tree_delete(s, TREE_MTIME, key_span(time));

	return rc < 0 ? rc : tree_delete(s, TREE_MEMO, key_span(&k));
}

/* --- operations --- */

static enum memo_kind
field_kind(struct fields *f)
{
	enum memo_kind kind = (enum memo_kind)field_num(f, N_MEMO_KINDS - 1);

	f->is_bad = f->is_bad || kind == 0;
	return kind;
}

/* Room for one more. */
static int
make_room(struct store *s, enum memo_kind kind, uint64_t max, uint64_t *n)
{
	struct key time;
	int64_t until;
	int rc = 0;

	for (int i = 0; rc == 0 && *n >= max && i < TRIM_BATCH; i++) {
		rc = first_to_end(s, kind, &time, &until);
		if (rc == 0)
			rc = drop(s, &time);
		*n -= rc == 0;
	}
	return rc == ERR_NONE ? 0 : rc;
}

static int
put_row(struct store *s, const struct key *k, int64_t until, struct span value)
{
	struct key time = memo_key_time(
	    (enum memo_kind)k->b[0], until, span_of(k->b + 1, k->len - 1));
	int rc;

	buf_reset(&s->scratch);
	buf_put_char(&s->scratch, MEMO_VERSION);
	buf_put_be64(&s->scratch, (uint64_t)until);
	buf_put(&s->scratch, value);
	if (buf_failed(&s->scratch))
		return ERR_NOMEM;
	rc = tree_put(s, TREE_MEMO, key_span(k), buf_span(&s->scratch));
	if (rc == 0)
		rc = tree_put(s, TREE_MTIME, key_span(&time), SPAN(""));
	return rc;
}

int
memo_apply_put(struct store *s, struct fields *f)
{
	enum memo_kind kind = field_kind(f);
	int64_t until = (int64_t)field_num(f, INT64_MAX), old_until = 0;
	uint64_t max = field_num(f, UINT32_MAX), n;
	struct span text = field_text(f, MEMO_MAX_KEY);
	struct span value = field_text(f, MEMO_MAX_VALUE), old;
	struct key k, time;
	int rc = field_end(f);

	if (rc == 0)
		rc = text.len == 0 ? ERR_INVALID : memo_count(s, kind, &n);
	if (rc < 0)
		return rc;
	k = memo_key(kind, text);
	rc = tree_get(s, TREE_MEMO, key_span(&k), &old);
	if (rc == 0)
		rc = memo_parse(old, &old, &old_until);
	if (rc == ERR_NONE) {
		rc = make_room(s, kind, max, &n);
		if (rc == 0)
			rc = put_count(s, kind, n + 1);
	} else if (rc == 0 && old_until != until) {
		time = memo_key_time(kind, old_until, text);
		rc = tree_delete(s, TREE_MTIME, key_span(&time));
	}
	return rc < 0 ? rc : put_row(s, &k, until, value);
}

int
memo_apply_delete(struct store *s, struct fields *f)
{
	enum memo_kind kind = field_kind(f);
	struct span text = field_text(f, MEMO_MAX_KEY), old;
	struct key k, time;
	int64_t until;
	uint64_t n;
	int rc = field_end(f);

	if (rc == 0)
		rc = text.len == 0 ? ERR_NONE : memo_count(s, kind, &n);
	if (rc < 0)
		return rc;
	k = memo_key(kind, text);
	rc = tree_get(s, TREE_MEMO, key_span(&k), &old);
	if (rc == 0)
		rc = memo_parse(old, &old, &until);
	if (rc < 0)
		return rc;
	time = memo_key_time(kind, until, text);
	rc = drop(s, &time);
	return rc < 0 ? rc : put_count(s, kind, n - (n > 0));
}

int
memo_apply_sweep(struct store *s, struct fields *f)
{
	enum memo_kind kind = field_kind(f);
	int64_t now_s = (int64_t)field_num(f, INT64_MAX), until;
	struct key time;
	uint64_t n;
	int rc = field_end(f);

	if (rc == 0)
		rc = memo_count(s, kind, &n);
	for (int i = 0; rc == 0 && i < SWEEP_BATCH; i++) {
		rc = first_to_end(s, kind, &time, &until);
		if (rc < 0 || until > now_s)
			break;
		rc = drop(s, &time);
		n -= n > 0;
	}
	return rc < 0 && rc != ERR_NONE ? rc : put_count(s, kind, n);
}

int
memo_put(struct store *s, enum memo_kind kind, struct span key,
    struct span value, int64_t until_s)
{
	int rc;

	if (key.len == 0 || until_s < 0)
		return ERR_INVALID;
	if (key.len > MEMO_MAX_KEY || value.len > MEMO_MAX_VALUE)
		return ERR_LIMIT;
	rc = op_group(s, 64 + key.len + value.len);
	if (rc < 0)
		return rc;
	op_begin(s, OP_MEMO_PUT);
	op_num(s, kind);
	op_num(s, (uint64_t)until_s);
	op_num(s, max_entries[kind]);
	op_text(s, key);
	op_text(s, value);
	return op_group_end(s, op_apply(s));
}

int
memo_delete(struct store *s, enum memo_kind kind, struct span key)
{
	int rc = key.len == 0 || key.len > MEMO_MAX_KEY
	             ? ERR_NONE
	             : op_group(s, 64 + key.len);

	if (rc < 0)
		return rc;
	op_begin(s, OP_MEMO_DELETE);
	op_num(s, kind);
	op_text(s, key);
	return op_group_end(s, op_apply(s));
}

/* One operation of a kind of which something is over. Returns 1, or 0. */
static int
sweep_kind(struct store *s, enum memo_kind kind, int64_t now_s)
{
	struct key time;
	int64_t until;
	int rc = first_to_end(s, kind, &time, &until);

	if (rc < 0 || until > now_s)
		return rc == ERR_NONE ? 0 : rc < 0 ? rc : 0;
	rc = op_group(s, 64);
	if (rc < 0)
		return rc;
	op_begin(s, OP_MEMO_SWEEP);
	op_num(s, kind);
	op_num(s, (uint64_t)now_s);
	rc = op_group_end(s, op_apply(s));
	return rc < 0 ? rc : 1;
}

int
memo_sweep(struct store *s)
{
	int64_t now_s = clock_wall_s();
	int has_more = 0;

	/* The clock may have been set back. */
	if (now_s < 0 || (now_s >= s->memo_swept_s &&
	                     now_s - s->memo_swept_s < SWEEP_EVERY_S))
		return 0;
	for (int kind = 1; kind < N_MEMO_KINDS; kind++) {
		int rc = sweep_kind(s, (enum memo_kind)kind, now_s);

		if (rc < 0)
			return rc;
		has_more |= rc;
	}
	if (!has_more)
		s->memo_swept_s = now_s;
	return has_more;
}

/* --- reading --- */

int
memo_get(struct store *s, enum memo_kind kind, struct span key,
    struct buf *value, int64_t *until_s)
{
	struct span row, text;
	struct key k;
	int64_t until;
	int rc;

	if (key.len == 0 || key.len > MEMO_MAX_KEY)
		return ERR_NONE;
	k = memo_key(kind, key);
	rc = tree_get(s, TREE_MEMO, key_span(&k), &row);
	if (rc == 0)
		rc = memo_parse(row, &text, &until);
	if (rc == 0 && until <= clock_wall_s())
		rc = ERR_NONE;
	if (rc < 0)
		return rc;
	if (until_s != NULL)
		*until_s = until;
	if (value == NULL)
		return 0;
	buf_put(value, text);
	return buf_failed(value) ? ERR_LIMIT : 0;
}

int
memo_next(struct store *s, enum memo_kind kind, struct buf *key,
    struct buf *value, int64_t *until_s)
{
	int64_t now_s = clock_wall_s(), until;
	struct span found, row, text;
	struct key from;
	int rc;

	if (key->len > MEMO_MAX_KEY)
		return ERR_LIMIT;
	/* The least behind: the count has no text, and stands before all. */
	from = memo_key(kind, buf_span(key));
	from.b[from.len++] = '\0';
	rc = tree_seek(s, TREE_MEMO, key_span(&from), &found, &row);
	for (int n = 0; rc == 0; n++) {
		if (found.p[0] != (char)kind)
			return ERR_NONE;
		rc = memo_parse(row, &text, &until);
		if (rc < 0)
			return rc;
		buf_reset(key);
		buf_put(key, span_sub(found, 1, found.len));
		if (until > now_s || n == LOOK_BATCH)
			break;
		rc = tree_next(s, TREE_MEMO, &found, &row);
	}
	if (rc < 0)
		return rc;
	if (until <= now_s)
		return ERR_AGAIN;
	if (until_s != NULL)
		*until_s = until;
	if (value != NULL) {
		buf_reset(value);
		buf_put(value, text);
	}
	return buf_failed(key) || (value != NULL && buf_failed(value))
	           ? ERR_LIMIT
	           : 0;
}
