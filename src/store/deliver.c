/* Delivery, of mailbox.h: one body into many mailboxes, in one frame. */
#include "base/clock.h"
#include "store/apply.h"
#include "store/queue_in.h"
#include "store/recover.h"
#include "store/row.h"

/* The body is new with this operation; else it is one of the frame's. */
#define IS_FIRST  1u
#define IS_INLINE 2u

/* Fields of an operation but its body and recipients; one recipient. */
#define FIXED_BYTES 128
#define TO_BYTES    20

struct delivering {
	uint64_t body;
	uint64_t how;
	struct body_place place;
	struct span chunks[MAX_INLINE_CHUNKS + 1];
	struct span summary;
	struct message m; /* what all recipients have in common */
	uint32_t n_to;
	struct delivery_to to[DELIVER_BATCH];
};

/* --- applying --- */

static void
read_body(struct fields *f, struct delivering *d)
{
	struct body_place *p = &d->place;

	p->volume = (uint32_t)field_num(f, UINT32_MAX);
	p->n_chunks = (uint32_t)field_num(f, UINT32_MAX - 1);
	p->prefix_bytes = (uint32_t)field_num(f, MAX_PREFIX_BYTES);
	p->data_bytes = field_num(f, UINT64_MAX / 2);
	p->stored_bytes = field_num(f, UINT64_MAX / 2);
	p->refs = 0;
	if (!(d->how & IS_INLINE))
		return;
	if (p->n_chunks > MAX_INLINE_CHUNKS)
		f->is_bad = true;
	for (uint32_t i = 0; i <= p->n_chunks && !f->is_bad; i++)
		d->chunks[i] = field_text(f, MAX_OP_BYTES);
	d->summary = field_text(f, MAX_OP_BYTES);
}

static int
read_delivery(struct store *s, struct fields *f, struct delivering *d)
{
	int rc;

	d->body = field_num(f, UINT64_MAX - 1);
	d->how = field_num(f, IS_FIRST | IS_INLINE);
	if (d->how & IS_FIRST)
		read_body(f, d);
	d->m.body = d->body;
	d->m.internal_date_s = field_signed(f);
	d->m.zone_minutes = (int16_t)field_signed(f);
	d->m.saved_s = field_signed(f);
	d->m.thread_id = field_num(f, UINT64_MAX);
	d->n_to = (uint32_t)field_num(f, DELIVER_BATCH);
	for (uint32_t i = 0; i < d->n_to; i++) {
		d->to[i].mailbox = (uint32_t)field_num(f, UINT32_MAX);
		d->to[i].flags = (uint16_t)field_num(f, MESSAGE_FLAGS);
		d->to[i].keywords = field_num(f, UINT64_MAX);
	}
	rc = field_end(f);
	/* A body for the queue alone is first of nobody here. */
	if (rc == 0 && (d->body == 0 || (d->n_to == 0 && !(d->how & IS_FIRST))))
		rc = ERR_DAMAGED;
	if (rc == 0 && !(d->how & IS_FIRST))
		return row_get_body(s, d->body, &d->place);
	return rc;
}

