#include "store/sweep.h"

#include "base/clock.h"
#include "store/apply.h"
#include "store/hidden.h"
#include "store/memo_in.h"
#include "store/row.h"

/* Rule 8: 64 records an operation; a message is up to three. */
#define SWEEP_MESSAGES 20
#define SWEEP_ROWS     60
#define SWEEP_NAMES    12 /* a mailbox of a person is up to four records */
#define SWEEP_CHUNKS   32
/* A step ends behind so many operations, or so much time: each flush of the
 * journal costs the device a write. */
#define SWEEP_OPS 64
#define SWEEP_US  2000
/* Dead bodies passed by in one step because they are pinned. */
#define SWEEP_PINNED 16

int
sweep_intend(struct store *s, uint64_t number, enum intent_kind kind,
    uint32_t subject, struct rangeset *uids)
{
	struct key k = key_u64(number);
	int rc;

	buf_reset(&s->scratch);
	record_put_intent(&s->scratch, kind, subject, uids);
	if (buf_failed(&s->scratch)) {
		s->is_poisoned = true;
		return ERR_NOMEM;
	}
	rc = tree_put(s, TREE_INTENT, key_span(&k), buf_span(&s->scratch));
	if (rc == 0 && kind == INTENT_EXPUNGE) {
		rc = hidden_add(s, number, subject, uids);
		if (rc < 0)
			s->is_poisoned = true;
	}
	if (number >= s->meta.next_intent)
		s->meta.next_intent = number + 1;
	return rc;
}

static int
finish(struct store *s, uint64_t number)
{
	struct key k = key_u64(number);

	hidden_remove(s, number);
	return tree_delete(s, TREE_INTENT, key_span(&k));
}

/* --- the three kinds. Each removes a bounded number of rows; returns 1 when
 * rows are left, 0 when not, or an error. --- */

static int
sweep_expunged(struct store *s, struct hidden *h)
{
	struct message m;
	uint32_t uid = h->swept_to, n = 0;
	int rc;

	while (n < SWEEP_MESSAGES) {
		if (!rangeset_next(&h->uids, uid + 1, &uid))
			return 0;
		rc = row_next_message(s, h->mailbox, uid, &m);
		if (rc < 0)
			return rc == ERR_NONE ? 0 : rc;
		if (m.uid != uid) {
			/* The set may have members where no row is. */
			uid = m.uid - 1;
			continue;
		}
		rc = row_drop_message(s, h->mailbox, &m);
		if (rc < 0)
			return rc;
		h->swept_to = uid;
		n++;
	}
	return 1;
}

/* Remove up to max rows of a tree whose keys begin with a number. Returns how
 * many were removed. */
static int
remove_rows(struct store *s, enum tree t, uint32_t prefix, int max)
{
	struct key first = key_u32(prefix), k;
	struct span key, value;
	int n = 0;

	while (n < max) {
		int rc = tree_seek(s, t, key_span(&first), &key, &value);

		if (rc == ERR_NONE ||
		    (rc == 0 && !span_starts(key, key_span(&first))))
			break;
		if (rc < 0)
			return rc;
		memcpy(k.b, key.p, key.len);
		k.len = key.len;
		rc = tree_delete(s, t, key_span(&k));
		if (rc < 0)
			return rc;
		n++;
	}
	return n;
}

static int
sweep_mailbox(struct store *s, uint32_t mailbox)
{
	struct key k = key_u32(mailbox);
	struct span value;
	struct message m;
	int rc, n;

	for (n = 0; n < SWEEP_MESSAGES; n++) {
		rc = row_next_message(s, mailbox, 0, &m);
		if (rc == ERR_NONE)
			break;
		if (rc == 0)
			rc = row_drop_message(s, mailbox, &m);
		if (rc < 0)
			return rc;
	}
	if (n > 0)
		return 1;
	n = remove_rows(s, TREE_CHANGE, mailbox, SWEEP_ROWS);
	if (n == 0)
		n = remove_rows(s, TREE_KEYWORD, mailbox, SWEEP_ROWS);
	if (n != 0)
		return n < 0 ? n : 1;
	rc = tree_get(s, TREE_MAILBOX, key_span(&k), &value);
	if (rc == 0)
		rc = tree_delete(s, TREE_MAILBOX, key_span(&k));
	return rc == ERR_NONE ? 0 : rc;
}

