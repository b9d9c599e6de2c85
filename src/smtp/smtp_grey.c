#include "smtp/smtp_grey.h"

#include "base/ascii.h"
#include "store/store.h"

/* Keys: "k" who NUL domain NUL, of those that are known; "t" who NUL from NUL to
 * NUL, of tries, with the time of the first in 8 bytes. */
#define KNOWN 'k'
#define TRY   't'

/* What is known is written again at most once in so long. */
#define RENEW_S 86400

static void
put_lower(struct buf *b, struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_put_char(b, ascii_lower(s.p[i]));
}

/* The end of each that leaves room for the others: what differs only in front
 * of that is the same. */
static void
put_part(struct buf *key, struct span s)
{
	size_t n = (MEMO_MAX_KEY - 1) / 3 - 1;

	put_lower(key, s.len > n ? span_sub(s, s.len - n, n) : s);
	buf_put_char(key, '\0');
}

static void
begin_key(struct buf *key, char kind, const struct grey_sender *from)
{
	buf_put_char(key, kind);
	put_part(key, from->who);
}

static int
know(struct store *s, const struct grey_options *o, struct span key,
    int64_t now_s)
{
	return memo_put(
	    s, MEMO_GREYLIST, key, span_of(NULL, 0), now_s + o->keep_s);
}

bool
grey_is_known(struct store *s, const struct grey_options *o,
    const struct grey_sender *from, int64_t now_s)
{
	char storage[MEMO_MAX_KEY];
	int64_t until_s;
	struct buf key;

	buf_init_fixed(&key, storage, sizeof(storage));
	begin_key(&key, KNOWN, from);
	put_part(&key, from->domain);
	if (memo_get(s, MEMO_GREYLIST, buf_span(&key), NULL, &until_s) < 0)
		return false;
	/* When it fails it is known as long as before. */
	if (until_s < now_s + o->keep_s - RENEW_S)
		(void)!know(s, o, buf_span(&key), now_s);
	return true;
}

static uint64_t
get_be64(struct span s)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.len && i < 8; i++)
		v = v << 8 | (uint8_t)s.p[i];
	return v;
}

/* The time of the first try; now when there was none. */
static int
note_try(struct store *s, const struct grey_options *o, struct span key,
    int64_t now_s, int64_t *first_out)
{
	char storage[8];
	struct buf value;

	buf_init_fixed(&value, storage, sizeof(storage));
	if (memo_get(s, MEMO_GREYLIST, key, &value, NULL) == 0) {
		*first_out = (int64_t)get_be64(buf_span(&value));
		if (*first_out <= now_s && now_s - *first_out <= o->window_s)
			return 0;
		/* The clock was set, or the window is another one. */
	}
	buf_reset(&value);
	buf_put_be64(&value, (uint64_t)now_s);
	*first_out = now_s;
	return memo_put(
	    s, MEMO_GREYLIST, key, buf_span(&value), now_s + o->window_s);
}

uint32_t
grey_try(struct store *s, const struct grey_options *o,
    const struct grey_sender *from, struct span to, int64_t now_s)
{
	char storage[MEMO_MAX_KEY];
	int64_t first_s;
	struct buf key;

	buf_init_fixed(&key, storage, sizeof(storage));
	begin_key(&key, TRY, from);
	put_part(&key, from->from);
	put_part(&key, to);
	if (note_try(s, o, buf_span(&key), now_s, &first_s) < 0)
		return 0;
	if (now_s - first_s < o->delay_s)
		return (uint32_t)(o->delay_s - (now_s - first_s));
	buf_reset(&key);
	begin_key(&key, KNOWN, from);
	put_part(&key, from->domain);
	(void)!know(s, o, buf_span(&key), now_s);
	return 0;
}
