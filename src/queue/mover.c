#include "queue/mover.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "queue/lane.h"

/* Destinations looked at, and notices worked off, in one run. */
#define RUN_DESTS   100
#define RUN_NOTICES 5
/* While something is being sent; when a run did all that it may at once. */
#define BUSY_MS 1000
#define SOON_MS 1
/* The longest sleep: a clock that jumps is noticed then. */
#define MAX_SLEEP_S 60
/* A jump of the clock. */
#define JUMP_S 600
/* For one more connection so many must wait. */
#define WAITING_PER_LANE 10
struct mover {
	struct mover_env *env;
	struct lane *lanes;
	struct timer timer;
	struct mover_stats stats;
	int64_t offset_s; /* wall clock less the monotonic one */
	int64_t jumped_s; /* when it jumped last; 0: never */
};

/* --- for lanes --- */

const struct mover_env *
lane_env(const struct mover *q)
{
	return q->env;
}

struct mover_stats *
lane_stats(struct mover *q)
{
	return &q->stats;
}

bool
lane_is_taken(const struct mover *q, struct span name, uint64_t id)
{
	for (const struct lane *n = q->lanes; n != NULL; n = n->next)
		if (n->has_message && n->message.m.id == id &&
		    span_is(name, span_of(n->name, n->name_len)))
			return true;
	return false;
}

/* The scope of a relay as a key of store/rate.h. */
static struct span
rate_key(const struct relay *r, char storage[MAX_RELAY_SCOPE_BYTES + 1])
{
	storage[0] = 'r';
	memcpy(storage + 1, r->scope.p, r->scope.len);
	return span_of(storage, r->scope.len + 1);
}

bool
lane_may_send(
    struct mover *q, const struct relay *r, bool is_look, int64_t *until_s)
{
	const struct rate_want want = { .messages = 1,
		.max_messages = r->max_per_hour,
		.is_look = is_look };
	char storage[MAX_RELAY_SCOPE_BYTES + 1];

	return r->max_per_hour == 0 ||
	       rate_take(q->env->store, rate_key(r, storage), &want, NULL,
	           until_s) == RATE_OK;
}

void
lane_save_rate(struct mover *q, const struct relay *r)
{
	char storage[MAX_RELAY_SCOPE_BYTES + 1];

	rate_save(q->env->store, rate_key(r, storage));
}

static void
run_soon(struct mover *q, int64_t ms)
{
	/* Without memory for it the timer that is set, or the next change,
	 * brings the run. */
	if (loop_set_timer(q->env->loop, &q->timer, ms) < 0)
		return;
}

void
lane_ended(struct lane *n)
{
	run_soon(n->q, SOON_MS);
}

/* --- what was tried for too long --- */

/* Why it was not delivered: its own last reply, or its destination's. */
static struct span
last_words(
    struct store *s, const struct queue_rcpt *r, struct queue_dest_view *d)
{
	if (queue_get_dest(s, r->destination, d) == 0 && d->d.reply.len > 0)
		return d->d.reply;
	if (r->reply.len > 0)
		return r->reply;
	return SPAN("4.4.7 It could not be delivered in time");
}

/* Has it had its chance: an attempt, or one at its destination? */
static bool
was_tried(struct store *s, const struct queue_rcpt *r)
{
	struct queue_dest_view d;

	return r->attempts > 0 || (queue_get_dest(s, r->destination, &d) == 0 &&
	                              d.d.n_failures > 0);
}

/* One recipient of a message whose time has come, as an item. */
static struct outcome_item
item_of(const struct queue_message *m, const struct queue_rcpt *r,
    bool is_expired, struct span words)
{
	struct outcome_item it = { .notify = r->notify, .is_telling = true };

	it.outcome = (struct queue_outcome){ .id = m->id,
		.index = r->index,
		.what = is_expired ? QUEUE_GONE : QUEUE_TOLD };
	it.action = is_expired ? DSN_FAILED : DSN_DELAYED;
	it.dsn = (struct dsn_rcpt){ .address = r->address,
		.orcpt = r->orcpt,
		/* RFC 3463 3.5: X.4.7, delivery time expired */
		.status = is_expired ? SPAN("5.4.7") : dsn_status(words, false),
		.remote = r->remote,
		.words = words,
		.last_s = r->last_s,
		.until_s = m->expires_s };
	return it;
}

