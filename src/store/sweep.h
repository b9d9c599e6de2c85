/* sweep.h - carrying out what intents promised, and removing bodies without
 * references, a bounded piece at a time (rule 8). Room-private. */
#ifndef TINPOST_STORE_SWEEP_H
#define TINPOST_STORE_SWEEP_H

#include "store/inside.h"

/* Some operations, about 2 ms of them, the turn being flushed. Returns 1 when there is more, 0, or an
 * error. */
MUST_USE int sweep_step(struct store *s);

/* For the operations that promise: write an intent's row. uids may be empty,
 * and is left so. */
MUST_USE int sweep_intend(struct store *s, uint64_t number,
    enum intent_kind kind, uint32_t subject, struct rangeset *uids);

#endif
