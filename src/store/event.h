/* event.h - what happened, for "where is my mail?": a bounded log.
 *
 * Texts are kept as given, cut to MAX_EVENT_BYTES each, controls replaced by
 * "?". No message text, no secrets.
 */
#ifndef TINPOST_STORE_EVENT_H
#define TINPOST_STORE_EVENT_H

#include "base/span.h"

struct store;

enum event_kind {
	EVENT_RECEIVED = 1, /* a message was stored */
	EVENT_REFUSED = 2,  /* a sender, recipient or message was refused */
	EVENT_SIGN_IN = 3,  /* one failed, or some did; 4 is free */
	EVENT_SETTING = 5,  /* the owner changed something */
	EVENT_SENT = 6,     /* the queue's */
	EVENT_DEFERRED = 7,
	EVENT_BOUNCED = 8,
	EVENT_SYSTEM = 9 /* start, stop, disk */
};

#define MAX_EVENT_BYTES 320

struct event {
	uint64_t number; /* in the order of their coming; given by event_add */
	int64_t time_s;  /* 0: now */
	enum event_kind kind;
	struct span id;         /* the message's id in the log */
	struct span message_id; /* the header's, without angle brackets */
	struct span from;
	struct span to;
	struct span client; /* address and name of the peer */
	struct span text;   /* verdict or what was done, in plain words */
};

struct event_view {
	struct event e; /* spans into storage */
	char storage[6 * MAX_EVENT_BYTES];
};

/* Keep so many from now on, as store_options.max_events says at first. */
void event_set_max(struct store *s, uint32_t max_events);

/* Add one; past the bound the oldest go. */
MUST_USE int event_add(struct store *s, const struct event *e);

/* The latest event with a number < *number (UINT64_MAX to begin) of which id,
 * message_id, from, to or the client's address is the word, without regard to
 * ASCII case (an empty word: any event); sets *number. Looks at no more than 500
 * of them: ERR_AGAIN when none of those had it, with *number set to where to go
 * on. ERR_NONE: no more. */
MUST_USE int event_previous(struct store *s, struct span word, uint64_t *number,
    struct event_view *out);

#endif
