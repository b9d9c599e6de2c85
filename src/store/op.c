#include "store/op.h"

#include <assert.h>

#include "store/apply.h"
#include "store/recover.h"

static apply_fn *const apply[N_OPS] = {
	[OP_SETTING_PUT] = setting_apply_put,
	[OP_SETTING_DELETE] = setting_apply_delete,
	[OP_DOMAIN_CREATE] = domain_apply_create,
	[OP_DOMAIN_DELETE] = domain_apply_delete,
	[OP_ACCOUNT_CREATE] = account_apply_create,
	[OP_ACCOUNT_CHANGE] = account_apply_change,
	[OP_ACCOUNT_DELETE] = account_apply_delete,
	[OP_ADDRESS_CREATE] = address_apply_create,
	[OP_ADDRESS_DELETE] = address_apply_delete,
	[OP_TARGET_ADD] = address_apply_add_target,
	[OP_TARGET_REMOVE] = address_apply_remove_target,
	[OP_MAILBOX_CREATE] = mailbox_apply_create,
	[OP_MAILBOX_RENAME] = mailbox_apply_rename,
	[OP_MAILBOX_DELETE] = mailbox_apply_delete,
	[OP_MAILBOX_SPECIAL] = mailbox_apply_special,
	[OP_SUBSCRIBE] = mailbox_apply_subscribe,
	[OP_UNSUBSCRIBE] = mailbox_apply_unsubscribe,
	[OP_KEYWORD_ADD] = mailbox_apply_keyword,
	[OP_DELIVER] = deliver_apply,
	[OP_FLAGS] = message_apply_flags,
	[OP_EXPUNGE] = message_apply_expunge,
	[OP_EXPUNGE_SET] = message_apply_expunge_set,
	[OP_COPY] = message_apply_copy,
	[OP_EVENT] = event_apply,
	[OP_SWEEP] = sweep_apply,
	[OP_FORGET] = sweep_apply_forget,
	[OP_QUEUE_PUT] = queue_apply_put,
	[OP_QUEUE_ADD] = queue_apply_add,
	[OP_QUEUE_SETTLE] = queue_apply_settle,
	[OP_QUEUE_DEST] = queue_apply_dest,
	[OP_QUEUE_TIMES] = queue_apply_times,
	[OP_RELAY_PUT] = relay_apply_put,
	[OP_RELAY_REMOVE] = relay_apply_remove,
	[OP_MEMO_PUT] = memo_apply_put,
	[OP_MEMO_DELETE] = memo_apply_delete,
	[OP_MEMO_SWEEP] = memo_apply_sweep,
};

int
op_group(struct store *s, size_t len_bytes)
{
	int rc;

	assert(!s->is_in_group);
	if (s->is_read_only)
		return ERR_READ_ONLY;
	if (s->has_turn_failed || s->is_lost)
		return ERR_IO;
	if (len_bytes > JOURNAL_FRAME_BYTES - JOURNAL_HEADER_BYTES)
		return ERR_LIMIT;
	if (s->turn.len + len_bytes > JOURNAL_FRAME_BYTES ||
	    recover_is_heavy(s, 4)) {
		rc = recover_flush_turn(s);
		if (rc < 0) {
			s->has_turn_failed = true;
			return rc;
		}
	}
	if (s->turn.cap == 0)
		s->turn.len = 0;
	/* The frame is padded in place. */
	rc = buf_reserve(
	    &s->turn, JOURNAL_HEADER_BYTES + len_bytes + JOURNAL_BLOCK_BYTES);
	if (rc < 0) {
		s->turn.has_failed = false;
		return ERR_NOMEM;
	}
	if (s->turn.len == 0)
		s->turn.len = JOURNAL_HEADER_BYTES;
	s->is_in_group = true;
	s->group_len = s->turn.len;
	s->group_n = 0;
	return 0;
}

int
op_group_end(struct store *s, int rc)
{
	assert(s->is_in_group);
	s->is_in_group = false;
	if (rc >= 0)
		return rc;
	buf_truncate(&s->turn, s->group_len);
	s->turn.has_failed = false;
	s->n_turn_ops -= s->group_n;
	if (s->group_n == 0 && !s->is_poisoned)
		return rc;
	/* Rule 6. */
	if (recover_undo(s) < 0)
		s->has_turn_failed = true;
	return rc;
}

void
op_begin(struct store *s, enum op kind)
{
	assert(s->is_in_group);
	s->op_start = s->turn.len;
	buf_put_char(&s->turn, (char)kind);
	buf_put_be32(&s->turn, 0);
}

void
op_num(struct store *s, uint64_t v)
{
	buf_put_varint(&s->turn, v);
}

