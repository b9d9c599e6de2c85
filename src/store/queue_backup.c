/* The queue and the ways out, in a backup and back (backup_in.h, intake_in.h).
 *
 * What comes back is held: it may have been sent since the backup was made,
 * and only a person can tell.
 */
#include "store/backup_in.h"
#include "store/intake_in.h"
#include "store/line.h"
#include "store/queue_in.h"
#include "store/row.h"

/* --- out --- */

static void
put_message(struct buf *l, const struct queue_message *m)
{
	line_begin(l, "queued");
	line_u64(l, "id", m->id);
	line_u64(l, "body", m->body);
	line_u64(l, "person", m->account);
	line_u64(l, "recipients", m->n_left);
	line_u64(l, "flags", m->flags);
	line_u64(l, "ret", m->ret);
	line_i64(l, "arrived", m->arrived_s);
	line_i64(l, "expires", m->expires_s);
	line_i64(l, "notice", m->notice_s);
	line_text(l, "from", m->from);
	line_text(l, "envid", m->envid);
	line_text(l, "trace", m->trace);
	line_end(l);
}

static void
put_rcpt(struct buf *l, const struct queue_rcpt *q)
{
	line_begin(l, "recipient");
	line_u64(l, "id", q->id);
	line_u64(l, "index", q->index);
	line_u64(l, "notify", q->notify);
	line_u64(l, "attempts", q->attempts);
	line_i64(l, "last", q->last_s);
	line_u64(l, "told", q->is_delay_told);
	line_text(l, "address", q->address);
	line_text(l, "orcpt", q->orcpt);
	line_text(l, "destination", q->destination);
	line_text(l, "reply", q->reply);
	line_text(l, "remote", q->remote);
	line_end(l);
}

int
backup_queue(struct backup *b, struct buf *out)
{
	struct queue_message_view m;
	struct queue_rcpt_view q;
	int rc = ERR_NONE;

	(void)out;
	if (b->queued != 0)
		rc = queue_next_rcpt(b->snap, b->queued, b->uid, &q);
	if (rc == 0) {
		put_rcpt(&b->list, &q.r);
		b->uid = q.r.index + 1;
	}
	if (rc != ERR_NONE)
		return rc;
	rc = queue_next(b->snap, b->queued + 1, &m);
	if (rc < 0)
		return rc;
	b->queued = m.m.id;
	b->uid = 0;
	if (m.m.body > b->body) /* newer than the bodies */
		b->uid = UINT32_MAX;
	else
		put_message(&b->list, &m.m);
	return 0;
}

int
backup_relays(struct backup *b, struct buf *out)
{
	struct relay_view v;
	struct buf *l = &b->list;
	int rc = relay_next(b->snap, &b->key, &v);

	(void)out;
	if (rc < 0)
		return rc;
	line_begin(l, "relay");
	line_text(l, "scope", v.r.scope);
	line_u64(l, "tls", v.r.tls);
	line_u64(l, "port", v.r.port);
	line_u64(l, "hourly", v.r.max_per_hour);
	line_text(l, "host", v.r.host);
	line_text(l, "user", v.r.user);
	line_text(l, "secret", v.r.secret);
	if (v.r.token_url.len > 0) {
		line_text(l, "token-url", v.r.token_url);
		line_text(l, "client", v.r.client);
		line_text(l, "client-secret", v.r.client_secret);
	}
	line_end(l);
	return 0;
}

/* --- back --- */

/* Append a text of the line to the scratch. */
static struct span
text(struct intake *in, struct line *l, const char *key, size_t max)
{
	size_t from = in->text[0].len;
	struct span s;

	line_get_text(l, key, &in->text[0]);
	s = span_sub(buf_span(&in->text[0]), from, in->text[0].len);
	if (s.len > max)
		l->rc = ERR_SYNTAX;
	return s;
}

/* Spans into a buffer that may move while it grows: make it large before. */
static int
begin_texts(struct intake *in)
{
	buf_reset(&in->text[0]);
	return buf_reserve(&in->text[0], sizeof(struct relay_view));
}

static uint64_t
time_of(struct line *l, const char *key)
{
	int64_t v = line_get_i64(l, key);

	if (v < 0)
		l->rc = ERR_SYNTAX;
	return (uint64_t)v;
}

/* Recipients may have left the queue while the backup was written. */
int
intake_end_queued(struct intake *in)
{
	struct queue_message_view m;
	struct body_place at;
	struct key k = key_u64(in->queued);
	uint32_t n_missing = in->queued_left;
	int rc;

	in->queued_left = 0;
	if (n_missing == 0 || in->is_queued_lost)
		return 0;
	rc = queue_get(in->s, in->queued, &m);
	if (rc < 0)
		return rc;
	m.m.n_left -= n_missing;
	if (m.m.n_left > 0)
		return queue_put_message(in->s, &m.m);
	rc = queue_notice(in->s, &m.m, false);
	if (rc == 0)
		rc = tree_delete(in->s, TREE_QUEUE, key_span(&k));
	if (rc == 0)
		rc = row_get_body(in->s, m.m.body, &at);
	at.refs--; /* nobody's is removed at the end */
	return rc < 0 ? rc : row_put_body(in->s, m.m.body, &at);
}

