#include "store/row.h"

#include <assert.h>

#include "store/change.h"

int
row_get_mailbox(
    struct store *s, uint32_t id, bool is_any, struct mailbox_rec *out)
{
	struct key k = key_u32(id);
	struct span value;
	int rc = tree_get(s, TREE_MAILBOX, key_span(&k), &value);

	if (rc == 0)
		rc = record_get_mailbox(value, out);
	out->v.id = id;
	if (rc == 0 && !is_any && out->state != MAILBOX_LIVE)
		rc = ERR_NONE;
	return rc;
}

int
row_get_target(struct store *s, uint32_t id, struct mailbox_rec *out)
{
	struct account_rec owner;
	int rc = row_get_mailbox(s, id, false, out);

	if (rc == 0)
		rc = row_get_account(s, out->v.account, false, &owner);
	return rc;
}

int
row_put_mailbox(struct store *s, const struct mailbox_rec *m)
{
	struct key k = key_u32(m->v.id);
	struct record r;

	record_put_mailbox(&r, m);
	return tree_put(s, TREE_MAILBOX, key_span(&k), record_span(&r));
}

int
row_get_account(
    struct store *s, uint32_t id, bool is_any, struct account_rec *out)
{
	struct key k = key_u32(id);
	struct span value;
	int rc = tree_get(s, TREE_ACCOUNT, key_span(&k), &value);

	if (rc == 0)
		rc = record_get_account(value, out);
	out->v.id = id;
	if (rc == 0 && !is_any && out->state != ACCOUNT_LIVE)
		rc = ERR_NONE;
	return rc;
}

int
row_put_account(struct store *s, const struct account_rec *a)
{
	struct key k = key_u32(a->v.id);
	struct record r;

	record_put_account(&r, a);
	return tree_put(s, TREE_ACCOUNT, key_span(&k), record_span(&r));
}

int
row_get_usage(struct store *s, uint32_t account, struct usage *out)
{
	struct key k = key_u32(account);
	struct span value;
	int rc = tree_get(s, TREE_USAGE, key_span(&k), &value);

	return rc == 0 ? record_get_usage(value, out) : rc;
}

int
row_put_usage(struct store *s, uint32_t account, const struct usage *u)
{
	struct key k = key_u32(account);
	struct record r;

	record_put_usage(&r, u);
	return tree_put(s, TREE_USAGE, key_span(&k), record_span(&r));
}

int
row_get_message(
    struct store *s, uint32_t mailbox, uint32_t uid, struct message *out)
{
	struct key k = key_u32_u32(mailbox, uid);
	struct span value;
	int rc = tree_get(s, TREE_MESSAGE, key_span(&k), &value);

	out->uid = uid;
	return rc == 0 ? record_get_message(value, out) : rc;
}

int
row_next_message(
    struct store *s, uint32_t mailbox, uint32_t uid_from, struct message *out)
{
	struct key k = key_u32_u32(mailbox, uid_from);
	struct span key, value;
	int rc = tree_seek(s, TREE_MESSAGE, key_span(&k), &key, &value);

	if (rc < 0)
		return rc;
	if (key.len != 8)
		return ERR_DAMAGED;
	if (be_get32(key.p) != mailbox)
		return ERR_NONE;
	out->uid = be_get32(key.p + 4);
	return record_get_message(value, out);
}

int
row_put_message(struct store *s, uint32_t mailbox, const struct message *m)
{
	struct key k = key_u32_u32(mailbox, m->uid);
	struct record r;

	record_put_message(&r, m);
	return tree_put(s, TREE_MESSAGE, key_span(&k), record_span(&r));
}

int
row_get_body(struct store *s, uint64_t body, struct body_place *out)
{
	struct key k = key_u64(body);
	struct span value;
	int rc = tree_get(s, TREE_BODY, key_span(&k), &value);

	return rc == 0 ? record_get_body(value, out) : rc;
}

int
row_put_body(struct store *s, uint64_t body, const struct body_place *b)
{
	struct key k = key_u64(body);
	struct record r;

	record_put_body(&r, b);
	return tree_put(s, TREE_BODY, key_span(&k), record_span(&r));
}

