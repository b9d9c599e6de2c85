/* rate.h - how much somebody has sent within the hour: a person, a device, all
 * mail through a provider. A stolen password must not use up the office's
 * reputation, and a restart must not give it another hour.
 *
 * Counted in memory, in slots of five minutes, for the RATE_KEYS that sent
 * last; the others' counts, and all at a clean stop, are memos (memo.h). What
 * goes on is written by rate_save in turns that write anyway, once in
 * RATE_UNSAVED messages and recipients: a crash forgets fewer than that of each
 * key. Slots are of the monotonic clock; the wall clock only says how long a
 * restart took, and a clock that was set back meanwhile, that it took no time.
 *
 * A key is a letter and what it names: "p12", "dscanner". Of one that is longer
 * than RATE_KEY_BYTES a checksum stands for the rest.
 */
#ifndef TINPOST_STORE_RATE_H
#define TINPOST_STORE_RATE_H

#include "base/span.h"

struct store;

#define RATE_KEYS      32
#define RATE_SLOTS     13 /* of an hour, and the one that goes on */
#define RATE_SLOT_S    300
#define RATE_UNSAVED   10
#define RATE_KEY_BYTES 48

struct rate_want {
	uint32_t messages, rcpts;         /* more */
	uint32_t max_messages, max_rcpts; /* an hour; 0: any number */
	bool is_look;                     /* count nothing */
};

enum rate_answer {
	RATE_OK,
	RATE_MESSAGES, /* too many, or no memory to count them */
	RATE_RCPTS
};

/* May so much more be sent? What may be is counted, what may not is not.
 * *is_first (NULL is fine): the first refusal within the hour. *until_s (NULL
 * is fine): when there will be room, by the wall clock. */
enum rate_answer rate_take(struct store *s, struct span key,
    const struct rate_want *want, bool *is_first, int64_t *until_s);

/* Make it durable if much was counted since; what cannot be written now is
 * written the next time. */
void rate_save(struct store *s, struct span key);

#endif
