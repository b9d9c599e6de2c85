#include "store/change.h"

#include "store/hidden.h"
#include "store/row.h"

void
change_init(struct change *c)
{
	*c = (struct change){ .kind = CHANGE_APPENDED };
	rangeset_init(&c->uids);
}

void
change_deinit(struct change *c)
{
	rangeset_deinit(&c->uids);
}

/* The first message born after a MODSEQ: births grow with the UIDs, so halve
 * the range of UIDs. ERR_NONE. */
static int
first_born(struct store *s, const struct mailbox_rec *m, uint64_t after,
    struct message *out)
{
	uint32_t low = 1, high = m->v.uidnext;
	struct range r;
	int rc;

	/* All messages below low are born before, none at or above high. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		rc = row_next_message(s, m->v.id, middle, out);
		if (rc < 0 && rc != ERR_NONE)
			return rc;
		if (rc == ERR_NONE || out->born_modseq > after)
			high = middle;
		else
			low = out->uid + 1;
	}
	rc = row_next_message(s, m->v.id, low, out);
	if (rc == 0 && out->born_modseq <= after)
		rc = ERR_NONE;
	while (rc == 0 && hidden_run(s, m->v.id, out->uid, &r)) {
		if (r.last == UINT32_MAX)
			return ERR_NONE;
		rc = row_next_message(s, m->v.id, r.last + 1, out);
	}
	return rc;
}

/* All messages of one birth: a copy gives several the same. */
static int
take_births(struct store *s, uint32_t mailbox, const struct message *first,
    struct change *out)
{
	struct message m = *first;
	int rc = 0;

	out->kind = CHANGE_APPENDED;
	out->modseq = first->born_modseq;
	while (rc == 0 && m.born_modseq == out->modseq) {
		if (!hidden_has(s, mailbox, m.uid))
			rc = rangeset_add(&out->uids, m.uid, m.uid);
		if (rc < 0 || m.uid == UINT32_MAX)
			return rc;
		rc = row_next_message(s, mailbox, m.uid + 1, &m);
	}
	return rc == ERR_NONE ? 0 : rc;
}

int
change_next(
    struct store *s, uint32_t mailbox, uint64_t after, struct change *out)
{
	struct key k = key_u32_u64(mailbox, after + 1);
	struct span key, value;
	struct mailbox_rec m;
	struct message born;
	enum change_row kind;
	int rc = row_get_mailbox(s, mailbox, false, &m), rc_row;

	rangeset_clear(&out->uids);
	if (rc < 0)
		return rc;
	if (after >= m.v.highest_modseq)
		return ERR_NONE;
	if (after < m.v.lowest_modseq)
		return ERR_GONE;
	rc = first_born(s, &m, after, &born);
	if (rc < 0 && rc != ERR_NONE)
		return rc;
	rc_row = tree_seek(s, TREE_CHANGE, key_span(&k), &key, &value);
	if (rc_row < 0 && rc_row != ERR_NONE)
		return rc_row;
	if (rc_row == 0 && (key.len != 12 || be_get32(key.p) != mailbox))
		rc_row = ERR_NONE;
	if (rc == 0 && (rc_row < 0 || born.born_modseq < be_get64(key.p + 4)))
		return take_births(s, mailbox, &born, out);
	if (rc_row < 0)
		return ERR_NONE;
	out->modseq = be_get64(key.p + 4);
	rc = record_get_change(value, &kind, &out->uids);
	out->kind = kind == ROW_FLAGS ? CHANGE_FLAGS : CHANGE_VANISHED;
	return rc;
}