#define NOTICE_RCPTS 20

struct notice {
	struct outcome_item items[NOTICE_RCPTS];
	struct queue_rcpt_view rcpts[NOTICE_RCPTS];
	struct queue_dest_view dests[NOTICE_RCPTS];
	size_t n;
	bool has_more;
};

static void
note_expired(const struct queue_message *m, const struct outcome_item *it)
{
	struct log l;

	log_begin(&l, LOG_NOTE,
	    it->action == DSN_FAILED ? "queue.expired" : "queue.delayed");
	log_num(&l, "queued", (int64_t)m->id);
	log_str(&l, "id", m->trace);
	log_str(&l, "to", it->dsn.address);
	log_str(&l, "why", it->dsn.words);
	log_end(&l);
}

/* Gather the recipients to be told of, or to be given up. */
static void
gather(struct mover *q, const struct queue_message *m, bool is_expired,
    struct notice *out)
{
	struct store *s = q->env->store;
	uint32_t index = 0;

	out->n = 0;
	out->has_more = false;
	while (out->n < NOTICE_RCPTS &&
	       queue_next_rcpt(s, m->id, index, &out->rcpts[out->n]) == 0) {
		const struct queue_rcpt *r = &out->rcpts[out->n].r;

		index = r->index + 1;
		if (r->state != QUEUE_WAITING ||
		    lane_is_taken(q, r->destination, m->id) ||
		    !was_tried(s, r) || (!is_expired && r->is_delay_told)) {
			out->has_more = true;
			continue;
		}
		out->items[out->n] = item_of(
		    m, r, is_expired, last_words(s, r, &out->dests[out->n]));
		note_expired(m, &out->items[out->n]);
		out->n++;
	}
}

/* A message's time has come. 0: it will not come again soon. */
static int
serve_notice(struct mover *q, uint64_t id, struct notice *work)
{
	struct store *s = q->env->store;
	int64_t now = clock_wall_s(), span_s;
	struct queue_message_view m;
	bool is_expired;
	int rc = queue_get(s, id, &m);

	if (rc < 0)
		return rc == ERR_NONE ? 0 : rc;
	span_s = m.m.expires_s - m.m.arrived_s;
	is_expired = m.m.expires_s <= now;
	/* The clock has jumped over its whole life: it begins anew. */
	if (is_expired && q->jumped_s != 0 && now - q->jumped_s < 3600 &&
	    now - m.m.arrived_s > 2 * span_s)
		return queue_set_times(s, id, now, now + span_s, 0);
	gather(q, &m.m, is_expired, work);
	if (work->n > 0)
		rc = outcome_settle(
		    q->env, &m.m, work->items, work->n, &q->stats.n_dsn);
	if (rc < 0 || work->n > 0)
		return rc;
	/* Not tried, held, or being sent: look again later. */
	return is_expired ? queue_set_times(s, id, m.m.arrived_s, now + 3600, 0)
	                  : queue_set_times(
	                        s, id, m.m.arrived_s, m.m.expires_s, now + 600);
}

/* Returns whether there may be more. */
static bool
serve_notices(struct mover *q)
{
	struct notice *work = NULL;
	int64_t at = 0;
	uint64_t id = 0;
	int n = 0;

	while (n < RUN_NOTICES && queue_next_notice(q->env->store,
	                              clock_wall_s(), &at, &id) == 0) {
		if (work == NULL)
			work = mem_alloc(sizeof(*work));
		if (work == NULL || serve_notice(q, id, work) < 0)
			break;
		n++;
	}
	mem_free(work);
	return n == RUN_NOTICES;
}

/* --- what is due --- */

static uint32_t
count_lanes(const struct mover *q, struct span name, uint32_t *n_all)
{
	uint32_t n = 0;

	*n_all = 0;
	for (const struct lane *l = q->lanes; l != NULL; l = l->next) {
		++*n_all;
		n += span_is(name, span_of(l->name, l->name_len));
	}
	return n;
}

