#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

/* Stands before each block, so that freeing can count. */
union header {
	struct {
		size_t len, cap; /* asked for; there */
	} is;
	max_align_t align;
};

static size_t used, budget;

/* Blocks of these sizes are lent for a command or a turn, again and again,
 * while the C library maps and unmaps pages for each: some are kept. Not where
 * a sanitizer watches what was freed. */
#define MIN_SPARE_BYTES 1024
#define MAX_SPARE_BYTES (48 * 1024)
#define MAX_KEPT_BYTES  (128 * 1024)
#define N_SPARES        8
#if defined(KEEPS_SPARES)
/* mem_test says so */
#elif defined(__SANITIZE_ADDRESS__)
#define KEEPS_SPARES false
#elif defined(__has_feature)
#define KEEPS_SPARES (!__has_feature(address_sanitizer))
#else
#define KEEPS_SPARES true
#endif

static union header *spares[N_SPARES];
static size_t kept;

/* Is a block of cap bytes right for len? */
static bool
is_fit(size_t cap, size_t len)
{
	return len <= cap && len >= cap / 4;
}

static union header *
take_spare(size_t len)
{
	union header *h;

	if (len < MIN_SPARE_BYTES || len > MAX_SPARE_BYTES)
		return NULL;
	for (size_t i = 0; i < N_SPARES; i++) {
		h = spares[i];
		if (h == NULL || !is_fit(h->is.cap, len))
			continue;
		spares[i] = NULL;
		kept -= h->is.cap;
		return h;
	}
	return NULL;
}

static bool
keep_spare(union header *h)
{
	size_t cap = h->is.cap;

	if (!KEEPS_SPARES || cap < MIN_SPARE_BYTES || cap > MAX_SPARE_BYTES ||
	    kept + cap > MAX_KEPT_BYTES || mem_is_tight())
		return false;
	for (size_t i = 0; i < N_SPARES; i++) {
		if (spares[i] != NULL)
			continue;
		spares[i] = h;
		kept += cap;
		return true;
	}
	return false;
}

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
	h = take_spare(len);
	if (h != NULL) {
		memset(h + 1, 0, len);
	} else {
		h = calloc(1, sizeof(*h) + len);
		if (h == NULL)
			return NULL;
		h->is.cap = len;
	}
	h->is.len = len;
	used += len;
	return h + 1;
}

/* The block with room for len bytes, which it is not fit for. */
static union header *
move(union header *h, size_t len)
{
	union header *to = take_spare(len);

	if (to == NULL) {
		to = realloc(h, sizeof(*h) + len);
		if (to != NULL)
			to->is.cap = len;
		return to;
	}
	if (h != NULL) {
		memcpy(to + 1, h + 1, h->is.len < len ? h->is.len : len);
		if (!keep_spare(h))
			free(h);
	}
	return to;
}

void *
mem_resize(void *p, size_t len)
{
	union header *h = p ? (union header *)p - 1 : NULL;
	size_t old = h ? h->is.len : 0;

	if (len > old && is_refused(len - old))
		return NULL;
	if (h == NULL || !is_fit(h->is.cap, len)) {
		h = move(h, len);
		if (h == NULL)
			return NULL;
	}
	h->is.len = len;
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
	used -= h->is.len;
	if (!keep_spare(h))
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
