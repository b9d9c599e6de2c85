#include "base/mem.h"

#include <stdlib.h>

#include "base/fault.h"

/* Stands before each block, so that freeing can count. */
union header {
	size_t len;
	max_align_t align;
};

static size_t used, budget;

static bool
is_refused(size_t more)
{
	if (more > SIZE_MAX / 2 - used)
		return true;
	if (budget != 0 && used + more > budget * 2)
		return true;
	return fault_hit(FAULT_ALLOC);
}

void *
mem_alloc(size_t len)
{
	union header *h;

	if (is_refused(len))
		return NULL;
	h = calloc(1, sizeof(*h) + len);
	if (h == NULL)
		return NULL;
	h->len = len;
	used += len;
	return h + 1;
}

void *
mem_resize(void *p, size_t len)
{
	union header *h = p ? (union header *)p - 1 : NULL;
	size_t old = h ? h->len : 0;

	if (len > old && is_refused(len - old))
		return NULL;
	h = realloc(h, sizeof(*h) + len);
	if (h == NULL)
		return NULL;
	h->len = len;
	used += len;
	used -= old;
	return h + 1;
}

void
mem_free(void *p)
{
	union header *h;

	if (p == NULL)
		return;
	h = (union header *)p - 1;
	used -= h->len;
	free(h);
}

size_t
mem_used(void)
{
	return used;
}

void
mem_set_budget(size_t bytes)
{
	budget = bytes;
}

bool
mem_is_tight(void)
{
	return budget != 0 && used > budget;
}
