/* fetch_vanished.h - which messages of a set are gone since a MODSEQ: VANISHED
 * (EARLIER) of UID FETCH (RFC 7162 3.2.6).
 *
 * Messages that the client still counts (they are in its view) are left out:
 * it is told of them by a VANISHED without EARLIER, which moves its sequence
 * numbers (RFC 7162 3.2.10).
 */
#ifndef TINPOST_IMAP_FETCH_VANISHED_H
#define TINPOST_IMAP_FETCH_VANISHED_H

#include "imap/imap_view.h"

struct buf;
struct store;

struct fetch_vanished {
	struct rangeset asked; /* UIDs */
	struct rangeset gone;
	uint64_t after; /* MODSEQ */
	size_t told;    /* ranges of gone */
};

void fetch_vanished_deinit(struct fetch_vanished *v);

/* Begin with the UIDs that a set names, there or not; sorts it. ERR_NOMEM. */
MUST_USE int fetch_vanished_init(struct fetch_vanished *v,
    const struct imap_view *view, struct imap_set *set, uint64_t after);

/* Look at a bounded part of the change log. Returns 1 when there is more, 0
 * when all are known, or an error. */
MUST_USE int fetch_vanished_step(
    struct fetch_vanished *v, struct store *s, const struct imap_view *view);

/* Append a response with the next of them, of at most 3 KB. Returns 1 when
 * there is more, else 0. */
int fetch_vanished_put(struct fetch_vanished *v, struct buf *out);

#endif
