#include "store/tally.h"

#include "base/cursor.h"
#include "base/hash.h"

#include <assert.h>

/* Texts with the same hash that are told apart. */
#define TRIES 4

static int64_t
end_of(uint32_t day)
{
	return ((int64_t)day + 1 + TALLY_KEEP_DAYS) * TALLY_DAY_S;
}

static void
put_prefix(struct buf *b, uint32_t day, struct span domain)
{
	buf_put_be32(b, day);
	buf_put(b, domain);
	buf_put_char(b, '\0');
}

static void
put_value(struct buf *b, uint32_t n, struct span text)
{
	buf_put_be32(b, n);
	buf_put(b, text);
}

/* The count of a value. ERR_INVALID: it is damaged. */
static int
parse_value(struct span value, uint32_t *n, struct span *text)
{
	struct cur c = cur_of(value);

	if (cur_be32(&c, n) != PARSE_OK)
		return ERR_INVALID;
	*text = cur_rest(&c);
	return 0;
}

/* What stands at a key so far. ERR_EXISTS: another text. */
static int
look(struct store *s, enum memo_kind kind, struct span key, struct span text,
    struct buf *value, uint32_t *n)
{
	struct span found;
	int rc;

	buf_reset(value);
	rc = memo_get(s, kind, key, value, NULL);
	*n = 0;
	if (rc == 0)
		rc = parse_value(buf_span(value), n, &found);
	if (rc == 0 && !span_is(found, text))
		rc = ERR_EXISTS;
	return rc;
}

int
tally_add(struct store *s, enum memo_kind kind, int64_t at_s,
    struct span domain, struct span class, struct span text, uint32_t n)
{
	static const struct hash_key fixed = { 0x7465706f7274696e,
		0x74616c6c79 };
	uint32_t day = (uint32_t)(at_s / TALLY_DAY_S), old = 0;
	uint64_t hash = hash_sip(fixed, text);
	char storage[MEMO_MAX_KEY];
	struct buf key, value;
	int rc = ERR_EXISTS;

	if (text.len > TALLY_MAX_TEXT || domain.len > 255 || at_s < 0)
		return ERR_LIMIT;
	buf_init(&value, MEMO_MAX_VALUE);
	for (int i = 0; i < TRIES && rc == ERR_EXISTS; i++) {
		buf_init_fixed(&key, storage, sizeof(storage));
		put_prefix(&key, day, domain);
		buf_put(&key, class);
		buf_put_be64(&key, hash + (uint64_t)i);
		rc = look(s, kind, buf_span(&key), text, &value, &old);
	}
	if ((rc == 0 && n > 0) || rc == ERR_NONE) {
		buf_reset(&value);
		put_value(
		    &value, n > UINT32_MAX - old ? UINT32_MAX : old + n, text);
		rc = buf_failed(&value) ? buf_error(&value)
		                        : memo_put(s, kind, buf_span(&key),
		                              buf_span(&value), end_of(day));
	}
	buf_deinit(&value);
	return rc;
}

struct span
tally_domain(const struct tally_group *g)
{
	return g->n_prefix < 5 ? span_of(NULL, 0)
	                       : span_of(g->prefix + 4, g->n_prefix - 5);
}

/* The group of a key. ERR_INVALID: it is damaged. */
static int
parse_group(struct span key, struct tally_group *g)
{
	struct cur c = cur_of(key);
	struct span rest;

	if (cur_be32(&c, &g->day) != PARSE_OK)
		return ERR_INVALID;
	rest = cur_rest(&c);
	g->n_prefix = 4 + span_find(rest, '\0') + 1;
	if (g->n_prefix > key.len || g->n_prefix >= sizeof(g->prefix))
		return ERR_INVALID;
	memcpy(g->prefix, key.p, g->n_prefix);
	return 0;
}

int
tally_next_group(struct store *s, enum memo_kind kind, struct tally_group *g)
{
	char storage[MEMO_MAX_KEY];
	struct buf key;
	int rc;

	buf_init_fixed(&key, storage, sizeof(storage));
	buf_put(&key, tally_prefix(g));
	if (g->n_prefix > 0) /* behind all of its rows: classes are ASCII */
		buf_put_char(&key, '\xff');
	do {
		rc = memo_next(s, kind, &key, NULL, NULL);
	} while (rc == ERR_AGAIN);
	return rc < 0 ? rc : parse_group(buf_span(&key), g);
}

int
tally_next(struct store *s, enum memo_kind kind, const struct tally_group *g,
    struct buf *key, struct buf *value, struct tally_row *out)
{
	struct span prefix = tally_prefix(g);
	int rc;

	if (key->len == 0)
		buf_put(key, prefix); /* behind its mark */
	rc = memo_next(s, kind, key, value, NULL);
	if (rc < 0)
		return rc;
	if (!span_starts(buf_span(key), prefix) || key->len < prefix.len + 9)
		return ERR_NONE;
	out->class =
	    span_sub(buf_span(key), prefix.len, key->len - prefix.len - 8);
	return parse_value(buf_span(value), &out->n, &out->text);
}

bool
tally_is_sent(struct store *s, enum memo_kind kind, const struct tally_group *g)
{
	return memo_get(s, kind, tally_prefix(g), NULL, NULL) == 0;
}

int
tally_set_sent(
    struct store *s, enum memo_kind kind, const struct tally_group *g)
{
	return memo_put(
	    s, kind, tally_prefix(g), span_of(NULL, 0), end_of(g->day));
}

int
tally_delete(struct store *s, enum memo_kind kind, const struct tally_group *g,
    size_t max)
{
	char storage[MEMO_MAX_KEY];
	struct buf key;
	int rc;

	for (size_t i = 0; i < max; i++) {
		buf_init_fixed(&key, storage, sizeof(storage));
		buf_put(&key, tally_prefix(g));
		rc = memo_next(s, kind, &key, NULL, NULL);
		if (rc == ERR_NONE ||
		    (rc == 0 && !span_starts(buf_span(&key), tally_prefix(g))))
			break;
		if (rc == 0)
			rc = memo_delete(s, kind, buf_span(&key));
		if (rc < 0 && rc != ERR_NONE)
			return rc;
		if (i + 1 == max)
			return ERR_AGAIN;
	}
	rc = memo_delete(s, kind, tally_prefix(g));
	return rc == ERR_NONE ? 0 : rc;
}
