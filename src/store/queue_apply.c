/* What the operations of queue.h do. */
#include "store/apply.h"
#include "store/queue_in.h"
#include "store/row.h"

int
queue_apply_put(struct store *s, struct fields *f)
{
	struct queue_message m = { 0 };
	struct body_place place;
	struct key k;
	struct span value;
	int rc;

	m.id = field_num(f, UINT64_MAX - 1);
	m.body = field_num(f, UINT64_MAX);
	m.account = (uint32_t)field_num(f, UINT32_MAX);
	m.flags = (uint32_t)field_num(f, QUEUE_FLAGS);
	m.ret = (enum queue_ret)field_num(f, QUEUE_RET_HDRS);
	m.arrived_s = (int64_t)field_num(f, INT64_MAX);
	m.expires_s = (int64_t)field_num(f, INT64_MAX);
	m.notice_s = (int64_t)field_num(f, INT64_MAX);
	m.n_rcpts = m.n_left = (uint32_t)field_num(f, MAX_RCPTS);
	m.from = field_text(f, MAX_ADDRESS_BYTES);
	m.envid = field_text(f, MAX_QUEUE_ENVID_BYTES);
	m.trace = field_text(f, MAX_QUEUE_TRACE_BYTES);
	rc = field_end(f);
	if (rc == 0 && (m.id == 0 || m.n_rcpts == 0))
		rc = ERR_DAMAGED;
	if (rc == 0)
		rc = row_get_body(s, m.body, &place);
	if (rc < 0)
		return rc;
	k = key_u64(m.id);
	rc = tree_get(s, TREE_QUEUE, key_span(&k), &value);
	if (rc != ERR_NONE)
		return rc == 0 ? ERR_EXISTS : rc;
	m.bytes = place.prefix_bytes + place.data_bytes;
	place.refs++;
	if (m.id >= s->meta.next_intent)
		s->meta.next_intent = m.id + 1;
	rc = row_put_body(s, m.body, &place);
	if (rc == 0)
		rc = queue_put_message(s, &m);
	return rc < 0 ? rc : queue_notice(s, &m, true);
}

int
queue_apply_add(struct store *s, struct fields *f)
{
	struct queue_rcpt q[QUEUE_ADD_BATCH] = { { 0 } };
	struct queue_message_view m;
	uint64_t id = field_num(f, UINT64_MAX);
	uint32_t first = (uint32_t)field_num(f, MAX_RCPTS);
	size_t n = (size_t)field_num(f, QUEUE_ADD_BATCH);
	int rc;

	for (size_t i = 0; i < n; i++) {
		q[i].id = id;
		q[i].index = first + (uint32_t)i;
		q[i].state = QUEUE_WAITING;
		q[i].address = field_text(f, MAX_ADDRESS_BYTES);
		q[i].orcpt = field_text(f, MAX_QUEUE_ORCPT_BYTES);
		q[i].destination = field_text(f, MAX_DEST_BYTES);
		q[i].notify = (uint32_t)field_num(f, 15);
	}
	rc = field_end(f);
	if (rc == 0)
		rc = queue_get(s, id, &m);
	if (rc == 0 && first + n > m.m.n_rcpts)
		rc = ERR_DAMAGED;
	for (size_t i = 0; i < n && rc == 0; i++) {
		q[i].next_s = m.m.arrived_s;
		q[i].is_bulk = m.m.bytes > QUEUE_SMALL_BYTES;
		rc = queue_change_rcpt(s, NULL, &q[i]);
	}
	return rc;
}

/* --- outcomes --- */

static int
leave(struct store *s, const struct queue_rcpt *q)
{
	struct queue_message_view m;
	int rc = queue_get(s, q->id, &m);

	if (rc < 0 || m.m.n_left == 0)
		return rc < 0 && rc != ERR_NONE ? rc : ERR_DAMAGED;
	rc = queue_change_rcpt(s, q, NULL);
	m.m.n_left--;
	if (rc < 0)
		return rc;
	return m.m.n_left > 0 ? queue_put_message(s, &m.m)
	                      : queue_drop_message(s, &m.m);
}

/* The message's one delay notice is made. */
static int
end_notice(struct store *s, uint64_t id)
{
	struct queue_message_view m;
	int rc = queue_get(s, id, &m);

	if (rc < 0 || m.m.notice_s == 0)
		return rc;
	rc = queue_notice(s, &m.m, false);
	m.m.notice_s = 0;
	if (rc == 0)
		rc = queue_notice(s, &m.m, true);
	return rc < 0 ? rc : queue_put_message(s, &m.m);
}

