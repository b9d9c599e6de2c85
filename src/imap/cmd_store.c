/* cmd_store.c - STORE and UID STORE (RFC 9051 6.4.6), with UNCHANGEDSINCE (RFC
 * 7162 3.1.3).
 *
 * A job: so many messages are changed by one operation, then told, then the
 * next; what waits to be told is never more than that.
 *
 * Decisions  a message that another session expunged is passed over; STORE says
 *            NO [EXPUNGEISSUED] at the end if there was one (RFC 2180 4.2.1),
 *            all others are changed. UID STORE says OK: a UID that is not there
 *            is no error (RFC 9051 6.4.9).
 *            With UNCHANGEDSINCE a message that failed is told with its flags
 *            of now (RFC 7162 3.1.3: the client knows what to merge with).
 */
#include "base/limits.h"
#include "imap/imap_session.h"

/* Ranges of messages that had changed, as a reply may name them: then the rest
 * is not tried, and named as one more. */
#define MAX_FAILED_RANGES 800

struct store_task {
	struct message_flags how;
	bool is_silent;
	bool has_unchanged_since;
	bool is_done;     /* with the changes: the last batch is told */
	bool is_cut;      /* too many failed: the rest was not tried */
	bool has_missing; /* expunged by others */
	bool has_changed; /* the batch: it has this MODSEQ */
	uint64_t modseq;
	uint32_t at_uid; /* changed up to here */
	struct rangeset asked;
	struct rangeset batch;
	struct rangeset failed; /* all that failed UNCHANGEDSINCE */
	struct imap_walk walk;  /* of the batch, being told */
};

/* --- the grammar --- */

/* "(" UNCHANGEDSINCE SP modseq ")" SP */
static enum parse
parse_modifiers(struct cur *c, struct store_task *t)
{
	t->how.unchanged_since = UINT64_MAX;
	if (cur_peek(c) != '(')
		return PARSE_OK;
	cur_skip(c, '(');
	if (imap_parse_word(c, SPAN("UNCHANGEDSINCE")) != PARSE_OK ||
	    imap_parse_sp(c) != PARSE_OK ||
	    imap_parse_number64(c, &t->how.unchanged_since) != PARSE_OK ||
	    !cur_skip(c, ')') || imap_parse_sp(c) != PARSE_OK)
		return PARSE_BAD;
	t->has_unchanged_since = true;
	return PARSE_OK;
}

/* RFC 9051 9: store-att-flags. */
static enum parse
parse_att_flags(
    struct cur *c, struct arena *a, struct store_task *t, struct imap_flags *f)
{
	t->how.how = MESSAGE_REPLACE;
	if (cur_skip(c, '+'))
		t->how.how = MESSAGE_ADD;
	else if (cur_skip(c, '-'))
		t->how.how = MESSAGE_REMOVE;
	if (cur_skip_nocase(c, SPAN("FLAGS.SILENT")))
		t->is_silent = true;
	else if (!cur_skip_nocase(c, SPAN("FLAGS")))
		return PARSE_BAD;
	if (imap_parse_sp(c) != PARSE_OK ||
	    imap_parse_flags(c, a, true, f) != PARSE_OK)
		return PARSE_BAD;
	t->how.flags = f->flags;
	return imap_parse_end(c);
}

/* --- keywords --- */

/* The bits of the keywords. One to be removed that nobody has needs none. */
static int
find_bits(struct imap *i, struct store_task *t, const struct imap_flags *f)
{
	struct store *s = i->env->store;
	uint32_t mailbox = i->view->mailbox;

	for (uint32_t n = 0; n < f->n_keywords; n++) {
		unsigned bit;
		int rc =
		    t->how.how == MESSAGE_REMOVE
		        ? mailbox_find_keyword(s, mailbox, f->keywords[n], &bit)
		        : mailbox_add_keyword(s, mailbox, f->keywords[n], &bit);

		if (rc == ERR_NONE && t->how.how == MESSAGE_REMOVE)
			continue;
		if (rc < 0)
			return rc;
		t->how.keywords |= UINT64_C(1) << bit;
	}
	return 0;
}

/* --- changing --- */

static int
fill_batch(struct store_task *t)
{
	int rc = 0;

	rangeset_clear(&t->batch);
	while (rc == 0 && t->batch.n_members < MESSAGE_FLAGS_BATCH) {
		if (t->at_uid == UINT32_MAX ||
		    !rangeset_next(&t->asked, t->at_uid + 1, &t->at_uid)) {
			t->is_done = true;
			break;
		}
		rc = rangeset_add(&t->batch, t->at_uid, t->at_uid);
	}
	return rc;
}

static int
change_batch(struct imap *i, struct store_task *t)
{
	int rc = fill_batch(t);

	if (rc == 0)
		rc = message_set_flags(i->env->store, i->view->mailbox,
		    &t->batch, &t->how, &t->failed, &t->modseq);
	if (rc == 0 && t->failed.n >= MAX_FAILED_RANGES && !t->is_done) {
		rc = rangeset_add(
		    &t->failed, t->at_uid + 1, rangeset_last(&t->asked));
		t->is_done = t->is_cut = true;
	}
	t->has_changed = t->modseq > 0;
	if (t->has_changed)
		imap_view_own(i->view, t->modseq);
	imap_walk_init(&t->walk);
	return rc;
}

