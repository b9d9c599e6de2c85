#include "imap/imap_uids.h"

#include "base/mem.h"
#include "imap/imap_recent.h"
#include "store/store.h"

/* --- mailboxes with views --- */

#define N_BUCKETS 256

static struct imap_box *buckets[N_BUCKETS];

struct imap_box *
imap_box_find(struct store *s, uint32_t mailbox)
{
	struct imap_box *b = buckets[mailbox % N_BUCKETS];

	while (b != NULL && (b->mailbox != mailbox || b->store != s))
		b = b->next;
	return b;
}

struct imap_box *
imap_box_get(struct store *s, uint32_t mailbox)
{
	struct imap_box *b = imap_box_find(s, mailbox);

	if (b != NULL)
		return b;
	b = mem_alloc(sizeof(*b));
	if (b == NULL)
		return NULL;
	b->store = s;
	b->mailbox = mailbox;
	list_init(&b->views);
	list_init(&b->sets);
	imap_recent_init(b);
	b->next = buckets[mailbox % N_BUCKETS];
	buckets[mailbox % N_BUCKETS] = b;
	return b;
}

void
imap_box_drop(struct imap_box *b)
{
	struct imap_box **p = &buckets[b->mailbox % N_BUCKETS];

	if (!list_is_empty(&b->views) || !list_is_empty(&b->sets))
		return;
	while (*p != b)
		p = &(*p)->next;
	*p = b->next;
	mem_free(b);
}

void
imap_box_each(
    uint32_t mailbox, void (*fn)(struct imap_box *b, void *arg), void *arg)
{
	struct imap_box *b = buckets[mailbox % N_BUCKETS];

	for (; b != NULL; b = b->next)
		if (b->mailbox == mailbox)
			fn(b, arg);
}

/* --- sets --- */

static uint64_t last_serial;

static struct imap_uids *
new_set(struct imap_box *b)
{
	struct imap_uids *u = mem_alloc(sizeof(*u));

	if (u == NULL)
		return NULL;
	u->box = b;
	u->serial = ++last_serial;
	u->n_refs = 1;
	rangeset_init(&u->set);
	list_add(&b->sets, &u->link);
	return u;
}

static void
free_set(struct imap_uids *u)
{
	list_remove(&u->link);
	rangeset_deinit(&u->set);
	mem_free(u);
}

struct imap_uids *
imap_uids_new(
    struct imap_box *b, uint64_t at, uint32_t uidnext, uint32_t n_messages)
{
	struct imap_uids *u = new_set(b);

	if (u == NULL)
		return NULL;
	u->at = u->undone = at;
	u->uidnext = uidnext;
	u->n_messages = n_messages;
	u->scan_uid = 1;
	if (n_messages == 0) {
		u->is_made = true;
	} else if (n_messages == uidnext - 1) {
		if (rangeset_add(&u->set, 1, n_messages) < 0) {
			free_set(u); /* the box stays the caller's */
			return NULL;
		}
		u->is_made = true;
	}
	return u;
}

struct imap_uids *
imap_uids_ref(struct imap_uids *u)
{
	u->n_refs++;
	return u;
}

void
imap_uids_unref(struct imap_uids *u)
{
	struct imap_box *b;

	if (u == NULL || --u->n_refs > 0)
		return;
	b = u->box;
	free_set(u);
	imap_box_drop(b);
}

/* --- making one --- */

/* Messages of one slice. */
#define SCAN_SLICE 1000
/* Changes of one slice; further apart, reading the mailbox is not dearer. */
#define MAX_LOG_STEPS 40

static int
add_all(struct rangeset *to, const struct rangeset *uids)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < uids->n; i++)
		rc = rangeset_add(to, uids->r[i].first, uids->r[i].last);
	return rc;
}

/* Carry a set over the changes in (*after, until], which moves *after. is_back:
 * what vanished there is put in (UIDs are never used again, so it was there
 * before). Returns 1 when there are more than MAX_LOG_STEPS. */
static int
walk_log(struct imap_uids *u, uint64_t *after, uint64_t until, bool is_back)
{
	struct change c;
	int rc = 0;

	change_init(&c);
	for (uint32_t n = 0; rc == 0; n++) {
		rc = change_next(u->box->store, u->box->mailbox, *after, &c);
		if (rc < 0 || c.modseq > until)
			break;
		if (n == MAX_LOG_STEPS) {
			rc = 1;
			break;
		}
		if (c.kind == CHANGE_VANISHED)
			rc = is_back ? add_all(&u->set, &c.uids)
			             : rangeset_remove_all(&u->set, &c.uids);
		else if (c.kind == CHANGE_APPENDED && !is_back)
			rc = add_all(&u->set, &c.uids);
		if (rc == 0)
			*after = c.modseq;
	}
	change_deinit(&c);
	return rc == ERR_NONE ? 0 : rc;
}