void
op_signed(struct store *s, int64_t v)
{
	uint64_t u = (uint64_t)v << 1;

	buf_put_varint(&s->turn, v < 0 ? ~u : u);
}

void
op_text(struct store *s, struct span text)
{
	buf_put_varint(&s->turn, text.len);
	buf_put(&s->turn, text);
}

void
op_set(struct store *s, const struct rangeset *set)
{
	rangeset_put(&s->turn, set);
}

/* Tell the watcher. The group is still open: op_group refuses it changes. */
static void
tell(struct store *s)
{
	if (s->is_replaying)
		return;
	if (s->has_queue_moved && s->queue_changed != NULL)
		s->queue_changed(s->queue_arg);
	if (s->changed == NULL)
		return;
	for (uint32_t i = 0; i < s->n_moved; i++)
		s->changed(s->changed_arg, s->moved[i]);
}

/* Apply one operation from its encoded form. */
static int
run(struct store *s, uint8_t kind, struct span payload)
{
	struct fields f = { .c = cur_of(payload) };
	int rc;

	if (kind >= N_OPS || apply[kind] == NULL)
		return ERR_DAMAGED;
	s->n_puts = 0;
	s->n_moved = 0;
	s->has_queue_moved = false;
	rc = apply[kind](s, &f);
	if (rc < 0 && s->n_puts > 0)
		s->is_poisoned = true;
	if (rc >= 0 && s->is_poisoned)
		rc = ERR_IO;
	if (rc < 0)
		return rc;
	s->sequence++;
	return 0;
}

int
op_apply(struct store *s)
{
	size_t head = s->op_start + OP_HEADER_BYTES;
	struct span payload;
	int rc;

	if (buf_failed(&s->turn))
		rc = ERR_NOMEM;
	else if (s->turn.len - s->op_start > MAX_OP_BYTES)
		rc = ERR_LIMIT; /* rule 8 */
	else {
		payload = span_of(s->turn.p + head, s->turn.len - head);
		be_put32(s->turn.p + s->op_start + 1, (uint32_t)payload.len);
		rc = run(s, (uint8_t)s->turn.p[s->op_start], payload);
	}
	if (rc < 0) {
		buf_truncate(&s->turn, s->op_start);
		s->turn.has_failed = false;
		return rc;
	}
	s->group_n++;
	s->n_turn_ops++;
	s->stats.n_ops++;
	tell(s);
	return 0;
}

int
op_replay(struct store *s, struct span payload, uint64_t first, uint32_t n_ops)
{
	struct cur c = cur_of(payload);

	for (uint32_t i = 0; i < n_ops; i++) {
		uint8_t kind;
		uint32_t len;
		struct span body;
		int rc;

		if (cur_u8(&c, &kind) != PARSE_OK ||
		    cur_be32(&c, &len) != PARSE_OK ||
		    cur_take(&c, len, &body) != PARSE_OK)
			return ERR_DAMAGED;
		if (first + i <= s->sequence)
			continue;
		if (first + i != s->sequence + 1)
			return ERR_DAMAGED; /* rule 3 */
		recover_note(s, first + i, kind);
		rc = run(s, kind, body);
		if (rc == ERR_NOMEM || rc == ERR_FULL || rc == ERR_IO)
			return rc;
		if (rc < 0)
			return ERR_DAMAGED;
	}
	return cur_is_end(&c) ? 0 : ERR_DAMAGED;
}

/* --- reading fields back --- */

uint64_t
field_num(struct fields *f, uint64_t max)
{
	uint64_t v;

	if (cur_varint(&f->c, &v) != PARSE_OK || v > max) {
		f->is_bad = true;
		return 0;
	}
	return v;
}

int64_t
field_signed(struct fields *f)
{
	uint64_t u = field_num(f, UINT64_MAX);

	return (int64_t)(u & 1 ? ~(u >> 1) : u >> 1);
}

struct span
field_text(struct fields *f, size_t max)
{
	size_t len = (size_t)field_num(f, max);
	struct span s;

	if (f->is_bad || cur_take(&f->c, len, &s) != PARSE_OK) {
		f->is_bad = true;
		return span_of(NULL, 0);
	}
	return s;
}

void
field_set(struct fields *f, struct rangeset *out)
{
	int rc = f->is_bad ? 0 : rangeset_get(out, &f->c, 8 * MAX_OP_BYTES);

	f->has_no_memory = f->has_no_memory || rc == ERR_NOMEM;
	f->is_bad = f->is_bad || rc < 0;
}

int
field_end(const struct fields *f)
{
	if (f->has_no_memory)
		return ERR_NOMEM;
	return f->is_bad || !cur_is_end(&f->c) ? ERR_DAMAGED : 0;
}