int
intake_take_queued(struct intake *in, struct line *l)
{
	struct queue_message m = { 0 };
	struct body_place at;
	int rc = begin_texts(in);

	m.id = line_get_u64(l, "id", INT64_MAX);
	m.body = line_get_u64(l, "body", INT64_MAX);
	m.account = (uint32_t)line_get_u64(l, "person", UINT32_MAX);
	m.n_left = (uint32_t)line_get_u64(l, "recipients", MAX_RCPTS);
	m.flags = (uint32_t)line_get_u64(l, "flags", QUEUE_FLAGS);
	m.ret = (enum queue_ret)line_get_u64(l, "ret", QUEUE_RET_HDRS);
	m.arrived_s = (int64_t)time_of(l, "arrived");
	m.expires_s = (int64_t)time_of(l, "expires");
	m.notice_s = (int64_t)time_of(l, "notice");
	m.from = text(in, l, "from", MAX_ADDRESS_BYTES);
	m.envid = text(in, l, "envid", MAX_QUEUE_ENVID_BYTES);
	m.trace = text(in, l, "trace", MAX_QUEUE_TRACE_BYTES);
	if (rc < 0 || l->rc < 0)
		return rc < 0 ? rc : l->rc;
	rc = intake_end_queued(in);
	if (rc < 0)
		return rc;
	if (m.id <= in->queued || m.n_left == 0)
		return ERR_DAMAGED; /* they come in order */
	in->queued = m.id;
	in->queued_left = m.n_left;
	in->is_queued_lost = false;
	m.n_rcpts = MAX_RCPTS;
	rc = row_get_body(in->s, m.body, &at);
	if (rc == ERR_NONE) { /* it was unreadable when this was made */
		in->is_queued_lost = true;
		in->totals.n_damaged++;
		return 0;
	}
	if (rc < 0 || at.refs == UINT32_MAX)
		return rc < 0 ? rc : ERR_DAMAGED;
	at.refs++;
	m.bytes = at.prefix_bytes + at.data_bytes;
	if (in->s->meta.next_intent <= m.id)
		in->s->meta.next_intent = m.id + 1;
	rc = row_put_body(in->s, m.body, &at);
	if (rc == 0)
		rc = queue_put_message(in->s, &m);
	return rc < 0 ? rc : queue_notice(in->s, &m, true);
}

int
intake_take_rcpt(struct intake *in, struct line *l)
{
	struct queue_rcpt q = { .state = QUEUE_HELD, .is_bulk = true };
	struct queue_rcpt_view old;
	int rc = begin_texts(in);

	q.id = line_get_u64(l, "id", INT64_MAX);
	q.index = (uint32_t)line_get_u64(l, "index", MAX_RCPTS - 1);
	q.notify = (uint32_t)line_get_u64(l, "notify", 15);
	q.attempts = (uint32_t)line_get_u64(l, "attempts", UINT32_MAX);
	q.last_s = (int64_t)time_of(l, "last");
	q.is_delay_told = line_get_u64(l, "told", 1) != 0;
	q.address = text(in, l, "address", MAX_ADDRESS_BYTES);
	q.orcpt = text(in, l, "orcpt", MAX_QUEUE_ORCPT_BYTES);
	q.destination = text(in, l, "destination", MAX_DEST_BYTES);
	q.reply = text(in, l, "reply", MAX_QUEUE_REPLY_BYTES);
	q.remote = text(in, l, "remote", MAX_DOMAIN_BYTES);
	if (rc < 0 || l->rc < 0)
		return rc < 0 ? rc : l->rc;
	if (q.id != in->queued || in->queued_left == 0 ||
	    span_rfind(q.address, '@') == q.address.len ||
	    q.destination.len == 0 ||
	    span_find(q.destination, '\0') < q.destination.len ||
	    queue_get_rcpt(in->s, q.id, q.index, &old) != ERR_NONE)
		return ERR_DAMAGED;
	in->queued_left--;
	return in->is_queued_lost ? 0 : queue_change_rcpt(in->s, NULL, &q);
}

int
intake_take_relay(struct intake *in, struct line *l)
{
	struct relay r = { 0 };
	int rc = begin_texts(in);

	r.scope = text(in, l, "scope", MAX_RELAY_SCOPE_BYTES);
	r.tls = (enum relay_tls)line_get_u64(l, "tls", RELAY_TLS_NEVER);
	r.port = (uint16_t)line_get_u64(l, "port", UINT16_MAX);
	r.max_per_hour = (uint32_t)line_get_u64(l, "hourly", UINT32_MAX);
	r.host = text(in, l, "host", MAX_DOMAIN_BYTES);
	r.user = text(in, l, "user", MAX_RELAY_USER_BYTES);
	r.secret = text(in, l, "secret", MAX_RELAY_SECRET_BYTES);
	if (line_has(l, "token-url")) {
		r.token_url = text(in, l, "token-url", MAX_RELAY_URL_BYTES);
		r.client = text(in, l, "client", MAX_RELAY_CLIENT_BYTES);
		r.client_secret =
		    text(in, l, "client-secret", MAX_RELAY_CLIENT_BYTES);
	}
	if (rc < 0 || l->rc < 0)
		return rc < 0 ? rc : l->rc;
	return relay_put(in->s, &r);
}
