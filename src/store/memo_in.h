/* memo_in.h - the rows of memo.h: the fact, by kind and key, and where it
 * stands by its time; a kind's number alone is the key of its count.
 * Room-private.
 */
#ifndef TINPOST_STORE_MEMO_IN_H
#define TINPOST_STORE_MEMO_IN_H

#include "store/inside.h"

#define MEMO_VERSION 1

/* text is of at most MEMO_MAX_KEY. */
struct key memo_key(enum memo_kind kind, struct span text);
struct key memo_key_time(
    enum memo_kind kind, int64_t until_s, struct span text);

/* A fact's row. ERR_DAMAGED. */
MUST_USE int memo_parse(struct span row, struct span *value, int64_t *until_s);

/* How many there are of a kind, what is over counted too. */
MUST_USE int memo_count(struct store *s, enum memo_kind kind, uint64_t *out);

/* Remove some of what is over; a look every few minutes. Returns 1 when it did
 * something, 0, or an error. */
MUST_USE int memo_sweep(struct store *s);

#endif
