/* failures.h - failed sign-ins in the event log, bounded, so that a guesser
 * cannot push out of it what its owner looks for.
 *
 * The first failure of a name from a place is an event at once; those after it
 * are counted, and told in one more event when the window ends, FAILURES_KEPT
 * pairs at a time and all others in one sum. The first window lasts a minute;
 * while the guessing goes on each is twice as long as the one before, up to
 * about an hour: a day of it is some 500 events, whatever is tried.
 *
 * Ownership  part of struct auth, which goes after the loop's last turn: the
 *            timer is never cleared.
 */
#ifndef TINPOST_AUTH_FAILURES_H
#define TINPOST_AUTH_FAILURES_H

#include "base/limits.h"
#include "net/net.h"

struct store;

#define FAILURES_KEPT         8
#define FAILURES_WINDOW_S     60
#define FAILURES_MAX_WINDOW_S (64 * 60)

struct failure {
	uint64_t key; /* of name and place; 0: free */
	uint32_t n_more;
	uint16_t user_len;
	struct peer peer;
	char user[MAX_ADDRESS_BYTES];
};

struct failures {
	struct store *store;
	struct loop *loop; /* NULL: failures_end_window is called by others */
	struct timer timer;
	uint32_t window_s; /* the next one's */
	bool is_open;      /* a window is */
	uint32_t n_others;
	struct failure kept[FAILURES_KEPT];
};

void failures_init(struct failures *f, struct store *s, struct loop *loop);

/* A sign-in failed. why: a few plain words. What the store does not take is
 * in the log only. */
void failures_note(struct failures *f, struct span user,
    const struct peer *peer, const char *why);

/* Tell what was counted, and begin afresh. */
void failures_end_window(struct failures *f);

#endif
