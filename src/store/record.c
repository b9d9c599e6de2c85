#include "store/record.h"

#define VERSION 1

/* Ranges that a stored set may claim: more than any operation's bytes hold. */
#define MAX_SET_RANGES (8 * MAX_OP_BYTES)

void
record_init(struct record *r)
{
	buf_init_fixed(&r->buf, r->storage, sizeof(r->storage));
	buf_put_char(&r->buf, VERSION);
}

/* A reader that remembers whether all was there. */
struct reader {
	struct cur c;
	bool is_bad;
};

static struct reader
reader_of(struct span value)
{
	struct reader r = { cur_of(value), false };
	uint8_t version;

	if (cur_u8(&r.c, &version) != PARSE_OK || version != VERSION)
		r.is_bad = true;
	return r;
}

static uint8_t
u8(struct reader *r)
{
	uint8_t v = 0;

	if (cur_u8(&r->c, &v) != PARSE_OK)
		r->is_bad = true;
	return v;
}

static uint16_t
u16(struct reader *r)
{
	uint16_t v = 0;

	if (cur_be16(&r->c, &v) != PARSE_OK)
		r->is_bad = true;
	return v;
}

static uint32_t
u32(struct reader *r)
{
	uint32_t v = 0;

	if (cur_be32(&r->c, &v) != PARSE_OK)
		r->is_bad = true;
	return v;
}

static uint64_t
u64(struct reader *r)
{
	uint64_t v = 0;

	if (cur_be64(&r->c, &v) != PARSE_OK)
		r->is_bad = true;
	return v;
}

static struct span
text(struct reader *r, size_t max)
{
	struct span s = { NULL, 0 };
	size_t len = u16(r);

	if (len > max || cur_take(&r->c, len, &s) != PARSE_OK)
		r->is_bad = true;
	return r->is_bad ? span_of(NULL, 0) : s;
}

static void
put_text(struct buf *b, struct span s)
{
	buf_put_be16(b, (uint16_t)s.len);
	buf_put(b, s);
}

static void
bytes(struct reader *r, void *out, size_t len)
{
	struct span s;

	if (cur_take(&r->c, len, &s) != PARSE_OK)
		r->is_bad = true;
	else
		memcpy(out, s.p, len);
}

static int
end(const struct reader *r)
{
	return r->is_bad || !cur_is_end(&r->c) ? ERR_DAMAGED : 0;
}

/* Copy a text behind its record into storage that lives as long as it. */
static struct span
keep(char *storage, struct span s)
{
	if (s.len > 0)
		memcpy(storage, s.p, s.len);
	return span_of(storage, s.len);
}

void
record_put_meta(struct record *r, const struct meta *m)
{
	struct buf *b = &r->buf;

	record_init(r);
	buf_put_be32(b, m->format);
	buf_put_be64(b, m->store_id);
	buf_put_be64(b, (uint64_t)m->created_s);
	buf_put_be64(b, m->applied);
	buf_put_be64(b, m->generation);
	buf_put_be64(b, m->closed_generation);
	buf_put_be64(b, m->journal_bytes);
	buf_put_be64(b, m->next_event);
	buf_put_be64(b, m->next_intent);
	buf_put_be64(b, m->last_body);
	buf_put_be32(b, m->next_account);
	buf_put_be32(b, m->next_mailbox);
	buf_put_be32(b, m->next_alias);
	buf_put_be32(b, m->last_uidvalidity);
}

int
record_get_meta(struct span value, struct meta *m)
{
	struct reader r = reader_of(value);

	m->format = u32(&r);
	if (!r.is_bad && m->format > STORE_FORMAT)
		return ERR_TOO_NEW;
	m->store_id = u64(&r);
	m->created_s = (int64_t)u64(&r);
	m->applied = u64(&r);
	m->generation = u64(&r);
	m->closed_generation = u64(&r);
	m->journal_bytes = u64(&r);
	m->next_event = u64(&r);
	m->next_intent = u64(&r);
	m->last_body = u64(&r);
	m->next_account = u32(&r);
	m->next_mailbox = u32(&r);
	m->next_alias = u32(&r);
	m->last_uidvalidity = u32(&r);
	return end(&r);
}

void
record_put_mailbox(struct record *r, const struct mailbox_rec *m)
{
	struct buf *b = &r->buf;

	record_init(r);
	buf_put_char(b, (char)m->state);
	buf_put_char(b, (char)m->v.special_use);
	buf_put_be32(b, m->v.account);
	buf_put_be32(b, m->v.parent);
	buf_put_be32(b, m->v.uidvalidity);
	buf_put_be32(b, m->v.uidnext);
	buf_put_be64(b, m->v.highest_modseq);
	buf_put_be64(b, m->v.lowest_modseq);
	buf_put_be32(b, m->v.n_messages);
	buf_put_be32(b, m->v.n_unseen);
	buf_put_be32(b, m->v.n_deleted);
	buf_put_be64(b, m->v.bytes);
	buf_put_be32(b, m->n_changes);
	buf_put_be64(b, m->v.object_id);
	buf_put_be64(b, (uint64_t)m->v.created_s);
	put_text(b, m->v.name);
}

