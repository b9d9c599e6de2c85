/* SEARCH and UID SEARCH (RFC 9051 6.4.4).
 *
 * A job: it walks the messages that may match, in order of their numbers, and
 * writes each match as it is found, so that the answer needs no memory. An
 * ESEARCH response therefore begins with MIN and ALL, and ends with MAX, COUNT
 * and MODSEQ; RFC 4731 3.1 leaves the order open. MIN alone stops at the first
 * match, and MAX alone looks from the end.
 */
#include "imap/search_match.h"

#include "imap/imap_session.h"

/* Messages looked at in one step, and read from the store at once. */
#define STEP_MESSAGES 64
/* Pieces of header and body read in one step. */
#define STEP_PIECES 16
/* What the sets of a program may hold together, and a saved result: both are
 * this session's memory. */
#define MAX_SET_RANGES   200000
#define MAX_SAVED_RANGES 32768

enum direction { FORWARD, BACKWARD };

struct search_task {
	struct search_program program;
	struct search_match match;
	struct rangeset *sets; /* of the program's keys */
	uint32_t n_sets;
	const struct rangeset *over; /* what is walked: one of them, or all */
	/* where the walk is */
	enum direction direction;
	struct imap_walk walk;
	size_t back_range; /* BACKWARD: of over, + 1 */
	uint32_t back_uid; /* the last one looked at; 0: none of the range */
	bool is_reading;   /* match is in the middle of a message */
	bool is_esearch;
	uint32_t wants; /* SEARCH_RETURN_ bits */
	/* the messages read ahead */
	uint32_t n_batch, at_batch;
	struct message batch[STEP_MESSAGES];
	/* what was found: UIDs, or sequence numbers */
	bool has_begun;    /* the untagged response */
	bool has_all;      /* its ALL */
	struct range open; /* a range of ALL not yet written; first 0: none */
	uint32_t n_found, min, max;
	uint64_t modseq; /* the highest of them */
	struct rangeset saved;
};

static struct search_task *
task_of(struct imap *i)
{
	return i->task;
}

/* --- the response --- */

static void
begin_response(struct imap *i)
{
	struct search_task *t = task_of(i);
	struct buf *out = conn_out(i->conn);

	if (t->has_begun)
		return;
	t->has_begun = true;
	if (!t->is_esearch) {
		buf_put_str(out, "* SEARCH");
		return;
	}
	buf_put_str(out, "* ESEARCH (TAG \"");
	buf_put(out, span_of(i->tag, i->tag_len));
	buf_put_str(out, i->is_uid ? "\") UID" : "\")");
}

static void
put_item(struct buf *out, const char *name, uint64_t v)
{
	buf_put_char(out, ' ');
	buf_put_str(out, name);
	buf_put_char(out, ' ');
	buf_put_u64(out, v);
}

/* Write the range of ALL that is complete. */
static void
put_range(struct search_task *t, struct buf *out)
{
	if (t->open.first == 0)
		return;
	buf_put_str(out, t->has_all ? "," : " ALL ");
	t->has_all = true;
	buf_put_u64(out, t->open.first);
	if (t->open.last > t->open.first) {
		buf_put_char(out, ':');
		buf_put_u64(out, t->open.last);
	}
	t->open.first = 0;
}

static void
put_match(struct imap *i, uint32_t number)
{
	struct search_task *t = task_of(i);
	struct buf *out = conn_out(i->conn);

	if (!t->is_esearch) {
		begin_response(i);
		buf_put_char(out, ' ');
		buf_put_u64(out, number);
		return;
	}
	if (!(t->wants & SEARCH_RETURN_ALL))
		return;
	begin_response(i);
	if (t->n_found == 1 && (t->wants & SEARCH_RETURN_MIN))
		put_item(out, "MIN", number);
	if (t->open.first != 0 && t->open.last + 1 == number) {
		t->open.last = number;
		return;
	}
	put_range(t, out);
	t->open = (struct range){ number, number };
}

