/* cmd_copy.c - COPY and UID COPY (RFC 9051 6.4.7), MOVE and UID MOVE (RFC 9051
 * 6.4.8, RFC 6851), with COPYUID (RFC 4315 3).
 *
 * A job: quota and room are asked for all messages together, then they go in
 * batches, each one operation. COPY is all or none: when one fails, what was
 * copied is expunged again, also when the client is gone. MOVE is done batch by
 * batch, and what was moved stays moved.
 *
 * Decisions  a message that another session expunged: COPY and MOVE say NO
 *            [EXPUNGEISSUED] (RFC 2180 4.4.1; MOVE has moved the others), UID
 *            COPY and UID MOVE pass over it (RFC 9051 6.4.9).
 *            MOVE to the selected mailbox itself gives new UIDs.
 * Bugs       a COPY of more than MESSAGE_COPY_BATCH messages that a power cut
 *            interrupts leaves what was copied.
 */
#include "base/limits.h"
#include "imap/imap_session.h"

/* Messages summed up in a step. */
#define SUM_MESSAGES 200
/* A row of the index, about. */
#define ROW_BYTES 200
/* COPYUID is left out where its sets have more ranges: RFC 4315 3 says
 * SHOULD. */
#define MAX_COPYUID_RANGES 400
/* Of the untagged COPYUID of MOVE; then another one follows. */
#define MOVE_RANGES 100

enum copy_phase {
	COPY_SUM,
	COPY_BATCHES,
	COPY_TELL, /* MOVE: what went is told */
	COPY_UNDO
};

struct copy_task {
	enum copy_phase phase;
	bool is_move;
	bool has_missing;
	bool has_moved;
	uint32_t to;
	uint32_t uidvalidity; /* of it */
	int error;            /* why it is undone, or MOVE ended early */
	uint32_t at_uid;
	uint64_t n_bytes;
	struct rangeset asked;
	struct rangeset from_uids; /* copied (MOVE: and not told yet) */
	struct rangeset to_uids;
	struct expunge_totals totals; /* of to_uids, for the undoing */
	uint64_t mapped;              /* bits that keyword_to knows */
	uint8_t keyword_to[MAX_KEYWORDS];
};

/* --- how much it is --- */

static int
sum_up(struct imap *i, struct copy_task *t)
{
	struct message m;

	for (int n = 0; n < SUM_MESSAGES; n++) {
		int rc;

		if (t->at_uid == UINT32_MAX ||
		    !rangeset_next(&t->asked, t->at_uid + 1, &t->at_uid)) {
			t->at_uid = 0;
			t->phase = COPY_BATCHES;
			if (!account_has_room(
			        i->env->store, i->account, t->n_bytes))
				return ERR_QUOTA;
			return store_has_room(i->env->store,
			           t->asked.n_members * ROW_BYTES)
			           ? 0
			           : ERR_FULL;
		}
		rc =
		    message_get(i->env->store, i->view->mailbox, t->at_uid, &m);
		if (rc == 0)
			t->n_bytes += m.bytes;
		else if (rc != ERR_NONE)
			return rc;
	}
	return 0;
}

/* --- keywords --- */

static int
map_keyword(struct imap *i, struct copy_task *t, unsigned bit)
{
	char storage[MAX_KEYWORD_BYTES];
	unsigned to = bit;
	struct buf name;
	int rc = 0;

	buf_init_fixed(&name, storage, sizeof(storage));
	if (t->to != i->view->mailbox) {
		rc = mailbox_keyword(
		    i->env->store, i->view->mailbox, bit, &name);
		if (rc == 0)
			rc = mailbox_add_keyword(
			    i->env->store, t->to, buf_span(&name), &to);
	}
	/* RFC 9051 6.4.7: SHOULD be kept; where no bit is free it is not. */
	if (rc == ERR_LIMIT || rc == ERR_NONE) {
		to = 0xff;
		rc = 0;
	}
	if (rc < 0)
		return rc;
	t->keyword_to[bit] = (uint8_t)to;
	t->mapped |= UINT64_C(1) << bit;
	return 0;
}

static int
map_keywords(struct imap *i, struct copy_task *t, uint64_t keywords)
{
	int rc = 0;

	keywords &= ~t->mapped;
	for (unsigned bit = 0; bit < MAX_KEYWORDS && rc == 0; bit++)
		if (keywords >> bit & 1)
			rc = map_keyword(i, t, bit);
	return rc;
}

/* --- batches --- */

/* The next messages; they are looked at for their keywords, and for what the
 * undoing must know. */
static int
fill_batch(struct imap *i, struct copy_task *t, struct rangeset *batch,
    struct expunge_totals *totals)
{
	struct message m;
	int rc = 0;

