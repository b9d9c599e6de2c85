/* FETCH, UID FETCH (RFC 9051 6.4.5, 6.4.9).
 *
 * RFC 2180 4.1.2: of a message that another session expunged nothing is told,
 * and the end of FETCH is NO [EXPUNGEISSUED]; of UID FETCH, which passes over
 * what is not there (RFC 9051 6.4.9), OK [EXPUNGEISSUED].
 *
 * What cannot be read from a damaged store is left out, and the end is NO
 * [CORRUPTION]; if it is noticed only behind the announcement of a literal, the
 * connection ends.
 */
#include "imap/fetch_task.h"
#include "imap/imap_recent.h"

/* \Seen is set for so many bytes of messages at a time: what is marked is sent
 * soon. */
#define SEEN_BYTES (128 * 1024)
/* What is written before it is sent; one message may make more. */
#define LINE_BYTES     4096
#define MAX_LINE_BYTES (1024 * 1024)
/* Kept from one message to the next. */
#define LINE_KEPT_BYTES (16 * 1024)

/* Ranges of UIDs that one DOWNGRADED tells. */
#define MAX_DOWNGRADED 32

/* A step ends when so much is done; a record costs 1. */
#define MAX_WORK        128
#define WORK_OF_SUMMARY 4
#define WORK_OF_SECTION 8
#define WORK_OF_CHANGES 32

/* --- output --- */

/* Send what is written, as far as it fits. Returns whether all went. */
static bool
drain(struct imap *i, struct fetch_task *t)
{
	size_t room = conn_out_room(i->conn);
	struct span rest = span_sub(buf_span(&t->line), t->n_sent, room);

	conn_put(i->conn, rest);
	t->n_sent += rest.len;
	t->is_begun_sent = t->is_begun_sent || rest.len > 0;
	if (t->n_sent < t->line.len)
		return false;
	t->n_sent = 0;
	buf_reset(&t->line);
	if (t->line.cap > LINE_KEPT_BYTES)
		buf_deinit(&t->line);
	return true;
}

/* --- what is in the record of a message --- */

static void
put_record_items(struct imap *i, struct fetch_task *t, uint32_t items)
{
	const struct message *m = &t->m;

	if (items & FETCH_UID)
		buf_put_u64(fetch_item(t, "UID "), m->uid);
	if (items & FETCH_FLAGS)
		imap_put_flags(fetch_item(t, "FLAGS "), i->env->store,
		    i->view->mailbox, m->flags | imap_recent_flag(i, m->uid),
		    m->keywords);
	if (items & FETCH_MODSEQ) {
		buf_put_u64(fetch_item(t, "MODSEQ ("), m->modseq);
		buf_put_char(&t->line, ')');
	}
	if (items & FETCH_INTERNALDATE)
		imap_put_date_time(fetch_item(t, "INTERNALDATE "),
		    m->internal_date_s, m->zone_minutes);
	if (items & FETCH_SIZE)
		buf_put_u64(fetch_item(t, "RFC822.SIZE "), m->bytes);
	if (items & FETCH_SAVEDATE)
		imap_put_date_time(fetch_item(t, "SAVEDATE "), m->saved_s, 0);
	if (items & FETCH_EMAILID) {
		imap_put_object_id(fetch_item(t, "EMAILID ("), 'M', m->body);
		buf_put_char(&t->line, ')');
	}
	if (items & FETCH_THREADID) {
		imap_put_object_id(
		    fetch_item(t, "THREADID ("), 'T', m->thread_id);
		buf_put_char(&t->line, ')');
	}
}

/* --- what is in its summary --- */

/* ERR_NONE: the body is gone, so the message is. */
static int
read_summary(struct imap *i, struct fetch_task *t)
{
	int rc;

	buf_reset(&t->blob);
	t->has_summary = false;
	rc = body_summary(i->env->store, t->m.body, &t->blob);
	if (rc == 0)
		rc = summary_open(buf_span(&t->blob), &t->summary);
	t->has_summary = rc == 0;
	return rc;
}

