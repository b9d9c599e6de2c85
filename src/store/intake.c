#include "store/intake_in.h"

#include "base/utf8.h"
#include "store/chunk.h"
#include "store/recover.h"
#include "store/row.h"

#define MARK SPAN("restoring")
/* The index's file has so much ready before each record (rule 7). */
#define EXTEND_BYTES (128 * 1024)

static const enum tree empty_trees[] = { TREE_ACCOUNT, TREE_DOMAIN,
	TREE_ADDRESS, TREE_MAILBOX, TREE_MESSAGE, TREE_BODY };

int
intake_init(struct intake *in, struct store *s)
{
	int rc;

	memset(in, 0, sizeof(*in));
	in->s = s;
	buf_init(&in->summary, MAX_SUMMARY_BYTES + 3);
	buf_init(&in->raw, CHUNK_BYTES);
	buf_init(&in->stored, CHUNK_STORED_BYTES);
	for (int i = 0; i < 2; i++)
		buf_init(&in->text[i], MAX_SETTING_BYTES);
	for (size_t i = 0; i < sizeof(empty_trees) / sizeof(empty_trees[0]);
	     i++)
		if (tree_count(s, empty_trees[i]) > 0)
			return ERR_EXISTS;
	if (store_is_read_only(s))
		return ERR_READ_ONLY;
	rc = tree_put(s, TREE_META, MARK, SPAN("1"));
	if (rc == 0)
		rc = store_checkpoint(s);
	return rc;
}

void
intake_deinit(struct intake *in)
{
	buf_deinit(&in->summary);
	buf_deinit(&in->raw);
	buf_deinit(&in->stored);
	for (int i = 0; i < 2; i++)
		buf_wipe(&in->text[i]);
}

bool
intake_is_marked(struct store *s)
{
	struct span value;

	return tree_get(s, TREE_META, MARK, &value) == 0;
}

int
intake_make_room(struct intake *in)
{
	int rc = 0;

	if (recover_is_heavy(in->s, 4))
		rc = store_checkpoint(in->s);
	return rc < 0 ? rc : recover_extend(in->s, EXTEND_BYTES);
}

static struct span
text(struct intake *in, struct line *l, const char *key, int which)
{
	buf_reset(&in->text[which]);
	line_get_text(l, key, &in->text[which]);
	return buf_span(&in->text[which]);
}

/* An error of the store about a line's content. */
static int
refusal(int rc)
{
	switch (rc) {
	case ERR_EXISTS:
	case ERR_NONE:
	case ERR_INVALID:
	case ERR_LIMIT:
	case ERR_DENIED:
		return ERR_DAMAGED;
	default:
		return rc;
	}
}

static int
put(struct intake *in, enum tree t, struct key k, const struct record *r)
{
	if (buf_failed(&r->buf))
		return ERR_LIMIT;
	return tree_put(in->s, t, key_span(&k), record_span(r));
}

static bool
has(struct intake *in, enum tree t, struct key k)
{
	struct span value;

	return tree_get(in->s, t, key_span(&k), &value) == 0;
}

/* --- what the store's own functions take --- */

static int
take_setting(struct intake *in, struct line *l)
{
	struct span key = text(in, l, "key", 0);
	struct span value = text(in, l, "value", 1);

	return l->rc < 0 ? l->rc : setting_put(in->s, key, value);
}

static int
take_domain(struct intake *in, struct line *l)
{
	struct span name = text(in, l, "name", 0);

	return l->rc < 0 ? l->rc : domain_create(in->s, name);
}

static int
take_alias(struct intake *in, struct line *l)
{
	struct span address = text(in, l, "address", 0);
	bool is_group = span_is(line_get(l, "kind"), SPAN("group"));

	if (l->rc < 0)
		return l->rc;
	return address_create_alias(
	    in->s, address, is_group ? ADDRESS_GROUP : ADDRESS_ALIAS);
}

static int
take_target(struct intake *in, struct line *l)
{
	struct span address = text(in, l, "address", 0);
	struct span target = text(in, l, "target", 1);

	return l->rc < 0 ? l->rc : address_add_target(in->s, address, target);
}

static int
take_subscription(struct intake *in, struct line *l)
{
	uint32_t person = (uint32_t)line_get_u64(l, "person", UINT32_MAX);
	struct span path = text(in, l, "path", 0);

	return l->rc < 0 ? l->rc : mailbox_subscribe(in->s, person, path);
}

static int
take_keyword(struct intake *in, struct line *l)
{
	uint32_t mailbox = (uint32_t)line_get_u64(l, "mailbox", UINT32_MAX);
	uint64_t bit = line_get_u64(l, "bit", MAX_KEYWORDS - 1);
	struct span name = text(in, l, "name", 0);
	unsigned got = 0;
	int rc;

	if (l->rc < 0)
		return l->rc;
	rc = mailbox_add_keyword(in->s, mailbox, name, &got);
	return rc == 0 && got != bit ? ERR_DAMAGED : rc;
}

