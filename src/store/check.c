#include "store/check_in.h"

#include "base/mem.h"
#include "store/hidden.h"
#include "store/row.h"
#include "store/snapshot.h"

/* A step ends behind so many records, or one body's chunk. */
#define SLICE_RECORDS 200
#define SLICE_CHUNKS  8

/* --- saying --- */

struct buf *
check_say(struct check *c)
{
	c->n_findings++;
	return c->out;
}

void
check_said(struct check *c)
{
	buf_put_char(c->out, '\n');
}

void
check_say_about(
    struct check *c, const char *what, uint64_t n, const char *trouble)
{
	struct buf *b = check_say(c);

	buf_put_str(b, what);
	buf_put_char(b, ' ');
	buf_put_u64(b, n);
	buf_put_char(b, ' ');
	buf_put_str(b, trouble);
	check_said(c);
}

/* A finding about a text key: what stands in it comes from users. */
static void
say_text(
    struct check *c, const char *what, struct span text, const char *trouble)
{
	struct buf *b = check_say(c);

	buf_put_str(b, what);
	buf_put_str(b, " \"");
	for (size_t i = 0; i < text.len; i++) {
		unsigned char ch = (unsigned char)text.p[i];

		buf_put_char(b, ch < 0x20 || ch == 0x7f ? '?' : text.p[i]);
	}
	buf_put_str(b, "\" ");
	buf_put_str(b, trouble);
	check_said(c);
}

static void
say_counts(struct check *c, const char *whose, uint32_t id, const char *what,
    uint64_t says, uint64_t is)
{
	struct buf *b;

	if (says == is)
		return;
	b = check_say(c);
	buf_putf(b, "%s %u says %llu %s; there are %llu.", whose, id,
	    (unsigned long long)says, what, (unsigned long long)is);
	check_said(c);
}

int
check_next(struct check *c, enum tree t, struct span *key, struct span *value)
{
	int rc;

	rc = tree_seek(c->snap, t, span_of(c->key, c->key_len), key, value);
	if (rc == ERR_DAMAGED) {
		say_text(c, "The tree", span_str(tree_name(t)),
		    "cannot be read any further.");
		return ERR_NONE;
	}
	if (rc < 0)
		return rc;
	if (key->len > MAX_KEY_BYTES)
		return ERR_DAMAGED;
	/* The least key behind it. */
	memcpy(c->key, key->p, key->len);
	c->key[key->len] = 0;
	c->key_len = key->len + 1;
	c->n_looked++;
	return 0;
}

static bool
has(struct check *c, enum tree t, struct key k)
{
	struct span value;

	return tree_get(c->snap, t, key_span(&k), &value) == 0;
}

/* --- people --- */

/* Sum up the mailboxes of a person, by their names. */
static int
sum_mailboxes(struct check *c, uint32_t account, struct usage *sum)
{
	struct key from = key_u32(account), prefix = from;
	struct span key, value;
	int rc;

	*sum = (struct usage){ 0 };
	for (;;) {
		struct mailbox_rec m;
		uint64_t id = 0;

		rc = tree_seek(
		    c->snap, TREE_NAME, key_span(&from), &key, &value);
		if (rc < 0 || !span_starts(key, key_span(&prefix)))
			break;
		memcpy(from.b, key.p, key.len);
		from.b[key.len] = 0;
		from.len = key.len + 1;
		if (record_get_number(value, &id) < 0 ||
		    row_get_mailbox(c->snap, (uint32_t)id, false, &m) < 0)
			continue; /* said with the names */
		sum->bytes += m.v.bytes;
		sum->n_messages += m.v.n_messages;
		sum->n_mailboxes++;
	}
	return rc == 0 || rc == ERR_NONE ? 0 : rc;
}

static int
check_usage(struct check *c, uint32_t id)
{
	struct usage u, sum;
	int rc;

	rc = row_get_usage(c->snap, id, &u);
	if (rc < 0) {
		check_say_about(c, "Person", id, "has no counts.");
		return 0;
	}
	rc = sum_mailboxes(c, id, &sum);
	if (rc < 0)
		return rc;
	say_counts(c, "Person", id, "bytes", u.bytes, sum.bytes);
	say_counts(c, "Person", id, "messages", u.n_messages, sum.n_messages);
	say_counts(
	    c, "Person", id, "mailboxes", u.n_mailboxes, sum.n_mailboxes);
	return 0;
}

