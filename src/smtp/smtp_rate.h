/* smtp_rate.h - how much each person has sent to other domains within the
 * hour: a stolen password must not use up the office's reputation.
 *
 * Counted in memory, in slots of five minutes: a restart forgets. Of the
 * SMTP_RATE_PEOPLE that sent last; who has not sent for the longest is
 * forgotten first. Times are of the monotonic clock.
 */
#ifndef TINPOST_SMTP_SMTP_RATE_H
#define TINPOST_SMTP_SMTP_RATE_H

#include "base/span.h"

#define SMTP_RATE_PEOPLE 128
#define SMTP_RATE_SLOTS  13 /* of an hour, and the one that goes on */
#define SMTP_RATE_SLOT_S 300

struct smtp_rate_person {
	uint32_t account; /* 0: free */
	int64_t slot;     /* the last one counted in */
	int64_t told_slot;
	bool is_told; /* the alarm was given, in told_slot */
	uint32_t messages[SMTP_RATE_SLOTS];
	uint32_t rcpts[SMTP_RATE_SLOTS];
};

struct smtp_rate {
	struct smtp_rate_person people[SMTP_RATE_PEOPLE];
};

struct smtp_rate_limits {
	uint32_t messages, rcpts; /* an hour; 0: any number */
};

enum smtp_rate_answer { RATE_OK, RATE_MESSAGES, RATE_RCPTS };

/* May this account (not 0) send to n_rcpts more, and is it a message more? What
 * may be is counted, what may not is not. *is_first_out: the first refusal
 * within the hour. */
enum smtp_rate_answer smtp_rate_take(struct smtp_rate *r, uint32_t account,
    bool is_message, uint32_t n_rcpts, const struct smtp_rate_limits *limits,
    int64_t now_s, bool *is_first_out);

#endif
