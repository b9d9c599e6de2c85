/* Messages and bodies of intake.h. */
#include "base/base64.h"
#include "store/chunk.h"
#include "store/intake_in.h"
#include "store/row.h"

/* --- messages --- */

int
intake_leave_mailbox(struct intake *in)
{
	struct mailbox_rec before;
	const struct mailbox_rec *m = &in->mailbox;
	struct usage more = { 0 };
	int rc;

	if (m->v.id == 0)
		return 0;
	rc = row_get_mailbox(in->s, m->v.id, false, &before);
	if (rc < 0)
		return rc;
	more.bytes = m->v.bytes - before.v.bytes;
	more.n_messages = m->v.n_messages - before.v.n_messages;
	rc = row_put_mailbox(in->s, m);
	if (rc == 0)
		rc = intake_add_usage(in, m->v.account, &more);
	in->mailbox.v.id = 0;
	return rc;
}

static int
enter_mailbox(struct intake *in, uint32_t id)
{
	int rc;

	if (in->mailbox.v.id == id)
		return 0;
	rc = intake_leave_mailbox(in);
	if (rc == 0)
		rc = row_get_mailbox(in->s, id, false, &in->mailbox);
	if (rc < 0)
		in->mailbox.v.id = 0;
	else if (in->mailbox.v.n_messages > 0)
		return ERR_DAMAGED; /* was left before */
	in->last_uid = 0;
	return rc;
}

static int
flags_of(struct span s, uint16_t *out)
{
	*out = 0;
	for (size_t i = 0; i < s.len; i++) {
		size_t bit = span_find(SPAN("safdt"), s.p[i]);

		if (bit == 5)
			return ERR_SYNTAX;
		*out |= (uint16_t)(1u << bit);
	}
	return 0;
}

static void
read_message(struct line *l, struct message *m)
{
	int64_t zone = line_get_i64(l, "zone");

	memset(m, 0, sizeof(*m));
	m->uid = (uint32_t)line_get_u64(l, "uid", UINT32_MAX);
	m->body = line_get_u64(l, "body", UINT64_MAX);
	m->keywords = line_get_hex64(l, "keywords");
	m->internal_date_s = line_get_i64(l, "date");
	m->saved_s = line_get_i64(l, "saved");
	m->modseq = line_get_u64(l, "modseq", INT64_MAX);
	m->born_modseq = line_get_u64(l, "born", INT64_MAX);
	m->thread_id = line_get_u64(l, "thread", UINT64_MAX);
	if (zone < -24 * 60 || zone > 24 * 60)
		l->rc = ERR_SYNTAX;
	else
		m->zone_minutes = (int16_t)zone;
	if (l->rc == 0)
		l->rc = flags_of(line_get(l, "flags"), &m->flags);
}

/* One more reference to a body. ERR_NONE: the archive has none. */
static int
refer(struct intake *in, struct message *m)
{
	struct body_place at;
	int rc;

	rc = row_get_body(in->s, m->body, &at);
	if (rc < 0)
		return rc;
	if (at.refs == UINT32_MAX)
		return ERR_DAMAGED;
	at.refs++;
	m->bytes = at.prefix_bytes + at.data_bytes;
	return row_put_body(in->s, m->body, &at);
}

int
intake_take_message(struct intake *in, struct line *l)
{
	struct mailbox_view *v = &in->mailbox.v;
	uint32_t mailbox = (uint32_t)line_get_u64(l, "mailbox", UINT32_MAX);
	struct message m;
	int rc;

	read_message(l, &m);
	if (l->rc < 0)
		return l->rc;
	rc = enter_mailbox(in, mailbox);
	if (rc < 0)
		return rc;
	if (m.uid <= in->last_uid || m.uid >= v->uidnext ||
	    m.modseq > v->highest_modseq || m.born_modseq > m.modseq)
		return ERR_DAMAGED;
	in->last_uid = m.uid;
	in->totals.n_messages++;
	rc = refer(in, &m);
	if (rc == ERR_NONE) { /* it was unreadable when this was made */
		in->totals.n_damaged++;
		return 0;
	}
	if (rc < 0)
		return rc;
	v->n_messages++;
	v->bytes += m.bytes;
	v->n_unseen += !(m.flags & MESSAGE_SEEN);
	v->n_deleted += !!(m.flags & MESSAGE_DELETED);
	return row_put_message(in->s, mailbox, &m);
}