/* What was appended behind the view, or came back from behind it, goes. */
static int
finish(struct imap_uids *u)
{
	int rc = rangeset_remove(&u->set, u->uidnext, UINT32_MAX);

	if (rc < 0)
		return rc;
	if (u->set.n_members != u->n_messages)
		return ERR_DAMAGED;
	u->is_made = true;
	return 0;
}

/* From another set: true when that did it. */
static bool
derive(struct imap_uids *u, const struct imap_uids *other, uint64_t other_at)
{
	bool is_back = other_at > u->at;
	uint64_t after = is_back ? u->at : other_at;
	uint64_t until = is_back ? other_at : u->at;
	int rc = rangeset_copy(&u->set, &other->set);

	if (rc == 0)
		rc = walk_log(u, &after, until, is_back);
	if (rc == 0)
		rc = finish(u);
	if (rc != 0)
		rangeset_clear(&u->set);
	return rc == 0;
}

int
imap_uids_make(
    struct imap_uids *u, const struct imap_uids *other, uint64_t other_at)
{
	int rc;

	if (u->is_made)
		return 0;
	if (u->scan_uid == 1 && other != NULL && derive(u, other, other_at))
		return 0;
	if (u->scan_uid != 0) {
		rc = message_uids(u->box->store, u->box->mailbox, &u->scan_uid,
		    SCAN_SLICE, &u->set);
		if (rc < 0)
			return rc;
		if (u->scan_uid >= u->uidnext)
			u->scan_uid = 0;
		return 1;
	}
	/* Slices read the mailbox as it was at different times. What has
	 * vanished since belongs to the set, whether it was read or not. */
	rc = walk_log(u, &u->undone, UINT64_MAX, true);
	return rc != 0 ? rc : finish(u);
}

/* --- changing one --- */

/* Another set that is the same. The one after the same change need not be: a
 * session that came by when one of the messages had vanished again has never
 * had it. */
static struct imap_uids *
find_same(const struct imap_uids *u)
{
	const struct rangeset *a = &u->set;

	for (struct list *l = u->box->sets.next; l != &u->box->sets;
	     l = l->next) {
		struct imap_uids *o = LIST_OF(l, struct imap_uids, link);
		const struct rangeset *b = &o->set;

		if (o != u && o->is_made && o->from == u->from &&
		    a->n_members == b->n_members && a->n == b->n &&
		    (a->n == 0 ||
		        memcmp(a->r, b->r, a->n * sizeof(*a->r)) == 0))
			return o;
	}
	return NULL;
}

/* What another session has made of the same set by the same change. That a
 * message of it vanished in between shows in the number. */
static struct imap_uids *
find_made(const struct imap_uids *old, uint64_t modseq, uint64_t n_changed)
{
	for (struct list *l = old->box->sets.next; l != &old->box->sets;
	     l = l->next) {
		struct imap_uids *o = LIST_OF(l, struct imap_uids, link);

		if (o->from == modseq && o->made_of == old->serial &&
		    o->n_changed == n_changed)
			return o;
	}
	return NULL;
}

static struct imap_uids *
copy_of(const struct imap_uids *u)
{
	struct imap_uids *copy = new_set(u->box);

	if (copy == NULL)
		return NULL;
	copy->is_made = true;
	if (rangeset_copy(&copy->set, &u->set) == 0)
		return copy;
	imap_uids_unref(copy);
	return NULL;
}

int
imap_uids_change(struct imap_uids **u, uint64_t modseq, bool is_added,
    const struct rangeset *uids)
{
	struct imap_uids *old = *u, *to, *same;
	uint64_t made_of = old->serial;
	int rc;

	same = find_made(old, modseq, uids->n_members);
	if (same != NULL) {
		*u = imap_uids_ref(same);
		imap_uids_unref(old);
		return 0;
	}
	to = old->n_refs > 1 ? copy_of(old) : old;
	if (to == NULL)
		return ERR_NOMEM;
	to->serial = ++last_serial;
	to->from = 0; /* a failure may leave a part of it changed */
	rc = is_added ? add_all(&to->set, uids)
	              : rangeset_remove_all(&to->set, uids);
	if (rc < 0) {
		if (to != old)
			imap_uids_unref(to);
		return rc;
	}
	to->from = modseq;
	to->made_of = made_of;
	to->n_changed = uids->n_members;
	if (to != old)
		imap_uids_unref(old);
	same = find_same(to);
	if (same != NULL) {
		imap_uids_ref(same);
		imap_uids_unref(to);
	}
	*u = same != NULL ? same : to;
	return 0;
}