static int
part_people(struct check *c)
{
	struct address_entry e;
	struct account_rec a;
	struct span key, value;
	uint32_t id;
	int rc;

	rc = check_next(c, TREE_ACCOUNT, &key, &value);
	if (rc < 0)
		return rc;
	id = key.len == 4 ? be_get32(key.p) : 0;
	if (id == 0 || record_get_account(value, &a) < 0) {
		check_say_about(c, "The row of person", id, "is damaged.");
		return 0;
	}
	if (id >= c->snap->meta.next_account)
		check_say_about(
		    c, "Person", id, "has a number that was not given yet.");
	if (a.state != ACCOUNT_LIVE)
		return 0;
	if (address_lookup(c->snap, a.v.address, &e) < 0 ||
	    e.kind != ADDRESS_PERSON || e.id != id)
		say_text(c, "The person's address", a.v.address,
		    "does not lead to them.");
	return check_usage(c, id);
}

static int
part_usage(struct check *c)
{
	struct span key, value;
	int rc;

	rc = check_next(c, TREE_USAGE, &key, &value);
	if (rc < 0)
		return rc;
	if (key.len != 4 || !has(c, TREE_ACCOUNT, key_u32(be_get32(key.p))))
		check_say_about(c, "Counts of person",
		    key.len == 4 ? be_get32(key.p) : 0,
		    "stand there without the person.");
	return 0;
}

/* --- addresses --- */

static uint32_t
count_targets(struct check *c, uint32_t alias)
{
	struct key from = key_u32(alias), prefix = from;
	struct span key, value;
	uint32_t n = 0;

	while (tree_seek(c->snap, TREE_TARGET, key_span(&from), &key, &value) ==
	           0 &&
	       span_starts(key, key_span(&prefix))) {
		memcpy(from.b, key.p, key.len);
		from.b[key.len] = 0;
		from.len = key.len + 1;
		n++;
	}
	return n;
}

static int
part_addresses(struct check *c)
{
	char text[MAX_ADDRESS_BYTES + 2];
	struct address_entry e;
	struct account_rec a;
	struct span key, value, domain;
	struct buf b;
	int rc;

	rc = check_next(c, TREE_ADDRESS, &key, &value);
	if (rc < 0)
		return rc;
	buf_init_fixed(&b, text, sizeof(text));
	if (key_address_text(key, &b) < 0 ||
	    record_get_address(value, &e) < 0) {
		say_text(c, "The address", key, "is damaged.");
		return 0;
	}
	domain = span_sub(key, 0, span_find(key, '\0'));
	if (tree_get(c->snap, TREE_DOMAIN, domain, &value) < 0)
		say_text(c, "The domain of the address", buf_span(&b),
		    "is not one of ours.");
	if (e.kind != ADDRESS_PERSON) {
		say_counts(c, "Alias", e.id, "targets", e.n_targets,
		    count_targets(c, e.id));
		return 0;
	}
	if (row_get_account(c->snap, e.id, false, &a) < 0 ||
	    !span_is(a.v.address, buf_span(&b)))
		say_text(c, "The address", buf_span(&b),
		    "leads to a person who is not there.");
	return 0;
}

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
		say_counts(c, "Mailbox", v->id, "messages", v->n_messages,
		    n->n_messages);
		say_counts(c, "Mailbox", v->id, "unseen messages", v->n_unseen,
		    n->n_unseen);
		say_counts(c, "Mailbox", v->id, "messages to be deleted",
		    v->n_deleted, n->n_deleted);
		say_counts(c, "Mailbox", v->id, "bytes", v->bytes, n->bytes);
	}
	c->mailbox.v.id = 0;
}

/* One message of the mailbox, or the next mailbox. */
static int
part_mailboxes(struct check *c)
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

static int
part_strays(struct check *c)
{
	return next_owner(c, TREE_MESSAGE, "Messages of mailbox");
}

static int
part_keywords(struct check *c)
{
	return next_owner(c, TREE_KEYWORD, "Keywords of mailbox");
}

static int
part_names(struct check *c)
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
		say_text(c, "The mailbox name", span_sub(key, 8, key.len),
		    "leads to no mailbox.");
	return 0;
}

/* --- the change log --- */