/* Turn a mailbox of a deleted person into an intent of its own. */
static int
give_up_mailbox(struct store *s, const struct key *name, uint32_t id)
{
	struct mailbox_rec m;
	struct rangeset none;
	int rc = row_get_mailbox(s, id, true, &m);

	if (rc < 0)
		return rc == ERR_NONE ? ERR_DAMAGED : rc;
	m.state = MAILBOX_DELETED;
	row_note_moved(s, id);
	rc = tree_delete(s, TREE_NAME, key_span(name));
	if (rc == 0)
		rc = row_put_mailbox(s, &m);
	rangeset_init(&none);
	if (rc == 0)
		rc = sweep_intend(
		    s, s->meta.next_intent, INTENT_MAILBOX, id, &none);
	return rc;
}

static int
sweep_account(struct store *s, uint32_t account)
{
	struct key first = key_u32(account), k;
	struct span key, value;
	uint64_t id;
	int rc, n;

	for (n = 0; n < SWEEP_NAMES; n++) {
		rc = tree_seek(s, TREE_NAME, key_span(&first), &key, &value);
		if (rc == ERR_NONE ||
		    (rc == 0 && !span_starts(key, key_span(&first))))
			break;
		if (rc == 0)
			rc = record_get_number(value, &id);
		if (rc < 0)
			return rc;
		memcpy(k.b, key.p, key.len);
		k.len = key.len;
		rc = give_up_mailbox(s, &k, (uint32_t)id);
		if (rc < 0)
			return rc;
	}
	if (n > 0)
		return 1;
	n = remove_rows(s, TREE_SUBSCRIPTION, account, SWEEP_ROWS);
	if (n == 0)
		n = remove_rows(s, TREE_USAGE, account, 1);
	if (n != 0)
		return n < 0 ? n : 1;
	n = remove_rows(s, TREE_ACCOUNT, account, 1);
	return n < 0 ? n : 0;
}

int
sweep_apply(struct store *s, struct fields *f)
{
	uint64_t number = field_num(f, UINT64_MAX - 1);
	struct key k = key_u64(number);
	enum intent_kind kind;
	struct rangeset uids;
	uint32_t subject;
	struct span value;
	int rc = field_end(f);

	if (rc == 0)
		rc = tree_get(s, TREE_INTENT, key_span(&k), &value);
	if (rc < 0)
		return rc;
	rangeset_init(&uids);
	rc = record_get_intent(value, &kind, &subject, &uids);
	rangeset_deinit(&uids);
	if (rc < 0)
		return rc;
	switch (kind) {
	case INTENT_EXPUNGE: {
		struct hidden *h = hidden_find(s, number);

		rc = h == NULL ? ERR_DAMAGED : sweep_expunged(s, h);
		break;
	}
	case INTENT_MAILBOX:
		rc = sweep_mailbox(s, subject);
		break;
	case INTENT_ACCOUNT:
		rc = sweep_account(s, subject);
		break;
	}
	if (rc == 0)
		return finish(s, number);
	return rc < 0 ? rc : 0;
}

/* --- bodies --- */

