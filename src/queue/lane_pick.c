/* lane_pick.c - which message a lane sends next, with which recipients. */
#include "base/clock.h"
#include "queue/lane.h"

/* Looked at for one message: what is moved or being sent is passed over. */
#define PICK_LOOKS 64
/* Every so many messages the large and the tried before go first. */
#define BULK_EVERY 4

void
lane_drop_message(struct lane *n)
{
	arena_reset(&n->arena);
	n->has_message = n->is_given = false;
	n->n_rcpts = 0;
}

/* Take one recipient in hand, or move it to where its way out leads now. */
static int
take_rcpt(struct lane *n, const struct queue_spot *spot)
{
	char storage[MAX_DEST_BYTES];
	struct queue_rcpt_view v;
	struct smtp_out_rcpt *r = &n->rcpts[n->n_rcpts];
	struct queue_outcome move = { .id = spot->id,
		.index = spot->index,
		.what = QUEUE_MOVE,
		.next_s = clock_wall_s() };
	struct buf b;
	int rc = queue_get_rcpt(lane_store(n), spot->id, spot->index, &v);

	buf_init_fixed(&b, storage, sizeof(storage));
	if (rc == 0)
		rc = queue_destination(
		    lane_store(n), n->message.m.from, v.r.address, &b);
	if (rc < 0)
		return rc;
	if (!span_is(buf_span(&b), lane_name(n))) {
		move.destination = buf_span(&b);
		return queue_settle(lane_store(n), &move, 1);
	}
	if (v.r.next_s > move.next_s) {
		/* The clock has jumped back. It is due from now on, or it
		 * would be tried again at once whenever the host fails. */
		move.what = QUEUE_AT;
		rc = queue_settle(lane_store(n), &move, 1);
	}
	n->index[n->n_rcpts] = spot->index;
	n->notify[n->n_rcpts] = v.r.notify;
	n->attempts[n->n_rcpts] = v.r.attempts;
	r->notify = v.r.notify;
	if (rc == 0)
		rc = arena_copy(&n->arena, v.r.address, &r->address);
	if (rc == 0)
		rc = arena_copy(&n->arena, v.r.orcpt, &r->orcpt);
	n->n_rcpts += rc == 0;
	return rc;
}

/* Take a message in hand, with those of its recipients that wait here. */
static int
take_message(struct lane *n, struct queue_spot spot)
{
	struct queue_message *m = &n->message.m;
	int64_t now = clock_wall_s();
	uint64_t id = spot.id;
	int rc;

	lane_drop_message(n);
	rc = queue_get(lane_store(n), id, &n->message);
	while (rc == 0 && spot.id == id && n->n_rcpts < LANE_RCPTS) {
		rc = take_rcpt(n, &spot);
		if (rc == 0 && queue_next_waiting(
		                   lane_store(n), lane_name(n), now, &spot) < 0)
			break;
	}
	if (rc < 0 || n->n_rcpts == 0)
		return rc;
	n->has_message = true;
	n->sending = (struct smtp_out_message){ .body = m->body,
		.from = m->from,
		.flags = m->flags,
		.ret = m->ret,
		.envid = m->envid,
		.rcpts = n->rcpts,
		.n_rcpts = n->n_rcpts };
	return 0;
}

int
lane_pick_from(struct lane *n, bool is_bulk, uint32_t flags)
{
	struct queue_spot spot = { .is_bulk = is_bulk };
	int rc = 0;

	for (int i = 0; i < PICK_LOOKS && rc == 0; i++) {
		rc = queue_next_waiting(
		    lane_store(n), lane_name(n), clock_wall_s(), &spot);
		if (rc < 0 || lane_is_taken(n->q, lane_name(n), spot.id))
			continue;
		rc = take_message(n, spot);
		if (n->has_message && (n->message.m.flags & flags) == flags)
			return rc;
	}
	return rc < 0 ? rc : ERR_NONE;
}

int
lane_pick(struct lane *n)
{
	int64_t until_s;
	int rc = ERR_NONE;

	lane_drop_message(n);
	if (n->relay != NULL &&
	    !lane_may_send(n->q, &n->relay->r, true, &until_s)) {
		rc = queue_set_dest(lane_store(n), lane_name(n), until_s, 0,
		    SPAN("4.4.5 The provider's limit of messages an hour is "
		         "reached"));
		return rc < 0 ? rc : ERR_NONE;
	}
	if (n->n_sent % BULK_EVERY == BULK_EVERY - 1)
		rc = lane_pick_from(n, true, 0);
	if (rc == ERR_NONE)
		rc = lane_pick_from(n, false, 0);
	if (rc < 0)
		lane_drop_message(n);
	else if (n->relay != NULL)
		(void)lane_may_send(n->q, &n->relay->r, false, &until_s);
	return rc;
}
