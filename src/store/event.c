#include "store/event.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "store/apply.h"

/* Events looked at by one call of event_previous: about 100 us. */
#define LOOK_BATCH 500

/* Removed for each one added, so that a lowered bound is reached soon. */
#define TRIM_BATCH 2

static int
trim(struct store *s, uint64_t max)
{
	struct span key, value;
	int rc;

	for (int i = 0; i < TRIM_BATCH; i++) {
		struct key k;

		if (tree_count(s, TREE_EVENT) <= max)
			return 0;
		rc = tree_seek(s, TREE_EVENT, span_of(NULL, 0), &key, &value);
		if (rc == 0 && key.len != 8)
			rc = ERR_DAMAGED;
		if (rc < 0)
			return rc;
		k = key_u64(be_get64(key.p));
		rc = tree_delete(s, TREE_EVENT, key_span(&k));
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
event_apply(struct store *s, struct fields *f)
{
	uint64_t number = field_num(f, UINT64_MAX - 1);
	uint64_t max = field_num(f, UINT64_MAX);
	struct span record = field_text(f, RECORD_BYTES);
	struct key k = key_u64(number);
	struct event e;
	struct span value;
	int rc = field_end(f);

	if (rc == 0)
		rc = record_get_event(record, &e);
	if (rc < 0)
		return rc;
	rc = tree_get(s, TREE_EVENT, key_span(&k), &value);
	if (rc != ERR_NONE)
		return rc == 0 ? ERR_EXISTS : rc;
	rc = tree_put(s, TREE_EVENT, key_span(&k), record);
	if (rc < 0)
		return rc;
	if (number >= s->meta.next_event)
		s->meta.next_event = number + 1;
	return trim(s, max);
}

/* Cut, and without controls. */
static struct span
clean(struct span text, char storage[MAX_EVENT_BYTES])
{
	text = utf8_cut(text, MAX_EVENT_BYTES);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		storage[i] = c < 0x20 || c == 0x7f ? '?' : text.p[i];
	}
	return span_of(storage, text.len);
}

void
event_set_max(struct store *s, uint32_t max_events)
{
	s->options.max_events = max_events;
}

int
event_add(struct store *s, const struct event *e)
{
	char storage[6][MAX_EVENT_BYTES];
	struct event c = *e;
	struct record r;
	int rc;

	if (c.kind < EVENT_RECEIVED || c.kind > EVENT_SYSTEM)
		return ERR_INVALID;
	if (c.time_s == 0)
		c.time_s = clock_wall_s();
	c.id = clean(e->id, storage[0]);
	c.message_id = clean(e->message_id, storage[1]);
	c.from = clean(e->from, storage[2]);
	c.to = clean(e->to, storage[3]);
	c.client = clean(e->client, storage[4]);
	c.text = clean(e->text, storage[5]);
	buf_init_fixed(&r.buf, r.storage, sizeof(r.storage));
	record_put_event(&r.buf, &c);
	rc = op_group(s, 64 + r.buf.len);
	if (rc < 0)
		return rc;
	op_begin(s, OP_EVENT);
	op_num(s, s->meta.next_event);
	op_num(s, s->options.max_events);
	op_text(s, record_span(&r));
	return op_group_end(s, op_apply(s));
}

/* Clients are noted as "[192.0.2.1] name". */
static bool
is_of_client(const struct event *e, struct span word)
{
	struct span c = e->client;

	return c.len >= word.len + 2 && c.p[0] == '[' &&
	       c.p[word.len + 1] == ']' &&
	       span_is_nocase(span_sub(c, 1, word.len), word);
}

static bool
has_word(const struct event *e, struct span word)
{
	return word.len == 0 || span_is_nocase(e->id, word) ||
	       span_is_nocase(e->message_id, word) ||
	       span_is_nocase(e->from, word) || span_is_nocase(e->to, word) ||
	       is_of_client(e, word);
}

static struct span
keep(struct event_view *out, int i, struct span text)
{
	char *p = out->storage + (size_t)i * MAX_EVENT_BYTES;

	if (text.len > 0)
		memcpy(p, text.p, text.len);
	return span_of(p, text.len);
}

int
event_previous(
    struct store *s, struct span word, uint64_t *number, struct event_view *out)
{
	uint64_t below = *number;

	for (int i = 0; i < LOOK_BATCH; i++) {
		struct key k = key_u64(below);
		struct span key, value;
		struct event e;
		int rc = tree_before(s, TREE_EVENT, key_span(&k), &key, &value);

		if (rc == 0 && key.len != 8)
			rc = ERR_DAMAGED;
		if (rc == 0)
			rc = record_get_event(value, &e);
		if (rc < 0)
			return rc;
		below = be_get64(key.p);
		*number = below;
		if (!has_word(&e, word))
			continue;
		out->e = e;
		out->e.number = below;
		out->e.id = keep(out, 0, e.id);
		out->e.message_id = keep(out, 1, e.message_id);
		out->e.from = keep(out, 2, e.from);
		out->e.to = keep(out, 3, e.to);
		out->e.client = keep(out, 4, e.client);
		out->e.text = keep(out, 5, e.text);
		return 0;
	}
	return ERR_AGAIN;
}
