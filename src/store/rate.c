#include "store/rate.h"

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/mem.h"
#include "store/inside.h"
#include "store/rate_in.h"

#define VERSION 1

/* --- rows --- */

void
rate_format(const struct rate *r, int64_t wall_s, struct buf *out)
{
	buf_put_char(out, VERSION);
	buf_put_be64(out, (uint64_t)wall_s);
	buf_put_char(out, (char)r->told_age);
	for (int i = 0; i < RATE_SLOTS; i++) {
		buf_put_varint(out, r->messages[i]);
		buf_put_varint(out, r->rcpts[i]);
	}
}

static uint32_t
small(struct cur *c, bool *is_bad)
{
	uint64_t v = 0;

	if (cur_varint(c, &v) != PARSE_OK || v > UINT32_MAX)
		*is_bad = true;
	return (uint32_t)v;
}

/* Let n slots pass. */
static void
age(struct rate *r, int64_t n)
{
	size_t by = n > RATE_SLOTS ? RATE_SLOTS : (size_t)n;
	size_t kept = (RATE_SLOTS - by) * sizeof(r->rcpts[0]);

	memmove(r->messages + by, r->messages, kept);
	memmove(r->rcpts + by, r->rcpts, kept);
	memset(r->messages, 0, by * sizeof(r->messages[0]));
	memset(r->rcpts, 0, by * sizeof(r->rcpts[0]));
	r->told_age += (uint32_t)by;
	if (r->told_age > RATE_SLOTS)
		r->told_age = RATE_SLOTS;
}

int
rate_parse(struct span row, int64_t wall_s, struct rate *out)
{
	struct cur c = cur_of(row);
	bool is_bad = false;
	uint8_t version, told;
	uint64_t then;

	if (cur_u8(&c, &version) != PARSE_OK || version != VERSION ||
	    cur_be64(&c, &then) != PARSE_OK || cur_u8(&c, &told) != PARSE_OK ||
	    told > RATE_SLOTS || then > INT64_MAX)
		return ERR_DAMAGED;
	out->unsaved = 0;
	out->told_age = told;
	for (int i = 0; i < RATE_SLOTS; i++) {
		out->messages[i] = small(&c, &is_bad);
		out->rcpts[i] = small(&c, &is_bad);
	}
	if (is_bad || !cur_is_end(&c))
		return ERR_DAMAGED;
	if (wall_s > (int64_t)then)
		age(out, (wall_s - (int64_t)then) / RATE_SLOT_S);
	return 0;
}

/* --- the table --- */

static int
save(struct store *s, struct rate *r)
{
	char storage[RATE_ROW_BYTES];
	int64_t now_s = clock_wall_s();
	struct buf row;
	int rc;

	if (now_s < 0)
		now_s = 0;
	buf_init_fixed(&row, storage, sizeof(storage));
	rate_format(r, now_s, &row);
	rc = memo_put(s, MEMO_RATE, span_of(r->key, r->key_len), buf_span(&row),
	    now_s + RATE_SLOTS * RATE_SLOT_S);
	if (rc == 0)
		r->unsaved = 0;
	return rc;
}

static void
load(struct store *s, struct rate *r)
{
	char storage[RATE_ROW_BYTES];
	struct buf row;

	buf_init_fixed(&row, storage, sizeof(storage));
	if (memo_get(s, MEMO_RATE, span_of(r->key, r->key_len), &row, NULL) ==
	        0 &&
	    rate_parse(buf_span(&row), clock_wall_s(), r) == 0)
		return;
	memset(r->messages, 0, sizeof(r->messages));
	memset(r->rcpts, 0, sizeof(r->rcpts));
	r->unsaved = 0;
	r->told_age = RATE_SLOTS;
}

/* A key as it is kept. */
static struct span
cut(struct span key, char storage[RATE_KEY_BYTES])
{
	struct buf b;

	if (key.len <= RATE_KEY_BYTES)
		return key;
	buf_init_fixed(&b, storage, RATE_KEY_BYTES);
	buf_put(&b, span_sub(key, 0, RATE_KEY_BYTES - 4));
	buf_put_be32(&b, crc32c(0, key));
	return buf_span(&b);
}