/* The end of the untagged response. RFC 5182 2.4: SAVE alone has none. */
static void
end_response(struct imap *i)
{
	struct search_task *t = task_of(i);
	struct buf *out = conn_out(i->conn);
	bool is_found = t->n_found > 0;

	if (t->is_esearch && t->wants == SEARCH_RETURN_SAVE)
		return;
	begin_response(i);
	put_range(t, out);
	if (is_found && (t->wants & SEARCH_RETURN_MIN) && !t->has_all)
		put_item(out, "MIN", t->min);
	if (is_found && (t->wants & SEARCH_RETURN_MAX))
		put_item(out, "MAX", t->max);
	if (t->wants & SEARCH_RETURN_COUNT)
		put_item(out, "COUNT", t->n_found);
	/* RFC 7162 3.1.5, RFC 4731 3.2 */
	if (is_found && t->program.has_modseq && t->is_esearch)
		put_item(out, "MODSEQ", t->modseq);
	else if (is_found && t->program.has_modseq)
		buf_putf(out, " (MODSEQ %llu)", (unsigned long long)t->modseq);
	buf_put_str(out, "\r\n");
}

/* --- the end --- */

/* RFC 5182 2.1: a SEARCH that fails with NO leaves an empty result. */
static void
forget_saved(struct imap *i)
{
	rangeset_clear(&i->view->saved);
	i->view->has_saved = true;
}

static void
fail(struct imap *i, int code)
{
	struct search_task *t = task_of(i);

	if (t->has_begun)
		buf_put_str(conn_out(i->conn), "\r\n");
	if (t->wants & SEARCH_RETURN_SAVE)
		forget_saved(i);
	imap_error(i, code);
}

static void
fail_to_save(struct imap *i)
{
	struct search_task *t = task_of(i);

	if (t->has_begun)
		buf_put_str(conn_out(i->conn), "\r\n");
	forget_saved(i);
	imap_done(i, "NO [NOTSAVED] Too much to keep");
}

static void
finish(struct imap *i)
{
	struct search_task *t = task_of(i);

	end_response(i);
	if (t->wants & SEARCH_RETURN_SAVE) {
		struct rangeset old = i->view->saved;

		i->view->saved = t->saved;
		i->view->has_saved = true;
		t->saved = old;
		imap_done(i, "OK Searched, and kept");
		return;
	}
	imap_done(i, "OK Searched");
}

/* --- matches --- */

/* With MIN and MAX alone only these are of interest. */
static bool
is_only_ends(const struct search_task *t)
{
	return (t->wants & (SEARCH_RETURN_MIN | SEARCH_RETURN_MAX)) &&
	       !(t->wants & (SEARCH_RETURN_ALL | SEARCH_RETURN_COUNT));
}

/* A message matches. Returns 1 when the walk in this direction is over, or an
 * error. */
static int
take_match(struct imap *i, uint32_t uid, const struct message *m)
{
	struct search_task *t = task_of(i);
	uint32_t number = uid;

	if (!i->is_uid)
		number = t->direction == FORWARD ? t->walk.seq
		                                 : imap_view_seq(i->view, uid);
	t->n_found++;
	if (t->n_found == 1 || number < t->min)
		t->min = number;
	if (number > t->max)
		t->max = number;
	if (m != NULL && m->modseq > t->modseq)
		t->modseq = m->modseq;
	put_match(i, number);
	if ((t->wants & SEARCH_RETURN_SAVE) &&
	    rangeset_add(&t->saved, uid, uid) < 0)
		return ERR_NOMEM;
	if (t->saved.n > MAX_SAVED_RANGES)
		return ERR_LIMIT;
	return is_only_ends(t) ? 1 : 0;
}

/* --- walking --- */

/* The next UID to look at. */
static bool
next_uid(struct imap *i, uint32_t *uid)
{
	struct search_task *t = task_of(i);

	if (t->direction == FORWARD) {
		if (!imap_walk_next(&t->walk, i->view, t->over))
			return false;
		*uid = t->walk.uid;
		return true;
	}
	if (t->back_range == 0)
		return false;
	if (t->back_uid == 0)
		t->back_uid = t->over->r[t->back_range - 1].last;
	else
		t->back_uid--;
	*uid = t->back_uid;
	if (*uid == t->over->r[t->back_range - 1].first) {
		t->back_range--;
		t->back_uid = 0;
	}
	return true;
}

/* The record of a message; forward, some are read at once. ERR_NONE: it was
 * expunged. */