static int
put_envelope(struct fetch_task *t, struct fetch_writer *w)
{
	struct cur c = summary_parts(&t->summary);
	struct summary_part root;
	int rc = summary_part_next(&c, &root);

	if (rc < 0)
		return ERR_DAMAGED;
	(void)fetch_item(t, "ENVELOPE ");
	fetch_put_envelope(w, &root.envelope);
	return 0;
}

static int
put_summary_items(struct fetch_task *t, uint32_t items)
{
	struct fetch_writer w = {
		.out = &t->line, .scratch = &t->scratch, .is_utf8 = t->is_utf8
	};

	int rc = 0;

	if (items & FETCH_ENVELOPE)
		rc = put_envelope(t, &w);
	if (rc == 0 && (items & FETCH_BODY)) {
		(void)fetch_item(t, "BODY ");
		rc = fetch_put_structure(&w, &t->summary, false);
	}
	if (rc == 0 && (items & FETCH_BODYSTRUCTURE)) {
		(void)fetch_item(t, "BODYSTRUCTURE ");
		rc = fetch_put_structure(&w, &t->summary, true);
	}
	if (rc == 0 && (items & FETCH_PREVIEW))
		imap_put_string(
		    fetch_item(t, "PREVIEW "), t->summary.preview, t->is_utf8);
	return rc;
}

/* RFC 6858 3.1: what is told of this message is not what is stored. */
static int
note_downgraded(struct fetch_task *t)
{
	const uint32_t shown =
	    FETCH_ENVELOPE | FETCH_BODY | FETCH_BODYSTRUCTURE;

	if (t->is_utf8 || !(t->summary.flags & SUMMARY_8BIT_HEADER) ||
	    (t->f.sections == NULL && !(t->f.items & shown)))
		return 0;
	return rangeset_add(&t->downgraded, t->m.uid, t->m.uid);
}

static void
tell_downgraded(struct fetch_task *t)
{
	if (t->downgraded.n == 0)
		return;
	buf_put_str(&t->line, "* OK [DOWNGRADED ");
	imap_put_set(&t->line, &t->downgraded);
	buf_put_str(&t->line, "] Shown in ASCII, not as stored\r\n");
	rangeset_clear(&t->downgraded);
}

/* --- messages --- */

/* Is nothing asked for but the UID, which the view knows of expunged messages,
 * too (RFC 2180 4.1.1)? */
static bool
wants_uid_alone(const struct fetch_task *t)
{
	return t->f.items == FETCH_UID && t->f.sections == NULL &&
	       !t->f.has_changed_since;
}

/* Find the record of t->walk.uid. ERR_NONE: it was expunged. */
static int
find_record(struct imap *i, struct fetch_task *t)
{
	uint32_t uid = t->walk.uid;
	const struct range *r = &t->uids.r[t->walk.range]; /* has uid */
	int rc;

	while (t->at_ahead < t->n_ahead && t->ahead[t->at_ahead].uid < uid)
		t->at_ahead++;
	if (t->at_ahead == t->n_ahead) {
		uint32_t n = r->last - uid < FETCH_AHEAD ? r->last - uid + 1
		                                         : FETCH_AHEAD;

		t->at_ahead = t->n_ahead = 0;
		rc = message_some(i->env->store, i->view->mailbox, uid,
		    t->ahead, n, &t->n_ahead);
		if (rc < 0)
			return rc;
	}
	if (t->at_ahead == t->n_ahead || t->ahead[t->at_ahead].uid != uid) {
		t->m = (struct message){ .uid = uid };
		return wants_uid_alone(t) && !i->is_uid ? 0 : ERR_NONE;
	}
	t->m = t->ahead[t->at_ahead];
	return 0;
}

static bool
is_unchanged(const struct fetch_task *t, const struct message *m)
{
	return t->f.has_changed_since && m->modseq <= t->f.changed_since;
}

/* Set \Seen for this message and for some that follow. In a store that takes
 * no changes it is left: reading is what was asked for. */
