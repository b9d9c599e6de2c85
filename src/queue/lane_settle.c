/* lane_settle.c - what became of the message in hand, and of its destination:
 * into the store, the log and the event log. */
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "queue/advice.h"
#include "queue/backoff.h"
#include "queue/lane.h"

/* One event each for so many recipients of a transaction. */
#define MAX_EVENTS 20

static void
note(struct lane *n, size_t i, enum event_kind kind, struct span words)
{
	static const char *const names[] = { [EVENT_SENT] = "queue.sent",
		[EVENT_DEFERRED] = "queue.deferred",
		[EVENT_BOUNCED] = "queue.failed" };
	struct event e = { .kind = kind,
		.id = n->message.m.trace,
		.from = n->message.m.from,
		.to = n->rcpts[i].address,
		.client = lane_name(n),
		.text = words };
	struct log l;
	int rc = i < MAX_EVENTS ? event_add(lane_store(n), &e) : 0;

	log_begin(&l, LOG_NOTE, names[kind]);
	log_num(&l, "queued", (int64_t)n->message.m.id);
	log_str(&l, "id", n->message.m.trace);
	log_str(&l, "to", n->rcpts[i].address);
	log_str(&l, "host", lane_host(n));
	if (kind == EVENT_SENT)
		lane_log_tls(n, &l);
	log_str(&l, "policy", span_str(lane_policy_name(n)));
	log_num(&l, "attempt", n->attempts[i] + 1);
	log_str(&l, "reply", words);
	if (rc < 0)
		log_err(&l, "event_error", rc);
	log_end(&l);
}

struct span
lane_words(struct lane *n, const struct smtp_out_result *r)
{
	char storage[MAX_QUEUE_REPLY_BYTES];
	struct span out = span_of(NULL, 0);
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	if (r->is_reply && r->code > 0) {
		buf_put_u64(&b, r->code);
		buf_put_char(&b, ' ');
	}
	if (r->enhanced[0] != '\0') {
		buf_put_str(&b, r->enhanced);
		buf_put_char(&b, ' ');
	}
	buf_put(&b, span_sub(r->text, 0, sizeof(storage) - b.len));
	if (arena_copy(&n->arena, buf_span(&b), &out) < 0)
		out = SPAN("4.3.0 No memory for the reply");
	return out;
}

/* What became of recipient i, as an item of a report. */
static struct outcome_item
item_of(struct lane *n, size_t i, enum smtp_out_what what, struct span words,
    bool is_remote)
{
	struct outcome_item it = { .notify = n->notify[i] };
	int64_t now = clock_wall_s();

	it.outcome = (struct queue_outcome){ .id = n->message.m.id,
		.index = n->index[i],
		.what = what == OUT_TEMP ? QUEUE_DEFER : QUEUE_GONE };
	it.dsn = (struct dsn_rcpt){ .address = n->rcpts[i].address,
		.orcpt = n->rcpts[i].orcpt,
		.words = words,
		.status = dsn_status(words, true),
		.last_s = now };
	if (is_remote)
		it.dsn.remote = lane_host(n);
	if (what == OUT_TEMP) {
		it.outcome.next_s = now + backoff_s(&lane_env(n->q)->limits,
		                              n->attempts[i] + 1, rand_u32());
		it.outcome.reply = words;
		it.outcome.remote = it.dsn.remote;
	}
	it.action = what == OUT_SENT ? DSN_RELAYED : DSN_FAILED;
	it.is_telling = what == OUT_PERM;
	return it;
}

static void
count(struct lane *n, size_t i, enum smtp_out_what what, struct span words)
{
	struct mover_stats *st = lane_stats(n->q);

	switch (what) {
	case OUT_SENT:
		st->n_sent++;
		note(n, i, EVENT_SENT, words);
		return;
	case OUT_TEMP:
		st->n_deferred++;
		note(n, i, EVENT_DEFERRED, words);
		return;
	case OUT_PERM:
		st->n_failed++;
		note(n, i, EVENT_BOUNCED, words);
		return;
	}
}

