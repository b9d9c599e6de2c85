/* Of a check: mailboxes, what is in them, and their change logs. */
#include "store/check_in.h"
#include "store/hidden.h"
#include "store/row.h"

/* --- mailboxes and their messages --- */

static void
check_place(struct check *c, const struct mailbox_rec *m)
{
	struct key k = key_name(m->v.account, m->v.parent, m->v.name);
	struct account_rec a;
	struct mailbox_rec parent;
	struct span value;
	uint64_t id = 0;

	if (row_get_account(c->snap, m->v.account, false, &a) < 0)
		check_say_about(c, "Mailbox", m->v.id, "belongs to nobody.");
	if (m->v.parent != 0 &&
	    (row_get_mailbox(c->snap, m->v.parent, false, &parent) < 0 ||
	        parent.v.account != m->v.account))
		check_say_about(
		    c, "Mailbox", m->v.id, "lies below one that is not there.");
	if (tree_get(c->snap, TREE_NAME, key_span(&k), &value) < 0 ||
	    record_get_number(value, &id) < 0 || id != m->v.id)
		check_say_about(
		    c, "Mailbox", m->v.id, "is not found by its name.");
}

/* Bits of the keywords that have names. */
static uint64_t
named_keywords(struct check *c, uint32_t mailbox)
{
	char name[MAX_KEYWORD_BYTES + 1];
	uint64_t bits = 0;

	for (unsigned bit = 0; bit < MAX_KEYWORDS; bit++) {
		struct buf b;

		buf_init_fixed(&b, name, sizeof(name));
		if (mailbox_keyword(c->snap, mailbox, bit, &b) == 0)
			bits |= (uint64_t)1 << bit;
	}
	return bits;
}

static int
enter_mailbox(struct check *c)
{
	struct span key, value;
	uint32_t id;
	int rc;

	rc = check_next(c, TREE_MAILBOX, &key, &value);
	if (rc < 0)
		return rc;
	id = key.len == 4 ? be_get32(key.p) : 0;
	if (id == 0 || row_get_mailbox(c->snap, id, true, &c->mailbox) < 0) {
		check_say_about(c, "The row of mailbox", id, "is damaged.");
		c->mailbox.v.id = 0;
		return 0;
	}
	c->mailbox.v.id = id;
	if (id >= c->snap->meta.next_mailbox)
		check_say_about(
		    c, "Mailbox", id, "has a number that was not given yet.");
	memset(&c->seen, 0, sizeof(c->seen));
	c->uid = 0;
	c->n_changes = 0;
	if (c->mailbox.state == MAILBOX_LIVE) {
		check_place(c, &c->mailbox);
		c->keywords = named_keywords(c, id);
	}
	return 0;
}

static void
say_message(
    struct check *c, uint32_t mailbox, uint32_t uid, const char *trouble)
{
	struct buf *b = check_say(c);

	buf_putf(b, "Message %u of mailbox %u %s", uid, mailbox, trouble);
	check_said(c);
}

static void
check_message(struct check *c, const struct message *m)
{
	const struct mailbox_view *v = &c->mailbox.v;
	struct body_place at;

	if (m->uid >= v->uidnext)
		say_message(c, v->id, m->uid, "is not below UIDNEXT.");
	if (m->modseq > v->highest_modseq || m->born_modseq > m->modseq)
		say_message(c, v->id, m->uid, "is newer than its mailbox.");
	if (m->keywords & ~c->keywords)
		say_message(c, v->id, m->uid, "has a keyword without a name.");
	if (m->flags & ~MESSAGE_FLAGS)
		say_message(c, v->id, m->uid, "has an unknown flag.");
	if (row_get_body(c->snap, m->body, &at) < 0)
		say_message(c, v->id, m->uid, "has lost its text.");
	else if (m->bytes != at.prefix_bytes + at.data_bytes)
		say_message(
		    c, v->id, m->uid, "has another size than its text.");
}

static void
leave_mailbox(struct check *c)
{
	const struct mailbox_view *v = &c->mailbox.v, *n = &c->seen.v;

	if (c->mailbox.state == MAILBOX_LIVE) {
		check_say_counts(c, "Mailbox", v->id, "messages", v->n_messages,
		    n->n_messages);
		check_say_counts(c, "Mailbox", v->id, "unseen messages",
		    v->n_unseen, n->n_unseen);
		check_say_counts(c, "Mailbox", v->id, "messages to be deleted",
		    v->n_deleted, n->n_deleted);
		check_say_counts(
		    c, "Mailbox", v->id, "bytes", v->bytes, n->bytes);
	}
	c->mailbox.v.id = 0;
}

