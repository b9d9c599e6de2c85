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
 * while the C library maps and unmaps pages for them: some are kept, in lists
 * by the power of two, as many bytes as are in use and a few more. Not where a
 * sanitizer watches what was freed. */
#define MIN_SPARE_BYTES 256
#define MAX_SPARE_BYTES (48 * 1024)
#define MIN_KEPT_BYTES  (128 * 1024)
#define N_CLASSES       8
#define N_LOOKS         4 /* at the blocks of one list */
#if defined(KEEPS_SPARES)
/* mem_test says so */
#elif defined(__SANITIZE_ADDRESS__)
#define KEEPS_SPARES false
#elif defined(__has_feature)
#define KEEPS_SPARES (!__has_feature(address_sanitizer))
#else
#define KEEPS_SPARES true
#endif

struct spare {
	union header h;
	struct spare *next;
};

static struct spare *spares[N_CLASSES];
static size_t kept;

_Static_assert(MIN_SPARE_BYTES >= sizeof(struct spare *), "room for next");
_Static_assert(MAX_SPARE_BYTES < MIN_SPARE_BYTES << N_CLASSES, "a list each");

/* Is a block of cap bytes right for len? */
static bool
is_fit(size_t cap, size_t len)
{
	return len <= cap && len >= cap / 4;
}

/* The list of blocks of so many bytes, at least MIN_SPARE_BYTES. */
static size_t
class_of(size_t bytes)
{
	size_t i = 0;

	for (bytes /= 2 * MIN_SPARE_BYTES; bytes > 0; bytes /= 2)
		i++;
	return i;
}

static union header *
take_spare(size_t len)
{
	size_t first, n = 0;

	if (len < MIN_SPARE_BYTES || len > MAX_SPARE_BYTES)
		return NULL;
	first = class_of(len);
	for (size_t i = first; i < N_CLASSES && i < first + 2; i++) {
		struct spare **at = &spares[i];

		for (; *at != NULL && n < N_LOOKS; at = &(*at)->next, n++) {
			struct spare *found = *at;

			if (!is_fit(found->h.is.cap, len))
				continue;
			*at = found->next;
			kept -= found->h.is.cap;
			return &found->h;
		}
		n = 0;
	}
	return NULL;
}

static size_t
most_kept(void)
{
	size_t most = MIN_KEPT_BYTES + used;

	if (mem_is_tight())
		return 0;
	if (budget != 0 && most > budget / 8)
		most = budget / 8;
	return most < MIN_KEPT_BYTES ? MIN_KEPT_BYTES : most;
}

/* What is kept shrinks with what is in use. */
static void
drop_spares(size_t most)
{
	for (size_t i = N_CLASSES; kept > most && i-- > 0;) {
		while (kept > most && spares[i] != NULL) {
			struct spare *s = spares[i];

			spares[i] = s->next;
			kept -= s->h.is.cap;
			free(s);
		}
	}
}

/* Keep it or free it. */
static void
release(union header *h)
{
	size_t cap = h->is.cap, most = most_kept();
	struct spare *s = (struct spare *)h;

	drop_spares(most);
	if (!KEEPS_SPARES || cap < MIN_SPARE_BYTES || cap > MAX_SPARE_BYTES ||
	    kept + cap > most) {
		free(h);
		return;
	}
	s->next = spares[class_of(cap)];
	spares[class_of(cap)] = s;
	kept += cap;
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
		release(h);
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
	release(h);
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
