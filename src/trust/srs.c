#include "trust/srs.h"

#include <bearssl.h>

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/limits.h"

#define HASH_CHARS 8
#define DAY_CHARS  2
#define DAYS       1024 /* what two characters count */
#define DAY_S      86400

/* RFC 4648 6, in lower case. */
static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

static int
digit_value(char c)
{
	const char *p = memchr(digits, ascii_lower(c), 32);

	return p == NULL ? -1 : (int)(p - digits);
}

/* Of what stands behind the hash, in lower case: servers on the way back may
 * have changed it. */
static void
make_hash(const struct srs *s, struct span text, char out[HASH_CHARS])
{
	br_hmac_key_context key;
	br_hmac_context hmac;
	unsigned char sum[br_sha256_SIZE];
	uint64_t bits = 0;

	br_hmac_key_init(&key, &br_sha256_vtable, s->key, sizeof(s->key));
	br_hmac_init(&hmac, &key, 0);
	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.p[i]);

		br_hmac_update(&hmac, &c, 1);
	}
	br_hmac_out(&hmac, sum);
	for (int i = 0; i < 5; i++)
		bits = bits << 8 | sum[i];
	for (int i = HASH_CHARS - 1; i >= 0; i--, bits >>= 5)
		out[i] = digits[bits & 31];
	wipe(&key, sizeof(key));
	wipe(&hmac, sizeof(hmac));
}

static bool
has_hash(const struct srs *s, struct span given, struct span text)
{
	char right[HASH_CHARS], got[HASH_CHARS];

	if (given.len != HASH_CHARS)
		return false;
	for (size_t i = 0; i < HASH_CHARS; i++)
		got[i] = ascii_lower(given.p[i]);
	make_hash(s, text, right);
	return span_is_secret(
	    span_of(got, HASH_CHARS), span_of(right, HASH_CHARS));
}

static unsigned
today(const struct srs *s)
{
	return (unsigned)((uint64_t)(s->now_s / DAY_S) % DAYS);
}

/* Which of the two is it? 0, 1; -1: none. Any of "=+-" stands behind the
 * digit, as others write it. */
static int
kind_of(struct span local)
{
	if (local.len < 6 || !span_starts_nocase(local, SPAN("SRS")))
		return -1;
	if (local.p[4] != '=' && local.p[4] != '+' && local.p[4] != '-')
		return -1;
	return local.p[3] == '0' ? 0 : local.p[3] == '1' ? 1 : -1;
}

bool
srs_is(struct span local)
{
	return kind_of(local) >= 0;
}

static int
put(const struct srs *s, const char *tag, struct span text, struct span domain,
    struct buf *out)
{
	char hash[HASH_CHARS];

	make_hash(s, text, hash);
	buf_put_str(out, tag);
	buf_put(out, span_of(hash, sizeof(hash)));
	buf_put_char(out, '=');
	buf_put(out, text);
	buf_put_char(out, '@');
	buf_put(out, domain);
	return buf_failed(out) ? ERR_LIMIT : 0;
}

/* What stands behind SRS1's hash, for a sender that is rewritten already: the
 * first server keeps its own hash, and all in between are left out. */
static void
put_again(struct buf *text, int kind, struct span local, struct span domain)
{
	struct span rest = span_sub(local, 5, local.len);

	if (kind == 1) {
		span_split(&rest, '=');
		buf_put(text, rest);
		return;
	}
	buf_put(text, domain);
	buf_put_char(text, '=');
	buf_put(text, span_sub(local, 4, local.len));
}

int
srs_forward(const struct srs *s, struct span sender, struct span domain,
    struct buf *out)
{
	char storage[MAX_ADDRESS_BYTES + 8];
	size_t at = span_rfind(sender, '@');
	struct span local = span_sub(sender, 0, at);
	struct span from = span_sub(sender, at + 1, sender.len);
	int kind = kind_of(local);
	struct buf text;

	if (sender.len == 0)
		return 0;
	if (local.len == 0 || from.len == 0 || span_find(from, '=') < from.len)
		return ERR_INVALID;
	buf_init_fixed(&text, storage, sizeof(storage));
	if (kind >= 0) {
		put_again(&text, kind, local, from);
	} else {
		buf_put_char(&text, digits[today(s) >> 5]);
		buf_put_char(&text, digits[today(s) & 31]);
		buf_put_char(&text, '=');
		buf_put(&text, from);
		buf_put_char(&text, '=');
		buf_put(&text, local);
	}
	if (buf_failed(&text) ||
	    text.len + domain.len + HASH_CHARS + 7 > MAX_ADDRESS_BYTES)
		return ERR_LIMIT;
	return put(
	    s, kind >= 0 ? "SRS1=" : "SRS0=", buf_span(&text), domain, out);
}

static int
check_day(const struct srs *s, struct span day)
{
	int high, low;
	unsigned then;

	if (day.len != DAY_CHARS)
		return ERR_DENIED;
	high = digit_value(day.p[0]);
	low = digit_value(day.p[1]);
	if (high < 0 || low < 0)
		return ERR_DENIED;
	then = (unsigned)high << 5 | (unsigned)low;
	/* A clock may go back a little. */
	return (today(s) + 1 - then + DAYS) % DAYS <= SRS_DAYS + 1 ? 0
	                                                           : ERR_GONE;
}

static int
put_address(struct buf *out, struct span local, struct span domain)
{
	if (local.len == 0 || domain.len == 0)
		return ERR_DENIED;
	buf_put(out, local);
	buf_put_char(out, '@');
	buf_put(out, domain);
	return buf_failed(out) ? ERR_LIMIT : 0;
}

int
srs_reverse(const struct srs *s, struct span local, struct buf *out)
{
	struct span rest = span_sub(local, 5, local.len);
	struct span hash = span_split(&rest, '=');
	int kind = kind_of(local);
	struct span first, domain;
	int rc;

	if (kind < 0)
		return ERR_NONE;
	if (!has_hash(s, hash, rest))
		return ERR_DENIED;
	first = span_split(&rest, '=');
	if (kind == 1) {
		char storage[MAX_ADDRESS_BYTES];
		struct buf old;

		buf_init_fixed(&old, storage, sizeof(storage));
		buf_put_str(&old, "SRS0");
		buf_put(&old, rest);
		if (buf_failed(&old) || !srs_is(buf_span(&old)))
			return ERR_DENIED;
		return put_address(out, buf_span(&old), first);
	}
	rc = check_day(s, first);
	if (rc < 0)
		return rc;
	domain = span_split(&rest, '=');
	return put_address(out, rest, domain);
}