static int
settle_one(struct store *s, const struct queue_outcome *o, int64_t now_s)
{
	struct queue_rcpt_view old;
	struct queue_rcpt now;
	int rc = queue_get_rcpt(s, o->id, o->index, &old);

	if (rc < 0)
		return rc == ERR_NONE ? 0 : rc;
	now = old.r;
	switch (o->what) {
	case QUEUE_GONE:
		return leave(s, &old.r);
	case QUEUE_DEFER:
		now.attempts++;
		now.last_s = now_s;
		now.next_s = o->next_s;
		now.is_bulk = true;
		now.reply = o->reply;
		now.remote = o->remote;
		break;
	case QUEUE_MOVE:
		now.destination = o->destination;
		now.next_s = o->next_s;
		break;
	case QUEUE_TOLD:
		now.is_delay_told = true;
		rc = end_notice(s, o->id);
		break;
	case QUEUE_HOLD:
		now.state = QUEUE_HELD;
		break;
	case QUEUE_RELEASE:
		if (now.state == QUEUE_HELD)
			now.next_s = o->next_s;
		now.state = QUEUE_WAITING;
		break;
	case QUEUE_AT:
		now.next_s = o->next_s;
		break;
	}
	return rc < 0 ? rc : queue_change_rcpt(s, &old.r, &now);
}

int
queue_apply_settle(struct store *s, struct fields *f)
{
	struct queue_outcome o[QUEUE_SETTLE_BATCH];
	int64_t now_s = (int64_t)field_num(f, INT64_MAX);
	size_t n = (size_t)field_num(f, QUEUE_SETTLE_BATCH);
	int rc;

	for (size_t i = 0; i < n; i++) {
		o[i].id = field_num(f, UINT64_MAX);
		o[i].index = (uint32_t)field_num(f, UINT32_MAX);
		o[i].what = (enum queue_what)field_num(f, QUEUE_AT);
		o[i].next_s = (int64_t)field_num(f, INT64_MAX);
		o[i].reply = field_text(f, MAX_QUEUE_REPLY_BYTES);
		o[i].remote = field_text(f, MAX_DOMAIN_BYTES);
		o[i].destination = field_text(f, MAX_DEST_BYTES);
		if (o[i].what < QUEUE_GONE ||
		    (o[i].what == QUEUE_MOVE && o[i].destination.len == 0))
			f->is_bad = true;
	}
	rc = field_end(f);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = settle_one(s, &o[i], now_s);
	return rc;
}

int
queue_apply_dest(struct store *s, struct fields *f)
{
	struct queue_dest_view d;
	struct span name = field_text(f, MAX_DEST_BYTES);
	int64_t retry_s = (int64_t)field_num(f, INT64_MAX);
	uint32_t n_failures = (uint32_t)field_num(f, UINT32_MAX);
	struct span reply = field_text(f, MAX_QUEUE_REPLY_BYTES);
	int rc = field_end(f);

	if (rc == 0)
		rc = queue_get_dest(s, name, &d);
	if (rc < 0)
		return rc == ERR_NONE ? 0 : rc;
	d.d.retry_s = retry_s;
	d.d.n_failures = n_failures;
	d.d.reply = reply;
	s->has_queue_moved = true;
	return queue_put_dest(s, &d, false);
}

int
queue_apply_times(struct store *s, struct fields *f)
{
	struct queue_message_view m;
	uint64_t id = field_num(f, UINT64_MAX);
	int64_t arrived_s = (int64_t)field_num(f, INT64_MAX);
	int64_t expires_s = (int64_t)field_num(f, INT64_MAX);
	int64_t notice_s = (int64_t)field_num(f, INT64_MAX);
	int rc = field_end(f);

	if (rc == 0)
		rc = queue_get(s, id, &m);
	if (rc == 0)
		rc = queue_notice(s, &m.m, false);
	if (rc < 0)
		return rc;
	m.m.arrived_s = arrived_s;
	m.m.expires_s = expires_s;
	m.m.notice_s = notice_s;
	s->has_queue_moved = true;
	rc = queue_notice(s, &m.m, true);
	return rc < 0 ? rc : queue_put_message(s, &m.m);
}