int
record_get_mailbox(struct span value, struct mailbox_rec *m)
{
	struct reader r = reader_of(value);
	uint8_t state = u8(&r);
	uint8_t use = u8(&r);

	if ((state != MAILBOX_LIVE && state != MAILBOX_DELETED) ||
	    use > SPECIAL_ARCHIVE)
		return ERR_DAMAGED;
	m->state = (enum mailbox_state)state;
	m->v.special_use = (enum special_use)use;
	m->v.account = u32(&r);
	m->v.parent = u32(&r);
	m->v.uidvalidity = u32(&r);
	m->v.uidnext = u32(&r);
	m->v.highest_modseq = u64(&r);
	m->v.lowest_modseq = u64(&r);
	m->v.n_messages = u32(&r);
	m->v.n_unseen = u32(&r);
	m->v.n_deleted = u32(&r);
	m->v.bytes = u64(&r);
	m->n_changes = u32(&r);
	m->v.object_id = u64(&r);
	m->v.created_s = (int64_t)u64(&r);
	m->v.name = keep(m->v.name_storage, text(&r, MAX_MAILBOX_PART));
	return end(&r);
}

void
record_put_account(struct record *r, const struct account_rec *a)
{
	struct buf *b = &r->buf;
	const struct scram_secret *s = &a->v.secret;

	record_init(r);
	buf_put_char(b, (char)a->state);
	buf_put_be32(b, a->v.flags);
	buf_put_be64(b, a->v.quota_bytes);
	buf_put_be64(b, (uint64_t)a->v.created_s);
	buf_put_be32(b, s->iterations);
	buf_put(b, span_of(s->salt, sizeof(s->salt)));
	buf_put(b, span_of(s->stored_key, sizeof(s->stored_key)));
	buf_put(b, span_of(s->server_key, sizeof(s->server_key)));
	put_text(b, a->v.address);
	put_text(b, a->v.name);
}

int
record_get_account(struct span value, struct account_rec *a)
{
	struct reader r = reader_of(value);
	struct scram_secret *s = &a->v.secret;
	uint8_t state = u8(&r);

	if (state != ACCOUNT_LIVE && state != ACCOUNT_DELETED)
		return ERR_DAMAGED;
	a->state = (enum account_state)state;
	a->v.flags = u32(&r);
	a->v.quota_bytes = u64(&r);
	a->v.created_s = (int64_t)u64(&r);
	s->iterations = u32(&r);
	bytes(&r, s->salt, sizeof(s->salt));
	bytes(&r, s->stored_key, sizeof(s->stored_key));
	bytes(&r, s->server_key, sizeof(s->server_key));
	a->v.address = keep(a->v.address_storage, text(&r, MAX_ADDRESS_BYTES));
	a->v.name = keep(a->v.name_storage, text(&r, MAX_ACCOUNT_NAME_BYTES));
	return end(&r);
}

void
record_put_usage(struct record *r, const struct usage *u)
{
	record_init(r);
	buf_put_be64(&r->buf, u->bytes);
	buf_put_be32(&r->buf, u->n_messages);
	buf_put_be32(&r->buf, u->n_mailboxes);
}

int
record_get_usage(struct span value, struct usage *u)
{
	struct reader r = reader_of(value);

	u->bytes = u64(&r);
	u->n_messages = u32(&r);
	u->n_mailboxes = u32(&r);
	return end(&r);
}

void
record_put_address(struct record *r, const struct address_entry *e)
{
	record_init(r);
	buf_put_char(&r->buf, (char)e->kind);
	buf_put_be32(&r->buf, e->id);
	buf_put_be32(&r->buf, e->n_targets);
	buf_put_be64(&r->buf, (uint64_t)e->created_s);
}

int
record_get_address(struct span value, struct address_entry *e)
{
	struct reader r = reader_of(value);
	uint8_t kind = u8(&r);

	if (kind < ADDRESS_PERSON || kind > ADDRESS_GROUP)
		return ERR_DAMAGED;
	e->kind = (enum address_kind)kind;
	e->id = u32(&r);
	e->n_targets = u32(&r);
	e->created_s = (int64_t)u64(&r);
	return end(&r);
}

void
record_put_message(struct record *r, const struct message *m)
{
	struct buf *b = &r->buf;

	record_init(r);
	buf_put_be16(b, m->flags);
	buf_put_be16(b, (uint16_t)m->zone_minutes);
	buf_put_be64(b, m->keywords);
	buf_put_be64(b, m->body);
	buf_put_be64(b, m->bytes);
	buf_put_be64(b, m->modseq);
	buf_put_be64(b, m->born_modseq);
	buf_put_be64(b, (uint64_t)m->internal_date_s);
	buf_put_be64(b, (uint64_t)m->saved_s);
	buf_put_be64(b, m->thread_id);
}

