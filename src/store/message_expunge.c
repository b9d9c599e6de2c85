/* Removing messages, of message.h: few at once, and any number by an intent
 * (rule 8). */
#include "store/apply.h"
#include "store/hidden.h"
#include "store/row.h"
#include "store/sweep.h"

/* --- few --- */

static int
sum_up(struct store *s, uint32_t mailbox, const struct rangeset *uids,
    struct expunge_totals *t)
{
	struct message m;
	uint32_t uid = 0;

	while (uid < UINT32_MAX && rangeset_next(uids, uid + 1, &uid)) {
		int rc = message_get(s, mailbox, uid, &m);

		if (rc < 0)
			return rc;
		message_total(t, &m);
	}
	return 0;
}

static int
expunge(struct store *s, uint32_t mailbox, const struct rangeset *uids)
{
	struct expunge_totals t = { 0 };
	struct mailbox_rec m;
	struct message msg;
	struct usage u;
	uint32_t uid = 0;
	int rc = row_get_mailbox(s, mailbox, false, &m);

	if (rc == 0)
		rc = row_get_usage(s, m.v.account, &u);
	if (rc == 0)
		rc = sum_up(s, mailbox, uids, &t);
	if (rc == 0)
		rc = row_uncount(&m, &u, &t);
	if (rc == 0)
		rc = row_log_change(s, &m, ROW_VANISHED, uids);
	while (
	    rc == 0 && uid < UINT32_MAX && rangeset_next(uids, uid + 1, &uid)) {
		rc = row_get_message(s, mailbox, uid, &msg);
		if (rc == 0)
			rc = row_drop_message(s, mailbox, &msg);
	}
	if (rc == 0)
		rc = row_put_mailbox(s, &m);
	if (rc == 0)
		rc = row_put_usage(s, m.v.account, &u);
	return rc;
}

int
message_apply_expunge(struct store *s, struct fields *f)
{
	uint32_t mailbox = (uint32_t)field_num(f, UINT32_MAX);
	struct rangeset uids;
	int rc;

	rangeset_init(&uids);
	field_set(f, &uids);
	rc = field_end(f);
	if (rc == 0 &&
	    (uids.n_members == 0 || uids.n_members > MESSAGE_EXPUNGE_BATCH))
		rc = ERR_DAMAGED;
	if (rc == 0)
		rc = expunge(s, mailbox, &uids);
	rangeset_deinit(&uids);
	return rc;
}

int
message_expunge(struct store *s, uint32_t mailbox, const struct rangeset *uids,
    uint32_t *n_out)
{
	struct rangeset there;
	struct message m;
	uint32_t uid = 0;
	int rc = 0;

	*n_out = 0;
	if (uids->n_members > MESSAGE_EXPUNGE_BATCH)
		return ERR_LIMIT;
	if (mailbox_modseq(s, mailbox) == 0)
		return ERR_NONE;
	rangeset_init(&there);
	while (
	    rc == 0 && uid < UINT32_MAX && rangeset_next(uids, uid + 1, &uid)) {
		rc = message_get(s, mailbox, uid, &m);
		if (rc == 0)
			rc = rangeset_add(&there, uid, uid);
		else if (rc == ERR_NONE)
			rc = 0;
	}
	if (rc < 0 || there.n_members == 0)
		goto out;
	rc = op_group(s, 128 + 16 * MESSAGE_EXPUNGE_BATCH);
	if (rc < 0)
		goto out;
	op_begin(s, OP_EXPUNGE);
	op_num(s, mailbox);
	op_set(s, &there);
	rc = op_group_end(s, op_apply(s));
	if (rc == 0)
		*n_out = (uint32_t)there.n_members;
out:
	rangeset_deinit(&there);
	return rc;
}

/* --- any number --- */

/* Did flags change, or something vanish, since the totals were summed up?
 * What was appended is not in the set. */
static int
check_unchanged(struct store *s, uint32_t mailbox, uint64_t modseq)
{
	struct key k = key_u32_u64(mailbox, UINT64_MAX);
	struct span key, value;
	int rc = tree_before(s, TREE_CHANGE, key_span(&k), &key, &value);

	if (rc < 0)
		return rc == ERR_NONE ? 0 : rc;
	if (key.len != 12)
		return ERR_DAMAGED;
	if (be_get32(key.p) != mailbox || be_get64(key.p + 4) <= modseq)
		return 0;
	return ERR_AGAIN;
}

static int
expunge_set(struct store *s, uint32_t mailbox, uint64_t intent,
    const struct expunge_totals *t, struct rangeset *uids)
{
	struct mailbox_rec m;
	struct usage u;
	int rc = row_get_mailbox(s, mailbox, false, &m);

	if (rc == 0)
		rc = check_unchanged(s, mailbox, t->modseq);
	if (rc == 0)
		rc = row_get_usage(s, m.v.account, &u);
	if (rc == 0)
		rc = row_uncount(&m, &u, t);
	if (rc == 0 && rangeset_last(uids) >= m.v.uidnext)
		rc = ERR_INVALID;
	if (rc == 0)
		rc = row_log_change(s, &m, ROW_VANISHED, uids);
	if (rc == 0)
		rc = row_put_mailbox(s, &m);
	if (rc == 0)
		rc = row_put_usage(s, m.v.account, &u);
	if (rc == 0)
		rc = sweep_intend(s, intent, INTENT_EXPUNGE, mailbox, uids);
	return rc;
}

int
message_apply_expunge_set(struct store *s, struct fields *f)
{
	uint32_t mailbox = (uint32_t)field_num(f, UINT32_MAX);
	uint64_t intent = field_num(f, UINT64_MAX - 1);
	struct expunge_totals t;
	struct rangeset uids;
	int rc;

	t.modseq = field_num(f, UINT64_MAX);
	t.bytes = field_num(f, UINT64_MAX);
	t.n_messages = (uint32_t)field_num(f, UINT32_MAX);
	t.n_unseen = (uint32_t)field_num(f, UINT32_MAX);
	t.n_deleted = (uint32_t)field_num(f, UINT32_MAX);
	rangeset_init(&uids);
	field_set(f, &uids);
	rc = field_end(f);
	if (rc == 0 && uids.n_members != t.n_messages)
		rc = ERR_INVALID;
	if (rc == 0)
		rc = expunge_set(s, mailbox, intent, &t, &uids);
	rangeset_deinit(&uids);
	return rc;
}

int
message_expunge_set(struct store *s, uint32_t mailbox,
    const struct rangeset *uids, const struct expunge_totals *totals)
{
	struct buf b;
	int rc = 0;

	if (uids->n_members == 0)
		return 0;
	buf_init(&b, MAX_OP_BYTES - 128);
	rangeset_put(&b, uids);
	if (buf_failed(&b))
		rc = ERR_LIMIT;
	if (rc == 0)
		rc = op_group(s, 128 + b.len);
	if (rc < 0)
		goto out;
	op_begin(s, OP_EXPUNGE_SET);
	op_num(s, mailbox);
	op_num(s, s->meta.next_intent);
	op_num(s, totals->modseq);
	op_num(s, totals->bytes);
	op_num(s, totals->n_messages);
	op_num(s, totals->n_unseen);
	op_num(s, totals->n_deleted);
	buf_put(&s->turn, buf_span(&b));
	rc = op_group_end(s, op_apply(s));
out:
	buf_deinit(&b);
	return rc;
}
