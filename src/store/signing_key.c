#include "store/signing_key.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/rand.h"
#include "store/setting.h"

#define PREFIX SPAN("dkim.key.")

/* Key: the prefix, DOMAIN "/" SELECTOR. Value: state, time, key in base64. */
#define VALUE_BYTES (MAX_SIGNING_KEY_BYTES * 4 / 3 + 40)

static const char *const state_words[] = { "waiting", "active", "old" };

static bool
is_selector(struct span s)
{
	if (s.len == 0 || s.len > MAX_SELECTOR_BYTES || s.p[0] == '-' ||
	    s.p[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_alnum(s.p[i]) && s.p[i] != '-')
			return false;
	return true;
}

static int
put_name(struct buf *b, struct span domain, struct span selector)
{
	if (!is_selector(selector) || domain.len == 0 ||
	    domain.len > MAX_DOMAIN_BYTES ||
	    span_find(domain, '/') < domain.len)
		return ERR_INVALID;
	buf_put(b, PREFIX);
	buf_put(b, domain);
	buf_put_char(b, '/');
	buf_put(b, selector);
	return buf_failed(b) ? ERR_INVALID : 0;
}

int
signing_key_put(struct store *s, const struct signing_key *k)
{
	char name_storage[MAX_SETTING_KEY_BYTES], storage[VALUE_BYTES];
	struct buf name, value;
	int rc;

	if (k->key.len > MAX_SIGNING_KEY_BYTES)
		return ERR_LIMIT;
	buf_init_fixed(&name, name_storage, sizeof(name_storage));
	buf_init_fixed(&value, storage, sizeof(storage));
	rc = put_name(&name, k->domain, k->selector);
	if (rc < 0)
		return rc;
	buf_put_str(&value, state_words[k->state]);
	buf_put_char(&value, ' ');
	buf_put_i64(&value, k->created_s);
	buf_put_char(&value, ' ');
	base64_encode(&value, k->key);
	rc = buf_failed(&value)
	         ? ERR_LIMIT
	         : setting_put(s, buf_span(&name), buf_span(&value));
	wipe(storage, sizeof(storage));
	return rc;
}

int
signing_key_remove(struct store *s, struct span domain, struct span selector)
{
	char storage[MAX_SETTING_KEY_BYTES];
	struct buf name;

	buf_init_fixed(&name, storage, sizeof(storage));
	if (put_name(&name, domain, selector) < 0)
		return ERR_NONE;
	return setting_delete(s, buf_span(&name));
}

static int
get_state(struct span word, enum signing_state *out)
{
	for (int i = 0; i <= SIGNING_OLD; i++)
		if (span_is(word, span_str(state_words[i]))) {
			*out = (enum signing_state)i;
			return 0;
		}
	return ERR_DAMAGED;
}

/* DOMAIN "/" SELECTOR and a value into a view. */
static int
read_key(struct span name, struct span value, struct signing_key_view *out)
{
	size_t slash = span_rfind(name, '/');
	struct span state = span_split(&value, ' ');
	struct span time = span_split(&value, ' ');
	struct buf b;
	size_t at;

	*out = (struct signing_key_view){ .k.state = SIGNING_OLD };
	if (get_state(state, &out->k.state) < 0)
		return ERR_DAMAGED;
	for (size_t i = 0; i < time.len && i < 15; i++)
		if (ascii_is_digit(time.p[i]))
			out->k.created_s =
			    out->k.created_s * 10 + (time.p[i] - '0');
	buf_init_fixed(&b, out->storage, sizeof(out->storage));
	buf_put(&b, span_sub(name, 0, slash));
	out->k.domain = buf_span(&b);
	at = b.len;
	buf_put(&b, span_sub(name, slash + 1, name.len));
	out->k.selector = span_sub(buf_span(&b), at, b.len);
	at = b.len;
	if (buf_failed(&b) || base64_decode(&b, value) < 0)
		return ERR_DAMAGED;
	out->k.key = span_sub(buf_span(&b), at, b.len);
	return 0;
}

int
signing_key_next(
    struct store *s, struct buf *place, struct signing_key_view *out)
{
	char name_storage[MAX_SETTING_KEY_BYTES + 2];
	struct buf name, value;
	struct span rest;
	int rc;

	buf_init_fixed(&name, name_storage, sizeof(name_storage));
	buf_init(&value, MAX_SETTING_BYTES);
	buf_put(&name, PREFIX);
	buf_put(&name, buf_span(place));
	rc = setting_next(s, &name, &value);
	if (rc == 0 && !span_starts(buf_span(&name), PREFIX))
		rc = ERR_NONE;
	if (rc == 0) {
		rest = span_sub(buf_span(&name), PREFIX.len, name.len);
		buf_reset(place);
		buf_put(place, rest);
		rc = buf_failed(place) ? ERR_LIMIT
		                       : read_key(rest, buf_span(&value), out);
	}
	buf_wipe(&value);
	return rc;
}

int
signing_key_find(struct store *s, struct span domain, enum signing_state state,
    struct signing_key_view *out)
{
	char storage[SIGNING_PLACE_BYTES];
	struct buf place;
	int rc;

	buf_init_fixed(&place, storage, sizeof(storage));
	buf_put(&place, domain);
	buf_put_char(&place, '/');
	for (;;) {
		rc = signing_key_next(s, &place, out);
		if (rc == 0 && !span_is(out->k.domain, domain))
			rc = ERR_NONE;
		if (rc < 0 || out->k.state == state)
			break;
	}
	if (rc < 0)
		wipe(out, sizeof(*out));
	return rc;
}

bool
signing_key_exists(struct store *s)
{
	char storage[SIGNING_PLACE_BYTES];
	struct signing_key_view v;
	struct buf place;
	bool is_there;

	buf_init_fixed(&place, storage, sizeof(storage));
	is_there = signing_key_next(s, &place, &v) == 0;
	wipe(&v, sizeof(v));
	return is_there;
}

/* --- secrets --- */

int
signing_key_secret(
    struct store *s, struct span purpose, uint8_t out[SIGNING_SECRET_BYTES])
{
	char name_storage[64], storage[64], raw_storage[SIGNING_SECRET_BYTES];
	struct buf name, text, raw;
	int rc;

	buf_init_fixed(&name, name_storage, sizeof(name_storage));
	buf_init_fixed(&text, storage, sizeof(storage));
	buf_init_fixed(&raw, raw_storage, sizeof(raw_storage));
	buf_put_str(&name, "secret.");
	buf_put(&name, purpose);
	rc = setting_get(s, buf_span(&name), &text);
	if (rc == 0)
		rc = base64_decode(&raw, buf_span(&text));
	if (rc == 0 && raw.len == SIGNING_SECRET_BYTES) {
		memcpy(out, raw.p, SIGNING_SECRET_BYTES);
	} else if (rc == ERR_NONE) {
		rand_bytes(out, SIGNING_SECRET_BYTES);
		base64_encode(&text, span_of(out, SIGNING_SECRET_BYTES));
		rc = setting_put(s, buf_span(&name), buf_span(&text));
	} else if (rc == 0 || rc == ERR_SYNTAX || rc == ERR_LIMIT) {
		rc = ERR_DAMAGED;
	}
	wipe(storage, sizeof(storage));
	wipe(raw_storage, sizeof(raw_storage));
	return rc;
}
