#include "store/mailbox.h"

#include <assert.h>

#include "base/clock.h"
#include "base/rand.h"
#include "store/apply.h"
#include "store/path.h"
#include "store/recover.h"
#include "store/row.h"
#include "store/sweep.h"

/* --- reading --- */

int
mailbox_find(
    struct store *s, uint32_t account, struct span path, uint32_t *id_out)
{
	uint32_t id;
	unsigned depth;
	struct mailbox_rec m;
	int rc = path_walk(s, account, &path, &id, &depth);

	if (rc == ERR_INVALID || rc == ERR_LIMIT)
		return ERR_NONE;
	if (rc == 0 && path.len > 0)
		rc = ERR_NONE;
	if (rc == 0)
		rc = row_get_mailbox(s, id, false, &m);
	if (rc == 0)
		*id_out = id;
	return rc;
}

int
mailbox_get(struct store *s, uint32_t mailbox, struct mailbox_view *out)
{
	struct mailbox_rec m;
	int rc = row_get_mailbox(s, mailbox, false, &m);

	if (rc < 0)
		return rc;
	*out = m.v;
	out->name.p = out->name_storage;
	return 0;
}

uint64_t
mailbox_modseq(struct store *s, uint32_t mailbox)
{
	struct mailbox_rec m;

	return row_get_mailbox(s, mailbox, false, &m) == 0 ? m.v.highest_modseq
	                                                   : 0;
}

int
mailbox_path(struct store *s, uint32_t mailbox, struct buf *out)
{
	uint32_t ids[MAX_MAILBOX_DEPTH];
	struct mailbox_rec m;
	unsigned n = 0;

	for (uint32_t id = mailbox; id != 0; id = m.v.parent) {
		int rc = row_get_mailbox(s, id, false, &m);

		if (rc < 0)
			return rc;
		if (n == MAX_MAILBOX_DEPTH)
			return ERR_DAMAGED;
		ids[n++] = id;
	}
	while (n > 0) {
		int rc = row_get_mailbox(s, ids[--n], false, &m);

		if (rc < 0)
			return rc;
		buf_put(out, m.v.name);
		if (n > 0)
			buf_put_char(out, '/');
	}
	return buf_failed(out) ? ERR_LIMIT : 0;
}

int
mailbox_next_child(struct store *s, uint32_t account, uint32_t parent,
    struct buf *name, uint32_t *id_out)
{
	struct key prefix = key_u32_u32(account, parent);
	struct key from = key_name(account, parent, buf_span(name));
	struct span key, value;
	uint64_t id;
	int rc;

	from.b[from.len++] = '\0'; /* the least that is greater */
	rc = tree_seek(s, TREE_NAME, key_span(&from), &key, &value);
	if (rc < 0)
		return rc;
	if (!span_starts(key, key_span(&prefix)))
		return ERR_NONE;
	rc = record_get_number(value, &id);
	if (rc < 0)
		return rc;
	buf_reset(name);
	buf_put(name, span_sub(key, prefix.len, key.len));
	*id_out = (uint32_t)id;
	return buf_failed(name) ? ERR_LIMIT : 0;
}

int
mailbox_next(struct store *s, uint32_t *id)
{
	uint32_t from = *id;

	for (;;) {
		struct key k = key_u32(from);
		struct mailbox_rec m;
		struct span key, value;
		int rc = tree_seek(s, TREE_MAILBOX, key_span(&k), &key, &value);

		if (rc < 0)
			return rc;
		if (key.len != 4)
			return ERR_DAMAGED;
		from = be_get32(key.p);
		rc = record_get_mailbox(value, &m);
		if (rc < 0)
			return rc;
		if (m.state == MAILBOX_LIVE)
			break;
		if (from++ == UINT32_MAX)
			return ERR_NONE;
	}
	*id = from;
	return 0;
}

/* --- creation --- */

uint32_t
mailbox_fresh_uidvalidity(struct store *s)
{
	int64_t now = clock_wall_s();

	/* RFC 9051 2.3.1.1: strictly greater than any before, also when the
	 * clock stands at 1970. */
	if (now > s->meta.last_uidvalidity && now < UINT32_MAX / 2)
		return (uint32_t)now;
	return s->meta.last_uidvalidity + 1;
}

