#include "store/queue.h"

#include "base/clock.h"
#include "store/queue_in.h"
#include "store/recover.h"

/* Fields of an operation beside its texts. */
#define FIXED_BYTES 128

/* --- reading --- */

uint64_t
queue_n_messages(struct store *s)
{
	return tree_count(s, TREE_QUEUE);
}

uint64_t
queue_n_rcpts(struct store *s)
{
	return tree_count(s, TREE_QRCPT);
}

int
queue_get(struct store *s, uint64_t id, struct queue_message_view *out)
{
	struct key k = key_u64(id);
	struct span value;
	int rc = tree_get(s, TREE_QUEUE, key_span(&k), &value);

	if (rc == 0)
		rc = queue_parse_message(value, out);
	out->m.id = id;
	return rc;
}

int
queue_get_rcpt(
    struct store *s, uint64_t id, uint32_t index, struct queue_rcpt_view *out)
{
	struct key k = queue_key_rcpt(id, index);
	struct span value;
	int rc = tree_get(s, TREE_QRCPT, key_span(&k), &value);

	if (rc == 0)
		rc = queue_parse_rcpt(value, out);
	out->r.id = id;
	out->r.index = index;
	return rc;
}

int
queue_next(struct store *s, uint64_t id, struct queue_message_view *out)
{
	struct key k = key_u64(id);
	struct span key, value;
	int rc = tree_seek(s, TREE_QUEUE, key_span(&k), &key, &value);

	if (rc == 0 && key.len != 8)
		rc = ERR_DAMAGED;
	if (rc < 0)
		return rc;
	out->m.id = be_get64(key.p);
	return queue_parse_message(value, out);
}

int
queue_next_rcpt(
    struct store *s, uint64_t id, uint32_t index, struct queue_rcpt_view *out)
{
	struct key k = queue_key_rcpt(id, index);
	struct span key, value;
	int rc = tree_seek(s, TREE_QRCPT, key_span(&k), &key, &value);

	if (rc == 0 && key.len != 12)
		rc = ERR_DAMAGED;
	if (rc < 0)
		return rc;
	if (be_get64(key.p) != id)
		return ERR_NONE;
	out->r.id = id;
	out->r.index = be_get32(key.p + 8);
	return queue_parse_rcpt(value, out);
}

int
queue_get_dest(struct store *s, struct span name, struct queue_dest_view *out)
{
	struct span value;
	int rc;

	if (name.len == 0 || name.len > MAX_DEST_BYTES)
		return ERR_NONE;
	rc = tree_get(s, TREE_QDEST, name, &value);
	if (rc < 0)
		return rc;
	memcpy(out->storage, name.p, name.len);
	out->d.name = span_of(out->storage, name.len);
	return queue_parse_dest(value, out);
}

/* Is a time to be taken as now or past (a clock may have jumped back)? */
static bool
is_due(int64_t at_s, int64_t now_s)
{
	return at_s <= now_s || at_s > now_s + QUEUE_MAX_WAIT_S;
}

int
queue_next_due(struct store *s, int64_t now_s, struct queue_place *place,
    struct queue_dest_view *out)
{
	struct span from = span_of(place->key, place->key_len);
	struct key far = key_u64((uint64_t)(now_s + QUEUE_MAX_WAIT_S + 1));
	struct span key, value;
	int rc = tree_seek(s, TREE_QDUE, from, &key, &value);

	if (rc == 0 && key.len > 8 && !is_due((int64_t)be_get64(key.p), now_s))
		rc = tree_seek(s, TREE_QDUE, key_span(&far), &key, &value);
	if (rc == 0 && (key.len <= 8 || key.len > 8 + MAX_DEST_BYTES))
		rc = ERR_DAMAGED;
	if (rc < 0)
		return rc;
	memcpy(place->key, key.p, key.len);
	place->key[key.len] = '\0'; /* the least key behind it */
	place->key_len = key.len + 1;
	rc = queue_get_dest(s, span_of(place->key + 8, key.len - 8), out);
	return rc == ERR_NONE ? ERR_DAMAGED : rc;
}