/* --- bodies --- */

int
intake_take_body(struct intake *in, struct line *l)
{
	uint64_t id = line_get_u64(l, "id", INT64_MAX);
	uint64_t prefix = line_get_u64(l, "prefix", MAX_PREFIX_BYTES);
	struct span summary = line_get(l, "summary");

	if (l->rc < 0)
		return l->rc;
	if (in->body != 0 || id <= in->s->meta.last_body)
		return ERR_DAMAGED; /* they come in order */
	buf_reset(&in->summary);
	if (base64_decode(&in->summary, summary) < 0 ||
	    in->summary.len > MAX_SUMMARY_BYTES)
		return ERR_SYNTAX;
	in->body = id;
	in->at = (struct body_place){ .prefix_bytes = (uint32_t)prefix,
		.stored_bytes = in->summary.len };
	return 0;
}

int
intake_body_begin(struct intake *in, uint64_t id, uint64_t bytes)
{
	int rc;

	if (in->body == 0 || id != in->body || bytes < in->at.prefix_bytes)
		return ERR_DAMAGED;
	rc = intake_make_room(in);
	if (rc == 0)
		rc = volume_choose(
		    in->s->volumes, bytes + in->summary.len, &in->at.volume);
	in->at.data_bytes = bytes - in->at.prefix_bytes;
	in->left_bytes = bytes;
	in->is_in_prefix = in->at.prefix_bytes > 0;
	buf_reset(&in->raw);
	return rc;
}

static int
put_chunk(struct intake *in, uint32_t no)
{
	int rc;

	buf_reset(&in->stored);
	chunk_encode(buf_span(&in->raw), &in->stored);
	buf_reset(&in->raw);
	if (buf_failed(&in->stored))
		return ERR_NOMEM;
	in->at.stored_bytes += in->stored.len;
	rc = volume_put(
	    in->s->volumes, in->at.volume, in->body, no, buf_span(&in->stored));
	return rc < 0 ? rc : intake_make_room(in);
}

int
intake_body_put(struct intake *in, struct span piece)
{
	int rc = 0;

	while (rc == 0 && piece.len > 0) {
		size_t len =
		    in->is_in_prefix ? in->at.prefix_bytes : CHUNK_BYTES;
		struct span now = span_sub(piece, 0, len - in->raw.len);

		piece = span_sub(piece, now.len, piece.len);
		buf_put(&in->raw, now);
		if (buf_failed(&in->raw))
			return ERR_NOMEM;
		in->left_bytes -= now.len;
		if (in->raw.len < len)
			break;
		rc = put_chunk(in, in->is_in_prefix ? 0 : ++in->at.n_chunks);
		in->is_in_prefix = false;
	}
	return rc;
}

int
intake_body_end(struct intake *in)
{
	int rc = 0;

	if (in->left_bytes > 0)
		return ERR_DAMAGED;
	if (in->raw.len > 0)
		rc = put_chunk(in, ++in->at.n_chunks);
	if (rc == 0)
		rc = volume_put_summary(in->s->volumes, in->at.volume, in->body,
		    buf_span(&in->summary));
	if (rc == 0)
		rc = row_put_body(in->s, in->body, &in->at);
	if (rc == 0)
		rc = row_count_volume(
		    in->s, in->at.volume, in->at.stored_bytes, true);
	in->s->meta.last_body = in->body;
	in->body = 0;
	in->totals.n_bodies++;
	return rc;
}
