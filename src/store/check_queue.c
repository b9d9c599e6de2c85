/* The queue, of check_in.h. */
#include "store/check_in.h"
#include "store/queue_in.h"

static void
say_rcpt(struct check *c, uint64_t id, uint32_t index, const char *trouble)
{
	struct buf *b = check_say(c);

	buf_putf(b, "Recipient %u of queued message %llu %s", index,
	    (unsigned long long)id, trouble);
	check_said(c);
}

static uint32_t
count_rcpts(struct check *c, uint64_t id)
{
	struct queue_rcpt_view q;
	uint32_t n = 0;

	q.r.index = 0;
	while (queue_next_rcpt(c->snap, id, q.r.index + (n > 0), &q) == 0)
		n++;
	return n;
}

int
check_queue(struct check *c)
{
	struct queue_message_view m;
	struct span key, value;
	uint64_t id;
	int rc = check_next(c, TREE_QUEUE, &key, &value);

	if (rc < 0)
		return rc;
	id = key.len == 8 ? be_get64(key.p) : 0;
	if (id == 0 || queue_parse_message(value, &m) < 0) {
		check_say_about(
		    c, "The row of queued message", id, "is damaged.");
		return 0;
	}
	m.m.id = id;
	if (!check_has(c, TREE_BODY, key_u64(m.m.body)))
		check_say_about(c, "Queued message", id, "has no body.");
	if (!check_has(c, TREE_QNOTICE, queue_key_notice(&m.m)))
		check_say_about(c, "Queued message", id, "would never end.");
	if (count_rcpts(c, id) != m.m.n_left || m.m.n_left == 0)
		check_say_about(c, "Queued message", id,
		    "has not the recipients that it counts.");
	if (id >= c->snap->meta.next_intent)
		check_say_about(c, "Queued message", id,
		    "has a number that was not given yet.");
	return 0;
}

int
check_queue_rcpts(struct check *c)
{
	struct queue_rcpt_view q;
	struct span key, value;
	int rc = check_next(c, TREE_QRCPT, &key, &value);

	if (rc < 0)
		return rc;
	if (key.len != 12 || queue_parse_rcpt(value, &q) < 0) {
		check_say_about(c, "A recipient of queued message",
		    key.len == 12 ? be_get64(key.p) : 0, "is damaged.");
		return 0;
	}
	q.r.id = be_get64(key.p);
	q.r.index = be_get32(key.p + 8);
	if (!check_has(c, TREE_QUEUE, key_u64(q.r.id)))
		say_rcpt(c, q.r.id, q.r.index, "stands without the message.");
	if (q.r.state == QUEUE_WAITING &&
	    !check_has(c, TREE_QWAIT, queue_key_wait(&q.r)))
		say_rcpt(c, q.r.id, q.r.index, "would never be tried.");
	return 0;
}

/* The run of one destination's rows is over: are they as many as it says? */
static void
end_dest(struct check *c)
{
	struct queue_dest_view d;
	struct span name = span_of(c->dest, c->dest_len);

	if (c->n_waiting > 0 && (queue_get_dest(c->snap, name, &d) < 0 ||
	                            d.d.n_waiting != c->n_waiting))
		check_say_text(c, "The destination", name,
		    "does not count those who wait for it.");
	c->n_waiting = 0;
}

int
check_queue_waits(struct check *c)
{
	struct queue_rcpt_view q;
	struct queue_spot spot;
	struct span key, value, name;
	int rc = check_next(c, TREE_QWAIT, &key, &value);

	if (rc < 0) {
		end_dest(c);
		return rc;
	}
	if (queue_parse_wait(key, &name, &spot) < 0 ||
	    name.len > sizeof(c->dest)) {
		check_say_about(c, "A row of those who wait", 0, "is damaged.");
		return 0;
	}
	if (!span_is(name, span_of(c->dest, c->dest_len))) {
		end_dest(c);
		memcpy(c->dest, name.p, name.len);
		c->dest_len = name.len;
	}
	c->n_waiting++;
	if (queue_get_rcpt(c->snap, spot.id, spot.index, &q) < 0 ||
	    q.r.state != QUEUE_WAITING || q.r.next_s != spot.next_s ||
	    q.r.is_bulk != spot.is_bulk ||
	    !span_is(q.r.destination, span_of(c->dest, c->dest_len)))
		say_rcpt(c, spot.id, spot.index, "does not wait as it says.");
	return 0;
}

int
check_queue_dests(struct check *c)
{
	struct queue_dest_view d;
	struct span key, value;
	int rc = check_next(c, TREE_QDUE, &key, &value);

	if (rc == ERR_NONE &&
	    tree_count(c->snap, TREE_QDUE) != tree_count(c->snap, TREE_QDEST))
		check_say_about(c, "The destinations of the queue, of which",
		    tree_count(c->snap, TREE_QDEST),
		    "are there, are not those that have a time.");
	if (rc < 0)
		return rc;
	if (key.len <= 8 ||
	    queue_get_dest(c->snap, span_sub(key, 8, key.len), &d) < 0 ||
	    d.d.due_s != (int64_t)be_get64(key.p) || d.d.n_waiting == 0)
		check_say_text(c, "The destination", span_sub(key, 8, key.len),
		    "has a wrong time.");
	return 0;
}

int
check_queue_notices(struct check *c)
{
	struct queue_message_view m;
	struct span key, value;
	struct key k;
	int rc = check_next(c, TREE_QNOTICE, &key, &value);
	uint64_t id;

	if (rc < 0)
		return rc;
	id = key.len == 16 ? be_get64(key.p + 8) : 0;
	if (id != 0 && queue_get(c->snap, id, &m) == 0)
		k = queue_key_notice(&m.m);
	else
		k.len = 0;
	if (!span_is(key_span(&k), span_of(c->key, c->key_len - 1)))
		check_say_about(
		    c, "The time of queued message", id, "is wrong.");
	return 0;
}
