#include "imap/imap_recent.h"

#include "base/clock.h"
#include "imap/imap_session.h"
#include "imap/imap_uids.h"

/* What nobody selects for so long is recent again. */
#define KEPT_S (2 * 366 * 86400)

/* The first UID that no session was told of, as the store knows it; 1: nothing
 * is known. */
static uint32_t
load(struct store *s, uint32_t mailbox)
{
	char key_storage[4], storage[4];
	struct buf key, value;
	struct cur c;
	uint32_t uid;

	buf_init_fixed(&key, key_storage, sizeof(key_storage));
	buf_put_be32(&key, mailbox);
	buf_init_fixed(&value, storage, sizeof(storage));
	if (memo_get(s, MEMO_RECENT, buf_span(&key), &value, NULL) < 0)
		return 1;
	c = cur_of(buf_span(&value));
	return cur_be32(&c, &uid) == PARSE_OK ? uid : 1;
}

void
imap_recent_init(struct imap_box *b)
{
	b->recent_uid = b->recent_kept = load(b->store, b->mailbox);
}

/* Messages from a UID on. */
static uint32_t
count_from(struct store *s, const struct mailbox_view *m, uint32_t uid)
{
	struct message e;
	uint32_t n = 0;

	if (uid <= 1)
		return m->n_messages;
	while (uid < m->uidnext && n < IMAP_RECENT_WALK) {
		if (message_next(s, m->id, uid, &e) < 0)
			return n;
		uid = e.uid + 1;
		n++;
	}
	if (uid >= m->uidnext)
		return n;
	n += m->uidnext - uid;
	return n < m->n_messages ? n : m->n_messages;
}

uint32_t
imap_recent_new(struct store *s, const struct mailbox_view *m)
{
	const struct imap_box *b = imap_box_find(s, m->id);

	return count_from(s, m, b != NULL ? b->recent_uid : load(s, m->id));
}

/* Everything up to a UID is known to this session now. Without memory it is
 * not recent to it. */
static void
take_to(struct imap_view *v, uint32_t last)
{
	struct imap_box *b = v->uids->box;

	if (last < b->recent_uid)
		return;
	(void)!rangeset_add(&v->recent, b->recent_uid, last);
	if (!v->is_read_only)
		b->recent_uid = last + 1;
}

void
imap_recent_open(struct imap_view *v, const struct mailbox_view *m)
{
	uint32_t from = v->uids->box->recent_uid;

	take_to(v, m->uidnext - 1);
	v->n_recent =
	    v->recent.n == 0 ? 0 : count_from(v->uids->box->store, m, from);
}

void
imap_recent_take(struct imap_view *v)
{
	take_to(v, imap_view_last_uid(v));
}

void
imap_recent_close(struct imap_view *v)
{
	struct imap_box *b = v->uids->box;
	char key_storage[4], storage[4];
	struct buf key, value;

	if (v->is_read_only || v->is_deleted || b->recent_uid == b->recent_kept)
		return;
	buf_init_fixed(&key, key_storage, sizeof(key_storage));
	buf_put_be32(&key, v->mailbox);
	buf_init_fixed(&value, storage, sizeof(storage));
	buf_put_be32(&value, b->recent_uid);
	if (memo_put(b->store, MEMO_RECENT, buf_span(&key), buf_span(&value),
	        clock_wall_s() + KEPT_S) == 0)
		b->recent_kept = b->recent_uid;
}

uint16_t
imap_recent_flag(const struct imap *i, uint32_t uid)
{
	const struct imap_view *v = i->view;

	if (v->recent.n == 0 || (i->enabled & IMAP_REV2) ||
	    !rangeset_has(&v->recent, uid))
		return 0;
	return IMAP_FLAG_RECENT;
}

uint32_t
imap_recent_count(const struct imap_view *v)
{
	uint32_t n = 0;

	if (!v->uids->is_made)
		return v->n_recent;
	for (size_t k = 0; k < v->recent.n; k++)
		n += (uint32_t)(rangeset_rank(
		                    &v->uids->set, v->recent.r[k].last + 1) -
		                rangeset_rank(
		                    &v->uids->set, v->recent.r[k].first));
	return n;
}