int
sweep_apply_forget(struct store *s, struct fields *f)
{
	uint64_t body = field_num(f, UINT64_MAX);
	uint32_t from = (uint32_t)field_num(f, UINT32_MAX);
	uint64_t is_last = field_num(f, 1);
	struct key k = key_u64(body);
	struct body_place place;
	struct span value;
	int rc = field_end(f);

	if (rc == 0)
		rc = tree_get(s, TREE_DEAD, key_span(&k), &value);
	if (rc == 0)
		rc = row_get_body(s, body, &place);
	if (rc == 0 && place.refs != 0)
		rc = ERR_DAMAGED;
	if (rc < 0)
		return rc;
	s->n_puts++;
	rc = volume_trim(s->volumes, place.volume, body, from, SWEEP_CHUNKS);
	if (rc < 0 || !is_last)
		return rc < 0 ? rc : 0;
	rc = tree_delete(s, TREE_DEAD, key_span(&k));
	if (rc == 0)
		rc = tree_delete(s, TREE_BODY, key_span(&k));
	if (rc == 0)
		rc = row_count_volume(
		    s, place.volume, place.stored_bytes, false);
	return rc;
}

/* The first dead body that nobody reads. ERR_NONE. */
static int
find_dead(struct store *s, uint64_t *body)
{
	struct span key, value;
	int rc = tree_seek(s, TREE_DEAD, span_of(NULL, 0), &key, &value);

	for (int i = 0; rc == 0 && i < SWEEP_PINNED; i++) {
		if (key.len != 8)
			return ERR_DAMAGED;
		*body = be_get64(key.p);
		if (!volume_is_pinned(s->volumes, *body))
			return 0;
		rc = tree_next(s, TREE_DEAD, &key, &value);
	}
	return rc == 0 ? ERR_NONE : rc;
}

/* Remove some chunks of a dead body. The operation that made it dead is
 * durable: the turn was flushed. */
static int
forget_some(struct store *s, uint64_t body)
{
	struct body_place place;
	uint32_t from = 0;
	int rc = row_get_body(s, body, &place);

	if (rc < 0)
		return rc == ERR_NONE ? ERR_DAMAGED : rc;
	if (s->forget_body == body)
		from = s->forget_chunk;
	rc = op_group(s, 64);
	if (rc < 0)
		return rc;
	op_begin(s, OP_FORGET);
	op_num(s, body);
	op_num(s, from);
	op_num(s, (uint64_t)from + SWEEP_CHUNKS > place.n_chunks);
	rc = op_group_end(s, op_apply(s));
	if (rc < 0)
		return rc;
	s->forget_body = body;
	s->forget_chunk = from + SWEEP_CHUNKS;
	return 0;
}

/* One operation for the first intent. ERR_NONE: there is none. */
static int
sweep_some(struct store *s)
{
	struct span key, value;
	uint64_t number;
	int rc = tree_seek(s, TREE_INTENT, span_of(NULL, 0), &key, &value);

	if (rc < 0)
		return rc;
	if (key.len != 8)
		return ERR_DAMAGED;
	number = be_get64(key.p);
	rc = op_group(s, 64);
	if (rc < 0)
		return rc;
	op_begin(s, OP_SWEEP);
	op_num(s, number);
	return op_group_end(s, op_apply(s));
}

int
sweep_step(struct store *s)
{
	int64_t until_us = clock_mono_us() + SWEEP_US;
	uint64_t body;
	int rc = find_dead(s, &body), n = 0;

	/* Never both in one turn: what a sweep makes dead is forgotten when
	 * that is durable, as a volume may be committed before the journal. */
	if (rc == 0) {
		do
			rc = forget_some(s, body);
		while (rc == 0 && ++n < SWEEP_OPS &&
		       clock_mono_us() < until_us && find_dead(s, &body) == 0);
		return rc < 0 ? rc : 1;
	}
	if (rc != ERR_NONE)
		return rc;
	do
		rc = sweep_some(s);
	while (rc == 0 && ++n < SWEEP_OPS && clock_mono_us() < until_us);
	if (rc == 0 || (rc == ERR_NONE && n > 0))
		return 1;
	if (rc == ERR_NONE)
		rc = memo_sweep(s);
	return rc == 0 ? volume_sweep(s->volumes, s) : rc;
}
