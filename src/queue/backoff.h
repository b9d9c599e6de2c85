/* backoff.h - when to try again. */
#ifndef TINPOST_QUEUE_BACKOFF_H
#define TINPOST_QUEUE_BACKOFF_H

#include "queue/mover.h"

/* Seconds to wait after so many attempts (1 or more): the step of the list,
 * plus or minus a tenth by the random number. */
uint32_t backoff_s(
    const struct mover_limits *l, uint32_t n_attempts, uint32_t random);

#endif
