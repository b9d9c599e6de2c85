/* do_archive.c - backup and check: thin over the store's own. */
#include "admin/do.h"
#include "base/limits.h"

#include "store/store.h"

/* --- backup: DATA frames, then END --- */

struct backup_state {
	struct backup *backup;
	struct buf piece;
	size_t n_given; /* of the piece */
	bool is_over;
};

int
do_backup_start(struct run *r)
{
	struct backup_state *st = run_new_state(r, sizeof(*st));
	int rc;

	if (!st)
		return ERR_NOMEM;
	buf_init(&st->piece, BACKUP_STEP_BYTES);
	rc = backup_new(r->admin->store, &st->backup);
	if (rc == ERR_BUSY)
		run_fail(r, "A backup runs already: wait for its end.");
	else if (rc < 0)
		run_error(r, rc, SPAN("The backup"));
	return rc;
}

void
do_backup_stop(struct run *r)
{
	struct backup_state *st = r->state;

	backup_free(st->backup);
	buf_deinit(&st->piece);
}

static void
say_backup(struct run *r, const struct backup *b)
{
	struct backup_totals t;

	backup_totals(b, &t);
	run_warn(r, "Backed up %llu messages.", (unsigned long long)t.n_bodies);
	if (t.n_damaged > 0)
		run_fail(r,
		    "%llu of them cannot be read and are not in it: "
		    "`tinpost check` says which.",
		    (unsigned long long)t.n_damaged);
}

enum run_step
do_backup_step(struct run *r)
{
	struct backup_state *st = r->state;
	int rc;

	while (st->n_given < st->piece.len && r->out.len < RUN_OUT_HIGH) {
		struct span s = span_sub(
		    buf_span(&st->piece), st->n_given, MAX_FRAME_BYTES);

		frame_put(&r->out, FRAME_DATA, s);
		st->n_given += s.len;
	}
	if (st->n_given < st->piece.len)
		return RUN_MORE;
	if (st->is_over) {
		frame_put(&r->out, FRAME_END, span_of(NULL, 0));
		say_backup(r, st->backup);
		return RUN_DONE;
	}
	buf_reset(&st->piece);
	st->n_given = 0;
	rc = backup_step(st->backup, &st->piece);
	if (rc < 0) {
		run_error(r, rc, SPAN("The backup"));
		return RUN_DONE;
	}
	st->is_over = rc == 0;
	return RUN_MORE;
}

/* --- check --- */

struct check_state {
	struct check *check;
	struct buf text;
	unsigned percent;
};

int
do_check_start(struct run *r)
{
	struct check_state *st = run_new_state(r, sizeof(*st));
	int rc;

	if (!st)
		return ERR_NOMEM;
	buf_init(&st->text, CHECK_STEP_BYTES);
	rc = check_new(r->admin->store, &st->check);
	return rc < 0 ? run_error(r, rc, SPAN("The check")) : 0;
}

void
do_check_stop(struct run *r)
{
	struct check_state *st = r->state;

	check_free(st->check);
	buf_deinit(&st->text);
}

static void
show_percent(struct run *r, struct check_state *st)
{
	struct buf *b;

	if (check_percent(st->check) == st->percent)
		return;
	st->percent = check_percent(st->check);
	b = run_begin(r, FRAME_STATE);
	buf_putf(b, "%u %%", st->percent);
	run_end(r);
}

enum run_step
do_check_step(struct run *r)
{
	struct check_state *st = r->state;
	int rc = check_step(st->check, &st->text);
	uint64_t n;

	if (st->text.len > 0)
		frame_put(&r->out, FRAME_TEXT, buf_span(&st->text));
	buf_reset(&st->text);
	show_percent(r, st);
	if (rc > 0)
		return RUN_MORE;
	if (rc < 0) {
		run_error(r, rc, SPAN("The check"));
		return RUN_DONE;
	}
	n = check_findings(st->check);
	if (n == 0)
		run_say(r, "The store is whole.");
	else
		run_fail(r,
		    "%llu faults were found. Make a backup of what "
		    "can be read before anything else.",
		    (unsigned long long)n);
	return RUN_DONE;
}
