/* cmd_select.c - SELECT and EXAMINE (RFC 9051 6.3.2, 6.3.3) with CONDSTORE and
 * QRESYNC (RFC 7162 3.1.8, 3.2.5), CLOSE and UNSELECT (RFC 9051 6.4.1, 6.4.2).
 *
 * Only counts are read, so the answer is there at once, whatever the size. What
 * QRESYNC asks for follows as a job: it needs the view's set, and the log since
 * the client's MODSEQ, or where that is cut a look at all messages.
 *
 * Deviation: no UNSEEN code (RFC 3501 6.3.1): to find the first one takes a walk
 * over the mailbox, and RFC 9051 has dropped it. */
#include "imap/cmd_expunge.h"
#include "imap/imap_list.h"
#include "imap/imap_session.h"

/* The answer to SELECT without its lists of flags and the mailbox's name. */
#define SELECT_BYTES 1024

_Static_assert(SELECT_BYTES + 2 * MAX_MAILBOX_PATH + IMAP_FLAGS_BYTES <=
                   CONN_OUT_MAX - CONN_OUT_LOW,
    "what is waited for must come to be");
/* Of one step: changes of the log, or messages. */
#define QRESYNC_CHANGES  20
#define QRESYNC_MESSAGES 100
/* Pairs of RFC 7162 3.2.5.2 that are looked at. */
#define MAX_MATCHES    1000
#define VANISHED_RANGE 24 /* ",4294967295:4294967295" */

struct qresync {
	uint32_t uidvalidity;
	uint64_t modseq;
	bool has_known;
	struct imap_set known;     /* UIDs */
	struct imap_set match_seq; /* n == 0: not given */
	struct imap_set match_uid;
};

enum select_phase {
	SELECT_ANSWER,
	SELECT_PREPARE, /* the view's set is made */
	SELECT_LOG,     /* the log since the client's MODSEQ is read */
	SELECT_VANISHED,
	SELECT_CHANGED
};

struct select {
	uint32_t mailbox;
	bool is_read_only;
	bool has_qresync;
	enum select_phase phase;
	struct span path;
	struct imap_list *list; /* for its line, with IMAP4rev2; else NULL */
	struct qresync q;
	uint64_t walked;       /* of the log, up to this MODSEQ */
	struct rangeset known; /* UIDs that the client may know */
	struct rangeset vanished;
	struct rangeset changed; /* UIDs */
	size_t n_told;           /* ranges of vanished */
	struct imap_walk walk;
};

/* --- the grammar --- */

/* RFC 7162 7: known-uids and the like have no "*". */
static enum parse
parse_known(struct cur *c, struct arena *a, struct imap_set *out)
{
	if (imap_parse_set(c, a, out) != PARSE_OK || out->is_saved)
		return PARSE_BAD;
	for (uint32_t k = 0; k < out->n; k++)
		if (out->r[k].last == UINT32_MAX)
			return PARSE_BAD;
	return PARSE_OK;
}

/* "(" uidvalidity SP modseq [SP known-uids] [SP seq-match-data] ")" */
static enum parse
parse_qresync(struct cur *c, struct arena *a, struct qresync *q)
{
	if (imap_parse_sp(c) != PARSE_OK || !cur_skip(c, '(') ||
	    imap_parse_nz_number(c, &q->uidvalidity) != PARSE_OK ||
	    imap_parse_sp(c) != PARSE_OK ||
	    imap_parse_number64(c, &q->modseq) != PARSE_OK)
		return PARSE_BAD;
	if (cur_skip(c, ')'))
		return PARSE_OK;
	if (imap_parse_sp(c) != PARSE_OK)
		return PARSE_BAD;
	if (cur_peek(c) != '(') {
		q->has_known = true;
		if (parse_known(c, a, &q->known) != PARSE_OK)
			return PARSE_BAD;
		if (cur_skip(c, ')'))
			return PARSE_OK;
		if (imap_parse_sp(c) != PARSE_OK)
			return PARSE_BAD;
	}
	if (!cur_skip(c, '(') || parse_known(c, a, &q->match_seq) != PARSE_OK ||
	    imap_parse_sp(c) != PARSE_OK ||
	    parse_known(c, a, &q->match_uid) != PARSE_OK || !cur_skip(c, ')') ||
	    !cur_skip(c, ')'))
		return PARSE_BAD;
	return PARSE_OK;
}

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
			if (parse_qresync(c, a, &s->q) != PARSE_OK)
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
put_answer(struct imap *i, const struct select *s, const struct mailbox_view *m)
{
	struct buf *out = conn_out(i->conn);

	buf_putf(out, "* %u EXISTS\r\n", (unsigned)m->n_messages);
	/* RFC 9051 A: there is no \Recent, and this server never sets it. */
	if (!(i->enabled & IMAP_REV2))
		buf_put_str(out, "* 0 RECENT\r\n");
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
	/* RFC 7162 3.2.5.1: of another life of the mailbox nothing is known. */
	if (s->has_qresync && s->q.uidvalidity == m.uidvalidity)
		s->phase = SELECT_PREPARE;
	else
		end_select(i, s);
	return 0;
}