/* What the operation says of a new mailbox. */
static int
read_new(struct fields *f, struct mailbox_view *v)
{
	int rc;

	v->id = (uint32_t)field_num(f, UINT32_MAX - 1);
	v->account = (uint32_t)field_num(f, UINT32_MAX);
	v->parent = (uint32_t)field_num(f, UINT32_MAX);
	v->special_use = (enum special_use)field_num(f, SPECIAL_ARCHIVE);
	v->uidvalidity = (uint32_t)field_num(f, UINT32_MAX - 1);
	v->object_id = field_num(f, UINT64_MAX);
	v->created_s = field_signed(f);
	v->name = field_text(f, MAX_MAILBOX_PART);
	v->uidnext = 1;
	v->highest_modseq = 1;
	rc = field_end(f);
	if (rc == 0)
		rc = path_check_leaf(v->name);
	return rc;
}

int
mailbox_apply_create(struct store *s, struct fields *f)
{
	struct mailbox_rec m = { .state = MAILBOX_LIVE };
	struct mailbox_rec parent;
	struct account_rec owner;
	struct usage u;
	struct record r;
	struct key k, name;
	struct span value;
	int rc;

	rc = read_new(f, &m.v);
	if (rc == 0)
		rc = row_get_account(s, m.v.account, false, &owner);
	if (rc == 0)
		rc = row_get_usage(s, m.v.account, &u);
	if (rc == 0 && m.v.parent != 0) {
		rc = row_get_mailbox(s, m.v.parent, false, &parent);
		if (rc == 0 && parent.v.account != m.v.account)
			rc = ERR_DAMAGED;
	}
	if (rc < 0)
		return rc;
	if (u.n_mailboxes >= MAX_MAILBOXES)
		return ERR_LIMIT;
	k = key_u32(m.v.id);
	name = key_name(m.v.account, m.v.parent, m.v.name);
	rc = tree_get(s, TREE_MAILBOX, key_span(&k), &value);
	if (rc == ERR_NONE)
		rc = tree_get(s, TREE_NAME, key_span(&name), &value);
	if (rc != ERR_NONE)
		return rc == 0 ? ERR_EXISTS : rc;

	u.n_mailboxes++;
	record_put_number(&r, m.v.id);
	rc = tree_put(s, TREE_NAME, key_span(&name), record_span(&r));
	if (rc == 0)
		rc = row_put_mailbox(s, &m);
	if (rc == 0)
		rc = row_put_usage(s, m.v.account, &u);
	if (m.v.id >= s->meta.next_mailbox)
		s->meta.next_mailbox = m.v.id + 1;
	if (m.v.uidvalidity > s->meta.last_uidvalidity)
		s->meta.last_uidvalidity = m.v.uidvalidity;
	s->result.n = m.v.id;
	row_note_moved(s, m.v.id);
	return rc;
}

static int
create_level(struct store *s, uint32_t account, uint32_t parent,
    struct span leaf, enum special_use use)
{
	op_begin(s, OP_MAILBOX_CREATE);
	op_num(s, s->meta.next_mailbox);
	op_num(s, account);
	op_num(s, parent);
	op_num(s, use);
	op_num(s, mailbox_fresh_uidvalidity(s));
	op_num(s, rand_u64());
	op_signed(s, clock_wall_s());
	op_text(s, path_leaf(parent, leaf));
	return op_apply(s);
}

/* Make every level of rest but, unless with_last, the last one. Inside a
 * group. */
static int
create_levels(struct store *s, uint32_t account, struct span *rest,
    uint32_t *parent, enum special_use use, bool with_last)
{
	while (rest->len > 0) {
		struct span after = *rest;
		struct span leaf = span_split(&after, '/');
		bool is_last = after.len == 0;
		int rc;

		if (is_last && !with_last)
			return 0;
		rc = create_level(
		    s, account, *parent, leaf, is_last ? use : SPECIAL_NONE);
		if (rc < 0)
			return rc;
		*parent = (uint32_t)s->result.n;
		*rest = after;
	}
	return 0;
}

int
mailbox_create(struct store *s, uint32_t account, struct span path,
    enum special_use use, uint32_t *id_out)
{
	uint32_t parent;
	unsigned depth;
	int rc = path_walk(s, account, &path, &parent, &depth);

	if (rc == 0 && path.len == 0)
		rc = ERR_EXISTS;
	if (rc == 0)
		rc = recover_make_room(s, 3 * MAX_MAILBOX_DEPTH);
	if (rc == 0)
		rc = op_group(s, 128 * MAX_MAILBOX_DEPTH + path.len);
	if (rc < 0)
		return rc;
	rc = create_levels(s, account, &path, &parent, use, true);
	rc = op_group_end(s, rc);
	if (rc == 0)
		*id_out = parent;
	return rc;
}

/* --- rename --- */

