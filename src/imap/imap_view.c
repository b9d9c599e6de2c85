#include "imap/imap_view.h"

#include <stdlib.h>

#include "base/mem.h"
#include "imap/imap_recent.h"
#include "imap/imap_session.h"
#include "imap/imap_uids.h"

/* --- opening and closing --- */

/* A view of the mailbox as it is at this MODSEQ. */
static struct imap_view *
find_twin(
    const struct imap_box *b, uint64_t modseq, const struct imap_view *not_this)
{
	for (struct list *l = b->views.next; l != &b->views; l = l->next) {
		struct imap_view *v = LIST_OF(l, struct imap_view, link);

		if (v != not_this && v->seen_modseq == modseq &&
		    v->now == NULL && !v->is_comparing)
			return v;
	}
	return NULL;
}

struct imap_uids *
imap_view_take_now(struct imap_box *b, const struct mailbox_view *m)
{
	struct imap_view *twin = find_twin(b, m->highest_modseq, NULL);

	if (twin != NULL)
		return imap_uids_ref(twin->uids);
	return imap_uids_new(b, m->highest_modseq, m->uidnext, m->n_messages);
}

void
imap_view_share(struct imap_view *v)
{
	struct imap_view *twin = find_twin(v->uids->box, v->seen_modseq, v);

	if (twin == NULL || twin->uids == v->uids || !twin->uids->is_made)
		return;
	imap_uids_ref(twin->uids);
	imap_uids_unref(v->uids);
	v->uids = twin->uids;
}

int
imap_view_open(struct imap *i, uint32_t mailbox, bool is_read_only)
{
	struct imap_view *v;
	struct mailbox_view m;
	struct imap_box *b;
	int rc = mailbox_get(i->env->store, mailbox, &m);

	if (rc < 0)
		return rc;
	v = mem_alloc(sizeof(*v));
	b = imap_box_get(i->env->store, mailbox);
	if (v != NULL && b != NULL)
		v->uids = imap_view_take_now(b, &m);
	if (v == NULL || b == NULL || v->uids == NULL) {
		mem_free(v);
		if (b != NULL)
			imap_box_drop(b);
		return ERR_NOMEM;
	}
	v->mailbox = mailbox;
	v->is_read_only = is_read_only;
	v->seen_modseq = m.highest_modseq;
	v->n_told = m.n_messages;
	v->is_new = !v->uids->is_made;
	v->session = i;
	rangeset_init(&v->own);
	rangeset_init(&v->saved);
	rangeset_init(&v->recent);
	list_add(&b->views, &v->link);
	i->view = v;
	imap_recent_open(v, &m);
	return 0;
}

void
imap_view_close(struct imap *i)
{
	struct imap_view *v = i->view;

	if (v == NULL)
		return;
	i->view = NULL;
	imap_recent_close(v);
	list_remove(&v->link);
	imap_uids_unref(v->now);
	imap_uids_unref(v->uids);
	rangeset_deinit(&v->own);
	rangeset_deinit(&v->saved);
	rangeset_deinit(&v->recent);
	mem_free(v);
}

/* The view with a made set that stands nearest to a MODSEQ. */
static const struct imap_view *
find_near(const struct imap_box *b, uint64_t modseq)
{
	const struct imap_view *best = NULL;
	uint64_t best_far = UINT64_MAX;

	for (struct list *l = b->views.next; l != &b->views; l = l->next) {
		struct imap_view *v = LIST_OF(l, struct imap_view, link);
		uint64_t far = v->seen_modseq > modseq
		                   ? v->seen_modseq - modseq
		                   : modseq - v->seen_modseq;

		if (v->uids->is_made && !v->is_comparing && far < best_far) {
			best = v;
			best_far = far;
		}
	}
	return best;
}

int
imap_view_make(struct imap_uids *u)
{
	const struct imap_view *near = find_near(u->box, u->at);

	return imap_uids_make(u, near == NULL ? NULL : near->uids,
	    near == NULL ? 0 : near->seen_modseq);
}

int
imap_view_prepare(struct imap *i)
{
	struct imap_view *v = i->view;
	int rc;

	if (v == NULL || v->uids->is_made)
		return 0;
	if (mailbox_modseq(i->env->store, v->mailbox) == 0) {
		v->is_deleted = true;
		return ERR_GONE;
	}
	rc = imap_view_make(v->uids);
	return rc == ERR_NONE ? ERR_GONE : rc;
}

static void
wake_box(struct imap_box *b, void *arg)
{
	if (arg != NULL && arg != b->store)
		return;
	for (struct list *l = b->views.next; l != &b->views; l = l->next) {
		struct imap_view *v = LIST_OF(l, struct imap_view, link);

		if (v->is_idle)
			conn_wake(v->session->conn);
	}
}

void
imap_view_changed(void *arg, uint32_t mailbox)
{
	imap_box_each(mailbox, wake_box, arg);
}

/* --- looking --- */

const struct rangeset *
imap_view_uids(const struct imap_view *v)
{
	return &v->uids->set;
}

uint32_t
imap_view_count(const struct imap_view *v)
{
	return v->uids->is_made ? (uint32_t)v->uids->set.n_members
	                        : v->uids->n_messages;
}

uint32_t
imap_view_uid(const struct imap_view *v, uint32_t seq)
{
	uint32_t uid;

	if (seq == 0 || !rangeset_nth(&v->uids->set, seq - 1, &uid))
		return 0;
	return uid;
}

uint32_t
imap_view_seq(const struct imap_view *v, uint32_t uid)
{
	if (!rangeset_has(&v->uids->set, uid))
		return 0;
	return (uint32_t)rangeset_rank(&v->uids->set, uid) + 1;
}