/* --- QRESYNC --- */

static int
add_known(struct select *s, const struct imap_set *set)
{
	int rc = 0;

	for (uint32_t k = 0; k < set->n && rc == 0; k++)
		rc = rangeset_add(&s->known, set->r[k].first, set->r[k].last);
	return rc;
}

/* The set is made: what may the client know? */
static int
begin_log(struct imap *i, struct select *s)
{
	struct mailbox_view m;
	int rc = mailbox_get(i->env->store, s->mailbox, &m);

	if (rc < 0)
		return rc;
	if (s->q.has_known)
		rc = add_known(s, &s->q.known);
	else
		rc = rangeset_add(&s->known, 1, UINT32_MAX - 1);
	/* UIDs that were never given are not told as vanished. */
	if (rc == 0)
		rc = rangeset_remove(&s->known, m.uidnext, UINT32_MAX);
	s->walked = s->q.modseq;
	s->phase = SELECT_LOG;
	return rc;
}

static int
add_all(struct rangeset *to, const struct rangeset *uids)
{
	int rc = 0;

	for (size_t k = 0; k < uids->n && rc == 0; k++)
		rc = rangeset_add(to, uids->r[k].first, uids->r[k].last);
	return rc;
}

/* Replace *a by what it shares with b, or has alone. */
static int
cut_down(struct rangeset *a, const struct rangeset *b,
    int (*how)(
        const struct rangeset *, const struct rangeset *, struct rangeset *))
{
	struct rangeset out;
	int rc;

	rangeset_init(&out);
	rc = how(a, b, &out);
	if (rc < 0) {
		rangeset_deinit(&out);
		return rc;
	}
	rangeset_deinit(a);
	*a = out;
	return 0;
}

/* The number with n before it in a set of numbers as written; 0: past it. */
static uint32_t
nth_of(const struct imap_set *set, uint32_t n)
{
	for (uint32_t k = 0; k < set->n; k++) {
		uint32_t width = set->r[k].last - set->r[k].first;

		if (n <= width)
			return set->r[k].first + n;
		n -= width + 1;
	}
	return 0;
}

/* RFC 7162 3.2.5.2: up to the last pair that is still true nothing has
 * vanished that the client does not know of. */
static uint32_t
last_match(const struct imap_view *v, const struct qresync *q)
{
	uint32_t uid = 0;

	for (uint32_t n = 0; n < MAX_MATCHES; n++) {
		uint32_t u = nth_of(&q->match_uid, n);
		uint32_t seq = nth_of(&q->match_seq, n);

		if (u == 0 || seq == 0 || imap_view_uid(v, seq) != u)
			break;
		uid = u;
	}
	return uid;
}

/* The log is cut: all that the client knows and is not there, and the flags of
 * all that is. */
static int
compare_all(struct imap *i, struct select *s)
{
	const struct rangeset *view = imap_view_uids(i->view);
	uint32_t uid = last_match(i->view, &s->q);
	int rc = rangeset_subtract(&s->known, view, &s->vanished);

	if (rc == 0 && uid > 0)
		rc = rangeset_remove(&s->vanished, 1, uid);
	if (rc == 0)
		rc = rangeset_intersect(&s->known, view, &s->changed);
	s->phase = SELECT_VANISHED;
	return rc;
}