static int
get_message(struct imap *i, uint32_t uid, struct message **out)
{
	struct search_task *t = task_of(i);
	struct store *s = i->env->store;
	uint32_t most;

	*out = &t->batch[0];
	if (t->direction == BACKWARD) {
		t->n_batch = 0;
		return message_get(s, i->view->mailbox, uid, &t->batch[0]);
	}
	while (t->at_batch < t->n_batch && t->batch[t->at_batch].uid < uid)
		t->at_batch++;
	if (t->at_batch == t->n_batch) {
		int rc;

		most = t->over->r[t->walk.range].last - uid;
		t->at_batch = 0;
		rc = message_some(s, i->view->mailbox, uid, t->batch,
		    most < STEP_MESSAGES ? most + 1 : STEP_MESSAGES,
		    &t->n_batch);
		if (rc < 0)
			return rc;
	}
	if (t->at_batch == t->n_batch || t->batch[t->at_batch].uid != uid)
		return ERR_NONE;
	*out = &t->batch[t->at_batch];
	return 0;
}

/* Look at the next message. Returns 1 when there is none left, or an error;
 * t->is_reading: it is not answered yet. */
static int
look(struct imap *i)
{
	struct search_task *t = task_of(i);
	struct message *m = NULL;
	enum search_answer r;
	uint32_t uid;
	int rc;

	if (!next_uid(i, &uid))
		return 1;
	if (t->program.deepest == SEARCH_NOTHING) {
		r = search_match_uid(&t->match, uid);
		return r == SEARCH_YES ? take_match(i, uid, NULL) : 0;
	}
	rc = get_message(i, uid, &m);
	if (rc == ERR_NONE)
		return 0; /* gone, though the client was not told yet */
	if (rc < 0)
		return rc;
	r = search_match_message(&t->match, m);
	t->is_reading = r == SEARCH_OPEN;
	if (search_match_failed(&t->match))
		return ERR_NOMEM;
	return r == SEARCH_YES ? take_match(i, uid, m) : 0;
}

/* Read on in a message. */
static int
read_on(struct imap *i)
{
	struct search_task *t = task_of(i);
	enum search_answer r = search_match_step(&t->match);

	t->is_reading = r == SEARCH_OPEN;
	if (search_match_failed(&t->match))
		return ERR_NOMEM;
	return r == SEARCH_YES ? take_match(i, t->match.uid, t->match.message)
	                       : 0;
}

/* The walk is over: is there one from the other end? */
static bool
turn_around(struct search_task *t)
{
	if (t->direction == BACKWARD || !is_only_ends(t) || t->n_found == 0 ||
	    !(t->wants & SEARCH_RETURN_MAX))
		return false;
	t->direction = BACKWARD;
	return true;
}

static enum imap_step
step(struct imap *i)
{
	struct search_task *t = task_of(i);
	int pieces = t->program.n_needles > 8 ? STEP_PIECES / 4 : STEP_PIECES;
	int rc = 0;

	for (int n = 0; n < STEP_MESSAGES && pieces > 0 && rc == 0; n++) {
		if (!t->is_reading)
			rc = look(i);
		while (t->is_reading && rc == 0 && pieces-- > 0)
			rc = read_on(i);
	}
	if (rc == 0 || (rc == 1 && turn_around(t)))
		return IMAP_MORE;
	if (rc == 1)
		finish(i);
	else if (rc == ERR_LIMIT)
		fail_to_save(i);
	else
		fail(i, rc);
	return IMAP_MORE;
}

static void
free_task(struct imap *i)
{
	struct search_task *t = task_of(i);

	search_match_deinit(&t->match);
	for (uint32_t n = 0; n < t->n_sets; n++)
		rangeset_deinit(&t->sets[n]);
	rangeset_deinit(&t->saved);
}

static const struct imap_job job = { .step = step, .free = free_task };

/* --- the beginning --- */

static uint32_t
count_sets(const struct search_key *k)
{
	uint32_t n = 0;

	for (; k != NULL; k = k->next)
		n += k->kind == SEARCH_SET ? 1 : count_sets(k->first);
	return n;
}