static int
mark_seen(struct imap *i, struct fetch_task *t)
{
	struct message_flags seen = { .how = MESSAGE_ADD,
		.flags = MESSAGE_SEEN,
		.unchanged_since = UINT64_MAX };
	uint64_t bytes = 0, modseq = 0;
	uint32_t from = t->at_ahead, to = from;
	int rc = 0;

	rangeset_clear(&t->marked);
	for (; to < t->n_ahead && bytes <= SEEN_BYTES &&
	       t->marked.n_members < MESSAGE_FLAGS_BATCH;
	     to++) {
		const struct message *m = &t->ahead[to];

		bytes += m->bytes;
		if (!(m->flags & MESSAGE_SEEN) && !is_unchanged(t, m) &&
		    rangeset_has(&t->uids, m->uid))
			rc = rangeset_add(&t->marked, m->uid, m->uid);
		if (rc < 0)
			break;
	}
	if (rc == 0)
		rc = message_set_flags(i->env->store, i->view->mailbox,
		    &t->marked, &seen, NULL, &modseq);
	if (rc < 0 || modseq == 0) {
		rangeset_clear(&t->marked);
		return rc == ERR_NOMEM || rc == ERR_IO ? ERR_NOMEM : 0;
	}
	imap_view_own(i->view, modseq);
	t->modseq = modseq;
	for (; from < to; from++) {
		if (!rangeset_has(&t->marked, t->ahead[from].uid))
			continue;
		t->ahead[from].flags |= MESSAGE_SEEN;
		t->ahead[from].modseq = modseq;
	}
	t->m = t->ahead[t->at_ahead];
	return 0;
}

/* What is told of this message, whose \Seen is set. */
static uint32_t
items_of(const struct imap *i, const struct fetch_task *t)
{
	uint32_t items = t->f.items;

	/* RFC 9051 6.4.5: FLAGS if they changed by it; RFC 7162 3.2: MODSEQ
	 * with them. */
	if (rangeset_has(&t->marked, t->m.uid)) {
		items |= FETCH_FLAGS;
		if (i->enabled & IMAP_CONDSTORE)
			items |= FETCH_MODSEQ;
		if (i->enabled & IMAP_QRESYNC) /* RFC 7162 3.2.4 */
			items |= FETCH_UID;
	}
	return items;
}

/* Put all of a message but its sections. ERR_NONE: it is gone. */
static int
put_message(struct imap *i, struct fetch_task *t)
{
	bool needs_summary =
	    t->f.sections != NULL || (t->f.items & FETCH_OF_SUMMARY);
	uint32_t items;
	int rc = 0;

	if (t->sets_seen && !(t->m.flags & MESSAGE_SEEN))
		rc = mark_seen(i, t);
	if (rc == 0 && needs_summary)
		rc = read_summary(i, t);
	if (rc == 0 && needs_summary)
		rc = note_downgraded(t);
	items = items_of(i, t);
	if (rc == ERR_NONE || rc == ERR_NOMEM)
		return rc;
	if (rc < 0) { /* the message itself may be whole */
		t->is_damaged = true;
		items &= ~FETCH_OF_SUMMARY;
		rc = 0;
	}
	t->has_item = false;
	buf_put_str(&t->line, "* ");
	buf_put_u64(&t->line, t->walk.seq);
	buf_put_str(&t->line, " FETCH (");
	put_record_items(i, t, items);
	if (items & FETCH_OF_SUMMARY)
		rc = put_summary_items(t, items);
	return buf_failed(&t->line) ? ERR_NOMEM : rc;
}

/* Begin with the message at the walk. */
static void
begin_message(struct imap *i, struct fetch_task *t)
{
	int rc;

	t->begun_at = t->line.len;
	t->is_begun_sent = false;
	rc = put_message(i, t);

	if (rc == 0) {
		t->section = t->f.sections;
		t->place = AT_SECTION;
		return;
	}
	if (rc == ERR_NOMEM) {
		fetch_fail(i, t);
		return;
	}
	/* Nothing is said of it. */
	buf_truncate(&t->line, t->begun_at);
	if (rc == ERR_NONE)
		t->is_missing = true;
	else
		t->is_damaged = true;
}

