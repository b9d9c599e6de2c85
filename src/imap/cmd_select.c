/* cmd_select.c - SELECT and EXAMINE (RFC 9051 6.3.2, 6.3.3) with CONDSTORE and
 * QRESYNC (RFC 7162 3.1.8, 3.2.5), CLOSE and UNSELECT (RFC 9051 6.4.1, 6.4.2).
 *
 * Only counts are read, so the answer is there at once, whatever the size. What
 * QRESYNC asks for follows as a job (resync.h).
 *
 * Deviation: UNSEEN (RFC 3501 6.3.1) is told if the first unseen message is
 * among the first UNSEEN_WALK; RFC 9051 has dropped it. */
#include "imap/cmd_expunge.h"
#include "imap/imap_list.h"
#include "imap/imap_recent.h"
#include "imap/imap_session.h"
#include "imap/resync.h"

/* The answer to SELECT without its lists of flags and the mailbox's name. */
#define SELECT_BYTES 1024

_Static_assert(SELECT_BYTES + 2 * MAX_MAILBOX_PATH + IMAP_FLAGS_BYTES <=
                   CONN_OUT_MAX - CONN_OUT_LOW,
    "what is waited for must come to be");

/* Messages looked at for the first that is not seen: a fifth of a ms. */
#define UNSEEN_WALK 500

struct select {
	uint32_t mailbox;
	bool is_read_only;
	bool has_qresync;
	bool is_answered;
	struct span path;
	struct imap_list *list; /* for its line, with IMAP4rev2; else NULL */
	struct resync resync;
};

/* --- the grammar --- */

/* RFC 4466 2.4: select-params. */
static enum parse
parse_params(
    struct cur *c, struct arena *a, struct select *s, bool *has_condstore)
{
	if (cur_is_end(c))
		return PARSE_OK;
	if (imap_parse_sp(c) != PARSE_OK || !cur_skip(c, '('))
		return PARSE_BAD;
	do {
		if (imap_parse_word(c, SPAN("CONDSTORE")) == PARSE_OK) {
			*has_condstore = true;
		} else if (imap_parse_word(c, SPAN("QRESYNC")) == PARSE_OK) {
			s->has_qresync = true;
			if (resync_parse(c, a, &s->resync) != PARSE_OK)
				return PARSE_BAD;
		} else {
			return PARSE_BAD;
		}
	} while (imap_parse_sp(c) == PARSE_OK);
	return cur_skip(c, ')') ? imap_parse_end(c) : PARSE_BAD;
}

/* --- the answer --- */

static void
put_code(struct buf *out, const char *code, uint64_t n, const char *text)
{
	buf_putf(out, "* OK [%s ", code);
	buf_put_u64(out, n);
	buf_putf(out, "] %s\r\n", text);
}

static void
put_unseen(struct imap *i, const struct mailbox_view *m)
{
	struct message e = { .uid = 0 };

	if (m->n_unseen == 0)
		return;
	for (uint32_t seq = 1; seq <= UNSEEN_WALK; seq++) {
		if (message_next(i->env->store, m->id, e.uid + 1, &e) < 0)
			return;
		if (e.flags & MESSAGE_SEEN)
			continue;
		put_code(conn_out(i->conn), "UNSEEN", seq, "The first unseen");
		return;
	}
}

static void
put_answer(struct imap *i, const struct select *s, const struct mailbox_view *m)
{
	struct buf *out = conn_out(i->conn);

	buf_putf(out, "* %u EXISTS\r\n", (unsigned)m->n_messages);
	if (!(i->enabled & IMAP_REV2)) /* RFC 9051 A: it has none */
		buf_putf(out, "* %u RECENT\r\n",
		    (unsigned)imap_recent_count(i->view));
	if (!(i->enabled & IMAP_REV2))
		put_unseen(i, m);
	imap_view_put_flags(i);
	put_code(out, "UIDVALIDITY", m->uidvalidity, "UIDs are of this time");
	put_code(out, "UIDNEXT", m->uidnext, "The next UID");
	put_code(out, "HIGHESTMODSEQ", m->highest_modseq, "The last change");
	buf_put_str(out, "* OK [MAILBOXID ("); /* RFC 8474 4.1 */
	imap_put_object_id(out, 'F', m->object_id);
	buf_put_str(out, ")] The mailbox itself\r\n");
	if (s->list != NULL) { /* RFC 9051 6.3.2 */
		struct imap_list_entry e = { .path = s->path };

		imap_list_put(i, s->list, &e);
	}
}

