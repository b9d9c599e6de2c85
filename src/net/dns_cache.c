#include "net/dns_cache.h"

#include "base/hash.h"
#include "base/mem.h"

void
dns_cache_init(struct dns_cache *c, size_t max_bytes)
{
	*c = (struct dns_cache){ .max_bytes = max_bytes };
	list_init(&c->by_use);
}

static struct dns_entry **
bucket_of(struct dns_cache *c, enum dns_type type, const struct dns_wire *name)
{
	uint64_t h = hash_mem(span_of(name->bytes, name->len));

	return &c->buckets[(h + (uint64_t)type) % DNS_BUCKETS];
}

static size_t
cost_of(const struct dns_entry *e)
{
	return sizeof(*e) + e->records.len;
}

struct dns_entry *
dns_entry_ref(struct dns_entry *e)
{
	e->n_refs++;
	return e;
}

void
dns_entry_unref(struct dns_entry *e)
{
	if (--e->n_refs > 0)
		return;
	mem_free(e->target);
	mem_free((void *)(uintptr_t)e->records.p);
	mem_free(e);
}

void
dns_cache_forget(struct dns_cache *c, struct dns_entry *e)
{
	struct dns_entry **at = bucket_of(c, e->type, &e->name);

	if (!e->is_in_table)
		return;
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	e->is_in_table = false;
	c->n_entries--;
	if (!list_is_empty(&e->by_use)) {
		list_remove(&e->by_use);
		c->bytes -= cost_of(e);
	}
	dns_entry_unref(e);
}

void
dns_cache_clear(struct dns_cache *c)
{
	while (!list_is_empty(&c->by_use))
		dns_cache_forget(
		    c, LIST_OF(c->by_use.next, struct dns_entry, by_use));
}

void
dns_cache_deinit(struct dns_cache *c)
{
	for (size_t i = 0; i < DNS_BUCKETS; i++)
		while (c->buckets[i] != NULL)
			dns_cache_forget(c, c->buckets[i]);
}

struct dns_entry *
dns_cache_find(struct dns_cache *c, enum dns_type type,
    const struct dns_wire *name, int64_t now_ms)
{
	struct dns_entry *e = *bucket_of(c, type, name);

	while (e != NULL && !(e->type == type && dns_wire_is(&e->name, name)))
		e = e->next;
	if (e == NULL || e->state == DNS_PENDING)
		return e;
	if (now_ms >= e->expires_ms) {
		dns_cache_forget(c, e);
		return NULL;
	}
	list_remove(&e->by_use);
	list_add(&c->by_use, &e->by_use);
	return e;
}

struct dns_entry *
dns_cache_add(
    struct dns_cache *c, enum dns_type type, const struct dns_wire *name)
{
	struct dns_entry **at = bucket_of(c, type, name);
	struct dns_entry *e = mem_alloc(sizeof(*e));

	if (e == NULL)
		return NULL;
	e->type = type;
	e->state = DNS_PENDING;
	e->name = *name;
	e->n_refs = 2;
	e->is_in_table = true;
	list_init(&e->by_use);
	list_init(&e->waiting);
	list_init(&e->flight);
	e->next = *at;
	*at = e;
	c->n_entries++;
	return e;
}

/* How long it may be believed. */
static uint32_t
clamp_ttl(uint32_t ttl_s, enum dns_state state)
{
	uint32_t most = state == DNS_OK ? DNS_MAX_TTL_S : DNS_NEGATIVE_TTL_S;

	if (state == DNS_TEMPFAIL)
		return 0;
	if (ttl_s < DNS_MIN_TTL_S)
		return DNS_MIN_TTL_S;
	return ttl_s > most ? most : ttl_s;
}

/* Make room for one more; false: it is too large to be worth it. */
static bool
make_room(struct dns_cache *c, size_t bytes)
{
	if (bytes > c->max_bytes / 8)
		return false;
	while (c->bytes + bytes > c->max_bytes)
		dns_cache_forget(
		    c, LIST_OF(c->by_use.next, struct dns_entry, by_use));
	return true;
}

void
dns_cache_finish(struct dns_cache *c, struct dns_entry *e,
    const struct dns_answer *a, int64_t now_ms)
{
	struct span from = buf_span(&a->records);
	char *copy = NULL;

	e->state = a->state;
	e->is_authentic = a->is_authentic;
	e->is_alias = a->n_aliases > 0;
	e->ttl_s = clamp_ttl(a->ttl_s, a->state);
	e->expires_ms = now_ms + (int64_t)e->ttl_s * 1000;
	mem_free(e->target);
	e->target = NULL;
	if (from.len > 0) {
		copy = mem_alloc(from.len);
		if (copy != NULL) {
			memcpy(copy, from.p, from.len);
			e->records = span_of(copy, from.len);
		} else {
			e->state = DNS_TEMPFAIL;
		}
	}
	if (!e->is_in_table)
		return;
	if (e->state == DNS_TEMPFAIL || !make_room(c, cost_of(e))) {
		dns_cache_forget(c, e);
		return;
	}
	c->bytes += cost_of(e);
	list_add(&c->by_use, &e->by_use);
}