static void
end_changes(struct check *c)
{
	if (c->mailbox.v.id != 0)
		say_counts(c, "The change log of mailbox", c->mailbox.v.id,
		    "rows", c->mailbox.n_changes, c->n_changes);
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

static int
part_changes(struct check *c)
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

/* --- the rest --- */

static int
part_subscriptions(struct check *c)
{
	struct account_rec a;
	struct span key, value;
	int rc;

	rc = check_next(c, TREE_SUBSCRIPTION, &key, &value);
	if (rc < 0)
		return rc;
	if (key.len < 5 ||
	    row_get_account(c->snap, be_get32(key.p), true, &a) < 0)
		say_text(c, "The subscription", span_sub(key, 4, key.len),
		    "is nobody's.");
	return 0;
}

static int
part_settings(struct check *c)
{
	struct span key, value, text;
	int rc;

	rc = check_next(c, TREE_SETTING, &key, &value);
	if (rc == 0 && record_get_text(value, &text) < 0)
		say_text(c, "The setting", key, "is damaged.");
	return rc;
}

static int
part_events(struct check *c)
{
	struct span key, value;
	struct event e;
	int rc;

	rc = check_next(c, TREE_EVENT, &key, &value);
	if (rc == 0 && (key.len != 8 || record_get_event(value, &e) < 0))
		check_say_about(c, "Event", key.len == 8 ? be_get64(key.p) : 0,
		    "is damaged.");
	return rc;
}

static int
part_intents(struct check *c)
{
	struct span key, value;
	struct rangeset uids;
	enum intent_kind kind;
	uint32_t subject;
	int rc;

	rc = check_next(c, TREE_INTENT, &key, &value);
	if (rc < 0)
		return rc;
	rangeset_init(&uids);
	if (key.len != 8 ||
	    record_get_intent(value, &kind, &subject, &uids) < 0)
		check_say_about(c, "The deletion under way",
		    key.len == 8 ? be_get64(key.p) : 0, "is damaged.");
	rangeset_deinit(&uids);
	return 0;
}

/* --- the whole --- */

static const struct {
	int (*look)(struct check *c);
	int slice;
} parts[] = {
	{ part_settings, SLICE_RECORDS },
	{ part_people, 2 },
	{ part_usage, SLICE_RECORDS },
	{ part_addresses, 5 },
	{ part_mailboxes, SLICE_RECORDS },
	{ part_strays, SLICE_RECORDS },
	{ part_keywords, SLICE_RECORDS },
	{ part_names, SLICE_RECORDS },
	{ part_changes, SLICE_RECORDS },
	{ part_subscriptions, SLICE_RECORDS },
	{ part_events, SLICE_RECORDS },
	{ part_intents, SLICE_RECORDS },
	{ check_refs, SLICE_RECORDS },
	{ check_dead, SLICE_RECORDS },
	{ check_bodies, SLICE_CHUNKS },
	{ check_chunks, SLICE_RECORDS },
	{ check_summaries, SLICE_RECORDS },
};

#define N_PARTS (sizeof(parts) / sizeof(parts[0]))

int
check_new(struct store *s, struct check **out)
{
	struct check *c = mem_alloc(sizeof(*c));
	int rc = ERR_NOMEM;

	if (c == NULL)
		return ERR_NOMEM;
	c->s = s;
	c->refs = mem_alloc(CHECK_WINDOW * sizeof(c->refs[0]));
	if (c->refs != NULL)
		rc = snapshot_open(s, &c->snap);
	if (rc < 0) {
		check_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void
check_free(struct check *c)
{
	if (c == NULL)
		return;
	snapshot_close(c->snap);
	mem_free(c->refs);
	mem_free(c);
}

static void
next_part(struct check *c)
{
	c->part++;
	c->key_len = 0;
	c->mailbox.v.id = 0;
	c->n_changes = 0;
	c->body = 0;
	c->volume = 0;
	c->volume_chunk = 0;
}

int
check_step(struct check *c, struct buf *out)
{
	size_t before = out->len;
	int rc = 0;

	c->out = out;
	for (int n = 0; c->part < N_PARTS && n < parts[c->part].slice; n++) {
		rc = parts[c->part].look(c);
		if (rc == ERR_NONE) {
			next_part(c);
			break;
		}
		if (rc < 0)
			return rc;
		if (out->len - before > CHECK_STEP_BYTES / 2)
			break;
	}
	if (buf_failed(out))
		return ERR_LIMIT;
	return c->part < N_PARTS ? 1 : 0;
}

uint64_t
check_findings(const struct check *c)
{
	return c->n_findings;
}

unsigned
check_percent(const struct check *c)
{
	return (unsigned)(c->part * 100 / N_PARTS);
}
