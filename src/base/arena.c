#include "base/arena.h"

#include "base/mem.h"

#define BLOCK_BYTES 1024

struct arena_block {
	struct arena_block *next;
	size_t cap;
	max_align_t data[];
};

void
arena_init(struct arena *a, size_t max_bytes)
{
	*a = (struct arena){ .max_bytes = max_bytes };
}

void
arena_reset(struct arena *a)
{
	while (a->blocks != NULL) {
		struct arena_block *b = a->blocks;

		a->blocks = b->next;
		mem_free(b);
	}
	a->used_bytes = a->total_bytes = 0;
	a->has_failed = false;
}

void
arena_wipe(struct arena *a)
{
	for (struct arena_block *b = a->blocks; b != NULL; b = b->next)
		wipe(b->data, b->cap);
	arena_reset(a);
}

void *
arena_alloc(struct arena *a, size_t len)
{
	const size_t align = sizeof(max_align_t);
	struct arena_block *b = a->blocks;
	char *p;

	if (len > a->max_bytes || a->total_bytes > a->max_bytes - len) {
		a->has_failed = true;
		return NULL;
	}
	len = (len + align - 1) / align * align;
	if (b == NULL || b->cap - a->used_bytes < len) {
		size_t cap = len > BLOCK_BYTES ? len : BLOCK_BYTES;

		b = mem_alloc(sizeof(*b) + cap);
		if (b == NULL) {
			a->has_failed = true;
			return NULL;
		}
		b->cap = cap;
		b->next = a->blocks;
		a->blocks = b;
		a->used_bytes = 0;
	}
	p = (char *)b->data + a->used_bytes;
	a->used_bytes += len;
	a->total_bytes += len;
	return p;
}

int
arena_copy(struct arena *a, struct span s, struct span *out)
{
	char *p = arena_alloc(a, s.len ? s.len : 1);

	if (p == NULL)
		return ERR_NOMEM;
	if (s.len > 0)
		memcpy(p, s.p, s.len);
	*out = span_of(p, s.len);
	return 0;
}