/* The first time in a tree whose keys begin with one, or now when the last of
 * them says that the clock has jumped back. INT64_MAX: it is empty. */
static int64_t
first_time(struct store *s, enum tree t, int64_t now_s)
{
	struct key far = key_u64((uint64_t)(now_s + QUEUE_MAX_WAIT_S + 1));
	struct span key, value;
	int64_t at;

	if (tree_seek(s, t, span_of(NULL, 0), &key, &value) < 0 || key.len < 8)
		return INT64_MAX;
	at = (int64_t)be_get64(key.p);
	if (t == TREE_QDUE && at > now_s &&
	    tree_seek(s, t, key_span(&far), &key, &value) == 0)
		return now_s;
	return at;
}

int64_t
queue_due_s(struct store *s, int64_t now_s)
{
	int64_t due = first_time(s, TREE_QDUE, now_s);
	int64_t notice = first_time(s, TREE_QNOTICE, now_s);

	return notice < due ? notice : due;
}

/* The first key of qwait >= the spot, in this class and destination.
 * ERR_NONE. */
static int
seek_wait(struct store *s, struct span name, struct queue_spot *spot)
{
	struct queue_rcpt from = { .id = spot->id,
		.index = spot->index,
		.next_s = spot->next_s,
		.is_bulk = spot->is_bulk,
		.destination = name };
	struct key k = queue_key_wait(&from);
	struct span key, value, of;
	bool is_bulk = spot->is_bulk;
	int rc = tree_seek(s, TREE_QWAIT, key_span(&k), &key, &value);

	if (rc == 0)
		rc = queue_parse_wait(key, &of, spot);
	if (rc == 0 && (!span_is(of, name) || spot->is_bulk != is_bulk))
		rc = ERR_NONE;
	return rc;
}

/* The next one due of a class. */
static int
next_of_class(
    struct store *s, struct span name, int64_t now_s, struct queue_spot *spot)
{
	bool is_bulk = spot->is_bulk;
	int rc = seek_wait(s, name, spot);

	if (rc == 0 && !is_due(spot->next_s, now_s)) {
		*spot = (struct queue_spot){ .is_bulk = is_bulk,
			.next_s = now_s + QUEUE_MAX_WAIT_S + 1 };
		rc = seek_wait(s, name, spot);
	}
	return rc;
}

int
queue_next_waiting(struct store *s, struct span destination, int64_t now_s,
    struct queue_spot *spot)
{
	struct queue_spot at = *spot;
	int rc;

	if (at.id != 0)
		at.index++; /* the least key behind it */
	rc = next_of_class(s, destination, now_s, &at);
	if (rc == ERR_NONE && !spot->is_bulk) {
		at = (struct queue_spot){ .is_bulk = true };
		rc = next_of_class(s, destination, now_s, &at);
	}
	if (rc == 0)
		*spot = at;
	return rc;
}

int
queue_next_notice(struct store *s, int64_t now_s, int64_t *time_s, uint64_t *id)
{
	struct key k = key_u64((uint64_t)*time_s);
	struct span key, value;
	int rc;

	be_put64(k.b + 8, *id + 1);
	k.len = 16;
	rc = tree_seek(s, TREE_QNOTICE, key_span(&k), &key, &value);
	if (rc == 0 && key.len != 16)
		rc = ERR_DAMAGED;
	if (rc == 0 && (int64_t)be_get64(key.p) > now_s)
		rc = ERR_NONE;
	if (rc < 0)
		return rc;
	*time_s = (int64_t)be_get64(key.p);
	*id = be_get64(key.p + 8);
	return 0;
}

int
queue_destination(
    struct store *s, struct span from, struct span address, struct buf *out)
{
	size_t at = span_rfind(address, '@');
	struct span domain = span_sub(address, at + 1, address.len);
	struct relay_view relay;
	int rc;

