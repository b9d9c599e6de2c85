/* Changing flags, of message.h. */
#include "store/apply.h"
#include "store/hidden.h"
#include "store/recover.h"
#include "store/row.h"

/* What a message's flags become. */
static void
changed(const struct message_flags *f, const struct message *m, uint16_t *flags,
    uint64_t *keywords)
{
	*flags = f->flags;
	*keywords = f->keywords;
	if (f->how == MESSAGE_ADD) {
		*flags |= m->flags;
		*keywords |= m->keywords;
	} else if (f->how == MESSAGE_REMOVE) {
		*flags = (uint16_t)(m->flags & ~f->flags);
		*keywords = m->keywords & ~f->keywords;
	}
}

static int
check_all(struct store *s, uint32_t mailbox, const struct rangeset *uids)
{
	struct message m;
	uint32_t uid = 0;

	while (uid < UINT32_MAX && rangeset_next(uids, uid + 1, &uid)) {
		int rc = message_get(s, mailbox, uid, &m);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
put_one(struct store *s, struct mailbox_rec *m, uint32_t uid,
    const struct message_flags *f)
{
	struct message msg;
	uint16_t flags;
	uint64_t keywords;
	int rc = row_get_message(s, m->v.id, uid, &msg);

	if (rc < 0)
		return rc;
	changed(f, &msg, &flags, &keywords);
	/* The counts follow; what they were is known to be in them. */
	if ((msg.flags ^ flags) & MESSAGE_SEEN)
		m->v.n_unseen += flags & MESSAGE_SEEN ? UINT32_MAX : 1;
	if ((msg.flags ^ flags) & MESSAGE_DELETED)
		m->v.n_deleted += flags & MESSAGE_DELETED ? 1 : UINT32_MAX;
	msg.flags = flags;
	msg.keywords = keywords;
	msg.modseq = m->v.highest_modseq;
	return row_put_message(s, m->v.id, &msg);
}

static int
apply(struct store *s, uint32_t mailbox, const struct message_flags *how,
    const struct rangeset *uids)
{
	struct mailbox_rec m;
	uint32_t uid = 0;
	int rc = row_get_mailbox(s, mailbox, false, &m);

	if (rc == 0)
		rc = check_all(s, mailbox, uids);
	if (rc == 0)
		rc = row_log_change(s, &m, ROW_FLAGS, uids);
	while (
	    rc == 0 && uid < UINT32_MAX && rangeset_next(uids, uid + 1, &uid))
		rc = put_one(s, &m, uid, how);
	s->result.modseq = m.v.highest_modseq;
	return rc < 0 ? rc : row_put_mailbox(s, &m);
}

int
message_apply_flags(struct store *s, struct fields *f)
{
	uint32_t mailbox = (uint32_t)field_num(f, UINT32_MAX);
	struct message_flags how = { .how = MESSAGE_REPLACE };
	struct rangeset uids;
	int rc;

	how.how = (enum message_how)field_num(f, MESSAGE_REMOVE);
	how.flags = (uint16_t)field_num(f, MESSAGE_FLAGS);
	how.keywords = field_num(f, UINT64_MAX);
	rangeset_init(&uids);
	field_set(f, &uids);
	rc = field_end(f);
	if (rc == 0 &&
	    (uids.n_members == 0 || uids.n_members > MESSAGE_FLAGS_BATCH))
		rc = ERR_DAMAGED;
	if (rc == 0)
		rc = apply(s, mailbox, &how, &uids);
	rangeset_deinit(&uids);
	return rc;
}

/* Which of the UIDs there are, and change? */
static int
select_uids(struct store *s, uint32_t mailbox, const struct rangeset *uids,
    const struct message_flags *f, struct rangeset *chosen,
    struct rangeset *failed)
{
	struct message m;
	uint32_t uid = 0;

	while (uid < UINT32_MAX && rangeset_next(uids, uid + 1, &uid)) {
		uint16_t flags;
		uint64_t keywords;
		int rc = message_get(s, mailbox, uid, &m);

		if (rc == ERR_NONE)
			continue;
		if (rc < 0)
			return rc;
		if (m.modseq > f->unchanged_since) {
			rc =
			    failed == NULL ? 0 : rangeset_add(failed, uid, uid);
			if (rc < 0)
				return rc;
			continue;
		}
		changed(f, &m, &flags, &keywords);
		if (flags == m.flags && keywords == m.keywords)
			continue;
		rc = rangeset_add(chosen, uid, uid);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
message_set_flags(struct store *s, uint32_t mailbox,
    const struct rangeset *uids, const struct message_flags *f,
    struct rangeset *failed_out, uint64_t *modseq_out)
{
	struct rangeset chosen;
	int rc = 0;

	*modseq_out = 0;
	if (uids->n_members > MESSAGE_FLAGS_BATCH)
		return ERR_LIMIT;
	if (f->flags & ~MESSAGE_FLAGS)
		return ERR_INVALID;
	if (mailbox_modseq(s, mailbox) == 0)
		return ERR_NONE;
	rangeset_init(&chosen);
	rc = select_uids(s, mailbox, uids, f, &chosen, failed_out);
	if (rc < 0 || chosen.n_members == 0)
		goto out;
	rc = recover_make_room(s, (size_t)chosen.n_members);
	if (rc < 0)
		goto out;
	rc = op_group(s, 128 + 16 * MESSAGE_FLAGS_BATCH);
	if (rc < 0)
		goto out;
	op_begin(s, OP_FLAGS);
	op_num(s, mailbox);
	op_num(s, f->how);
	op_num(s, f->flags);
	op_num(s, f->keywords);
	op_set(s, &chosen);
	rc = op_group_end(s, op_apply(s));
	if (rc == 0)
		*modseq_out = s->result.modseq;
out:
	rangeset_deinit(&chosen);
	return rc;
}