static void
end_select(struct imap *i, const struct select *s)
{
	imap_done(i, s->is_read_only ? "OK [READ-ONLY] Selected"
	                             : "OK [READ-WRITE] Selected");
}

/* 1: what QRESYNC asks for is still to be told. */
static int
answer(struct imap *i, struct select *s)
{
	struct mailbox_view m;
	int rc = imap_view_open(i, s->mailbox, s->is_read_only);

	if (rc == 0)
		rc = mailbox_get(i->env->store, s->mailbox, &m);
	if (rc < 0) {
		imap_view_close(i);
		return rc;
	}
	i->state = IMAP_SELECTED;
	put_answer(i, s, &m);
	s->is_answered = true;
	/* RFC 7162 3.2.5.1: of another life of the mailbox nothing is known. */
	return s->has_qresync && s->resync.uidvalidity == m.uidvalidity;
}

/* --- the job --- */

static void
free_select(struct imap *i)
{
	struct select *s = i->task;

	resync_deinit(&s->resync);
}

static enum imap_step
step_select(struct imap *i)
{
	struct select *s = i->task;
	int rc;

	if (!s->is_answered && conn_out_room(i->conn) < SELECT_BYTES +
	                                                    2 * s->path.len +
	                                                    IMAP_FLAGS_BYTES)
		return IMAP_WAIT;
	rc = s->is_answered ? resync_step(i, s->mailbox, &s->resync)
	                    : answer(i, s);
	if (rc == 0)
		end_select(i, s);
	if (rc >= 0)
		return IMAP_MORE;
	/* RFC 9051 6.3.2: then nothing is selected. */
	imap_view_close(i);
	i->state = IMAP_AUTHENTICATED;
	imap_error(i, rc);
	return IMAP_MORE;
}

static const struct imap_job select_job = { step_select, free_select, false };

/* --- the commands --- */

/* Leave the mailbox that was selected until now. */
static void
leave(struct imap *i)
{
	if (i->view == NULL)
		return;
	imap_view_close(i);
	i->state = IMAP_AUTHENTICATED;
	conn_put_str(i->conn, "* OK [CLOSED] The other mailbox is closed\r\n");
}

static void
select_mailbox(struct imap *i, struct cur *args, bool is_read_only)
{
	struct select *s = imap_alloc(i, sizeof(*s));
	bool is_valid, has_condstore = false;
	int rc;

	if (s == NULL)
		return;
	if (imap_parse_sp(args) != PARSE_OK ||
	    imap_parse_mailbox(args, &i->arena, imap_is_utf8(i), &s->path,
	        &is_valid) != PARSE_OK ||
	    parse_params(args, &i->arena, s, &has_condstore) != PARSE_OK) {
		imap_bad(i, "SELECT takes a mailbox, and (CONDSTORE) or "
		            "(QRESYNC (...))");
		return;
	}
	if (s->has_qresync && !(i->enabled & IMAP_QRESYNC)) {
		imap_bad(i, "ENABLE QRESYNC first"); /* RFC 7162 3.2.5 */
		return;
	}
	leave(i);
	if (has_condstore)
		imap_enable_condstore(i);
	rc = is_valid
	         ? mailbox_find(i->env->store, i->account, s->path, &s->mailbox)
	         : ERR_NONE;
	if (rc < 0) {
		imap_error(i, rc);
		return;
	}
	if (i->enabled & IMAP_REV2) {
		s->list = imap_alloc(i, sizeof(*s->list));
		if (s->list == NULL)
			return;
	}
	s->is_read_only = is_read_only;
	resync_init(&s->resync);
	imap_start_job(i, &select_job, s);
}

void
imap_select(struct imap *i, struct cur *args)
{
	select_mailbox(i, args, false);
}

void
imap_examine(struct imap *i, struct cur *args)
{
	select_mailbox(i, args, true);
}

void
imap_unselect(struct imap *i, struct cur *args)
{
	(void)args;
	imap_view_close(i);
	i->state = IMAP_AUTHENTICATED;
	imap_done(i, "OK Closed");
}

void
imap_close(struct imap *i, struct cur *args)
{
	if (i->view->is_read_only) /* RFC 9051 6.4.1: nothing is expunged */
		imap_unselect(i, args);
	else
		imap_expunge_and_close(i);
}
