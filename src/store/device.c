#include "store/device.h"

#include "base/ascii.h"
#include "base/err.h"
#include "store/setting.h"

/* Key: the prefix, the name. Value: the number and the lists, a line each. */
#define PREFIX SPAN("device.")

static bool
is_name(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_' &&
		    s.p[i] != '.')
			return false;
	return s.len > 0 && s.len <= MAX_DEVICE_NAME;
}

static bool
is_list(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (ascii_is_ctl(s.p[i]))
			return false;
	return device_next_word(&s).len > 0;
}

static void
put_key(struct buf *b, struct span name)
{
	buf_put(b, PREFIX);
	buf_put(b, name);
}

int
device_put(struct store *s, const struct device *d)
{
	char key_storage[MAX_DEVICE_NAME + 8], storage[MAX_DEVICE_BYTES + 20];
	struct buf key, value;

	if (!is_name(d->name) || !is_list(d->at) || !is_list(d->senders) ||
	    !is_list(d->rcpts))
		return ERR_INVALID;
	buf_init_fixed(&key, key_storage, sizeof(key_storage));
	put_key(&key, d->name);
	buf_init_fixed(&value, storage, sizeof(storage));
	buf_put_u64(&value, d->per_hour);
	buf_put_char(&value, '\n');
	buf_put(&value, d->at);
	buf_put_char(&value, '\n');
	buf_put(&value, d->senders);
	buf_put_char(&value, '\n');
	buf_put(&value, d->rcpts);
	if (buf_failed(&key) || buf_failed(&value))
		return ERR_LIMIT;
	return setting_put(s, buf_span(&key), buf_span(&value));
}

int
device_remove(struct store *s, struct span name)
{
	char storage[MAX_DEVICE_NAME + 8];
	struct buf key;

	buf_init_fixed(&key, storage, sizeof(storage));
	put_key(&key, name);
	return is_name(name) ? setting_delete(s, buf_span(&key)) : ERR_NONE;
}

/* A value behind the name in out's storage. */
static int
read_value(struct device_view *out, struct span name, struct span value)
{
	struct span number = span_split(&value, '\n');
	uint64_t per_hour;

	out->d.name = name;
	if (span_to_u64(number, UINT32_MAX, &per_hour) < 0)
		return ERR_DAMAGED;
	out->d.per_hour = (uint32_t)per_hour;
	out->d.at = span_split(&value, '\n');
	out->d.senders = span_split(&value, '\n');
	out->d.rcpts = value;
	return 0;
}

int
device_get(struct store *s, struct span name, struct device_view *out)
{
	char storage[MAX_DEVICE_NAME + 8];
	struct buf key, text;
	int rc;

	if (!is_name(name))
		return ERR_NONE;
	buf_init_fixed(&key, storage, sizeof(storage));
	put_key(&key, name);
	buf_init_fixed(&text, out->storage, sizeof(out->storage));
	buf_put(&text, name);
	rc = setting_get(s, buf_span(&key), &text);
	if (rc < 0)
		return rc == ERR_LIMIT ? ERR_DAMAGED : rc;
	return read_value(out, span_of(out->storage, name.len),
	    span_sub(buf_span(&text), name.len, text.len));
}

int
device_next(struct store *s, struct buf *name, struct device_view *out)
{
	char storage[MAX_SETTING_KEY_BYTES + 2];
	struct buf key, value;
	int rc;

	buf_init_fixed(&key, storage, sizeof(storage));
	buf_init(&value, MAX_SETTING_BYTES);
	put_key(&key, buf_span(name));
	rc = setting_next(s, &key, &value);
	buf_deinit(&value);
	if (rc == 0 && !span_starts(buf_span(&key), PREFIX))
		rc = ERR_NONE;
	if (rc < 0)
		return rc;
	buf_reset(name);
	buf_put(name, span_sub(buf_span(&key), PREFIX.len, key.len));
	return buf_failed(name) ? ERR_LIMIT
	                        : device_get(s, buf_span(name), out);
}

struct span
device_next_word(struct span *list)
{
	struct span word = span_of(NULL, 0);

	while (word.len == 0 && list->len > 0)
		word = span_split(list, ' ');
	return word;
}