/* Go to the next message. Returns the work. */
static unsigned
next_message(struct imap *i, struct fetch_task *t)
{
	int rc;

	if (t->downgraded.n >= MAX_DOWNGRADED)
		tell_downgraded(t);
	if (!imap_walk_next(&t->walk, i->view, &t->uids)) {
		tell_downgraded(t);
		t->place = AT_END;
		return 0;
	}
	rc = find_record(i, t);
	if (rc == ERR_NONE) {
		t->is_missing = true;
		return 1;
	}
	if (rc < 0) {
		t->is_damaged = true;
		return 1;
	}
	if (is_unchanged(t, &t->m))
		return 1;
	/* RFC 9051 7.3.5: a keyword is named before it is used. */
	if ((t->f.items & FETCH_FLAGS) &&
	    (t->m.keywords & ~i->view->keywords_told) && drain(i, t))
		imap_view_tell_keywords(i, t->m.keywords);
	begin_message(i, t);
	return t->f.sections != NULL || (t->f.items & FETCH_OF_SUMMARY)
	           ? WORK_OF_SUMMARY
	           : 1;
}

static void
end_message(struct imap *i, struct fetch_task *t)
{
	if (t->is_pinned)
		body_unpin(i->env->store, t->m.body);
	t->is_pinned = false;
	if (!t->has_item) /* an empty list is none of the grammar */
		buf_put_u64(fetch_item(t, "UID "), t->m.uid);
	buf_put_str(&t->line, ")\r\n");
	t->place = AT_MESSAGE;
}

/* --- the job --- */

static unsigned
read_changes(struct imap *i, struct fetch_task *t)
{
	int rc = fetch_vanished_step(&t->vanished, i->env->store, i->view);

	if (rc == ERR_NOMEM)
		t->is_nomem = true;
	else if (rc < 0)
		t->is_damaged = true;
	if (rc <= 0)
		t->place = AT_VANISHED;
	return WORK_OF_CHANGES;
}

/* A bounded piece of work. Returns how much it was. */
static unsigned
work(struct imap *i, struct fetch_task *t)
{
	switch (t->place) {
	case AT_CHANGES:
		return read_changes(i, t);
	case AT_VANISHED:
		if (fetch_vanished_put(&t->vanished, &t->line) == 0)
			t->place = AT_MESSAGE;
		return WORK_OF_CHANGES;
	case AT_MESSAGE:
		return next_message(i, t);
	case AT_SECTION:
		if (t->section == NULL)
			end_message(i, t);
		else
			(void)fetch_send(i, t);
		return 1;
	case AT_COUNT:
	case AT_BYTES:
		return fetch_send(i, t) ? WORK_OF_SECTION : MAX_WORK;
	case AT_END:
		break;
	}
	return MAX_WORK;
}

static void
finish(struct imap *i, const struct fetch_task *t)
{
	if (t->is_nomem)
		imap_error(i, ERR_NOMEM);
	else if (t->is_damaged)
		imap_error(i, ERR_DAMAGED);
	else if (t->has_unknown_cte)
		imap_done(i, "NO [UNKNOWN-CTE] No such encoding is known");
	else if (t->is_missing && i->is_uid)
		imap_done(i, "OK [EXPUNGEISSUED] Some are deleted");
	else if (t->is_missing)
		imap_done(i, "NO [EXPUNGEISSUED] Some are deleted");
	else
		imap_done(i, "OK Done");
}