/* --- telling --- */

/* RFC 7162 3.1.3: with .SILENT a MODSEQ alone, of what really changed. */
static unsigned
parts_of(
    const struct imap *i, const struct store_task *t, const struct message *m)
{
	unsigned parts = 0;

	if (!t->is_silent || rangeset_has(&t->failed, m->uid))
		parts = IMAP_TELL_FLAGS;
	if ((i->enabled & IMAP_CONDSTORE) &&
	    (parts != 0 || (t->has_changed && m->modseq == t->modseq)))
		parts |= IMAP_TELL_MODSEQ;
	if (parts != 0 && (i->is_uid || (i->enabled & IMAP_CONDSTORE)))
		parts |= IMAP_TELL_UID;
	return parts;
}

/* Tell of the batch. 1: there is more of it. */
static int
tell_batch(struct imap *i, struct store_task *t)
{
	size_t room = conn_out_room(i->conn);
	struct message m;

	for (;;) {
		struct imap_walk before = t->walk;
		unsigned parts;
		int rc;

		if (!imap_walk_next(&t->walk, i->view, &t->batch))
			return 0;
		rc = message_get(
		    i->env->store, i->view->mailbox, t->walk.uid, &m);
		if (rc == ERR_NONE) {
			t->has_missing = true;
			continue;
		}
		if (rc < 0)
			return rc;
		parts = parts_of(i, t, &m);
		if (parts == 0)
			continue;
		if (room - conn_out_room(i->conn) + IMAP_FETCH_BYTES >
		    IMAP_REPLY_BYTES) {
			t->walk = before;
			return 1;
		}
		imap_view_tell_keywords(i, m.keywords);
		imap_view_put_fetch(i, t->walk.seq, &m, parts);
	}
}

/* --- the job --- */

static void
end_store(struct imap *i, struct store_task *t)
{
	const char *word = (t->has_missing && !i->is_uid) || t->is_cut
	                       ? "NO [MODIFIED "
	                       : "OK [MODIFIED ";
	struct rangeset *set = &t->failed, seqs;
	struct imap_walk w;
	struct buf b;
	int rc = 0;

	imap_view_tell_keywords(i, t->how.keywords);
	if (t->failed.n == 0) {
		imap_done(i, t->has_missing && !i->is_uid
		                 ? "NO [EXPUNGEISSUED] Some are gone"
		                 : "OK Stored");
		return;
	}
	rangeset_init(&seqs);
	imap_walk_init(&w);
	while (
	    rc == 0 && !i->is_uid && imap_walk_next(&w, i->view, &t->failed)) {
		rc = rangeset_add(&seqs, w.seq, w.seq);
		set = &seqs;
	}
	buf_init(&b, IMAP_ARENA_BYTES / 2);
	imap_put_set(&b, set);
	rangeset_deinit(&seqs);
	if (rc < 0 || buf_failed(&b))
		imap_error(i, ERR_NOMEM);
	else
		imap_done_span(i, word, buf_span(&b), "] Some had changed");
	buf_deinit(&b);
}

static enum imap_step
step_store(struct imap *i)
{
	struct store_task *t = i->task;
	int rc = tell_batch(i, t);

	if (rc == 0 && t->is_done) {
		end_store(i, t);
		return IMAP_MORE;
	}
	if (rc == 0)
		rc = change_batch(i, t);
	if (rc < 0)
		imap_error(i, rc);
	return IMAP_MORE;
}

static void
free_store(struct imap *i)
{
	struct store_task *t = i->task;

	rangeset_deinit(&t->asked);
	rangeset_deinit(&t->batch);
	rangeset_deinit(&t->failed);
}

static const struct imap_job store_job = { step_store, free_store, false };

void
imap_store(struct imap *i, struct cur *args)
{
	struct store_task *t = imap_alloc(i, sizeof(*t));
	struct imap_flags f = { 0 };
	struct imap_set set;
	int rc;

	if (t == NULL)
		return;
	if (imap_parse_sp(args) != PARSE_OK ||
	    imap_parse_set(args, &i->arena, &set) != PARSE_OK ||
	    imap_parse_sp(args) != PARSE_OK ||
	    parse_modifiers(args, t) != PARSE_OK ||
	    parse_att_flags(args, &i->arena, t, &f) != PARSE_OK) {
		imap_bad(i, "STORE takes a set, FLAGS, +FLAGS or -FLAGS, and "
		            "flags");
		return;
	}
	rangeset_init(&t->asked);
	rangeset_init(&t->batch);
	rangeset_init(&t->failed);
	imap_start_job(i, &store_job, t);
	rc = imap_view_resolve(i->view, &set, i->is_uid, &t->asked);
	if (rc == 0)
		rc = find_bits(i, t, &f);
	if (rc == 0 && t->has_unchanged_since)
		imap_enable_condstore(i); /* RFC 7162 3.1 */
	if (rc == ERR_SYNTAX)
		imap_bad(i, "No such sequence number");
	else if (rc < 0)
		imap_error(i, rc);
}