int
row_unrefer(struct store *s, uint64_t body)
{
	struct key k = key_u64(body);
	struct body_place place;
	struct record r;
	int rc = row_get_body(s, body, &place);

	if (rc == ERR_NONE || (rc == 0 && place.refs == 0))
		rc = ERR_DAMAGED;
	if (rc < 0)
		return rc;
	place.refs--;
	rc = row_put_body(s, body, &place);
	if (rc < 0 || place.refs > 0)
		return rc;
	record_init(&r);
	return tree_put(s, TREE_DEAD, key_span(&k), record_span(&r));
}

int
row_drop_message(struct store *s, uint32_t mailbox, const struct message *m)
{
	struct key k = key_u32_u32(mailbox, m->uid);
	struct body_place place;
	int rc = row_get_body(s, m->body, &place);

	if (rc == ERR_NONE || (rc == 0 && place.refs == 0))
		rc = ERR_DAMAGED;
	if (rc == 0)
		rc = tree_delete(s, TREE_MESSAGE, key_span(&k));
	return rc < 0 ? rc : row_unrefer(s, m->body);
}

int
row_count_volume(
    struct store *s, uint32_t volume, uint64_t bytes, bool is_added)
{
	struct key k = key_u32(volume);
	struct span value;
	struct record r;
	uint64_t live = 0;
	int rc = tree_get(s, TREE_VOLUME, key_span(&k), &value);

	if (rc == 0)
		rc = record_get_number(value, &live);
	if (rc < 0 && rc != ERR_NONE)
		return rc;
	if (is_added)
		live += bytes;
	else
		live -= bytes < live ? bytes : live;
	record_put_number(&r, live);
	return tree_put(s, TREE_VOLUME, key_span(&k), record_span(&r));
}

void
row_count_message(
    struct mailbox_rec *m, struct usage *u, const struct message *msg)
{
	m->v.n_messages++;
	m->v.bytes += msg->bytes;
	if (!(msg->flags & MESSAGE_SEEN))
		m->v.n_unseen++;
	if (msg->flags & MESSAGE_DELETED)
		m->v.n_deleted++;
	u->n_messages++;
	u->bytes += msg->bytes;
}

int
row_uncount(
    struct mailbox_rec *m, struct usage *u, const struct expunge_totals *t)
{
	if (t->n_messages > m->v.n_messages || t->bytes > m->v.bytes ||
	    t->n_unseen > m->v.n_unseen || t->n_deleted > m->v.n_deleted ||
	    t->n_messages > u->n_messages || t->bytes > u->bytes)
		return ERR_DAMAGED;
	m->v.n_messages -= t->n_messages;
	m->v.bytes -= t->bytes;
	m->v.n_unseen -= t->n_unseen;
	m->v.n_deleted -= t->n_deleted;
	u->n_messages -= t->n_messages;
	u->bytes -= t->bytes;
	return 0;
}

/* Remove the oldest row past the bound. */
static int
trim_log(struct store *s, struct mailbox_rec *m)
{
	struct key from = key_u32_u64(m->v.id, 0), doomed;
	struct span key, value;
	int rc;

	if (m->n_changes <= CHANGE_MAX_ROWS)
		return 0;
	rc = tree_seek(s, TREE_CHANGE, key_span(&from), &key, &value);
	if (rc < 0 || key.len != 12 || be_get32(key.p) != m->v.id)
		return ERR_DAMAGED;
	m->v.lowest_modseq = be_get64(key.p + 4);
	doomed = key_u32_u64(m->v.id, m->v.lowest_modseq);
	rc = tree_delete(s, TREE_CHANGE, key_span(&doomed));
	if (rc == 0)
		m->n_changes--;
	return rc;
}

void
row_note_moved(struct store *s, uint32_t mailbox)
{
	const uint32_t room = sizeof(s->moved) / sizeof(s->moved[0]);

	assert(s->n_moved < room);
	s->moved[s->n_moved++] = mailbox;
}

int
row_log_change(struct store *s, struct mailbox_rec *m, enum change_row kind,
    const struct rangeset *uids)
{
	struct key k = key_u32_u64(m->v.id, ++m->v.highest_modseq);
	int rc;

	row_note_moved(s, m->v.id);
	if (uids == NULL)
		return 0;
	buf_reset(&s->scratch);
	record_put_change(&s->scratch, kind, uids);
	if (buf_failed(&s->scratch)) {
		s->is_poisoned = true;
		return ERR_NOMEM;
	}
	rc = tree_put(s, TREE_CHANGE, key_span(&k), buf_span(&s->scratch));
	if (rc < 0)
		return rc;
	m->n_changes++;
	return trim_log(s, m);
}
