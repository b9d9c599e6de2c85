/* The rows of queue_in.h. */
#include "store/queue_in.h"

#include "store/row.h"

#define VERSION 1

/* --- keys --- */

struct key
queue_key_rcpt(uint64_t id, uint32_t index)
{
	struct key k = key_u64(id);

	be_put32(k.b + 8, index);
	k.len = 12;
	return k;
}

static struct key
key_of_name(struct span name)
{
	struct key k = { .len = name.len };

	if (name.len > MAX_DEST_BYTES)
		k.len = MAX_DEST_BYTES;
	memcpy(k.b, name.p, k.len);
	return k;
}

struct key
queue_key_wait(const struct queue_rcpt *r)
{
	struct key k = key_of_name(r->destination);

	k.b[k.len++] = '\0';
	k.b[k.len++] = r->is_bulk ? 1 : 0;
	be_put64(k.b + k.len, (uint64_t)r->next_s);
	be_put64(k.b + k.len + 8, r->id);
	be_put32(k.b + k.len + 16, r->index);
	k.len += 20;
	return k;
}

struct key
queue_key_notice(const struct queue_message *m)
{
	int64_t at = m->expires_s;
	struct key k;

	if (m->notice_s > 0 && m->notice_s < at)
		at = m->notice_s;
	k = key_u64((uint64_t)at);
	be_put64(k.b + 8, m->id);
	k.len = 16;
	return k;
}

struct key
queue_key_due(int64_t due_s, struct span name)
{
	struct key name_key = key_of_name(name);
	struct key k = key_u64((uint64_t)due_s);

	memcpy(k.b + 8, name_key.b, name_key.len);
	k.len += name_key.len;
	return k;
}

int
queue_parse_wait(struct span key, struct span *name_out, struct queue_spot *out)
{
	size_t nul = span_find(key, '\0');

	if (key.len != nul + 22)
		return ERR_DAMAGED;
	*name_out = span_sub(key, 0, nul);
	out->is_bulk = key.p[nul + 1] != 0;
	out->next_s = (int64_t)be_get64(key.p + nul + 2);
	out->id = be_get64(key.p + nul + 10);
	out->index = be_get32(key.p + nul + 18);
	return 0;
}

/* --- values: a version byte, then fields as in an operation --- */

static void
put_num(struct record *r, uint64_t v)
{
	buf_put_varint(&r->buf, v);
}

static void
put_text(struct record *r, struct span text)
{
	buf_put_varint(&r->buf, text.len);
	buf_put(&r->buf, text);
}

static struct fields
fields_of(struct span value)
{
	struct fields f = { .c = cur_of(value) };
	uint8_t version;

	f.is_bad = cur_u8(&f.c, &version) != PARSE_OK || version != VERSION;
	return f;
}

/* Copy a text into the storage of a view. */
static struct span
keep(struct fields *f, size_t max, char **at)
{
	struct span text = field_text(f, max);
	char *p = *at;

	if (text.len > 0)
		memcpy(p, text.p, text.len);
	*at += text.len;
	return span_of(p, text.len);
}

void
queue_record_message(struct record *r, const struct queue_message *m)
{
	record_init(r);
	put_num(r, m->body);
	put_num(r, m->bytes);
	put_num(r, m->account);
	put_num(r, m->n_rcpts);
	put_num(r, m->n_left);
	put_num(r, m->flags);
	put_num(r, m->ret);
	put_num(r, (uint64_t)m->arrived_s);
	put_num(r, (uint64_t)m->expires_s);
	put_num(r, (uint64_t)m->notice_s);
	put_text(r, m->from);
	put_text(r, m->envid);
	put_text(r, m->trace);
}

int
queue_parse_message(struct span value, struct queue_message_view *out)
{
	struct fields f = fields_of(value);
	struct queue_message *m = &out->m;
	char *at = out->storage;

	m->body = field_num(&f, UINT64_MAX);
	m->bytes = field_num(&f, UINT64_MAX);
	m->account = (uint32_t)field_num(&f, UINT32_MAX);
	m->n_rcpts = (uint32_t)field_num(&f, UINT32_MAX);
	m->n_left = (uint32_t)field_num(&f, m->n_rcpts);
	m->flags = (uint32_t)field_num(&f, QUEUE_FLAGS);
	m->ret = (enum queue_ret)field_num(&f, QUEUE_RET_HDRS);
	m->arrived_s = (int64_t)field_num(&f, INT64_MAX);
	m->expires_s = (int64_t)field_num(&f, INT64_MAX);
	m->notice_s = (int64_t)field_num(&f, INT64_MAX);
	m->from = keep(&f, MAX_ADDRESS_BYTES, &at);
	m->envid = keep(&f, MAX_QUEUE_ENVID_BYTES, &at);
	m->trace = keep(&f, MAX_QUEUE_TRACE_BYTES, &at);
	return field_end(&f);
}

