/* Telling what changed, of imap_view.h. */
#include "imap/imap_recent.h"
#include "imap/imap_session.h"
#include "imap/imap_uids.h"

/* What one call may do: changes of the log, and messages looked at. */
#define SYNC_CHANGES  8
#define SYNC_MESSAGES 200
/* The longest line that is not a FETCH with keywords. */
#define SYNC_LINE 160

_Static_assert(
    MAX_KEYWORDS *(MAX_KEYWORD_BYTES + 1) + SYNC_LINE <= IMAP_FETCH_BYTES &&
        IMAP_FETCH_BYTES + SYNC_LINE <= IMAP_REPLY_BYTES,
    "one FETCH must fit what a call may put");

struct sync {
	struct imap *i;
	struct imap_view *v;
	struct store *store;
	bool may_expunge;
};

/* Can so much more be put, and a line behind it? */
static bool
has_room(const struct sync *s, size_t bytes)
{
	return conn_out_room(s->i->conn) >= bytes + SYNC_LINE;
}

/* --- FLAGS --- */

static uint64_t
put_keyword_names(struct imap *i, struct buf *out)
{
	uint64_t named = 0;

	for (unsigned bit = 0; bit < MAX_KEYWORDS; bit++) {
		size_t len = out->len;

		buf_put_char(out, ' ');
		/* Bits are given in order and never back. */
		if (mailbox_keyword(i->env->store, i->view->mailbox, bit, out) <
		    0) {
			buf_truncate(out, len);
			break;
		}
		named |= (uint64_t)1 << bit;
	}
	return named;
}

#define SYSTEM_FLAGS "\\Answered \\Flagged \\Deleted \\Seen \\Draft"

void
imap_view_put_flags(struct imap *i)
{
	struct buf *out = conn_out(i->conn);

	buf_put_str(out, "* FLAGS (" SYSTEM_FLAGS);
	i->view->keywords_told = put_keyword_names(i, out);
	if (i->view->is_read_only) {
		buf_put_str(out, ")\r\n* OK [PERMANENTFLAGS ()] Read-only\r\n");
		return;
	}
	buf_put_str(out, ")\r\n* OK [PERMANENTFLAGS (" SYSTEM_FLAGS);
	put_keyword_names(i, out);
	/* RFC 9051 7.1: "\*" while new ones can be made. */
	if (i->view->keywords_told != UINT64_MAX)
		buf_put_str(out, " \\*");
	buf_put_str(out, ")] Flags kept\r\n");
}

void
imap_view_tell_keywords(struct imap *i, uint64_t keywords)
{
	if ((keywords & ~i->view->keywords_told) == 0 ||
	    conn_out_room(i->conn) < IMAP_FLAGS_BYTES + IMAP_REPLY_BYTES)
		return;
	imap_view_put_flags(i);
	/* A bit without a name would be told again and again. */
	i->view->keywords_told |= keywords;
}

/* --- EXISTS, EXPUNGE, VANISHED --- */

static void
tell_exists(struct sync *s)
{
	uint32_t n = imap_view_count(s->v);
	uint32_t n_recent = imap_recent_count(s->v);
	bool is_same = s->v->n_told == n;

	if (!is_same)
		buf_putf(conn_out(s->i->conn), "* %u EXISTS\r\n", (unsigned)n);
	/* RFC 3501 7.3.2: with EXISTS, and when one was expunged. */
	if (!(s->i->enabled & IMAP_REV2) &&
	    (!is_same || n_recent != s->v->n_recent))
		buf_putf(conn_out(s->i->conn), "* %u RECENT\r\n",
		    (unsigned)n_recent);
	s->v->n_told = n;
	s->v->n_recent = n_recent;
}

/* RFC 7162 3.2.10: UIDs, many in a line. */
static int
tell_vanished(struct sync *s, const struct rangeset *gone)
{
	struct buf *out = conn_out(s->i->conn);
	size_t k = 0;
	bool is_first = true;

	while (k < gone->n && gone->r[k].last <= s->v->told_uid)
		k++;
	for (; k < gone->n && has_room(s, SYNC_LINE); k++) {
		struct range r = gone->r[k];

		buf_put_str(out, is_first ? "* VANISHED " : ",");
		buf_put_u64(out, r.first);
		if (r.last > r.first) {
			buf_put_char(out, ':');
			buf_put_u64(out, r.last);
		}
		is_first = false;
		s->v->n_told -= r.last - r.first + 1;
		s->v->told_uid = r.last;
	}
	if (!is_first)
		buf_put_str(out, "\r\n");
	return k < gone->n;
}