/* All that happened up to the view's place is collected. */
static int
end_log(struct imap *i, struct select *s)
{
	int rc = cut_down(&s->vanished, &s->known, rangeset_intersect);

	if (rc == 0)
		rc = cut_down(&s->changed, &s->known, rangeset_intersect);
	if (rc == 0)
		rc = cut_down(
		    &s->changed, imap_view_uids(i->view), rangeset_intersect);
	s->phase = SELECT_VANISHED;
	return rc;
}

static int
read_log(struct imap *i, struct select *s)
{
	struct change c;
	int rc = 0;

	change_init(&c);
	for (int n = 0; n < QRESYNC_CHANGES && rc == 0; n++) {
		rc = change_next(i->env->store, s->mailbox, s->walked, &c);
		if (rc == 0 && c.modseq > i->view->seen_modseq)
			rc = ERR_NONE;
		if (rc == 0)
			rc = add_all(c.kind == CHANGE_VANISHED ? &s->vanished
			                                       : &s->changed,
			    &c.uids);
		if (rc == 0)
			s->walked = c.modseq;
	}
	change_deinit(&c);
	if (rc == ERR_NONE)
		return end_log(i, s);
	return rc == ERR_GONE ? compare_all(i, s) : rc;
}

/* Some of VANISHED (EARLIER); a line of them at a time. */
static void
put_vanished(struct imap *i, struct select *s)
{
	struct buf *out = conn_out(i->conn);
	size_t begin = out->len;
	const struct rangeset *set = &s->vanished;
	size_t first = s->n_told;

	for (; s->n_told < set->n; s->n_told++) {
		struct range r = set->r[s->n_told];

		if (out->len - begin + 2 * VANISHED_RANGE > IMAP_REPLY_BYTES)
			break;
		buf_put_str(
		    out, s->n_told == first ? "* VANISHED (EARLIER) " : ",");
		buf_put_u64(out, r.first);
		if (r.last > r.first) {
			buf_put_char(out, ':');
			buf_put_u64(out, r.last);
		}
	}
	if (s->n_told > first)
		buf_put_str(out, "\r\n");
	if (s->n_told < set->n)
		return;
	s->phase = SELECT_CHANGED;
	imap_walk_init(&s->walk);
}

/* Some of the messages that changed: UID FETCH (FLAGS) CHANGEDSINCE. */
static int
put_changed(struct imap *i, struct select *s)
{
	size_t room = conn_out_room(i->conn);

	for (int n = 0; n < QRESYNC_MESSAGES; n++) {
		struct message m;
		int rc;

		if (room - conn_out_room(i->conn) + IMAP_FETCH_BYTES >
		    IMAP_REPLY_BYTES)
			return 0;
		if (!imap_walk_next(&s->walk, i->view, &s->changed)) {
			end_select(i, s);
			return 0;
		}
		rc = message_get(i->env->store, s->mailbox, s->walk.uid, &m);
		if (rc == 0 && m.modseq > s->q.modseq)
			imap_view_put_fetch(i, s->walk.seq, &m,
			    IMAP_TELL_UID | IMAP_TELL_FLAGS | IMAP_TELL_MODSEQ);
		else if (rc < 0 && rc != ERR_NONE)
			return rc;
	}
	return 0;
}

/* --- the job --- */

static void
free_select(struct imap *i)
{
	struct select *s = i->task;

	rangeset_deinit(&s->known);
	rangeset_deinit(&s->vanished);
	rangeset_deinit(&s->changed);
}

static int
step_phase(struct imap *i, struct select *s)
{
	int rc;

	switch (s->phase) {
	case SELECT_ANSWER:
		return answer(i, s);
	case SELECT_PREPARE:
		rc = imap_view_prepare(i);
		return rc == 0 ? begin_log(i, s) : rc < 0 ? rc : 0;
	case SELECT_LOG:
		return read_log(i, s);
	case SELECT_VANISHED:
		put_vanished(i, s);
		return 0;
	case SELECT_CHANGED:
		return put_changed(i, s);
	}
	return 0;
}

static enum imap_step
step_select(struct imap *i)
{
	struct select *s = i->task;
	int rc;

	if (s->phase == SELECT_ANSWER &&
	    conn_out_room(i->conn) <
	        SELECT_BYTES + 2 * s->path.len + IMAP_FLAGS_BYTES)
		return IMAP_WAIT;
	rc = step_phase(i, s);
	if (rc == 0)
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
	rangeset_init(&s->known);
	rangeset_init(&s->vanished);
	rangeset_init(&s->changed);
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