void
queue_record_rcpt(struct record *r, const struct queue_rcpt *q)
{
	record_init(r);
	put_num(r, q->state);
	put_num(r, q->notify);
	put_num(r, q->attempts);
	put_num(r, (uint64_t)q->next_s);
	put_num(r, (uint64_t)q->last_s);
	put_num(r, q->is_bulk);
	put_num(r, q->is_delay_told);
	put_text(r, q->address);
	put_text(r, q->orcpt);
	put_text(r, q->destination);
	put_text(r, q->reply);
	put_text(r, q->remote);
}

int
queue_parse_rcpt(struct span value, struct queue_rcpt_view *out)
{
	struct fields f = fields_of(value);
	struct queue_rcpt *q = &out->r;
	char *at = out->storage;

	q->state = (enum queue_state)field_num(&f, QUEUE_HELD);
	if (q->state < QUEUE_WAITING)
		f.is_bad = true;
	q->notify = (uint32_t)field_num(&f, 15);
	q->attempts = (uint32_t)field_num(&f, UINT32_MAX);
	q->next_s = (int64_t)field_num(&f, INT64_MAX);
	q->last_s = (int64_t)field_num(&f, INT64_MAX);
	q->is_bulk = field_num(&f, 1) != 0;
	q->is_delay_told = field_num(&f, 1) != 0;
	q->address = keep(&f, MAX_ADDRESS_BYTES, &at);
	q->orcpt = keep(&f, MAX_QUEUE_ORCPT_BYTES, &at);
	q->destination = keep(&f, MAX_DEST_BYTES, &at);
	q->reply = keep(&f, MAX_QUEUE_REPLY_BYTES, &at);
	q->remote = keep(&f, MAX_DOMAIN_BYTES, &at);
	return field_end(&f);
}

static void
record_dest(struct record *r, const struct queue_dest *d)
{
	record_init(r);
	put_num(r, (uint64_t)d->due_s);
	put_num(r, (uint64_t)d->retry_s);
	put_num(r, d->n_failures);
	put_num(r, d->n_waiting);
	put_text(r, d->reply);
}

int
queue_parse_dest(struct span value, struct queue_dest_view *out)
{
	struct fields f = fields_of(value);
	struct queue_dest *d = &out->d;
	char *at = out->storage + MAX_DEST_BYTES; /* the name is before */

	d->due_s = (int64_t)field_num(&f, INT64_MAX);
	d->retry_s = (int64_t)field_num(&f, INT64_MAX);
	d->n_failures = (uint32_t)field_num(&f, UINT32_MAX);
	d->n_waiting = (uint32_t)field_num(&f, UINT32_MAX);
	d->reply = keep(&f, MAX_QUEUE_REPLY_BYTES, &at);
	return field_end(&f);
}

/* --- destinations --- */

/* The least time of a class; INT64_MAX: nobody waits in it. */
static int
first_of_class(struct store *s, struct span name, bool is_bulk, int64_t *out)
{
	struct queue_rcpt least = { .destination = name, .is_bulk = is_bulk };
	struct key k = queue_key_wait(&least);
	struct queue_spot spot;
	struct span key, value, of;
	int rc = tree_seek(s, TREE_QWAIT, key_span(&k), &key, &value);

	*out = INT64_MAX;
	if (rc < 0)
		return rc == ERR_NONE ? 0 : rc;
	rc = queue_parse_wait(key, &of, &spot);
	if (rc == 0 && span_is(of, name) && spot.is_bulk == is_bulk)
		*out = spot.next_s;
	return rc;
}

static int
due_of(struct store *s, const struct queue_dest *d, int64_t *out)
{
	int64_t bulk;
	int rc = first_of_class(s, d->name, false, out);

	if (rc == 0)
		rc = first_of_class(s, d->name, true, &bulk);
	if (rc < 0)
		return rc;
	if (bulk < *out)
		*out = bulk;
	if (d->retry_s > *out)
		*out = d->retry_s;
	return 0;
}