/* Sequence numbers count what was told as gone already (RFC 9051 7.5.1). */
static int
tell_expunged(struct sync *s, const struct rangeset *gone)
{
	struct buf *out = conn_out(s->i->conn);
	uint32_t n_before;
	struct imap_walk w;

	imap_walk_init(&w);
	w.uid = s->v->told_uid;
	n_before =
	    w.uid == UINT32_MAX ? 0 : (uint32_t)rangeset_rank(gone, w.uid + 1);
	while (imap_walk_next(&w, s->v, gone)) {
		if (!has_room(s, SYNC_LINE))
			return 1;
		buf_put_str(out, "* ");
		buf_put_u64(out, w.seq - n_before++);
		buf_put_str(out, " EXPUNGE\r\n");
		s->v->n_told--;
		s->v->told_uid = w.uid;
	}
	return 0;
}

/* Tell the members of gone, all of the view, behind told_uid. 1: more. */
static int
tell_gone(struct sync *s, const struct rangeset *gone)
{
	if (s->v->told_uid == 0)
		tell_exists(s); /* what came in front of it */
	return s->i->enabled & IMAP_QRESYNC ? tell_vanished(s, gone)
	                                    : tell_expunged(s, gone);
}

/* --- FETCH --- */

static bool
is_own(const struct imap_view *v, uint64_t modseq)
{
	return v->own.n > 0 && modseq > v->own_base &&
	       modseq - v->own_base <= UINT32_MAX &&
	       rangeset_has(&v->own, (uint32_t)(modseq - v->own_base));
}

void
imap_view_put_fetch(
    struct imap *i, uint32_t seq, const struct message *m, unsigned parts)
{
	struct buf *out = conn_out(i->conn);
	const char *sep = "";

	buf_putf(out, "* %u FETCH (", (unsigned)seq);
	if (parts & IMAP_TELL_UID) {
		buf_putf(out, "UID %u", (unsigned)m->uid);
		sep = " ";
	}
	if (parts & IMAP_TELL_MODSEQ) {
		buf_putf(out, "%sMODSEQ (", sep);
		buf_put_u64(out, m->modseq);
		buf_put_char(out, ')');
		sep = " ";
	}
	if (parts & IMAP_TELL_FLAGS) {
		buf_putf(out, "%sFLAGS ", sep);
		imap_put_flags(out, i->env->store, i->view->mailbox,
		    m->flags | imap_recent_flag(i, m->uid), m->keywords);
	}
	buf_put_str(out, ")\r\n");
}

/* Put a message's flags of now. 1: no room. */
static int
tell_flags(struct sync *s, uint32_t seq, const struct message *m)
{
	if (!has_room(s, m->keywords == 0 ? SYNC_LINE : IMAP_FETCH_BYTES))
		return 1;
	imap_view_tell_keywords(s->i, m->keywords);
	if (s->v->n_told < seq)
		tell_exists(s);
	imap_view_put_fetch(s->i, seq, m,
	    IMAP_TELL_UID | IMAP_TELL_FLAGS |
	        (s->i->enabled & IMAP_CONDSTORE ? IMAP_TELL_MODSEQ : 0));
	return 0;
}

/* One change of flags. What was changed again later is told there, unless that
 * is a change of this session, which is not told. */
static int
tell_change(struct sync *s, const struct change *c)
{
	struct imap_walk w;
	struct message m;

	if (is_own(s->v, c->modseq))
		return 0;
	imap_walk_init(&w);
	w.uid = s->v->told_uid;
	while (imap_walk_next(&w, s->v, &c->uids)) {
		int rc = message_get(s->store, s->v->mailbox, w.uid, &m);

		if (rc < 0 && rc != ERR_NONE)
			return rc;
		if (rc == 0 &&
		    (m.modseq == c->modseq || is_own(s->v, m.modseq)))
			rc = tell_flags(s, w.seq, &m);
		if (rc == 1)
			return 1;
		s->v->told_uid = w.uid;
	}
	return 0;
}

/* --- the log --- */

/* The view stands at this MODSEQ now. */
static void
stand_at(struct imap_view *v, uint64_t modseq)
{
	v->seen_modseq = modseq;
	v->told_uid = 0;
	if (v->own.n == 0 || modseq <= v->own_base)
		return;
	if (modseq - v->own_base >= rangeset_last(&v->own))
		rangeset_deinit(&v->own);
}

static int
take_vanished(struct sync *s, const struct change *c)
{
	struct rangeset gone;
	int rc;

	rangeset_init(&gone);
	rc = rangeset_intersect(&s->v->uids->set, &c->uids, &gone);
	if (rc == 0 && gone.n > 0 && !s->may_expunge)
		rc = ERR_BUSY;
	if (rc == 0 && gone.n > 0)
		rc = tell_gone(s, &gone);
	if (rc == 0 && gone.n > 0)
		rc = imap_uids_change(&s->v->uids, c->modseq, false, &gone);
	rangeset_deinit(&gone);
	return rc;
}

