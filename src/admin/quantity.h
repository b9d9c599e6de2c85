/* quantity.h - sizes and times as people write them: "25M", "1G", "90",
 * "5m", "2h", "30d".
 */
#ifndef TINPOST_ADMIN_QUANTITY_H
#define TINPOST_ADMIN_QUANTITY_H

#include "base/buf.h"

/* A number of bytes: digits, then nothing, K, M, G or T (of 1024), in either
 * case, a B behind them allowed. ERR_SYNTAX; ERR_LIMIT: over max. */
MUST_USE int quantity_size(struct span s, uint64_t max, uint64_t *out);

/* A number of seconds: digits, then nothing or s, m, h, d. ERR_SYNTAX;
 * ERR_LIMIT: over max. */
MUST_USE int quantity_time(struct span s, uint64_t max, uint64_t *out);

/* Append bytes with the largest unit that loses nothing that matters: exact
 * up to 9999, then three figures at least ("1.43 MB" is "1464 K"). */
void quantity_put_size(struct buf *b, uint64_t bytes);

/* Append seconds as "3d 4h", "2h 5m", "40s": the two largest units. */
void quantity_put_time(struct buf *b, uint64_t seconds);

#endif
