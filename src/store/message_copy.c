/* Copying and moving, of message.h: new rows that share the body. */
#include "base/clock.h"
#include "store/apply.h"
#include "store/hidden.h"
#include "store/recover.h"
#include "store/row.h"

struct copy {
	uint32_t uid; /* of the source */
	uint64_t keywords;
};

static int
put_copy(struct store *s, uint32_t from, const struct copy *c,
    struct mailbox_rec *to, struct usage *u, int64_t saved_s)
{
	struct body_place place;
	struct message m;
	int rc = row_get_message(s, from, c->uid, &m);

	if (rc == 0)
		rc = row_get_body(s, m.body, &place);
	if (rc < 0)
		return rc;
	place.refs++;
	m.uid = to->v.uidnext++;
	m.keywords = c->keywords;
	m.modseq = m.born_modseq = to->v.highest_modseq;
	m.saved_s = saved_s;
	row_count_message(to, u, &m);
	rc = row_put_body(s, m.body, &place);
	return rc < 0 ? rc : row_put_message(s, to->v.id, &m);
}

int
message_apply_copy(struct store *s, struct fields *f)
{
	uint32_t from = (uint32_t)field_num(f, UINT32_MAX);
	uint32_t to = (uint32_t)field_num(f, UINT32_MAX);
	int64_t saved_s = field_signed(f);
	uint32_t n = (uint32_t)field_num(f, MESSAGE_COPY_BATCH);
	struct copy copies[MESSAGE_COPY_BATCH];
	struct mailbox_rec source, m;
	struct message msg;
	struct usage u;
	int rc;

	for (uint32_t i = 0; i < n; i++) {
		copies[i].uid = (uint32_t)field_num(f, UINT32_MAX);
		copies[i].keywords = field_num(f, UINT64_MAX);
	}
	rc = field_end(f);
	if (rc == 0 && n == 0)
		rc = ERR_DAMAGED;
	if (rc == 0)
		rc = row_get_mailbox(s, from, false, &source);
	if (rc == 0)
		rc = row_get_mailbox(s, to, false, &m);
	if (rc == 0)
		rc = row_get_usage(s, m.v.account, &u);
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		struct body_place place;

		rc = message_get(s, from, copies[i].uid, &msg);
		if (rc == 0 && row_get_body(s, msg.body, &place) < 0)
			rc = ERR_DAMAGED;
	}
	if (rc == 0 && m.v.uidnext > UINT32_MAX - n - 1)
		rc = ERR_LIMIT;
	if (rc == 0)
		rc = row_log_change(s, &m, ROW_FLAGS, NULL);
	if (rc < 0)
		return rc;
	s->result.n = m.v.uidnext;
	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = put_copy(s, from, &copies[i], &m, &u, saved_s);
	if (rc == 0)
		rc = row_put_mailbox(s, &m);
	if (rc == 0)
		rc = row_put_usage(s, m.v.account, &u);
	return rc;
}

static uint64_t
mapped(uint64_t keywords, const uint8_t to[MAX_KEYWORDS])
{
	uint64_t out = 0;

	for (unsigned i = 0; i < MAX_KEYWORDS; i++)
		if (keywords >> i & 1 && to[i] < MAX_KEYWORDS)
			out |= (uint64_t)1 << to[i];
	return out;
}

static int
select_copies(struct store *s, uint32_t from, const struct rangeset *uids,
    const uint8_t keyword_to[MAX_KEYWORDS], struct rangeset *missing,
    struct copy *out, uint32_t *n)
{
	struct message m;
	uint32_t uid = 0;

	while (uid < UINT32_MAX && rangeset_next(uids, uid + 1, &uid)) {
		int rc = message_get(s, from, uid, &m);

		if (rc == ERR_NONE) {
			rc = rangeset_add(missing, uid, uid);
		} else if (rc == 0) {
			out[*n].uid = uid;
			out[*n].keywords = mapped(m.keywords, keyword_to);
			++*n;
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Inside a group. */
static int
make_copies(struct store *s, uint32_t from, uint32_t to,
    const struct copy *copies, uint32_t n, uint32_t *first_uid_out)
{
	int rc;

	op_begin(s, OP_COPY);
	op_num(s, from);
	op_num(s, to);
	op_signed(s, clock_wall_s());
	op_num(s, n);
	for (uint32_t i = 0; i < n; i++) {
		op_num(s, copies[i].uid);
		op_num(s, copies[i].keywords);
	}
	rc = op_apply(s);
	if (rc == 0)
		*first_uid_out = (uint32_t)s->result.n;
	return rc;
}

/* The originals go. Inside a group. */
static int
expunge_copied(
    struct store *s, uint32_t from, const struct copy *copies, uint32_t n)
{
	struct rangeset uids;
	int rc = 0;

	rangeset_init(&uids);
	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = rangeset_add(&uids, copies[i].uid, copies[i].uid);
	if (rc == 0) {
		op_begin(s, OP_EXPUNGE);
		op_num(s, from);
		op_set(s, &uids);
		rc = op_apply(s);
	}
	rangeset_deinit(&uids);
	return rc;
}

static int
copy_or_move(struct store *s, uint32_t from, const struct rangeset *uids,
    uint32_t to, const uint8_t keyword_to[MAX_KEYWORDS],
    struct rangeset *missing_out, uint32_t *first_uid_out, uint32_t *n_out,
    bool is_move)
{
	struct copy copies[MESSAGE_COPY_BATCH];
	struct mailbox_rec m;
	uint32_t n = 0, first_uid = 0;
	int rc;

	*n_out = 0;
	*first_uid_out = 0;
	if (uids->n_members > MESSAGE_COPY_BATCH)
		return ERR_LIMIT;
	if (mailbox_modseq(s, from) == 0)
		return ERR_NONE;
	rc = row_get_target(s, to, &m);
	if (rc < 0)
		return rc;
	rc = select_copies(s, from, uids, keyword_to, missing_out, copies, &n);
	if (rc < 0 || n == 0)
		return rc;
	/* To move is how mail goes to the trash: that uses the reserve. */
	if (!is_move)
		rc = recover_make_room(s, 2 * n);
	if (rc == 0)
		rc = op_group(s, 2 * (64 + 20 * MESSAGE_COPY_BATCH));
	if (rc < 0)
		return rc;
	rc = make_copies(s, from, to, copies, n, &first_uid);
	if (rc == 0 && is_move)
		rc = expunge_copied(s, from, copies, n);
	rc = op_group_end(s, rc);
	if (rc < 0)
		return rc;
	*first_uid_out = first_uid;
	*n_out = n;
	return 0;
}

int
message_copy(struct store *s, uint32_t from, const struct rangeset *uids,
    uint32_t to, const uint8_t keyword_to[MAX_KEYWORDS],
    struct rangeset *missing_out, uint32_t *first_uid_out, uint32_t *n_out)
{
	return copy_or_move(s, from, uids, to, keyword_to, missing_out,
	    first_uid_out, n_out, false);
}

int
message_move(struct store *s, uint32_t from, const struct rangeset *uids,
    uint32_t to, const uint8_t keyword_to[MAX_KEYWORDS],
    struct rangeset *missing_out, uint32_t *first_uid_out, uint32_t *n_out)
{
	return copy_or_move(s, from, uids, to, keyword_to, missing_out,
	    first_uid_out, n_out, true);
}