static int
resolve_set(struct imap *i, struct search_key *k)
{
	struct search_task *t = task_of(i);
	uint64_t n = 0;
	int rc;

	k->uids = &t->sets[t->n_sets++];
	rc = imap_view_search(i->view, &k->set, k->is_uid, k->uids);
	for (uint32_t at = 0; at < t->n_sets; at++)
		n += t->sets[at].n;
	return rc == 0 && n > MAX_SET_RANGES ? ERR_LIMIT : rc;
}

/* No message has a keyword that the mailbox does not know. */
static void
resolve_keyword(struct imap *i, struct search_key *k)
{
	unsigned bit;

	k->number = 0;
	if (mailbox_find_keyword(
	        i->env->store, i->view->mailbox, k->text, &bit) == 0)
		k->number = (uint64_t)1 << bit;
}

static int
resolve(struct imap *i, struct search_key *k)
{
	int rc = 0;

	for (; k != NULL && rc == 0; k = k->next) {
		if (k->kind == SEARCH_SET)
			rc = resolve_set(i, k);
		else if (k->kind == SEARCH_KEYWORD)
			resolve_keyword(i, k);
		else
			rc = resolve(i, k->first);
	}
	return rc;
}

/* Only members of every set that stands alone can match: walk the smallest. */
static void
choose_walk(struct imap *i, struct search_task *t)
{
	const struct search_key *k = t->program.root->first;

	t->over = imap_view_uids(i->view);
	for (; k != NULL; k = k->next)
		if (k->kind == SEARCH_SET && !k->is_not &&
		    k->uids->n_members < t->over->n_members)
			t->over = k->uids;
	imap_walk_init(&t->walk);
	t->back_range = t->over->n;
	t->direction =
	    t->wants == SEARCH_RETURN_MAX ||
	            t->wants == (SEARCH_RETURN_MAX | SEARCH_RETURN_SAVE)
	        ? BACKWARD
	        : FORWARD;
}

static int
prepare(struct imap *i)
{
	struct search_task *t = task_of(i);
	uint32_t n = count_sets(t->program.root->first);
	int rc;

	t->sets = arena_alloc(&i->arena, (n + 1) * sizeof(*t->sets));
	if (t->sets == NULL)
		return ERR_NOMEM;
	rc = search_match_init(
	    &t->match, i->env->store, &i->arena, &t->program, &i->view->recent);
	if (rc == 0)
		rc = resolve(i, t->program.root->first);
	if (rc == 0)
		choose_walk(i, t);
	return rc;
}

/* What the arguments are wrong for. */
static void
refuse(struct imap *i, int rc)
{
	struct search_task *t = task_of(i);

	if (rc == ERR_SYNTAX) {
		imap_bad(i, "Cannot read the search");
		return;
	}
	if (rc == ERR_UNSUPPORTED) {
		if (t->wants & SEARCH_RETURN_SAVE)
			forget_saved(i);
		imap_done(i, "NO [BADCHARSET (US-ASCII UTF-8 ISO-8859-1 "
		             "ISO-8859-15 WINDOWS-1252 KOI8-R ISO-2022-JP "
		             "GB18030 BIG5 EUC-KR)] Unknown charset");
		return;
	}
	fail(i, rc);
}

void
imap_search(struct imap *i, struct cur *args)
{
	struct search_task *t = imap_alloc(i, sizeof(*t));
	int rc;

	if (t == NULL)
		return;
	i->task = t; /* for what is called here; no job yet */
	rc = search_parse(args, &i->arena, &t->program);
	t->wants = t->program.returns;
	/* RFC 6855 3: strings are UTF-8 then. */
	if (rc == 0 && t->program.has_charset && (i->enabled & IMAP_UTF8))
		rc = ERR_SYNTAX;
	/* RFC 9051 6.4.4: always ESEARCH. */
	t->is_esearch = t->program.has_return || (i->enabled & IMAP_REV2) != 0;
	if (!t->program.has_return)
		t->wants = SEARCH_RETURN_ALL;
	if (rc == 0) {
		imap_start_job(i, &job, t);
		if (t->program.has_modseq)
			imap_enable_condstore(i); /* RFC 7162 3.1 */
		rc = prepare(i);
	}
	if (rc < 0)
		refuse(i, rc);
}