	while (rc == 0 && batch->n_members < MESSAGE_COPY_BATCH) {
		if (t->at_uid == UINT32_MAX ||
		    !rangeset_next(&t->asked, t->at_uid + 1, &t->at_uid)) {
			t->at_uid = UINT32_MAX;
			break;
		}
		rc =
		    message_get(i->env->store, i->view->mailbox, t->at_uid, &m);
		if (rc == ERR_NONE) {
			t->has_missing = true;
			rc = 0;
			continue;
		}
		if (rc == 0)
			rc = map_keywords(i, t, m.keywords);
		if (rc == 0)
			rc = rangeset_add(batch, m.uid, m.uid);
		if (rc == 0)
			message_total(totals, &m);
	}
	return rc;
}

static int
copy_some(struct imap *i, struct copy_task *t, const struct rangeset *batch)
{
	struct rangeset missing;
	uint32_t first, n = 0;
	int rc;

	/* What is copied must be remembered, or it could not be undone. */
	rc = rangeset_reserve(&t->to_uids, 1);
	if (rc == 0)
		rc = rangeset_reserve(&t->from_uids, batch->n);
	if (rc < 0)
		return rc;
	rangeset_init(&missing);
	rc = (t->is_move ? message_move : message_copy)(i->env->store,
	    i->view->mailbox, batch, t->to, t->keyword_to, &missing, &first,
	    &n);
	rangeset_deinit(&missing);
	if (rc < 0)
		return rc;
	if (n > 0)
		rc = rangeset_add(&t->to_uids, first, first + n - 1);
	for (size_t k = 0; k < batch->n && rc == 0; k++)
		rc = rangeset_add(
		    &t->from_uids, batch->r[k].first, batch->r[k].last);
	t->has_moved |= t->is_move;
	return rc;
}

static void
put_copyuid(struct buf *out, const struct copy_task *t)
{
	buf_putf(out, "%u ", (unsigned)t->uidvalidity);
	imap_put_set(out, &t->from_uids);
	buf_put_char(out, ' ');
	imap_put_set(out, &t->to_uids);
}

/* RFC 6851 4.3: before EXPUNGE. */
static void
tell_moved(struct imap *i, struct copy_task *t)
{
	struct buf *out = conn_out(i->conn);

	if (t->from_uids.n == 0)
		return;
	buf_put_str(out, "* OK [COPYUID ");
	put_copyuid(out, t);
	buf_put_str(out, "] Moved\r\n");
	rangeset_clear(&t->from_uids);
	rangeset_clear(&t->to_uids);
}

static void end_copy(struct imap *i, struct copy_task *t);

static int
take_batch(struct imap *i, struct copy_task *t)
{
	struct expunge_totals totals = t->totals;
	struct rangeset batch;
	int rc;

	rangeset_init(&batch);
	rc = fill_batch(i, t, &batch, &totals);
	if (rc == 0 && t->has_missing && !i->is_uid && !t->is_move)
		rc = ERR_GONE;
	if (rc == 0 && batch.n > 0)
		rc = copy_some(i, t, &batch);
	if (rc == 0)
		t->totals = totals;
	rangeset_deinit(&batch);
	if (rc < 0)
		return rc;
	if (t->is_move && (t->from_uids.n + t->to_uids.n > MOVE_RANGES ||
	                      t->at_uid == UINT32_MAX))
		tell_moved(i, t);
	if (t->at_uid == UINT32_MAX)
		end_copy(i, t);
	return 0;
}

/* --- the end --- */

static void
fail(struct imap *i, const struct copy_task *t, int code)
{
	if (code == ERR_NONE) /* RFC 9051 6.4.7 */
		imap_done(i, "NO [TRYCREATE] There is no such mailbox");
	else if (code == ERR_GONE && t->is_move)
		imap_done(i, "NO [EXPUNGEISSUED] Some are gone; the others "
		             "are moved");
	else
		imap_error(i, code);
}

static void
end_copy(struct imap *i, struct copy_task *t)
{
	struct buf b;

	if (t->is_move) {
		if (t->has_missing && !i->is_uid)
			t->error = ERR_GONE;
		t->phase = COPY_TELL;
		return;
	}
	if (t->to_uids.n == 0 ||
	    t->from_uids.n + t->to_uids.n > MAX_COPYUID_RANGES) {
		imap_done(i, "OK Copied");
		return;
	}
	buf_init(&b, IMAP_TEXT_BYTES - 64);
	put_copyuid(&b, t);
	if (buf_failed(&b))
		imap_done(i, "OK Copied");
	else
		imap_done_span(i, "OK [COPYUID ", buf_span(&b), "] Copied");
	buf_deinit(&b);
}

/* What was moved is told as gone; then the reply. */
static int
tell(struct imap *i, struct copy_task *t)
{
	char storage[32];
	struct buf b;
	int rc = imap_view_sync(i, true);

	if (rc != 0)
		return rc == 1 ? 0 : rc;
	if (t->error < 0) {
		fail(i, t, t->error);
		return 0;
	}
	if (!t->has_moved || !(i->enabled & IMAP_CONDSTORE)) {
		imap_done(i, "OK Moved");
		return 0;
	}
	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put_u64(&b, i->view->seen_modseq); /* RFC 7162 3.2.9 */
	imap_done_span(i, "OK [HIGHESTMODSEQ ", buf_span(&b), "] Moved");
	return 0;
}