	if (at == 0 || domain.len == 0 || domain.len > MAX_DOMAIN_BYTES ||
	    address.len > MAX_ADDRESS_BYTES ||
	    span_find(address, '\0') < address.len)
		return ERR_INVALID;
	rc = relay_find(s, from, domain, &relay);
	if (rc < 0 && rc != ERR_NONE)
		return rc;
	if (rc == 0 && relay.r.host.len > 0) {
		buf_put_str(out, "relay:");
		buf_put(out, relay.r.scope);
	} else {
		buf_put(out, domain);
	}
	return buf_failed(out) ? ERR_LIMIT : 0;
}

void
queue_watch(struct store *s, void (*changed)(void *arg), void *arg)
{
	s->queue_changed = changed;
	s->queue_arg = arg;
}

/* --- making --- */

size_t
queue_to_bytes(const struct queue_to *to)
{
	return to->address.len + to->orcpt.len + MAX_DEST_BYTES / 4;
}

static size_t
dest_bytes(const struct queue_to *to)
{
	return to->address.len + to->orcpt.len + MAX_DEST_BYTES + 16;
}

size_t
queue_mail_bytes(const struct queue_mail *q)
{
	size_t n = FIXED_BYTES + q->from.len + q->envid.len + q->trace.len;

	for (size_t i = 0; i < q->n_to; i++)
		n += dest_bytes(&q->to[i]);
	return n + FIXED_BYTES * (q->n_to / QUEUE_ADD_BATCH + 1);
}

int
queue_check_mail(struct store *s, const struct queue_mail *q)
{
	char storage[MAX_DEST_BYTES];
	size_t n_bytes = 0;

	if (q->n_to == 0 || q->n_to > MAX_RCPTS)
		return ERR_LIMIT;
	if (q->from.len > MAX_ADDRESS_BYTES ||
	    q->envid.len > MAX_QUEUE_ENVID_BYTES ||
	    q->trace.len > MAX_QUEUE_TRACE_BYTES)
		return ERR_LIMIT;
	if (q->expires_s < 0 || q->notice_s < 0 || q->flags & ~QUEUE_FLAGS)
		return ERR_INVALID;
	for (size_t i = 0; i < q->n_to; i++) {
		struct buf b;
		int rc;

		buf_init_fixed(&b, storage, sizeof(storage));
		rc = queue_destination(s, q->from, q->to[i].address, &b);
		if (rc < 0)
			return rc;
		n_bytes += queue_to_bytes(&q->to[i]);
		if (q->to[i].orcpt.len > MAX_QUEUE_ORCPT_BYTES ||
		    n_bytes > QUEUE_RCPTS_BYTES)
			return ERR_LIMIT;
	}
	return 0;
}

static int
add_some(struct store *s, const struct queue_mail *q, uint64_t id, size_t first,
    size_t n)
{
	char storage[MAX_DEST_BYTES];

	op_begin(s, OP_QUEUE_ADD);
	op_num(s, id);
	op_num(s, first);
	op_num(s, n);
	for (size_t i = first; i < first + n; i++) {
		const struct queue_to *to = &q->to[i];
		struct buf b;
		int rc;

		buf_init_fixed(&b, storage, sizeof(storage));
		rc = queue_destination(s, q->from, to->address, &b);
		if (rc < 0)
			return rc;
		op_text(s, to->address);
		op_text(s, to->orcpt);
		op_text(s, buf_span(&b));
		op_num(s, to->notify & 15);
	}
	return op_apply(s);
}

