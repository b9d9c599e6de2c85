/* rangeset.h - a set of numbers 1 to 2^32-1 as sorted ranges: UIDs, and
 * sequence numbers as ranks in it.
 *
 * 100,000 UIDs without gaps cost 8 bytes; each gap costs 8 more.
 *
 * Ownership  the set owns its memory until rangeset_deinit.
 */
#ifndef TINPOST_BASE_RANGESET_H
#define TINPOST_BASE_RANGESET_H

#include "base/buf.h"
#include "base/cursor.h"

struct range {
	uint32_t first, last; /* both included; 1 <= first <= last */
};

struct rangeset {
	struct range *r;
	size_t n;
	size_t cap;
	uint64_t n_members; /* kept, so that counting is free */
};

void rangeset_init(struct rangeset *s);
void rangeset_deinit(struct rangeset *s);
void rangeset_clear(struct rangeset *s);

/* Add first..last. ERR_NOMEM: unchanged. Appending at the end is O(1). */
MUST_USE int rangeset_add(struct rangeset *s, uint32_t first, uint32_t last);

/* Make room, so that the next n calls of rangeset_add cannot fail. ERR_NOMEM. */
MUST_USE int rangeset_reserve(struct rangeset *s, size_t n);

/* Remove first..last, whether there or not. ERR_NOMEM: unchanged. */
MUST_USE int rangeset_remove(struct rangeset *s, uint32_t first, uint32_t last);

/* Remove all members of other, in place. O(ranges of both). ERR_NOMEM:
 * unchanged. */
MUST_USE int rangeset_remove_all(
    struct rangeset *s, const struct rangeset *other);

MUST_USE int rangeset_copy(struct rangeset *to, const struct rangeset *from);

/* Replace what out holds by the members of a that are in b too, or are not in
 * b. O(ranges of both). out is neither a nor b. ERR_NOMEM: out is cut short. */
MUST_USE int rangeset_intersect(
    const struct rangeset *a, const struct rangeset *b, struct rangeset *out);
MUST_USE int rangeset_subtract(
    const struct rangeset *a, const struct rangeset *b, struct rangeset *out);

bool rangeset_has(const struct rangeset *s, uint32_t v);

/* The range of members around v, without a gap. Returns false when v is none. */
bool rangeset_run(const struct rangeset *s, uint32_t v, struct range *out);

/* The least member >= v. Returns false when there is none. */
bool rangeset_next(const struct rangeset *s, uint32_t v, uint32_t *out);

/* How many members are < v. O(ranges). */
uint64_t rangeset_rank(const struct rangeset *s, uint32_t v);

/* The member with exactly n members before it. Returns false past the end.
 * O(ranges). */
bool rangeset_nth(const struct rangeset *s, uint64_t n, uint32_t *out);

/* The greatest member, 0 when empty. */
uint32_t rangeset_last(const struct rangeset *s);

/* Append the set in at most about n_members/8 bytes past its ranges: as gaps
 * and lengths in varints, or as a bitmap where that is shorter. */
void rangeset_put(struct buf *b, const struct rangeset *s);

/* The inverse; replaces what s holds. ERR_DAMAGED, ERR_NOMEM. At most
 * max_ranges ranges (ERR_LIMIT). */
MUST_USE int rangeset_get(struct rangeset *s, struct cur *c, size_t max_ranges);

#endif
