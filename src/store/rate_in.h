/* rate_in.h - the table of rate.h, and its rows. Room-private. */
#ifndef TINPOST_STORE_RATE_IN_H
#define TINPOST_STORE_RATE_IN_H

#include "base/buf.h"
#include "store/rate.h"

/* Of one key; [0] is the slot that goes on, [1] the one before. */
struct rate {
	size_t key_len; /* 0: free */
	char key[RATE_KEY_BYTES];
	int64_t slot;     /* of [0], by the monotonic clock */
	uint32_t unsaved; /* messages and recipients */
	uint32_t
	    told_age; /* slots since a refusal was told; RATE_SLOTS: none */
	uint32_t messages[RATE_SLOTS];
	uint32_t rcpts[RATE_SLOTS];
};

/* A row: when it was written, and the slots. */
#define RATE_ROW_BYTES (10 + 10 * RATE_SLOTS)

void rate_format(const struct rate *r, int64_t wall_s, struct buf *out);
/* Fills all but key and slot. ERR_DAMAGED. */
MUST_USE int rate_parse(struct span row, int64_t wall_s, struct rate *out);

/* A clean stop: write all that is not written, and release. */
void rate_close(struct store *s);

#endif
