/* heap.h - the least of many 64-bit deadlines, in O(log n).
 *
 * A member embeds a struct heap_node; the heap holds pointers to them.
 */
#ifndef TINPOST_BASE_HEAP_H
#define TINPOST_BASE_HEAP_H

#include "base/span.h"

struct heap_node {
	int64_t at;
	size_t place; /* index + 1 in the heap; 0: in none */
};

struct heap {
	struct heap_node **nodes;
	size_t n;
	size_t cap;
};

void heap_init(struct heap *h);
void heap_deinit(struct heap *h);

/* Put node in at the time `at`, or move it there. ERR_NOMEM (only when it is
 * new). */
MUST_USE int heap_set(struct heap *h, struct heap_node *node, int64_t at);

/* Take node out; it may be in none. */
void heap_remove(struct heap *h, struct heap_node *node);

/* The least, or NULL. */
struct heap_node *heap_first(const struct heap *h);

#endif