/* --- people and mailboxes --- */

static int
take_person(struct intake *in, struct line *l)
{
	struct account_rec a = { .state = ACCOUNT_LIVE };
	struct scram_secret *x = &a.v.secret;
	struct usage usage = { 0 };
	struct address_entry e = { .kind = ADDRESS_PERSON };
	struct key key;
	struct record r;
	int rc;

	e.id = (uint32_t)line_get_u64(l, "id", UINT32_MAX - 1);
	a.v.address = text(in, l, "address", 0);
	a.v.name = text(in, l, "name", 1);
	a.v.quota_bytes = line_get_u64(l, "quota", UINT64_MAX);
	a.v.flags = (uint32_t)line_get_u64(
	    l, "flags", ACCOUNT_OWNER | ACCOUNT_DISABLED);
	a.v.created_s = e.created_s = line_get_i64(l, "created");
	x->iterations = (uint32_t)line_get_u64(l, "iterations", 10000000);
	line_get_hex(l, "salt", x->salt, sizeof(x->salt));
	line_get_hex(l, "stored", x->stored_key, sizeof(x->stored_key));
	line_get_hex(l, "server", x->server_key, sizeof(x->server_key));
	if (l->rc < 0)
		return l->rc;
	rc = key_address(a.v.address, &key);
	if (rc < 0 || e.id == 0 || a.v.name.len > MAX_ACCOUNT_NAME_BYTES ||
	    has(in, TREE_ACCOUNT, key_u32(e.id)) || has(in, TREE_ADDRESS, key))
		return ERR_DAMAGED;
	a.v.id = e.id;
	rc = row_put_account(in->s, &a);
	if (rc == 0)
		rc = row_put_usage(in->s, e.id, &usage);
	record_put_address(&r, &e);
	if (rc == 0)
		rc = put(in, TREE_ADDRESS, key, &r);
	if (in->s->meta.next_account <= e.id)
		in->s->meta.next_account = e.id + 1;
	return rc;
}

static bool
is_leaf(struct span name)
{
	if (name.len == 0 || name.len > MAX_MAILBOX_PART ||
	    !utf8_is_valid(name))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f ||
		    name.p[i] == '/')
			return false;
	return true;
}

static int
use_of(struct span name, enum special_use *out)
{
	static const struct {
		const char *name;
		enum special_use use;
	} rows[] = {
		{ "", SPECIAL_NONE },
		{ "Inbox", SPECIAL_INBOX },
		{ "Sent", SPECIAL_SENT },
		{ "Drafts", SPECIAL_DRAFTS },
		{ "Junk", SPECIAL_JUNK },
		{ "Trash", SPECIAL_TRASH },
		{ "Archive", SPECIAL_ARCHIVE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (span_is(name, span_str(rows[i].name))) {
			*out = rows[i].use;
			return 0;
		}
	return ERR_SYNTAX;
}

int
intake_add_usage(struct intake *in, uint32_t account, const struct usage *more)
{
	struct usage u;
	int rc;

	rc = row_get_usage(in->s, account, &u);
	if (rc < 0)
		return rc;
	u.bytes += more->bytes;
	u.n_messages += more->n_messages;
	u.n_mailboxes += more->n_mailboxes;
	return row_put_usage(in->s, account, &u);
}

static void
read_mailbox(struct intake *in, struct line *l, struct mailbox_rec *m)
{
	struct mailbox_view *v = &m->v;

	memset(m, 0, sizeof(*m));
	m->state = MAILBOX_LIVE;
	v->id = (uint32_t)line_get_u64(l, "id", UINT32_MAX - 1);
	v->account = (uint32_t)line_get_u64(l, "person", UINT32_MAX);
	v->parent = (uint32_t)line_get_u64(l, "parent", UINT32_MAX);
	v->name = text(in, l, "name", 0);
	v->uidvalidity = (uint32_t)line_get_u64(l, "uidvalidity", UINT32_MAX);
	v->uidnext = (uint32_t)line_get_u64(l, "uidnext", UINT32_MAX);
	/* RFC 7162 3.1: a mod-sequence is a positive 63-bit number. */
	v->highest_modseq = line_get_u64(l, "modseq", INT64_MAX);
	v->lowest_modseq = v->highest_modseq; /* the log is not kept */
	v->object_id = line_get_u64(l, "object", UINT64_MAX);
	v->created_s = line_get_i64(l, "created");
	if (l->rc == 0)
		l->rc = use_of(line_get(l, "use"), &v->special_use);
}

static int
take_mailbox(struct intake *in, struct line *l)
{
	const struct usage one = { .n_mailboxes = 1 };
	struct meta *meta = &in->s->meta;
	struct mailbox_rec m;
	struct key name;
	struct record r;
	int rc;

	read_mailbox(in, l, &m);
	if (l->rc < 0)
		return l->rc;
	name = key_name(m.v.account, m.v.parent, m.v.name);
	if (m.v.id == 0 || m.v.uidvalidity == 0 || m.v.uidnext == 0 ||
	    m.v.highest_modseq == 0 || !is_leaf(m.v.name) ||
	    has(in, TREE_MAILBOX, key_u32(m.v.id)) || has(in, TREE_NAME, name))
		return ERR_DAMAGED;
	rc = row_put_mailbox(in->s, &m);
	record_put_number(&r, m.v.id);
	if (rc == 0)
		rc = put(in, TREE_NAME, name, &r);
	if (rc == 0)
		rc = intake_add_usage(in, m.v.account, &one);
	if (meta->next_mailbox <= m.v.id)
		meta->next_mailbox = m.v.id + 1;
	if (meta->last_uidvalidity < m.v.uidvalidity)
		meta->last_uidvalidity = m.v.uidvalidity;
	return rc;
}

/* --- lines --- */

static const struct {
	const char *word;
	int (*take)(struct intake *in, struct line *l);
} words[] = {
	{ "setting", take_setting },
	{ "domain", take_domain },
	{ "person", take_person },
	{ "subscription", take_subscription },
	{ "alias", take_alias },
	{ "target", take_target },
	{ "mailbox", take_mailbox },
	{ "keyword", take_keyword },
	{ "body", intake_take_body },
	{ "message", intake_take_message },
	{ "relay", intake_take_relay },
	{ "queued", intake_take_queued },
	{ "recipient", intake_take_rcpt },
};

int
intake_line(struct intake *in, struct line *l)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		int rc;

		if (!span_is(l->word, span_str(words[i].word)))
			continue;
		rc = intake_make_room(in);
		return rc < 0 ? rc : refusal(words[i].take(in, l));
	}
	return 0;
}