static void
free_ended(struct mover *q)
{
	struct lane **at = &q->lanes;

	while (*at != NULL) {
		struct lane *n = *at;

		if (n->is_over) {
			*at = n->next;
			lane_free(n);
		} else {
			at = &n->next;
		}
	}
}

/* Begin with a destination if its bounds allow. Returns false when nothing
 * more may begin at all. */
static bool
begin(struct mover *q, const struct queue_dest *d)
{
	const struct mover_limits *l = &q->env->limits;
	uint32_t n_all, n = count_lanes(q, d->name, &n_all);
	struct lane *lane;
	int rc;

	if (n_all >= l->max_connections)
		return false;
	if (n >= l->max_dest_connections ||
	    (n > 0 && d->n_waiting < n * WAITING_PER_LANE))
		return true;
	if (q->env->is_relay_only && !span_starts(d->name, SPAN("relay:"))) {
		rc = queue_set_dest(q->env->store, d->name,
		    clock_wall_s() + 3600, 1,
		    SPAN("4.3.5 No relay is set for this mail"));
		return rc == 0;
	}
	rc = lane_new(q, d, &lane);
	if (rc == ERR_NOMEM)
		return false;
	if (rc < 0)
		return true;
	lane->next = q->lanes;
	q->lanes = lane;
	return true;
}

static void
serve_due(struct mover *q)
{
	struct queue_place place = { .key_len = 0 };
	struct queue_dest_view d;

	for (int i = 0; i < RUN_DESTS; i++)
		if (queue_next_due(q->env->store, clock_wall_s(), &place, &d) <
		        0 ||
		    !begin(q, &d.d))
			return;
}

/* --- when --- */

static void
look_at_clock(struct mover *q)
{
	int64_t offset = clock_wall_s() - clock_mono_ms() / 1000;
	int64_t by = offset - q->offset_s;

	if (by > JUMP_S || by < -JUMP_S)
		q->jumped_s = clock_wall_s();
	q->offset_s = offset;
}

static void
sleep_until_due(struct mover *q, bool is_soon)
{
	int64_t now = clock_wall_s();
	int64_t due = queue_due_s(q->env->store, now);
	int64_t wait = due - now;

	if (is_soon)
		run_soon(q, SOON_MS);
	else if (due == INT64_MAX)
		loop_clear_timer(q->env->loop, &q->timer);
	else if (wait <= 0)
		run_soon(q, BUSY_MS);
	else
		run_soon(q, (wait < MAX_SLEEP_S ? wait : MAX_SLEEP_S) * 1000);
}

static void
run(struct timer *t)
{
	struct mover *q =
	    (struct mover *)((char *)t - offsetof(struct mover, timer));
	bool has_more;

	free_ended(q);
	look_at_clock(q);
	if (q->env->is_paused || store_is_read_only(q->env->store))
		return;
	has_more = serve_notices(q);
	serve_due(q);
	sleep_until_due(q, has_more);
}

static void
changed(void *arg)
{
	run_soon(arg, SOON_MS);
}

/* --- the whole --- */

int
mover_new(struct mover_env *env, struct mover **out)
{
	struct mover *q = mem_alloc(sizeof(*q));

	if (q == NULL)
		return ERR_NOMEM;
	q->env = env;
	q->offset_s = clock_wall_s() - clock_mono_ms() / 1000;
	timer_init(&q->timer, run);
	queue_watch(env->store, changed, q);
	run_soon(q, SOON_MS);
	*out = q;
	return 0;
}

void
mover_free(struct mover *q)
{
	if (q == NULL)
		return;
	queue_watch(q->env->store, NULL, NULL);
	loop_clear_timer(q->env->loop, &q->timer);
	while (q->lanes != NULL) {
		struct lane *n = q->lanes;

		q->lanes = n->next;
		lane_free(n);
	}
	mem_free(q);
}

void
mover_wake(struct mover *q)
{
	run_soon(q, SOON_MS);
}

void
mover_stats(const struct mover *q, struct mover_stats *out)
{
	uint32_t n_all;

	count_lanes(q, span_of(NULL, 0), &n_all);
	*out = q->stats;
	out->n_open = n_all;
}
