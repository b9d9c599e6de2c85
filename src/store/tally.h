/* tally.h - how often what was seen in a day, for the daily reports to other
 * domains: facts of memo.h.
 *
 *	key	day (be32), domain, NUL, class, hash of the text (be64)
 *	value	how often (be32), text
 *
 * A group is one domain's rows of one day (UTC); its prefix is the key up to
 * the NUL. In it rows come by their class. The fact whose key is the prefix
 * alone marks a group that was reported, whose rows only are still to go.
 *
 * What does not fit into the kind's bound (memo_max) pushes out the rows of the
 * oldest day; all go TALLY_KEEP_DAYS after their day.
 *
 * kind is MEMO_DMARC_ROW or MEMO_TLS_ROW.
 */
#ifndef TINPOST_STORE_TALLY_H
#define TINPOST_STORE_TALLY_H

#include "store/memo.h"

#define TALLY_KEEP_DAYS    3
#define TALLY_MAX_TEXT     (MEMO_MAX_VALUE - 4)
#define TALLY_PREFIX_BYTES 264 /* day, domain, NUL, and one more */
#define TALLY_DAY_S        86400

/* Add n to the row of this text on the day of at_s; it is made if it is not
 * there, also with 0. domain has at most 255 bytes, class 1 or 2. Errors of
 * memo_put; ERR_LIMIT: the text is too long. */
MUST_USE int tally_add(struct store *s, enum memo_kind kind, int64_t at_s,
    struct span domain, struct span class, struct span text, uint32_t n);

struct tally_group {
	uint32_t day; /* since 1970 */
	size_t n_prefix;
	char prefix[TALLY_PREFIX_BYTES];
};

static inline struct span
tally_prefix(const struct tally_group *g)
{
	return span_of(g->prefix, g->n_prefix);
}

struct span tally_domain(const struct tally_group *g);

/* The group behind *g (zero to begin), by day and domain. ERR_NONE: no more.
 * ERR_AGAIN: call again. */
MUST_USE int tally_next_group(
    struct store *s, enum memo_kind kind, struct tally_group *g);

struct tally_row {
	uint32_t n;
	struct span class, text; /* into key and value */
};

/* The row of the group behind *key (empty to begin); key and value have room
 * for MEMO_MAX_KEY and MEMO_MAX_VALUE. ERR_NONE: no more. ERR_AGAIN: call
 * again. */
MUST_USE int tally_next(struct store *s, enum memo_kind kind,
    const struct tally_group *g, struct buf *key, struct buf *value,
    struct tally_row *out);

bool tally_is_sent(
    struct store *s, enum memo_kind kind, const struct tally_group *g);
/* Mark it as sent: in the same turn as what reports it. */
MUST_USE int tally_set_sent(
    struct store *s, enum memo_kind kind, const struct tally_group *g);

/* Remove up to max rows of a group, and at last its mark. ERR_AGAIN: there may
 * be more. */
MUST_USE int tally_delete(struct store *s, enum memo_kind kind,
    const struct tally_group *g, size_t max);

#endif
