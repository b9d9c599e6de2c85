#include "auth/throttle.h"

/* The set of places in which a key may stand. */
static size_t
set_of(uint64_t key)
{
	size_t n_sets = THROTTLE_ENTRIES / THROTTLE_WAYS;

	return (size_t)(key % n_sets) * THROTTLE_WAYS;
}

static int64_t
delayed_until(const struct throttle_entry *e)
{
	return e->last_s + e->delay_s;
}

static const struct throttle_entry *
find(const struct throttle *t, uint64_t key)
{
	size_t at = set_of(key);

	for (size_t i = at; i < at + THROTTLE_WAYS; i++) {
		if (t->entries[i].key == key)
			return &t->entries[i];
	}
	return NULL;
}

uint32_t
throttle_delay_s(const struct throttle *t, uint64_t key, int64_t now_s)
{
	const struct throttle_entry *e = find(t, key);

	if (e == NULL || now_s >= delayed_until(e))
		return 0;
	return (uint32_t)(delayed_until(e) - now_s);
}

/* The key's place, or one for it: free, or the one forgotten soonest. */
static struct throttle_entry *
place(struct throttle *t, uint64_t key)
{
	size_t at = set_of(key);
	struct throttle_entry *best = &t->entries[at];

	for (size_t i = at; i < at + THROTTLE_WAYS; i++) {
		struct throttle_entry *e = &t->entries[i];

		if (e->key == key)
			return e;
		if (best->key != 0 &&
		    (e->key == 0 || delayed_until(e) < delayed_until(best)))
			best = e;
	}
	*best = (struct throttle_entry){ .key = key };
	return best;
}

void
throttle_fail(struct throttle *t, uint64_t key,
    const struct throttle_rule *rule, uint64_t tag, int64_t now_s)
{
	struct throttle_entry *e = place(t, key);
	uint32_t n_over;

	if (e->n_failures > 0 && now_s >= delayed_until(e) + rule->forget_s)
		*e = (struct throttle_entry){ .key = key };
	if (e->n_failures > 0 && tag != 0 && tag == e->last_tag)
		return;
	e->last_tag = tag;
	e->last_s = now_s;
	if (e->n_failures < UINT32_MAX)
		e->n_failures++;
	if (e->n_failures <= rule->n_free)
		return;
	n_over = e->n_failures - rule->n_free;
	e->delay_s = n_over <= 30 ? (uint32_t)1 << (n_over - 1) : UINT32_MAX;
	if (e->delay_s > rule->max_delay_s)
		e->delay_s = rule->max_delay_s;
}

void
throttle_clear(struct throttle *t, uint64_t key)
{
	size_t at = set_of(key);

	for (size_t i = at; i < at + THROTTLE_WAYS; i++) {
		if (t->entries[i].key == key)
			t->entries[i] = (struct throttle_entry){ 0 };
	}
}