/* Would id come to stand below itself? */
static int
check_no_loop(struct store *s, uint32_t id, uint32_t parent)
{
	struct mailbox_rec m;

	for (unsigned n = 0; parent != 0; n++, parent = m.v.parent) {
		int rc;

		if (parent == id || n > MAX_MAILBOX_DEPTH)
			return ERR_INVALID;
		rc = row_get_mailbox(s, parent, false, &m);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
mailbox_apply_rename(struct store *s, struct fields *f)
{
	uint32_t id = (uint32_t)field_num(f, UINT32_MAX);
	uint32_t parent = (uint32_t)field_num(f, UINT32_MAX);
	struct span leaf = field_text(f, MAX_MAILBOX_PART);
	struct mailbox_rec m, p;
	struct key old, name;
	struct record r;
	struct span value;
	int rc = field_end(f);

	if (rc == 0)
		rc = path_check_leaf(leaf);
	if (rc == 0)
		rc = row_get_mailbox(s, id, false, &m);
	if (rc == 0 && m.v.special_use == SPECIAL_INBOX)
		rc = ERR_DENIED;
	if (rc == 0)
		rc = check_no_loop(s, id, parent);
	if (rc == 0 && parent != 0) {
		rc = row_get_mailbox(s, parent, false, &p);
		if (rc == 0 && p.v.account != m.v.account)
			rc = ERR_DAMAGED;
	}
	if (rc < 0)
		return rc;
	old = key_name(m.v.account, m.v.parent, m.v.name);
	name = key_name(m.v.account, parent, leaf);
	rc = tree_get(s, TREE_NAME, key_span(&name), &value);
	if (rc != ERR_NONE)
		return rc == 0 ? ERR_EXISTS : rc;
	rc = tree_get(s, TREE_NAME, key_span(&old), &value);
	if (rc < 0)
		return rc == ERR_NONE ? ERR_DAMAGED : rc;

	rc = tree_delete(s, TREE_NAME, key_span(&old));
	if (rc < 0)
		return rc;
	m.v.parent = parent;
	m.v.name = leaf;
	row_note_moved(s, id);
	record_put_number(&r, id);
	rc = tree_put(s, TREE_NAME, key_span(&name), record_span(&r));
	return rc < 0 ? rc : row_put_mailbox(s, &m);
}

/* Levels below and with a mailbox; stops counting past the limit. *n_left is
 * how many more may be looked at; at 0 the answer means nothing. */
static unsigned
height_of(struct store *s, uint32_t account, uint32_t id, unsigned limit,
    unsigned *n_left)
{
	char storage[MAX_MAILBOX_PART + 1];
	unsigned highest = 0;
	struct buf name;
	uint32_t child;

	if (limit == 0)
		return 1;
	buf_init_fixed(&name, storage, sizeof(storage));
	while (*n_left > 0 &&
	       mailbox_next_child(s, account, id, &name, &child) == 0) {
		unsigned h;

		--*n_left;
		h = height_of(s, account, child, limit - 1, n_left);
		if (h > highest)
			highest = h;
	}
	return highest + 1;
}

/* The level on which a mailbox is: 1 at the top. */
static unsigned
depth_of(struct store *s, uint32_t id)
{
	struct mailbox_rec m;
	unsigned n = 0;

	while (id != 0 && n <= MAX_MAILBOX_DEPTH &&
	       row_get_mailbox(s, id, false, &m) == 0) {
		id = m.v.parent;
		n++;
	}
	return n;
}

/* May what is below a mailbox come to stand below this many levels? Who does
 * not go down need not be measured. */
static int
check_height(struct store *s, const struct mailbox_view *m, unsigned n_above)
{
	unsigned n_left = MAX_RENAME_BELOW + 1, height;

	if (n_above < depth_of(s, m->id))
		return 0;
	height = height_of(s, m->account, m->id, MAX_MAILBOX_DEPTH, &n_left);
	if (n_left == 0 || n_above + height > MAX_MAILBOX_DEPTH)
		return ERR_LIMIT;
	return 0;
}

int
mailbox_rename(struct store *s, uint32_t mailbox, struct span new_path)
{
	struct mailbox_view m;
	uint32_t parent;
	unsigned depth;
	int rc = mailbox_get(s, mailbox, &m);

	if (rc == 0 && m.special_use == SPECIAL_INBOX)
		rc = ERR_DENIED;
	if (rc == 0)
		rc = path_walk(s, m.account, &new_path, &parent, &depth);
	if (rc == 0 && new_path.len == 0)
		rc = ERR_EXISTS;
	if (rc == 0)
		rc = check_no_loop(s, mailbox, parent);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < new_path.len; i++)
		depth += new_path.p[i] == '/';
	rc = check_height(s, &m, depth);
	if (rc < 0)
		return rc;
	rc = op_group(s, 128 * MAX_MAILBOX_DEPTH + new_path.len);
	if (rc < 0)
		return rc;
	rc = create_levels(
	    s, m.account, &new_path, &parent, SPECIAL_NONE, false);
	if (rc == 0) {
		op_begin(s, OP_MAILBOX_RENAME);
		op_num(s, mailbox);
		op_num(s, parent);
		op_text(s, path_leaf(parent, new_path));
		rc = op_apply(s);
	}
	return op_group_end(s, rc);
}

/* --- deletion, special use --- */

static int
check_childless(struct store *s, const struct mailbox_rec *m)
{
	struct key prefix = key_u32_u32(m->v.account, m->v.id);
	struct span key, value;
	int rc = tree_seek(s, TREE_NAME, key_span(&prefix), &key, &value);

	if (rc == 0)
		return span_starts(key, key_span(&prefix)) ? ERR_BUSY : 0;
	return rc == ERR_NONE ? 0 : rc;
}

int
mailbox_apply_delete(struct store *s, struct fields *f)
{
	uint32_t id = (uint32_t)field_num(f, UINT32_MAX);
	uint64_t intent = field_num(f, UINT64_MAX - 1);
	struct mailbox_rec m;
	struct rangeset none;
	struct usage u;
	struct key name;
	int rc = field_end(f);

	if (rc == 0)
		rc = row_get_mailbox(s, id, false, &m);
	if (rc == 0 && m.v.special_use == SPECIAL_INBOX)
		rc = ERR_DENIED;
	if (rc == 0)
		rc = check_childless(s, &m);
	if (rc == 0)
		rc = row_get_usage(s, m.v.account, &u);
	if (rc == 0 && (u.bytes < m.v.bytes || u.n_mailboxes == 0 ||
	                   u.n_messages < m.v.n_messages))
		rc = ERR_DAMAGED;
	if (rc < 0)
		return rc;
	u.bytes -= m.v.bytes;
	u.n_messages -= m.v.n_messages;
	u.n_mailboxes--;
	m.state = MAILBOX_DELETED;
	row_note_moved(s, id);
	name = key_name(m.v.account, m.v.parent, m.v.name);
	rc = tree_delete(s, TREE_NAME, key_span(&name));
	if (rc == 0)
		rc = row_put_mailbox(s, &m);
	if (rc == 0)
		rc = row_put_usage(s, m.v.account, &u);
	rangeset_init(&none);
	if (rc == 0)
		rc = sweep_intend(s, intent, INTENT_MAILBOX, id, &none);
	return rc;
}

int
mailbox_delete(struct store *s, uint32_t mailbox)
{
	int rc = op_group(s, 64);

	if (rc < 0)
		return rc;
	op_begin(s, OP_MAILBOX_DELETE);
	op_num(s, mailbox);
	op_num(s, s->meta.next_intent);
	return op_group_end(s, op_apply(s));
}

int
mailbox_apply_special(struct store *s, struct fields *f)
{
	uint32_t id = (uint32_t)field_num(f, UINT32_MAX);
	enum special_use use = (enum special_use)field_num(f, SPECIAL_ARCHIVE);
	struct mailbox_rec m;
	int rc = field_end(f);

	if (rc == 0)
		rc = row_get_mailbox(s, id, false, &m);
	if (rc == 0 &&
	    (m.v.special_use == SPECIAL_INBOX || use == SPECIAL_INBOX))
		rc = ERR_DENIED;
	if (rc < 0)
		return rc;
	m.v.special_use = use;
	row_note_moved(s, id);
	return row_put_mailbox(s, &m);
}

int
mailbox_set_special_use(struct store *s, uint32_t mailbox, enum special_use use)
{
	int rc = op_group(s, 64);

	if (rc < 0)
		return rc;
	op_begin(s, OP_MAILBOX_SPECIAL);
	op_num(s, mailbox);
	op_num(s, use);
	return op_group_end(s, op_apply(s));
}

/* --- the exclusive session of POP3 --- */

int
mailbox_lock(struct store *s, uint32_t mailbox)
{
	if (mailbox_modseq(s, mailbox) == 0)
		return ERR_NONE;
	if (rangeset_has(&s->locked, mailbox))
		return ERR_BUSY;
	return rangeset_add(&s->locked, mailbox, mailbox);
}

void
mailbox_unlock(struct store *s, uint32_t mailbox)
{
	/* Splitting a range may need memory; then one lock stays too long,
	 * which a restart mends. */
	if (rangeset_has(&s->locked, mailbox) &&
	    rangeset_remove(&s->locked, mailbox, mailbox) < 0)
		return;
}
