/* cmd_expunge.c - EXPUNGE (RFC 9051 6.4.3), UID EXPUNGE (RFC 4315 2.1), and the
 * silent one of CLOSE.
 *
 * The messages with \Deleted are looked for in slices; then all go at once, few
 * as an operation, many as an intent. When flags change meanwhile, they go in
 * small batches, each of which looks again. What went is told as what other
 * sessions did is: by imap_view_sync.
 *
 * Decisions  a message that this session has not been told of is left: nobody
 *            here has seen it. */
#include "imap/cmd_expunge.h"

#include "imap/imap_session.h"

/* Messages looked at in a step. */
#define SCAN_MESSAGES 200
/* Looks again at all after others changed flags. */
#define MAX_SCANS 3

enum expunge_phase { EXPUNGE_SCAN, EXPUNGE_ALL, EXPUNGE_BATCHES, EXPUNGE_TELL };

struct expunge {
	enum expunge_phase phase;
	bool is_close;
	bool is_limited; /* UID EXPUNGE: only among uids */
	struct rangeset uids;
	struct rangeset found; /* with \Deleted */
	struct expunge_totals totals;
	uint32_t n_deleted; /* of the mailbox, when the scan began */
	uint32_t n_scans;
	uint32_t at_uid; /* the scan, and the batches, go on behind it */
	uint32_t n_gone;
};

/* --- looking --- */

static int
begin_scan(struct imap *i, struct expunge *e)
{
	struct mailbox_view m;
	int rc = mailbox_get(i->env->store, i->view->mailbox, &m);

	if (rc < 0)
		return rc;
	rangeset_clear(&e->found);
	e->totals = (struct expunge_totals){ .modseq = m.highest_modseq };
	e->n_deleted = m.n_deleted;
	e->at_uid = 0;
	e->n_scans++;
	e->phase = EXPUNGE_SCAN;
	return 0;
}

static bool
next_uid(const struct imap *i, const struct expunge *e, uint32_t *uid)
{
	if (*uid == UINT32_MAX)
		return false;
	if (e->is_limited)
		return rangeset_next(&e->uids, *uid + 1, uid);
	return imap_view_next(i->view, *uid + 1, uid);
}

static int
scan(struct imap *i, struct expunge *e)
{
	struct message m;

	for (int n = 0; n < SCAN_MESSAGES; n++) {
		int rc;

		/* The counts say when there can be no more. */
		if (e->found.n_members >= e->n_deleted ||
		    !next_uid(i, e, &e->at_uid)) {
			e->phase = EXPUNGE_ALL;
			e->at_uid = 0;
			return 0;
		}
		rc =
		    message_get(i->env->store, i->view->mailbox, e->at_uid, &m);
		if (rc == 0 && (m.flags & MESSAGE_DELETED)) {
			message_total(&e->totals, &m);
			rc = rangeset_add(&e->found, m.uid, m.uid);
		}
		if (rc < 0 && rc != ERR_NONE)
			return rc;
	}
	return 0;
}

/* --- removing --- */

static int
remove_all(struct imap *i, struct expunge *e)
{
	int rc;

	e->phase = EXPUNGE_TELL;
	if (e->found.n == 0)
		return 0;
	if (e->found.n_members <= MESSAGE_EXPUNGE_BATCH) {
		e->phase = EXPUNGE_BATCHES;
		return 0;
	}
	rc = message_expunge_set(
	    i->env->store, i->view->mailbox, &e->found, &e->totals);
	if (rc == 0)
		e->n_gone = (uint32_t)e->found.n_members;
	if (rc == ERR_AGAIN && e->n_scans < MAX_SCANS)
		return begin_scan(i, e);
	if (rc == ERR_AGAIN || rc == ERR_LIMIT) {
		e->phase = EXPUNGE_BATCHES;
		rc = 0;
	}
	return rc;
}

