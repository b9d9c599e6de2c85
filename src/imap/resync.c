#include "imap/resync.h"

#include "imap/imap_session.h"

/* Of one step: changes of the log, or messages. */
#define QRESYNC_CHANGES  20
#define QRESYNC_MESSAGES 100
/* Pairs of RFC 7162 3.2.5.2 that are looked at. */
#define MAX_MATCHES    1000
#define VANISHED_RANGE 24 /* ",4294967295:4294967295" */

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

enum parse
resync_parse(struct cur *c, struct arena *a, struct resync *q)
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

void
resync_init(struct resync *q)
{
	q->phase = RESYNC_PREPARE;
	rangeset_init(&q->may_know);
	rangeset_init(&q->vanished);
	rangeset_init(&q->changed);
}

void
resync_deinit(struct resync *q)
{
	rangeset_deinit(&q->may_know);
	rangeset_deinit(&q->vanished);
	rangeset_deinit(&q->changed);
}

/* --- the log --- */

static int
add_known(struct resync *q)
{
	int rc = 0;

	for (uint32_t k = 0; k < q->known.n && rc == 0; k++) {
		const struct range *r = &q->known.r[k];

		rc = rangeset_add(&q->may_know, r->first, r->last);
	}
	return rc;
}

/* The set is made: what may the client know? */
static int
begin_log(struct imap *i, uint32_t mailbox, struct resync *q)
{
	struct mailbox_view m;
	int rc = mailbox_get(i->env->store, mailbox, &m);

	if (rc < 0)
		return rc;
	if (q->has_known)
		rc = add_known(q);
	else
		rc = rangeset_add(&q->may_know, 1, UINT32_MAX - 1);
	/* UIDs that were never given are not told as vanished. */
	if (rc == 0)
		rc = rangeset_remove(&q->may_know, m.uidnext, UINT32_MAX);
	q->walked = q->modseq;
	q->phase = RESYNC_LOG;
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
last_match(const struct imap_view *v, const struct resync *q)
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
compare_all(struct imap *i, struct resync *q)
{
	const struct rangeset *view = imap_view_uids(i->view);
	uint32_t uid = last_match(i->view, q);
	int rc = rangeset_subtract(&q->may_know, view, &q->vanished);

	if (rc == 0 && uid > 0)
		rc = rangeset_remove(&q->vanished, 1, uid);
	if (rc == 0)
		rc = rangeset_intersect(&q->may_know, view, &q->changed);
	q->phase = RESYNC_VANISHED;
	return rc;
}

/* All that happened up to the view's place is collected. */
static int
end_log(struct imap *i, struct resync *q)
{
	int rc = cut_down(&q->vanished, &q->may_know, rangeset_intersect);

	if (rc == 0)
		rc = cut_down(&q->changed, &q->may_know, rangeset_intersect);
	if (rc == 0)
		rc = cut_down(
		    &q->changed, imap_view_uids(i->view), rangeset_intersect);
	q->phase = RESYNC_VANISHED;
	return rc;
}

static int
read_log(struct imap *i, uint32_t mailbox, struct resync *q)
{
	struct change c;
	int rc = 0;

	change_init(&c);
	for (int n = 0; n < QRESYNC_CHANGES && rc == 0; n++) {
		rc = change_next(i->env->store, mailbox, q->walked, &c);
		if (rc == 0 && c.modseq > i->view->seen_modseq)
			rc = ERR_NONE;
		if (rc == 0)
			rc = add_all(c.kind == CHANGE_VANISHED ? &q->vanished
			                                       : &q->changed,
			    &c.uids);
		if (rc == 0)
			q->walked = c.modseq;
	}
	change_deinit(&c);
	if (rc == ERR_NONE)
		return end_log(i, q);
	return rc == ERR_GONE ? compare_all(i, q) : rc;
}

/* Some of VANISHED (EARLIER); a line of them at a time. */
static void
put_vanished(struct imap *i, struct resync *q)
{
	struct buf *out = conn_out(i->conn);
	size_t begin = out->len;
	const struct rangeset *set = &q->vanished;
	size_t first = q->n_told;

	for (; q->n_told < set->n; q->n_told++) {
		struct range r = set->r[q->n_told];

		if (out->len - begin + 2 * VANISHED_RANGE > IMAP_REPLY_BYTES)
			break;
		buf_put_str(
		    out, q->n_told == first ? "* VANISHED (EARLIER) " : ",");
		buf_put_u64(out, r.first);
		if (r.last > r.first) {
			buf_put_char(out, ':');
			buf_put_u64(out, r.last);
		}
	}
	if (q->n_told > first)
		buf_put_str(out, "\r\n");
	if (q->n_told < set->n)
		return;
	q->phase = RESYNC_CHANGED;
	imap_walk_init(&q->walk);
}

/* Some of the messages that changed: UID FETCH (FLAGS) CHANGEDSINCE. 1: there
 * are more. */
static int
put_changed(struct imap *i, uint32_t mailbox, struct resync *q)
{
	size_t room = conn_out_room(i->conn);

	for (int n = 0; n < QRESYNC_MESSAGES; n++) {
		struct message m;
		int rc;

		if (room - conn_out_room(i->conn) + IMAP_FETCH_BYTES >
		    IMAP_REPLY_BYTES)
			return 1;
		if (!imap_walk_next(&q->walk, i->view, &q->changed))
			return 0;
		rc = message_get(i->env->store, mailbox, q->walk.uid, &m);
		if (rc == 0 && m.modseq > q->modseq)
			imap_view_put_fetch(i, q->walk.seq, &m,
			    IMAP_TELL_UID | IMAP_TELL_FLAGS | IMAP_TELL_MODSEQ);
		else if (rc < 0 && rc != ERR_NONE)
			return rc;
	}
	return 1;
}

int
resync_step(struct imap *i, uint32_t mailbox, struct resync *q)
{
	int rc = 0;

	switch (q->phase) {
	case RESYNC_PREPARE:
		rc = imap_view_prepare(i);
		if (rc == 0)
			rc = begin_log(i, mailbox, q);
		break;
	case RESYNC_LOG:
		rc = read_log(i, mailbox, q);
		break;
	case RESYNC_VANISHED:
		put_vanished(i, q);
		break;
	case RESYNC_CHANGED:
		return put_changed(i, mailbox, q);
	}
	return rc < 0 ? rc : 1;
}