static enum imap_step
step(struct imap *i)
{
	struct fetch_task *t = i->task;
	uint64_t modseq = mailbox_modseq(i->env->store, i->view->mailbox);
	unsigned n = 0;

	if (!drain(i, t))
		return IMAP_WAIT;
	if (modseq != t->modseq) { /* somebody changed something */
		t->n_ahead = t->at_ahead = 0;
		t->modseq = modseq;
	}
	while (n < MAX_WORK && t->place != AT_END && t->line.len < LINE_BYTES) {
		n += work(i, t);
		if (!buf_failed(&t->line))
			continue;
		fetch_fail(i, t);
	}
	if (i->state == IMAP_LOGGED_OUT)
		return IMAP_WAIT;
	if (drain(i, t) && t->place == AT_END)
		finish(i, t);
	return IMAP_MORE;
}

static void
release(struct imap *i)
{
	struct fetch_task *t = i->task;

	if (t->is_pinned)
		body_unpin(i->env->store, t->m.body);
	rangeset_deinit(&t->uids);
	rangeset_deinit(&t->marked);
	rangeset_deinit(&t->downgraded);
	fetch_vanished_deinit(&t->vanished);
	fetch_stream_deinit(&t->stream);
	buf_deinit(&t->blob);
	buf_deinit(&t->line);
	buf_deinit(&t->scratch);
}

static const struct imap_job job = { .step = step, .free = release };

static struct fetch_task *
new_task(struct imap *i)
{
	struct fetch_task *t = imap_alloc(i, sizeof(*t));

	if (t == NULL)
		return NULL;
	rangeset_init(&t->uids);
	rangeset_init(&t->marked);
	rangeset_init(&t->downgraded);
	imap_walk_init(&t->walk);
	fetch_stream_init(&t->stream);
	buf_init(&t->blob, MAX_SUMMARY_BYTES);
	buf_init(&t->line, MAX_LINE_BYTES);
	buf_init(&t->scratch, FETCH_SCRATCH_BYTES);
	t->is_utf8 = (i->enabled & (IMAP_UTF8 | IMAP_REV2)) != 0;
	t->sets_seen = false;
	t->place = AT_MESSAGE;
	return t;
}

/* What the modifiers and items bring with them. ERR_SYNTAX, ERR_NOMEM. */
static int
prepare(struct imap *i, struct fetch_task *t, struct imap_set *set)
{
	struct fetch *f = &t->f;
	int rc;

	/* RFC 7162 3.2.6: only with CHANGEDSINCE, UID and QRESYNC. */
	if (f->wants_vanished && (!f->has_changed_since || !i->is_uid ||
	                             !(i->enabled & IMAP_QRESYNC)))
		return ERR_SYNTAX;
	rc = imap_view_resolve(i->view, set, i->is_uid, &t->uids);
	if (rc == ERR_SYNTAX)
		imap_bad(i, "No such sequence number");
	if (rc < 0)
		return rc;
	if (f->has_changed_since)
		f->items |= FETCH_MODSEQ; /* RFC 7162 3.1.4.1 */
	if (f->items & FETCH_MODSEQ)
		imap_enable_condstore(i);
	if (i->is_uid)
		f->items |= FETCH_UID; /* RFC 9051 6.4.9 */
	t->sets_seen = f->sets_seen && !i->view->is_read_only;
	if (!f->wants_vanished)
		return 0;
	t->place = AT_CHANGES;
	return fetch_vanished_init(
	    &t->vanished, i->view, set, f->changed_since);
}

void
imap_fetch(struct imap *i, struct cur *args)
{
	struct fetch_task *t = new_task(i);
	struct imap_set set;
	int rc = 0;

	if (t == NULL)
		return;
	if (imap_parse_sp(args) != PARSE_OK ||
	    imap_parse_set(args, &i->arena, &set) != PARSE_OK ||
	    imap_parse_sp(args) != PARSE_OK ||
	    fetch_parse(args, &i->arena, &t->f) != PARSE_OK)
		rc = ERR_SYNTAX;
	/* From here on the job's end releases. */
	imap_start_job(i, &job, t);
	if (rc == 0)
		rc = prepare(i, t, &set);
	if (rc < 0 && !i->is_finished)
		imap_error(i, rc);
}