static struct rate *
seek(struct store *s, struct span key)
{
	for (int i = 0; s->rates != NULL && i < RATE_KEYS; i++)
		if (span_is(key, span_of(s->rates[i].key, s->rates[i].key_len)))
			return &s->rates[i];
	return NULL;
}

/* A place for a key that has none: of who has not sent for the longest. */
static struct rate *
take_place(struct store *s, struct span key)
{
	struct rate *r;

	if (s->rates == NULL)
		s->rates = mem_alloc(RATE_KEYS * sizeof(*r));
	if (s->rates == NULL)
		return NULL;
	r = &s->rates[0];
	for (int i = 1; i < RATE_KEYS && r->key_len > 0; i++)
		if (s->rates[i].key_len == 0 || s->rates[i].slot < r->slot)
			r = &s->rates[i];
	if (r->key_len > 0 && r->unsaved > 0 && save(s, r) < 0)
		return NULL;
	memcpy(r->key, key.p, key.len);
	r->key_len = key.len;
	load(s, r);
	return r;
}

static struct rate *
find(struct store *s, struct span key)
{
	int64_t slot = clock_mono_ms() / 1000 / RATE_SLOT_S;
	struct rate *r = seek(s, key);

	if (r == NULL)
		r = take_place(s, key);
	else if (slot > r->slot)
		age(r, slot - r->slot);
	if (r != NULL)
		r->slot = slot;
	return r;
}

/* --- counting --- */

/* Is there room for n more? Otherwise *left gets how many slots have to pass
 * for it. */
static bool
has_room(const uint32_t *slots, uint32_t n, uint32_t max, int *left)
{
	uint64_t sum = n;

	for (int i = 0; max > 0 && n > 0 && i < RATE_SLOTS; i++) {
		sum += slots[i];
		if (sum > max) {
			*left = RATE_SLOTS - i;
			return false;
		}
	}
	return true;
}

static void
add(uint32_t *slot, uint32_t n)
{
	*slot = n > UINT32_MAX - *slot ? UINT32_MAX : *slot + n;
}

enum rate_answer
rate_take(struct store *s, struct span key, const struct rate_want *want,
    bool *is_first, int64_t *until_s)
{
	char storage[RATE_KEY_BYTES];
	struct rate *r = find(s, cut(key, storage));
	enum rate_answer answer = RATE_OK;
	int64_t now_s = clock_mono_ms() / 1000;
	int left = 0;

	if (is_first != NULL)
		*is_first = false;
	if (until_s != NULL)
		*until_s = clock_wall_s() + RATE_SLOT_S;
	if (r == NULL)
		return RATE_MESSAGES;
	if (!has_room(r->messages, want->messages, want->max_messages, &left))
		answer = RATE_MESSAGES;
	else if (!has_room(r->rcpts, want->rcpts, want->max_rcpts, &left))
		answer = RATE_RCPTS;
	if (answer != RATE_OK) {
		if (until_s != NULL)
			*until_s = clock_wall_s() +
			           (r->slot + left) * RATE_SLOT_S - now_s;
		if (is_first != NULL && r->told_age == RATE_SLOTS) {
			*is_first = true;
			r->told_age = 0;
		}
		return answer;
	}
	if (!want->is_look) {
		add(&r->messages[0], want->messages);
		add(&r->rcpts[0], want->rcpts);
		add(&r->unsaved, want->messages);
		add(&r->unsaved, want->rcpts);
	}
	return RATE_OK;
}

void
rate_save(struct store *s, struct span key)
{
	char storage[RATE_KEY_BYTES];
	struct rate *r = seek(s, cut(key, storage));

	/* What is counted stays counted, and unsaved. */
	if (r != NULL && r->unsaved >= RATE_UNSAVED)
		(void)!save(s, r);
}

void
rate_close(struct store *s)
{
	for (int i = 0; s->rates != NULL && i < RATE_KEYS; i++)
		if (s->rates[i].key_len > 0 && s->rates[i].unsaved > 0 &&
		    save(s, &s->rates[i]) < 0)
			break; /* the store takes nothing more */
	mem_free(s->rates);
	s->rates = NULL;
}