/* One message of the mailbox, or the next mailbox. */
int
check_mailboxes(struct check *c)
{
	struct mailbox_view *n = &c->seen.v;
	uint32_t id = c->mailbox.v.id;
	struct key k = key_u32_u32(id, c->uid + 1);
	struct span key, value;
	struct message m;
	int rc;

	if (id == 0)
		return enter_mailbox(c);
	rc = c->uid == UINT32_MAX
	         ? ERR_NONE
	         : tree_seek(c->snap, TREE_MESSAGE, key_span(&k), &key, &value);
	if (rc < 0 || key.len != 8 || be_get32(key.p) != id) {
		leave_mailbox(c);
		return rc == ERR_NONE ? 0 : rc < 0 ? rc : 0;
	}
	c->uid = be_get32(key.p + 4);
	c->n_looked++;
	if (record_get_message(value, &m) < 0) {
		say_message(c, id, c->uid, "is damaged.");
		return 0;
	}
	m.uid = c->uid;
	if (c->mailbox.state != MAILBOX_LIVE || hidden_has(c->snap, id, m.uid))
		return 0;
	n->n_messages++;
	n->bytes += m.bytes;
	n->n_unseen += !(m.flags & MESSAGE_SEEN);
	n->n_deleted += !!(m.flags & MESSAGE_DELETED);
	check_message(c, &m);
	return 0;
}

/* Rows of a tree whose keys begin with a mailbox that must exist: the next
 * mailbox that has any. */
static int
next_owner(struct check *c, enum tree t, const char *what)
{
	struct span key, value;
	struct mailbox_rec m;
	uint32_t id;
	int rc;

	rc = check_next(c, t, &key, &value);
	if (rc < 0)
		return rc;
	id = key.len >= 4 ? be_get32(key.p) : 0;
	if (row_get_mailbox(c->snap, id, true, &m) < 0)
		check_say_about(
		    c, what, id, "stand there without the mailbox.");
	if (id == UINT32_MAX)
		return ERR_NONE;
	be_put32(c->key, id + 1);
	c->key_len = 4;
	return 0;
}

int
check_strays(struct check *c)
{
	return next_owner(c, TREE_MESSAGE, "Messages of mailbox");
}

int
check_keywords(struct check *c)
{
	return next_owner(c, TREE_KEYWORD, "Keywords of mailbox");
}

int
check_names(struct check *c)
{
	struct mailbox_rec m;
	struct span key, value;
	uint64_t id = 0;
	int rc;

	rc = check_next(c, TREE_NAME, &key, &value);
	if (rc < 0)
		return rc;
	if (key.len < 8 || record_get_number(value, &id) < 0 ||
	    row_get_mailbox(c->snap, (uint32_t)id, false, &m) < 0 ||
	    m.v.account != be_get32(key.p) ||
	    m.v.parent != be_get32(key.p + 4) ||
	    !span_is(m.v.name, span_sub(key, 8, key.len)))
		check_say_text(c, "The mailbox name", span_sub(key, 8, key.len),
		    "leads to no mailbox.");
	return 0;
}

/* --- the change log --- */

static void
end_changes(struct check *c)
{
	if (c->mailbox.v.id != 0)
		check_say_counts(c, "The change log of mailbox",
		    c->mailbox.v.id, "rows", c->mailbox.n_changes,
		    c->n_changes);
	c->mailbox.v.id = 0;
	c->n_changes = 0;
}

static void
check_change(struct check *c, uint64_t modseq, struct span value)
{
	const struct mailbox_view *v = &c->mailbox.v;
	enum change_row kind;
	struct rangeset uids;

	rangeset_init(&uids);
	if (record_get_change(value, &kind, &uids) < 0)
		check_say_about(c, "The change log of mailbox", v->id,
		    "has a row that is damaged.");
	else if (modseq > v->highest_modseq ||
	         rangeset_last(&uids) >= v->uidnext)
		check_say_about(c, "The change log of mailbox", v->id,
		    "tells of what has not happened yet.");
	rangeset_deinit(&uids);
	c->n_changes++;
}

int
check_changes(struct check *c)
{
	struct span key, value;
	uint32_t id;
	int rc;

	rc = check_next(c, TREE_CHANGE, &key, &value);
	if (rc < 0) {
		end_changes(c);
		return rc;
	}
	id = key.len == 12 ? be_get32(key.p) : 0;
	if (id != c->mailbox.v.id)
		end_changes(c);
	if (c->mailbox.v.id == 0 &&
	    row_get_mailbox(c->snap, id, true, &c->mailbox) < 0) {
		check_say_about(c, "A change log of mailbox", id,
		    "stands there without the mailbox.");
		c->mailbox.v.id = 0;
		return 0;
	}
	c->mailbox.v.id = id;
	check_change(c, be_get64(key.p + 4), value);
	return 0;
}
