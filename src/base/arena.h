/* arena.h - memory of one lifetime: allocated piece by piece, freed at once.
 *
 * Ownership  the arena owns all that it hands out, until arena_reset.
 */
#ifndef TINPOST_BASE_ARENA_H
#define TINPOST_BASE_ARENA_H

#include "base/span.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used_bytes; /* of the newest block */
	size_t total_bytes;
	size_t max_bytes;
	bool has_failed; /* an allocation, since the last reset */
};

/* An empty arena that may hold max_bytes in all. Allocates nothing yet. */
void arena_init(struct arena *a, size_t max_bytes);

/* Free everything; usable again. */
void arena_reset(struct arena *a);

/* The same, the bytes overwritten first. */
void arena_wipe(struct arena *a);

/* len zeroed bytes, aligned for any type. NULL: over the maximum or none
 * left. */
MUST_USE void *arena_alloc(struct arena *a, size_t len);

/* Copy a span. ERR_NOMEM: *out is untouched. */
MUST_USE int arena_copy(struct arena *a, struct span s, struct span *out);

#endif