/* Take back all copies at once. ERR_AGAIN: somebody changed flags there. */
static int
undo_all(struct imap *i, struct copy_task *t)
{
	int rc =
	    message_expunge_set(i->env->store, t->to, &t->to_uids, &t->totals);

	if (rc == 0)
		rangeset_clear(&t->to_uids);
	return rc;
}

/* The same in batches. */
static void
undo_some(struct imap *i, struct copy_task *t)
{
	struct rangeset batch;
	uint32_t uid = 0, n;
	int rc = undo_all(i, t);

	rangeset_init(&batch);
	if (rc == ERR_AGAIN || rc == ERR_LIMIT)
		rc = 0;
	while (rc == 0 && batch.n_members < MESSAGE_EXPUNGE_BATCH &&
	       rangeset_next(&t->to_uids, uid + 1, &uid))
		rc = rangeset_add(&batch, uid, uid);
	if (rc == 0 && batch.n > 0)
		rc = message_expunge(i->env->store, t->to, &batch, &n);
	if (rc == 0 && batch.n > 0)
		rc = rangeset_remove(&t->to_uids, 1, uid);
	rangeset_deinit(&batch);
	/* What cannot be taken back (the target is gone, the store failed) is
	 * left; the reply says no in any case. */
	if (rc < 0 || t->to_uids.n == 0) {
		rangeset_clear(&t->to_uids);
		fail(i, t, t->error);
	}
}

/* --- the job --- */

static int
step_phase(struct imap *i, struct copy_task *t)
{
	switch (t->phase) {
	case COPY_SUM:
		return sum_up(i, t);
	case COPY_BATCHES:
		return take_batch(i, t);
	case COPY_TELL:
		return tell(i, t);
	case COPY_UNDO:
		undo_some(i, t);
		return 0;
	}
	return 0;
}

static enum imap_step
step_copy(struct imap *i)
{
	struct copy_task *t = i->task;
	enum copy_phase phase = t->phase;
	int rc = step_phase(i, t);

	if (rc == 0)
		return IMAP_MORE;
	t->error = rc;
	if (phase == COPY_TELL) {
		imap_error(i, rc);
	} else if (t->is_move) {
		tell_moved(i, t);
		t->phase = COPY_TELL;
	} else {
		t->phase = COPY_UNDO;
	}
	return IMAP_MORE;
}

static void
free_copy(struct imap *i)
{
	struct copy_task *t = i->task;

	/* The client is gone in the middle. */
	if (!t->is_move && !i->is_finished && t->to_uids.n > 0 &&
	    undo_all(i, t) < 0)
		t->error = ERR_AGAIN; /* Bugs: the copies stay */
	rangeset_deinit(&t->asked);
	rangeset_deinit(&t->from_uids);
	rangeset_deinit(&t->to_uids);
}

static const struct imap_job copy_job = { step_copy, free_copy, false };

/* --- the commands --- */

static int
find_target(struct imap *i, struct copy_task *t, struct span path)
{
	struct mailbox_view m;
	int rc = mailbox_find(i->env->store, i->account, path, &t->to);

	if (rc == 0)
		rc = mailbox_get(i->env->store, t->to, &m);
	if (rc < 0)
		return rc;
	t->uidvalidity = m.uidvalidity;
	t->totals.modseq = m.highest_modseq;
	return 0;
}

static void
start(struct imap *i, struct cur *args, bool is_move)
{
	struct copy_task *t = imap_alloc(i, sizeof(*t));
	struct imap_set set;
	struct span path;
	bool is_valid;
	int rc;

	if (t == NULL)
		return;
	if (imap_parse_sp(args) != PARSE_OK ||
	    imap_parse_set(args, &i->arena, &set) != PARSE_OK ||
	    imap_parse_sp(args) != PARSE_OK ||
	    imap_parse_mailbox(args, &i->arena, imap_is_utf8(i), &path,
	        &is_valid) != PARSE_OK ||
	    imap_parse_end(args) != PARSE_OK) {
		imap_bad(i, "Say a set and a mailbox");
		return;
	}
	t->is_move = is_move;
	t->phase = is_move ? COPY_BATCHES : COPY_SUM;
	memset(t->keyword_to, 0xff, sizeof(t->keyword_to));
	rangeset_init(&t->asked);
	rangeset_init(&t->from_uids);
	rangeset_init(&t->to_uids);
	imap_start_job(i, &copy_job, t);
	rc = imap_view_resolve(i->view, &set, i->is_uid, &t->asked);
	if (rc == ERR_SYNTAX) {
		imap_bad(i, "No such sequence number");
		return;
	}
	if (rc == 0)
		rc = is_valid && path.len > 0 ? find_target(i, t, path)
		                              : ERR_INVALID;
	if (rc < 0)
		fail(i, t, rc);
}

void
imap_copy(struct imap *i, struct cur *args)
{
	start(i, args, false);
}

void
imap_move(struct imap *i, struct cur *args)
{
	start(i, args, true);
}