int
record_get_message(struct span value, struct message *m)
{
	struct reader r = reader_of(value);

	m->flags = u16(&r);
	m->zone_minutes = (int16_t)u16(&r);
	m->keywords = u64(&r);
	m->body = u64(&r);
	m->bytes = u64(&r);
	m->modseq = u64(&r);
	m->born_modseq = u64(&r);
	m->internal_date_s = (int64_t)u64(&r);
	m->saved_s = (int64_t)u64(&r);
	m->thread_id = u64(&r);
	return end(&r);
}

void
record_put_body(struct record *r, const struct body_place *p)
{
	struct buf *b = &r->buf;

	record_init(r);
	buf_put_be64(b, p->data_bytes);
	buf_put_be64(b, p->stored_bytes);
	buf_put_be32(b, p->volume);
	buf_put_be32(b, p->n_chunks);
	buf_put_be32(b, p->refs);
	buf_put_be32(b, p->prefix_bytes);
}

int
record_get_body(struct span value, struct body_place *p)
{
	struct reader r = reader_of(value);

	p->data_bytes = u64(&r);
	p->stored_bytes = u64(&r);
	p->volume = u32(&r);
	p->n_chunks = u32(&r);
	p->refs = u32(&r);
	p->prefix_bytes = u32(&r);
	return end(&r);
}

void
record_put_number(struct record *r, uint64_t v)
{
	record_init(r);
	buf_put_be64(&r->buf, v);
}

int
record_get_number(struct span value, uint64_t *out)
{
	struct reader r = reader_of(value);

	*out = u64(&r);
	return end(&r);
}

void
record_put_text(struct buf *b, struct span s)
{
	buf_put_char(b, VERSION);
	buf_put(b, s);
}

int
record_get_text(struct span value, struct span *out)
{
	struct reader r = reader_of(value);

	if (r.is_bad)
		return ERR_DAMAGED;
	*out = cur_rest(&r.c);
	return 0;
}

void
record_put_change(
    struct buf *b, enum change_row kind, const struct rangeset *uids)
{
	buf_put_char(b, VERSION);
	buf_put_char(b, (char)kind);
	rangeset_put(b, uids);
}

static int
get_set(struct reader *r, struct rangeset *uids)
{
	int rc;

	if (r->is_bad)
		return ERR_DAMAGED;
	rc = rangeset_get(uids, &r->c, MAX_SET_RANGES);
	if (rc < 0)
		return rc == ERR_NOMEM ? rc : ERR_DAMAGED;
	return end(r);
}

int
record_get_change(
    struct span value, enum change_row *kind, struct rangeset *uids)
{
	struct reader r = reader_of(value);
	uint8_t k = u8(&r);

	if (k != ROW_FLAGS && k != ROW_VANISHED)
		return ERR_DAMAGED;
	*kind = (enum change_row)k;
	return get_set(&r, uids);
}

void
record_put_intent(struct buf *b, enum intent_kind kind, uint32_t subject,
    const struct rangeset *uids)
{
	buf_put_char(b, VERSION);
	buf_put_char(b, (char)kind);
	buf_put_be32(b, subject);
	rangeset_put(b, uids);
}

int
record_get_intent(struct span value, enum intent_kind *kind, uint32_t *subject,
    struct rangeset *uids)
{
	struct reader r = reader_of(value);
	uint8_t k = u8(&r);

	if (k < INTENT_EXPUNGE || k > INTENT_ACCOUNT)
		return ERR_DAMAGED;
	*kind = (enum intent_kind)k;
	*subject = u32(&r);
	return get_set(&r, uids);
}

void
record_put_event(struct buf *b, const struct event *e)
{
	buf_put_char(b, VERSION);
	buf_put_char(b, (char)e->kind);
	buf_put_be64(b, (uint64_t)e->time_s);
	put_text(b, e->id);
	put_text(b, e->message_id);
	put_text(b, e->from);
	put_text(b, e->to);
	put_text(b, e->client);
	put_text(b, e->text);
}

int
record_get_event(struct span value, struct event *e)
{
	struct reader r = reader_of(value);
	uint8_t kind = u8(&r);

	if (kind < EVENT_RECEIVED || kind > EVENT_SYSTEM)
		return ERR_DAMAGED;
	e->kind = (enum event_kind)kind;
	e->time_s = (int64_t)u64(&r);
	e->id = text(&r, MAX_EVENT_BYTES);
	e->message_id = text(&r, MAX_EVENT_BYTES);
	e->from = text(&r, MAX_EVENT_BYTES);
	e->to = text(&r, MAX_EVENT_BYTES);
	e->client = text(&r, MAX_EVENT_BYTES);
	e->text = text(&r, MAX_EVENT_BYTES);
	return end(&r);
}
