#include "imap/fetch_vanished.h"

#include <stdlib.h>

#include "imap/imap_parse.h"
#include "imap/imap_reply.h"
#include "store/store.h"

/* Of the change log, in one step. */
#define ROWS_A_STEP 32
/* In one response: at most 22 bytes each. */
#define RANGES_A_LINE 128

void
fetch_vanished_deinit(struct fetch_vanished *v)
{
	rangeset_deinit(&v->asked);
	rangeset_deinit(&v->gone);
}

static int
compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

int
fetch_vanished_init(struct fetch_vanished *v, const struct imap_view *view,
    struct imap_set *set, uint64_t after)
{
	int rc = 0;

	*v = (struct fetch_vanished){ .after = after };
	rangeset_init(&v->asked);
	rangeset_init(&v->gone);
	if (set->is_saved)
		return rangeset_copy(&v->asked, &view->saved);
	if (set->n > 1)
		qsort(set->r, set->n, sizeof(*set->r), compare);
	for (uint32_t i = 0; i < set->n && rc == 0; i++)
		rc = rangeset_add(&v->asked, set->r[i].first, set->r[i].last);
	return rc;
}

/* The index of the first range of a set that ends at uid or behind. */
static size_t
range_from(const struct rangeset *s, uint32_t uid)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->r[mid].last < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Add what of first..last is not in the view. */
static int
add_unseen(struct fetch_vanished *v, const struct rangeset *seen,
    uint32_t first, uint32_t last)
{
	size_t i = range_from(seen, first);

	for (; i < seen->n && seen->r[i].first <= last; i++) {
		if (seen->r[i].first > first) {
			int rc =
			    rangeset_add(&v->gone, first, seen->r[i].first - 1);

			if (rc < 0)
				return rc;
		}
		if (seen->r[i].last >= last)
			return 0;
		first = seen->r[i].last + 1;
	}
	return rangeset_add(&v->gone, first, last);
}

/* The same with what was asked for alone. */
static int
add(struct fetch_vanished *v, const struct rangeset *seen, uint32_t first,
    uint32_t last)
{
	const struct rangeset *a = &v->asked;
	int rc = 0;

	for (size_t i = range_from(a, first);
	     rc == 0 && i < a->n && a->r[i].first <= last; i++)
		rc = add_unseen(v, seen,
		    a->r[i].first > first ? a->r[i].first : first,
		    a->r[i].last < last ? a->r[i].last : last);
	return rc;
}

/* The log does not reach back: all is gone that is not there (RFC 7162
 * 3.2.6 allows to say more than was asked for). */
static int
add_all(struct fetch_vanished *v, struct store *s, const struct imap_view *view)
{
	const struct rangeset *seen = imap_view_uids(view);
	uint32_t last = imap_view_last_uid(view);
	struct mailbox_view m;
	struct message next;
	int rc = mailbox_get(s, view->mailbox, &m);

	if (rc < 0)
		return rc;
	/* What came since the view was taken is there, or news. */
	if (m.uidnext - 1 > last && last < UINT32_MAX) {
		rc = message_next(s, view->mailbox, last + 1, &next);
		if (rc < 0 && rc != ERR_NONE)
			return rc;
		last = rc == 0 ? next.uid - 1 : m.uidnext - 1;
	}
	return last > 0 ? add(v, seen, 1, last) : 0;
}

static int
add_change(struct fetch_vanished *v, const struct rangeset *seen,
    const struct change *c)
{
	int rc = 0;

	v->after = c->modseq;
	if (c->kind != CHANGE_VANISHED)
		return 0;
	for (size_t i = 0; i < c->uids.n && rc == 0; i++)
		rc = add(v, seen, c->uids.r[i].first, c->uids.r[i].last);
	return rc;
}

int
fetch_vanished_step(
    struct fetch_vanished *v, struct store *s, const struct imap_view *view)
{
	struct change c;
	int rc = 0;

	change_init(&c);
	for (int i = 0; i < ROWS_A_STEP && rc == 0; i++) {
		rc = change_next(s, view->mailbox, v->after, &c);
		if (rc == 0)
			rc = add_change(v, imap_view_uids(view), &c);
	}
	change_deinit(&c);
	if (rc == ERR_GONE)
		rc = add_all(v, s, view);
	else if (rc == 0)
		return 1;
	return rc == ERR_NONE ? 0 : rc;
}

int
fetch_vanished_put(struct fetch_vanished *v, struct buf *out)
{
	struct rangeset some = v->gone;
	size_t left = v->gone.n - v->told;

	if (left == 0)
		return 0;
	some.r = v->gone.r + v->told;
	some.n = left < RANGES_A_LINE ? left : RANGES_A_LINE;
	buf_put_str(out, "* VANISHED (EARLIER) ");
	imap_put_set(out, &some);
	buf_put_str(out, "\r\n");
	v->told += some.n;
	return v->told < v->gone.n;
}