/* The next ones that still have \Deleted. */
static int
remove_batch(struct imap *i, struct expunge *e)
{
	struct rangeset batch;
	struct message m;
	uint32_t n = 0;
	int rc = 0;

	rangeset_init(&batch);
	while (rc == 0 && batch.n_members < MESSAGE_EXPUNGE_BATCH) {
		if (e->at_uid == UINT32_MAX ||
		    !rangeset_next(&e->found, e->at_uid + 1, &e->at_uid)) {
			e->phase = EXPUNGE_TELL;
			break;
		}
		rc =
		    message_get(i->env->store, i->view->mailbox, e->at_uid, &m);
		if (rc == 0 && (m.flags & MESSAGE_DELETED))
			rc = rangeset_add(&batch, m.uid, m.uid);
		else if (rc == ERR_NONE)
			rc = 0;
	}
	if (rc == 0)
		rc = message_expunge(
		    i->env->store, i->view->mailbox, &batch, &n);
	e->n_gone += n;
	rangeset_deinit(&batch);
	return rc;
}

/* --- the end --- */

/* RFC 7162 3.2.7, 3.2.8: the client's cache is good up to here. */
static void
answer(struct imap *i, uint64_t modseq, bool has_changed, const char *text)
{
	char storage[32];
	struct buf b;

	if (!has_changed || !(i->enabled & IMAP_CONDSTORE)) {
		imap_done_span(i, "OK ", span_str(text), "");
		return;
	}
	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put_u64(&b, modseq);
	buf_put_str(&b, "] ");
	imap_done_span(i, "OK [HIGHESTMODSEQ ", buf_span(&b), text);
}

static int
finish(struct imap *i, struct expunge *e)
{
	uint64_t modseq;
	int rc;

	if (e->is_close) {
		modseq = mailbox_modseq(i->env->store, i->view->mailbox);
		imap_view_close(i);
		i->state = IMAP_AUTHENTICATED;
		answer(i, modseq, e->n_gone > 0, "Closed");
		return 0;
	}
	rc = imap_view_sync(i, true);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	answer(i, i->view->seen_modseq, e->n_gone > 0, "Expunged");
	return 0;
}

static int
step_phase(struct imap *i, struct expunge *e)
{
	switch (e->phase) {
	case EXPUNGE_SCAN:
		return scan(i, e);
	case EXPUNGE_ALL:
		return remove_all(i, e);
	case EXPUNGE_BATCHES:
		return remove_batch(i, e);
	case EXPUNGE_TELL:
		return finish(i, e);
	}
	return 0;
}

static enum imap_step
step_expunge(struct imap *i)
{
	struct expunge *e = i->task;
	int rc = step_phase(i, e);

	if (rc == 0)
		return IMAP_MORE;
	/* RFC 9051 6.4.1: CLOSE leaves the mailbox in any case. */
	if (e->is_close) {
		imap_view_close(i);
		i->state = IMAP_AUTHENTICATED;
	}
	imap_error(i, rc);
	return IMAP_MORE;
}

static void
free_expunge(struct imap *i)
{
	struct expunge *e = i->task;

	rangeset_deinit(&e->uids);
	rangeset_deinit(&e->found);
}

static const struct imap_job expunge_job = { step_expunge, free_expunge,
	false };

static void
start(struct imap *i, struct expunge *e)
{
	int rc = begin_scan(i, e);

	imap_start_job(i, &expunge_job, e);
	if (rc < 0)
		imap_error(i, rc);
}

static struct expunge *
new_expunge(struct imap *i)
{
	struct expunge *e = imap_alloc(i, sizeof(*e));

	if (e != NULL) {
		rangeset_init(&e->uids);
		rangeset_init(&e->found);
	}
	return e;
}

void
imap_expunge(struct imap *i, struct cur *args)
{
	struct expunge *e = new_expunge(i);
	struct imap_set set;
	int rc = 0;

	if (e == NULL)
		return;
	if (i->is_uid) {
		if (imap_parse_sp(args) != PARSE_OK ||
		    imap_parse_set(args, &i->arena, &set) != PARSE_OK ||
		    imap_parse_end(args) != PARSE_OK) {
			imap_bad(i, "UID EXPUNGE takes a set of UIDs");
			return;
		}
		e->is_limited = true;
		rc = imap_view_resolve(i->view, &set, true, &e->uids);
	}
	if (rc == 0) {
		start(i, e);
		return;
	}
	rangeset_deinit(&e->uids);
	imap_error(i, rc);
}

void
imap_expunge_and_close(struct imap *i)
{
	struct expunge *e = new_expunge(i);

	if (e != NULL) {
		e->is_close = true;
		start(i, e);
	}
}
