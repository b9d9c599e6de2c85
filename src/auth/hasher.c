#include "auth/hasher.h"

#include "base/clock.h"

void
hasher_init(struct hasher *h, size_t max)
{
	list_init(&h->queue);
	h->n = 0;
	h->max = max;
	h->is_running = false;
}

void
hash_request_init(struct hash_request *r, bool (*admit)(struct hash_request *),
    void (*finish)(struct hash_request *))
{
	list_init(&r->link);
	r->admit = admit;
	r->finish = finish;
}

int
hasher_add(struct hasher *h, struct hash_request *r)
{
	if (h->n >= h->max)
		return ERR_BUSY;
	list_add(&h->queue, &r->link);
	h->n++;
	return 0;
}

static bool
is_first(const struct hasher *h, const struct hash_request *r)
{
	return h->queue.next == &r->link;
}

void
hasher_leave(struct hasher *h, struct hash_request *r)
{
	if (list_is_empty(&r->link))
		return;
	if (is_first(h, r))
		h->is_running = false;
	list_remove(&r->link);
	h->n--;
}

void
hasher_remove(struct hasher *h, struct hash_request *r)
{
	hasher_leave(h, r);
	wipe(&r->hash, sizeof(r->hash));
}

bool
hasher_step(struct hasher *h)
{
	int64_t end_us = clock_cpu_us() + HASH_SLICE_US;

	while (h->n > 0 && clock_cpu_us() < end_us) {
		struct hash_request *r =
		    LIST_OF(h->queue.next, struct hash_request, link);

		if (!h->is_running) {
			if (r->admit != NULL && !r->admit(r))
				continue;
			h->is_running = true;
		}
		if (!pbkdf2_step(&r->hash, HASH_STEP))
			continue;
		hasher_leave(h, r);
		r->finish(r);
	}
	return h->n > 0;
}
