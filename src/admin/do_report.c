/* The commands of the daily reports to other domains. */
#include "admin/do.h"

#include "base/clock.h"
#include "store/store.h"

/* Groups, and rows, of one step. */
#define BATCH 50

struct list {
	enum memo_kind kind;
	struct tally_group group;
	struct buf key, value;
	uint64_t n_rows, n_counted; /* of the group */
	bool is_in;                 /* its rows are being counted */
	char storage[MEMO_MAX_KEY];
	char text[MEMO_MAX_VALUE];
};

int
do_report_list_start(struct run *r)
{
	struct list *l = run_new_state(r, sizeof(*l));

	if (l == NULL)
		return ERR_NOMEM;
	l->kind = MEMO_DMARC_ROW;
	return 0;
}

static void
say_group(struct run *r, struct list *l)
{
	struct buf *b = run_begin(r, FRAME_TEXT);
	char storage[32];
	struct buf day;

	buf_init_fixed(&day, storage, sizeof(storage));
	clock_put_iso(&day, (int64_t)l->group.day * TALLY_DAY_S);
	buf_put(b, span_sub(buf_span(&day), 0, 10));
	buf_put_str(b, l->kind == MEMO_TLS_ROW ? "  tls    " : "  dmarc  ");
	buf_put(b, tally_domain(&l->group));
	buf_putf(b, "  %llu counted, %llu rows\n",
	    (unsigned long long)l->n_counted, (unsigned long long)l->n_rows);
	run_end(r);
	l->is_in = false;
}

/* Go to the next group. False: there are no more. */
static bool
next_group(struct run *r, struct list *l)
{
	if (tally_next_group(r->admin->store, l->kind, &l->group) == 0) {
		l->is_in = true;
		l->n_rows = l->n_counted = 0;
		buf_init_fixed(&l->key, l->storage, sizeof(l->storage));
		buf_init_fixed(&l->value, l->text, sizeof(l->text));
		return true;
	}
	if (l->kind == MEMO_TLS_ROW)
		return false;
	l->kind = MEMO_TLS_ROW;
	l->group = (struct tally_group){ .day = 0 };
	return true;
}

enum run_step
do_report_list_step(struct run *r)
{
	struct list *l = r->state;
	struct tally_row row;
	int rc;

	for (int i = 0; i < BATCH; i++) {
		if (!l->is_in) {
			if (!next_group(r, l))
				return RUN_DONE;
			continue;
		}
		rc = tally_next(r->admin->store, l->kind, &l->group, &l->key,
		    &l->value, &row);
		if (rc == 0) {
			l->n_rows++;
			l->n_counted += row.n;
		} else if (rc != ERR_AGAIN) {
			say_group(r, l);
		}
	}
	return RUN_MORE;
}

int
do_report_send_start(struct run *r)
{
	if (r->admin->send_reports == NULL) {
		run_fail(r, "No server runs, and only it sends reports.");
		return ERR_INVALID;
	}
	r->admin->send_reports();
	run_say(r, "What was counted is being sent: `tinpost queue list` and "
	           "`tinpost report list` show how far it is.");
	return 0;
}