/* Take one change. 1: a part of it. ERR_BUSY: it may not be told now. */
static int
take_change(struct sync *s, const struct change *c)
{
	int rc = 0;

	switch (c->kind) {
	case CHANGE_APPENDED:
		rc = imap_uids_change(&s->v->uids, c->modseq, true, &c->uids);
		if (rc == 0)
			imap_recent_take(s->v);
		break;
	case CHANGE_FLAGS:
		rc = tell_change(s, c);
		break;
	case CHANGE_VANISHED:
		rc = take_vanished(s, c);
		break;
	}
	if (rc == 0)
		stand_at(s->v, c->modseq);
	return rc;
}

/* --- when the log was cut --- */

static int
begin_compare(struct sync *s)
{
	struct mailbox_view m;
	int rc = mailbox_get(s->store, s->v->mailbox, &m);

	if (rc < 0)
		return rc;
	s->v->now = imap_view_take_now(s->v->uids->box, &m);
	if (s->v->now == NULL)
		return ERR_NOMEM;
	s->v->now_modseq = m.highest_modseq;
	s->v->told_uid = 0;
	return 1;
}

/* Make the set of now, tell what it lacks, and take it. */
static int
compare_sets(struct sync *s)
{
	struct imap_view *v = s->v;
	struct rangeset gone;
	int rc = imap_view_make(v->now);

	if (rc == ERR_GONE) { /* cut again meanwhile: begin anew */
		imap_uids_unref(v->now);
		v->now = NULL;
		return 1;
	}
	if (rc != 0)
		return rc;
	rangeset_init(&gone);
	rc = rangeset_subtract(&v->uids->set, &v->now->set, &gone);
	if (rc == 0 && gone.n > 0)
		rc = tell_gone(s, &gone);
	rangeset_deinit(&gone);
	if (rc != 0)
		return rc;
	imap_uids_unref(v->uids);
	v->uids = v->now;
	v->now = NULL;
	imap_recent_take(v);
	v->is_comparing = true;
	v->told_uid = 0;
	return 1;
}

/* Tell the flags of all messages that the client knows and that changed. */
static int
compare_flags(struct sync *s)
{
	struct imap_view *v = s->v;
	struct imap_walk w;
	struct message m;

	imap_walk_init(&w);
	w.uid = v->told_uid;
	for (int n = 0; n < SYNC_MESSAGES; n++) {
		int rc;

		if (!imap_walk_next(&w, v, &v->uids->set)) {
			v->is_comparing = false;
			stand_at(v, v->now_modseq);
			return 1;
		}
		rc = message_get(s->store, v->mailbox, w.uid, &m);
		if (rc < 0 && rc != ERR_NONE)
			return rc;
		if (rc == 0 && m.modseq > v->seen_modseq &&
		    m.born_modseq <= v->seen_modseq && !is_own(v, m.modseq))
			rc = tell_flags(s, w.seq, &m);
		if (rc == 1)
			return 1;
		v->told_uid = w.uid;
	}
	return 1;
}

/* --- */

/* 0: one step is done, 1: no more in this call, ERR_NONE: all is told. */
static int
sync_step(struct sync *s, struct change *c)
{
	int rc;

	if (s->v->is_comparing)
		return compare_flags(s);
	if (s->v->now != NULL)
		return s->may_expunge ? compare_sets(s) : ERR_BUSY;
	rc = change_next(s->store, s->v->mailbox, s->v->seen_modseq, c);
	if (rc == 0)
		return take_change(s, c);
	if (rc == ERR_GONE)
		return s->may_expunge ? begin_compare(s) : ERR_BUSY;
	return rc;
}

int
imap_view_sync(struct imap *i, bool may_expunge)
{
	struct sync s = { i, i->view, i->env->store, may_expunge };
	struct imap_view *v = i->view;
	struct change c;
	uint64_t modseq;
	int rc;

	if (v == NULL)
		return 0;
	modseq = mailbox_modseq(s.store, v->mailbox);
	if (modseq == 0) {
		v->is_deleted = true;
		return ERR_GONE;
	}
	if (conn_out_room(i->conn) < IMAP_REPLY_BYTES)
		return 1;
	if (modseq == v->seen_modseq) {
		tell_exists(&s);
		return 0;
	}
	rc = imap_view_prepare(i);
	if (rc != 0)
		return rc;
	change_init(&c);
	for (int n = 0; rc == 0 && n < SYNC_CHANGES; n++)
		rc = sync_step(&s, &c);
	change_deinit(&c);
	if (rc == 0)
		return 1;
	if (rc == ERR_NONE) {
		stand_at(v, modseq);
		imap_view_share(v);
	}
	if (rc != ERR_NONE && rc != ERR_BUSY)
		return rc;
	tell_exists(&s);
	return 0;
}