/* --- the end --- */

/* A mailbox hangs below its person's own, at no great depth. */
static int
check_parents(struct intake *in, uint32_t id)
{
	struct mailbox_rec m;
	uint32_t account;
	int rc;

	rc = row_get_mailbox(in->s, id, false, &m);
	account = m.v.account;
	for (int depth = 1; rc == 0 && m.v.parent != 0; depth++) {
		if (depth > MAX_MAILBOX_DEPTH)
			return ERR_DAMAGED;
		rc = row_get_mailbox(in->s, m.v.parent, false, &m);
		if (rc == 0 && m.v.account != account)
			return ERR_DAMAGED;
	}
	return rc == ERR_NONE ? ERR_DAMAGED : rc;
}

static int
check_mailboxes(struct intake *in)
{
	uint32_t id = 0;
	int rc;

	while ((rc = mailbox_next(in->s, &id)) == 0) {
		rc = check_parents(in, id);
		if (rc < 0)
			return rc;
		id++;
	}
	return rc == ERR_NONE ? 0 : rc;
}

/* A message was expunged while the backup ran: its body is nobody's. */
static int
drop_body(struct intake *in, uint64_t id, const struct body_place *at)
{
	struct key k = key_u64(id);
	int rc;

	do {
		rc = volume_trim(in->s->volumes, at->volume, id, 0, 64);
		if (rc >= 0 && intake_make_room(in) < 0)
			return ERR_IO;
	} while (rc == 1);
	if (rc == 0)
		rc = row_count_volume(
		    in->s, at->volume, at->stored_bytes, false);
	return rc < 0 ? rc : tree_delete(in->s, TREE_BODY, key_span(&k));
}

static int
drop_orphans(struct intake *in)
{
	uint64_t id = 0;
	int rc;

	for (;; id++) {
		struct key k = key_u64(id);
		struct span found, value;
		struct body_place at;

		rc = tree_seek(in->s, TREE_BODY, key_span(&k), &found, &value);
		if (rc < 0)
			return rc == ERR_NONE ? 0 : rc;
		id = be_get64(found.p);
		rc = record_get_body(value, &at);
		if (rc == 0 && at.refs == 0)
			rc = drop_body(in, id, &at);
		if (rc < 0)
			return rc;
	}
}

int
intake_finish(struct intake *in)
{
	int rc;

	rc = in->body != 0 ? ERR_DAMAGED : intake_leave_mailbox(in);
	if (rc == 0)
		rc = intake_end_queued(in);
	if (rc == 0)
		rc = check_mailboxes(in);
	if (rc == 0)
		rc = drop_orphans(in);
	if (rc == 0)
		rc = tree_delete(in->s, TREE_META, MARK);
	if (rc == 0)
		rc = store_checkpoint(in->s);
	if (rc == 0)
		rc = volume_recover(in->s->volumes, in->s->meta.last_body);
	return rc;
}