int
queue_make(struct store *s, const struct queue_mail *q, uint64_t body)
{
	uint64_t id = s->meta.next_intent;
	int rc;

	op_begin(s, OP_QUEUE_PUT);
	op_num(s, id);
	op_num(s, body);
	op_num(s, q->account);
	op_num(s, q->flags);
	op_num(s, q->ret);
	op_num(s, (uint64_t)clock_wall_s());
	op_num(s, (uint64_t)q->expires_s);
	op_num(s, (uint64_t)q->notice_s);
	op_num(s, q->n_to);
	op_text(s, q->from);
	op_text(s, q->envid);
	op_text(s, q->trace);
	rc = op_apply(s);
	for (size_t i = 0; i < q->n_to && rc == 0; i += QUEUE_ADD_BATCH) {
		size_t n = q->n_to - i;

		if (n > QUEUE_ADD_BATCH)
			n = QUEUE_ADD_BATCH;
		rc = add_some(s, q, id, i, n);
	}
	return rc;
}

size_t
queue_settle_bytes(const struct queue_outcome *o, size_t n)
{
	size_t bytes = FIXED_BYTES;

	for (size_t i = 0; i < n; i++)
		bytes += FIXED_BYTES + o[i].reply.len + o[i].remote.len +
		         o[i].destination.len;
	return bytes;
}

static int
settle_some(struct store *s, const struct queue_outcome *o, size_t n)
{
	op_begin(s, OP_QUEUE_SETTLE);
	op_num(s, (uint64_t)clock_wall_s());
	op_num(s, n);
	for (size_t i = 0; i < n; i++) {
		op_num(s, o[i].id);
		op_num(s, o[i].index);
		op_num(s, o[i].what);
		op_num(s, (uint64_t)o[i].next_s);
		op_text(s, span_sub(o[i].reply, 0, MAX_QUEUE_REPLY_BYTES));
		op_text(s, span_sub(o[i].remote, 0, MAX_DOMAIN_BYTES));
		op_text(s, span_sub(o[i].destination, 0, MAX_DEST_BYTES));
	}
	return op_apply(s);
}

int
queue_make_settle(struct store *s, const struct queue_outcome *o, size_t n)
{
	int rc = n > QUEUE_MAX_OUTCOMES ? ERR_LIMIT : 0;

	for (size_t i = 0; i < n && rc == 0; i += QUEUE_SETTLE_BATCH) {
		size_t some = n - i;

		if (some > QUEUE_SETTLE_BATCH)
			some = QUEUE_SETTLE_BATCH;
		rc = settle_some(s, o + i, some);
	}
	return rc;
}

int
queue_settle(struct store *s, const struct queue_outcome *o, size_t n)
{
	int rc;

	if (n > QUEUE_MAX_OUTCOMES)
		return ERR_LIMIT;
	rc = op_group(s, queue_settle_bytes(o, n));
	if (rc < 0)
		return rc;
	return op_group_end(s, queue_make_settle(s, o, n));
}

int
queue_set_dest(struct store *s, struct span name, int64_t retry_s,
    uint32_t n_failures, struct span reply)
{
	int rc;

	if (name.len > MAX_DEST_BYTES)
		return ERR_LIMIT;
	reply = span_sub(reply, 0, MAX_QUEUE_REPLY_BYTES);
	rc = op_group(s, FIXED_BYTES + name.len + reply.len);
	if (rc < 0)
		return rc;
	op_begin(s, OP_QUEUE_DEST);
	op_text(s, name);
	op_num(s, (uint64_t)retry_s);
	op_num(s, n_failures);
	op_text(s, reply);
	return op_group_end(s, op_apply(s));
}

int
queue_set_times(struct store *s, uint64_t id, int64_t arrived_s,
    int64_t expires_s, int64_t notice_s)
{
	int rc = op_group(s, FIXED_BYTES);

	if (rc < 0)
		return rc;
	op_begin(s, OP_QUEUE_TIMES);
	op_num(s, id);
	op_num(s, (uint64_t)arrived_s);
	op_num(s, (uint64_t)expires_s);
	op_num(s, (uint64_t)notice_s);
	return op_group_end(s, op_apply(s));
}
