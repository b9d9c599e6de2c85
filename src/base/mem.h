/* mem.h - the heap, counted, within one budget.
 *
 * Every allocation of the house goes through here (libraries have their own).
 * The budget is for admission: mem_is_tight() tells the loop to take no new
 * connections; only far past the budget do allocations themselves fail.
 */
#ifndef TINPOST_BASE_MEM_H
#define TINPOST_BASE_MEM_H

#include "base/span.h"

/* Allocate len bytes, zeroed. The caller frees with mem_free. NULL: over the
 * hard budget or none left. len may not be 0. */
MUST_USE void *mem_alloc(size_t len);

/* Change the size of p (NULL: allocate), new bytes are not cleared. NULL:
 * none left, p is untouched. */
MUST_USE void *mem_resize(void *p, size_t len);

/* Release p; NULL is fine. */
void mem_free(void *p);

/* Bytes in use now, as asked for. */
size_t mem_used(void);

/* Set the budget in bytes (0: none). Allocations fail past twice it. */
void mem_set_budget(size_t bytes);

/* Is the budget used up, so that no new work should be taken on? */
bool mem_is_tight(void);

#endif