static int
check_delivery(struct store *s, const struct delivering *d)
{
	struct body_place old;
	struct mailbox_rec m;
	struct usage u;
	int rc;

	if (d->how & IS_FIRST) {
		rc = row_get_body(s, d->body, &old);
		if (rc != ERR_NONE)
			return rc == 0 ? ERR_EXISTS : rc;
	}
	for (uint32_t i = 0; i < d->n_to; i++) {
		rc = row_get_mailbox(s, d->to[i].mailbox, false, &m);
		if (rc == 0)
			rc = row_get_usage(s, m.v.account, &u);
		if (rc == 0 && m.v.uidnext == UINT32_MAX)
			rc = ERR_LIMIT;
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* What the volume keeps. Any failure there is one of LMDB (rule 6). */
static int
put_body_bytes(struct store *s, const struct delivering *d)
{
	struct volumes *vs = s->volumes;
	uint32_t volume = d->place.volume;
	int rc = 0;

	s->n_puts++;
	if (!(d->how & IS_INLINE)) {
		volume_settle(vs, volume);
		return 0;
	}
	for (uint32_t i = 0; i <= d->place.n_chunks && rc == 0; i++)
		if (d->chunks[i].len > 0)
			rc = volume_put(vs, volume, d->body, i, d->chunks[i]);
	if (rc == 0)
		rc = volume_put_summary(vs, volume, d->body, d->summary);
	return rc;
}

static int
put_message(struct store *s, const struct delivering *d,
    const struct delivery_to *to, struct delivered *out)
{
	struct message msg = d->m;
	struct mailbox_rec m;
	struct usage u;
	int rc = row_get_mailbox(s, to->mailbox, false, &m);

	if (rc == 0)
		rc = row_get_usage(s, m.v.account, &u);
	if (rc == 0)
		rc = row_log_change(s, &m, ROW_FLAGS, NULL);
	if (rc < 0)
		return rc;
	msg.uid = m.v.uidnext++;
	msg.flags = to->flags;
	msg.keywords = to->keywords;
	msg.bytes = d->place.prefix_bytes + d->place.data_bytes;
	msg.modseq = msg.born_modseq = m.v.highest_modseq;
	row_count_message(&m, &u, &msg);
	*out = (struct delivered){ msg.uid, m.v.uidvalidity, msg.modseq };
	rc = row_put_message(s, to->mailbox, &msg);
	if (rc == 0)
		rc = row_put_mailbox(s, &m);
	if (rc == 0)
		rc = row_put_usage(s, m.v.account, &u);
	return rc;
}

int
deliver_apply(struct store *s, struct fields *f)
{
	struct delivering d = { 0 };
	int rc = read_delivery(s, f, &d);

	if (rc == 0)
		rc = check_delivery(s, &d);
	if (rc < 0)
		return rc;
	if (d.how & IS_FIRST) {
		rc = put_body_bytes(s, &d);
		if (rc == 0)
			rc = row_count_volume(
			    s, d.place.volume, d.place.stored_bytes, true);
		if (d.body > s->meta.last_body)
			s->meta.last_body = d.body;
	}
	d.place.refs += d.n_to;
	if (rc == 0)
		rc = row_put_body(s, d.body, &d.place);
	for (uint32_t i = 0; i < d.n_to && rc == 0; i++)
		rc = put_message(s, &d, &d.to[i], &s->result.delivered[i]);
	s->result.n = d.n_to;
	return rc;
}

/* --- making --- */

static void
put_body(struct store *s, const struct body *b, uint32_t volume)
{
	op_num(s, volume);
	op_num(s, b->n_chunks);
	op_num(s, b->prefix_bytes);
	op_num(s, b->data_bytes);
	op_num(s, b->stored_bytes);
	if (!body_is_inline(b))
		return;
	for (uint32_t i = 0; i <= b->n_chunks; i++)
		op_text(s, b->chunks[i]);
	op_text(s, b->summary);
}

/* One operation: at most DELIVER_BATCH recipients from `from` on. */
static int
deliver_some(struct store *s, const struct delivery *d, uint64_t body,
    uint32_t volume, size_t from, struct delivered *out)
{
	size_t n = d->n_to - from;
	uint64_t how = from == 0 ? IS_FIRST : 0;
	int rc;

	if (n > DELIVER_BATCH)
		n = DELIVER_BATCH;
	if (from == 0 && body_is_inline(d->body))
		how |= IS_INLINE;
	op_begin(s, OP_DELIVER);
	op_num(s, body);
	op_num(s, how);
	if (how & IS_FIRST)
		put_body(s, d->body, volume);
	op_signed(s, d->internal_date_s);
	op_signed(s, d->zone_minutes);
	op_signed(s, clock_wall_s());
	op_num(s, d->thread_id != 0 ? d->thread_id : body);
	op_num(s, n);
	for (size_t i = from; i < from + n; i++) {
		op_num(s, d->to[i].mailbox);
		op_num(s, d->to[i].flags);
		op_num(s, d->to[i].keywords);
	}
	rc = op_apply(s);
	if (rc == 0 && out != NULL)
		memcpy(out + from, s->result.delivered, n * sizeof(*out));
	return rc;
}

static int
check_recipients(struct store *s, const struct delivery *d)
{
	struct mailbox_rec m;

	if (d->n_to > MAX_RCPTS || d->n_queue > DELIVER_MAX_QUEUE ||
	    (d->n_to == 0 && d->n_queue == 0))
		return ERR_LIMIT;
	for (size_t i = 0; i < d->n_queue; i++) {
		int rc = queue_check_mail(s, &d->queue[i]);

		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < d->n_to; i++) {
		int rc = row_get_target(s, d->to[i].mailbox, &m);

		if (rc < 0)
			return rc;
		if (d->to[i].flags & ~MESSAGE_FLAGS)
			return ERR_INVALID;
	}
	return 0;
}

/* What the operations of a delivery take in the turn's buffer. */
static size_t
delivery_bytes(const struct delivery *d)
{
	size_t len = FIXED_BYTES * (d->n_to / DELIVER_BATCH + 1) +
	             TO_BYTES * d->n_to + upload_inline_bytes(d->body) +
	             queue_settle_bytes(d->settle, d->n_settle);

	for (size_t i = 0; i < d->n_queue; i++)
		len += queue_mail_bytes(&d->queue[i]);
	return len;
}

/* Inside a group. */
static int
deliver(struct store *s, const struct delivery *d, struct delivered *out,
    uint64_t *body_out)
{
	uint64_t body = d->body->id;
	uint32_t volume = d->body->volume;
	int rc = 0;

	if (body_is_inline(d->body)) {
		rc = volume_choose(s->volumes, d->body->stored_bytes, &volume);
		body = volume_new_id(s->volumes);
	}
	for (size_t i = 0; rc == 0 && (i == 0 || i < d->n_to);
	     i += DELIVER_BATCH)
		rc = deliver_some(s, d, body, volume, i, out);
	for (size_t i = 0; rc == 0 && i < d->n_queue; i++)
		rc = queue_make(s, &d->queue[i], body);
	if (rc == 0 && d->n_settle > 0)
		rc = queue_make_settle(s, d->settle, d->n_settle);
	if (rc == 0 && body_out != NULL)
		*body_out = body;
	return rc;
}

/* Check all; *len_out: what they take in the turn's buffer; *rows_out: about
 * how many rows of the index. */
static int
check_many(struct store *s, const struct delivery *d, size_t n, size_t *len_out,
    size_t *rows_out)
{
	size_t n_to = 0, n_inline = 0;

	*len_out = *rows_out = 0;
	for (size_t i = 0; i < n; i++) {
		int rc = check_recipients(s, &d[i]);

		if (rc < 0)
			return rc;
		*len_out += delivery_bytes(&d[i]);
		n_inline += upload_inline_bytes(d[i].body);
		n_to += d[i].n_to;
		*rows_out += 3 * d[i].n_to + 2;
		for (size_t j = 0; j < d[i].n_queue; j++)
			*rows_out += 4 * d[i].queue[j].n_to + 3;
	}
	if (n > 1 && (n_to > MAX_RCPTS || n_inline > DELIVER_INLINE_BYTES))
		return ERR_LIMIT;
	return 0;
}

int
mailbox_deliver_many(struct store *s, const struct delivery *d, size_t n,
    struct delivered *out, uint64_t *body_ids_out)
{
	size_t len, n_rows;
	int rc;

	if (n == 0 || n > DELIVER_MAX_MANY)
		return ERR_LIMIT;
	rc = check_many(s, d, n, &len, &n_rows);
	if (rc < 0)
		return rc;
	rc = recover_make_room(s, n_rows);
	s->is_short = s->is_short || rc == ERR_FULL;
	if (rc < 0)
		return rc;
	rc = op_group(s, len);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = deliver(s, &d[i], out,
		    body_ids_out == NULL ? NULL : &body_ids_out[i]);
		out = out == NULL ? NULL : out + d[i].n_to;
	}
	s->is_short = s->is_short || rc == ERR_FULL;
	return op_group_end(s, rc);
}

int
mailbox_deliver(struct store *s, const struct delivery *d,
    struct delivered *out, uint64_t *body_id_out)
{
	return mailbox_deliver_many(s, d, 1, out, body_id_out);
}