int
queue_put_dest(struct store *s, struct queue_dest_view *d, bool is_new)
{
	struct key name = key_of_name(d->d.name);
	struct key old = queue_key_due(d->d.due_s, d->d.name), k;
	struct record r;
	int64_t due;
	int rc = 0;

	if (d->d.n_waiting == 0) {
		rc = tree_delete(s, TREE_QDEST, key_span(&name));
		return rc < 0 ? rc : tree_delete(s, TREE_QDUE, key_span(&old));
	}
	rc = due_of(s, &d->d, &due);
	if (rc < 0)
		return rc;
	k = queue_key_due(due, d->d.name);
	if (is_new || due != d->d.due_s) {
		if (!is_new)
			rc = tree_delete(s, TREE_QDUE, key_span(&old));
		record_init(&r);
		if (rc == 0)
			rc = tree_put(
			    s, TREE_QDUE, key_span(&k), record_span(&r));
		d->d.due_s = due;
	}
	record_dest(&r, &d->d);
	return rc < 0
	           ? rc
	           : tree_put(s, TREE_QDEST, key_span(&name), record_span(&r));
}

/* One recipient more (n = 1) or less (-1) waits for a destination, or (0) at
 * another time. */
static int
count_dest(struct store *s, struct span name, int n)
{
	struct queue_dest_view d = { .d.name = name };
	int rc = queue_get_dest(s, name, &d);
	bool is_new = rc == ERR_NONE;

	if (is_new && n > 0)
		rc = 0;
	if (rc < 0)
		return rc == ERR_NONE ? ERR_DAMAGED : rc;
	d.d.name = name;
	d.d.n_waiting += (uint32_t)n;
	return queue_put_dest(s, &d, is_new);
}

/* --- recipients --- */

static int
put_wait(struct store *s, const struct queue_rcpt *q)
{
	struct key k = queue_key_wait(q);
	struct record r;

	s->has_queue_moved = true;
	record_init(&r);
	return tree_put(s, TREE_QWAIT, key_span(&k), record_span(&r));
}

static int
put_row(struct store *s, const struct queue_rcpt *q)
{
	struct key k = queue_key_rcpt(q->id, q->index);
	struct record r;

	queue_record_rcpt(&r, q);
	return tree_put(s, TREE_QRCPT, key_span(&k), record_span(&r));
}

int
queue_change_rcpt(
    struct store *s, const struct queue_rcpt *old, const struct queue_rcpt *now)
{
	bool did_wait = old != NULL && old->state == QUEUE_WAITING;
	bool waits = now != NULL && now->state == QUEUE_WAITING;
	bool stays =
	    did_wait && waits && span_is(old->destination, now->destination);
	int rc = 0;

	if (did_wait) {
		struct key k = queue_key_wait(old);

		rc = tree_delete(s, TREE_QWAIT, key_span(&k));
	}
	if (now == NULL && rc == 0) {
		struct key k = queue_key_rcpt(old->id, old->index);

		rc = tree_delete(s, TREE_QRCPT, key_span(&k));
	}
	if (now != NULL && rc == 0)
		rc = put_row(s, now);
	if (waits && rc == 0)
		rc = put_wait(s, now);
	if (did_wait && !stays && rc == 0)
		rc = count_dest(s, old->destination, -1);
	if (waits && rc == 0)
		rc = count_dest(s, now->destination, stays ? 0 : 1);
	return rc;
}

/* --- messages --- */

int
queue_put_message(struct store *s, const struct queue_message *m)
{
	struct key k = key_u64(m->id);
	struct record r;

	queue_record_message(&r, m);
	return tree_put(s, TREE_QUEUE, key_span(&k), record_span(&r));
}

int
queue_notice(struct store *s, const struct queue_message *m, bool is_begun)
{
	struct key k = queue_key_notice(m);
	struct record r;

	record_init(&r);
	return is_begun
	           ? tree_put(s, TREE_QNOTICE, key_span(&k), record_span(&r))
	           : tree_delete(s, TREE_QNOTICE, key_span(&k));
}

int
queue_drop_message(struct store *s, const struct queue_message *m)
{
	struct key k = key_u64(m->id);
	int rc = tree_delete(s, TREE_QUEUE, key_span(&k));

	if (rc == 0)
		rc = queue_notice(s, m, false);
	return rc < 0 ? rc : row_unrefer(s, m->body);
}