bool
imap_view_next(const struct imap_view *v, uint32_t uid, uint32_t *out)
{
	return rangeset_next(&v->uids->set, uid, out);
}

uint32_t
imap_view_last_uid(const struct imap_view *v)
{
	return rangeset_last(&v->uids->set);
}

void
imap_view_own(struct imap_view *v, uint64_t modseq)
{
	if (modseq <= v->seen_modseq)
		return;
	if (v->own.n == 0)
		v->own_base = v->seen_modseq;
	if (modseq - v->own_base > UINT32_MAX)
		return;
	if (rangeset_add(&v->own, (uint32_t)(modseq - v->own_base),
	        (uint32_t)(modseq - v->own_base)) < 0)
		return; /* told twice */
}

/* --- sequence sets --- */

static int
compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Put the ranges r, which are in order of their beginnings and may overlap, as
 * sequence numbers or UIDs, as UIDs into out: one pass over both. */
static int
map_seqs(const struct rangeset *view, const struct range *r, uint32_t n,
    struct rangeset *out)
{
	uint64_t before = 0; /* members in front of range k */
	size_t k = 0;
	int rc = 0;

	for (uint32_t at = 0; at < n && rc == 0; at++) {
		uint64_t seq = r[at].first;

		while (seq <= r[at].last && rc == 0 && k < view->n) {
			struct range x;
			uint64_t width, last;

			x = view->r[k];
			width = (uint64_t)x.last - x.first + 1;
			if (seq > before + width) {
				before += width;
				k++;
				continue;
			}
			if (seq <= before) /* overlaps the one before it */
				seq = before + 1;
			if (seq > r[at].last)
				break;
			last = r[at].last < before + width ? r[at].last
			                                   : before + width;
			rc = rangeset_add(out,
			    x.first + (uint32_t)(seq - before - 1),
			    x.first + (uint32_t)(last - before - 1));
			seq = last + 1;
		}
	}
	return rc;
}

static int
map_uids(const struct rangeset *view, const struct range *r, uint32_t n,
    struct rangeset *out)
{
	size_t k = 0;
	int rc = 0;

	for (uint32_t at = 0; at < n && rc == 0; at++) {
		while (k < view->n && view->r[k].last < r[at].first)
			k++;
		while (
		    k < view->n && view->r[k].first <= r[at].last && rc == 0) {
			struct range x = view->r[k];

			rc = rangeset_add(out,
			    x.first > r[at].first ? x.first : r[at].first,
			    x.last < r[at].last ? x.last : r[at].last);
			if (x.last > r[at].last)
				break;
			k++;
		}
	}
	return rc;
}

/* RFC 9051 9: "*" is the largest number in use; 5:3 is 3:5. ERR_SYNTAX: a
 * number past it (never of UIDs), and so any at all in an empty mailbox. */
static int
replace_stars(struct range *r, uint32_t n, uint32_t star, bool may_pass)
{
	for (uint32_t k = 0; k < n; k++) {
		uint32_t first = r[k].first == UINT32_MAX ? star : r[k].first;
		uint32_t last = r[k].last == UINT32_MAX ? star : r[k].last;

		if (!may_pass && (first > star || last > star || star == 0))
			return ERR_SYNTAX;
		r[k].first = first < last ? first : last;
		r[k].last = first < last ? last : first;
	}
	return 0;
}

static int
resolve(const struct imap_view *v, const struct imap_set *set, bool is_uid,
    bool may_pass, struct rangeset *out)
{
	const struct rangeset *view = &v->uids->set;
	struct range *r;
	int rc;

	rangeset_clear(out);
	if (set->is_saved)
		return v->has_saved ? rangeset_intersect(view, &v->saved, out)
		                    : 0;
	if (set->n == 0 || (may_pass && view->n == 0))
		return 0;
	r = mem_alloc(set->n * sizeof(*r));
	if (r == NULL)
		return ERR_NOMEM;
	memcpy(r, set->r, set->n * sizeof(*r));
	rc = replace_stars(r, set->n,
	    is_uid ? imap_view_last_uid(v) : imap_view_count(v), may_pass);
	if (rc == 0) {
		qsort(r, set->n, sizeof(*r), compare_ranges);
		rc = is_uid ? map_uids(view, r, set->n, out)
		            : map_seqs(view, r, set->n, out);
	}
	mem_free(r);
	return rc;
}

int
imap_view_resolve(const struct imap_view *v, const struct imap_set *set,
    bool is_uid, struct rangeset *out)
{
	return resolve(v, set, is_uid, is_uid, out);
}

int
imap_view_search(const struct imap_view *v, const struct imap_set *set,
    bool is_uid, struct rangeset *out)
{
	return resolve(v, set, is_uid, true, out);
}

/* --- walking --- */

void
imap_walk_init(struct imap_walk *w)
{
	*w = (struct imap_walk){ 0 };
}

bool
imap_walk_next(
    struct imap_walk *w, const struct imap_view *v, const struct rangeset *set)
{
	const struct rangeset *view = &v->uids->set;
	uint32_t uid = w->uid;

	if (uid++ == UINT32_MAX)
		return false;
	for (;;) {
		struct range a, b;

		while (w->range < set->n && set->r[w->range].last < uid)
			w->range++;
		while (w->view_range < view->n &&
		       view->r[w->view_range].last < uid) {
			b = view->r[w->view_range++];
			w->view_before += b.last - b.first + 1;
		}
		if (w->range == set->n || w->view_range == view->n)
			return false;
		a = set->r[w->range];
		b = view->r[w->view_range];
		if (a.first <= uid && b.first <= uid) {
			w->uid = uid;
			w->seq = w->view_before + (uid - b.first) + 1;
			return true;
		}
		uid = a.first > b.first ? a.first : b.first;
	}
}
