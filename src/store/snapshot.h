/* snapshot.h - a store as it was at one moment, for reading (rule 11).
 *
 * All reading functions of this room work on it as they do on the store. It
 * sees no later change, and takes none. Bodies are not removed while one is
 * open. It keeps freed pages of the index from being used again: whoever holds
 * one watches snapshot_growth.
 */
#ifndef TINPOST_STORE_SNAPSHOT_H
#define TINPOST_STORE_SNAPSHOT_H

#include "base/span.h"

struct store;

/* Checkpoint s, and open it as it is then. ERR_IO, ERR_FULL, ERR_NOMEM. */
MUST_USE int snapshot_open(struct store *s, struct store **out);

/* NULL is fine. */
void snapshot_close(struct store *snapshot);

/* Bytes by which the index's file has grown since. */
uint64_t snapshot_growth(struct store *s, const struct store *snapshot);

#endif