/* A provider does not take this sender: tell them what to do, the owner too. */
static void
advise(struct lane *n, struct outcome_item *it)
{
	char storage[1000];
	struct buf b;
	struct log l;

	buf_init_fixed(&b, storage, sizeof(storage));
	advice_put_sender(
	    &b, n->relay->r.host, n->message.m.from, n->relay->r.user);
	if (arena_copy(&n->arena, buf_span(&b), &it->dsn.advice) < 0)
		it->dsn.advice = span_of(NULL, 0);
	log_begin(&l, LOG_WARN, "queue.sender_refused");
	log_str(&l, "id", n->message.m.trace);
	log_str(&l, "from", n->message.m.from);
	log_str(&l, "relay", n->relay->r.host);
	log_str(&l, "user", n->relay->r.user);
	log_str(&l, "advice",
	    SPAN("make the address known to the provider, or set a relay for "
	         "it: tinpost relay add from:ADDRESS HOST"));
	log_end(&l);
}

int
lane_settle(struct lane *n, bool *is_host_out)
{
	struct outcome_item items[2][LANE_RCPTS]; /* sent; all others */
	size_t n_items[2] = { 0, 0 };
	int rc = 0;

	*is_host_out = false;
	for (size_t i = 0; i < n->n_rcpts; i++) {
		struct smtp_out_result r;
		struct outcome_item *it;
		struct span words;
		int which;

		smtp_out_result(n->out, i, &r);
		which = r.what != OUT_SENT;
		words = lane_words(n, &r);
		it = &items[which][n_items[which]++];
		*it = item_of(n, i, r.what, words, r.is_reply);
		if (r.what == OUT_SENT) {
			it->is_telling = r.lacks_dsn;
			it->dsn.status = SPAN("2.0.0");
		}
		if (n->relay != NULL && advice_is_sender_refused(&r))
			advise(n, it);
		*is_host_out = *is_host_out || r.is_host;
		count(n, i, r.what, words);
	}
	for (int k = 0; k < 2 && rc == 0; k++)
		if (n_items[k] > 0)
			rc = outcome_settle(lane_env(n->q), &n->message.m,
			    items[k], n_items[k], &lane_stats(n->q)->n_dsn);
	if (rc == 0 && n->relay != NULL)
		lane_save_rate(n->q, &n->relay->r);
	return rc;
}

int
lane_settle_all(struct lane *n, enum smtp_out_what what, struct span words)
{
	struct outcome_item items[LANE_RCPTS];

	for (size_t i = 0; i < n->n_rcpts; i++) {
		items[i] = item_of(n, i, what, words, false);
		count(n, i, what, words);
	}
	return outcome_settle(lane_env(n->q), &n->message.m, items, n->n_rcpts,
	    &lane_stats(n->q)->n_dsn);
}

void
lane_hold_back(struct lane *n, struct span words)
{
	struct queue_dest_view d;
	struct log l;
	uint32_t n_failures = 1, wait_s;
	int rc = queue_get_dest(lane_store(n), lane_name(n), &d);

	if (rc == 0)
		n_failures = d.d.n_failures + 1;
	wait_s = backoff_s(&lane_env(n->q)->limits, n_failures, rand_u32());
	if (rc == 0)
		rc = queue_set_dest(lane_store(n), lane_name(n),
		    clock_wall_s() + wait_s, n_failures, words);
	log_begin(&l, LOG_NOTE, "queue.held_back");
	log_str(&l, "destination", lane_name(n));
	log_str(&l, "host", lane_host(n));
	log_num(&l, "failures", n_failures);
	log_num(&l, "wait_s", wait_s);
	log_str(&l, "why", words);
	if (rc < 0 && rc != ERR_NONE)
		log_err(&l, "error", rc);
	log_end(&l);
}

void
lane_absolve(struct lane *n)
{
	struct queue_dest_view d;
	int rc = queue_get_dest(lane_store(n), lane_name(n), &d);

	if (rc == 0 && d.d.n_failures > 0)
		rc = queue_set_dest(
		    lane_store(n), lane_name(n), 0, 0, span_of(NULL, 0));
	(void)rc; /* it stays held back, and is tried again later */
}
