#include "store/account.h"

#include "base/clock.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "store/apply.h"
#include "store/row.h"
#include "store/sweep.h"

/* What a new person gets (RFC 6154 2), in this order. */
static const struct {
	const char *name;
	enum special_use use;
} first_mailboxes[] = {
	{ "INBOX", SPECIAL_INBOX },
	{ "Sent", SPECIAL_SENT },
	{ "Drafts", SPECIAL_DRAFTS },
	{ "Junk", SPECIAL_JUNK },
	{ "Trash", SPECIAL_TRASH },
	{ "Archive", SPECIAL_ARCHIVE },
};

#define N_FIRST (sizeof(first_mailboxes) / sizeof(first_mailboxes[0]))

static struct span
secret_span(const struct scram_secret *s, char out[84])
{
	be_put32(out, s->iterations);
	memcpy(out + 4, s->salt, 16);
	memcpy(out + 20, s->stored_key, 32);
	memcpy(out + 52, s->server_key, 32);
	return span_of(out, 84);
}

static int
secret_from(struct span bytes, struct scram_secret *s)
{
	if (bytes.len != 84)
		return ERR_DAMAGED;
	s->iterations = be_get32(bytes.p);
	memcpy(s->salt, bytes.p + 4, 16);
	memcpy(s->stored_key, bytes.p + 20, 32);
	memcpy(s->server_key, bytes.p + 52, 32);
	return 0;
}

static int
check_name(struct span name)
{
	if (name.len > MAX_ACCOUNT_NAME_BYTES)
		return ERR_LIMIT;
	if (!utf8_is_valid(name))
		return ERR_INVALID;
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
			return ERR_INVALID;
	return 0;
}

/* --- creation --- */

struct creation {
	struct account_rec a;
	struct key address;
	uint32_t mailbox;     /* the first of N_FIRST ids */
	uint32_t uidvalidity; /* the first of as many */
	uint64_t object_id;   /* the same, added up */
};

static int
read_creation(struct store *s, struct fields *f, struct creation *c)
{
	struct span address = field_text(f, MAX_ADDRESS_BYTES);
	struct span name = field_text(f, MAX_ACCOUNT_NAME_BYTES);
	struct span secret, value;
	size_t at = span_rfind(address, '@');
	int rc;

	c->a.state = ACCOUNT_LIVE;
	c->a.v.address = address;
	c->a.v.name = name;
	c->a.v.id = (uint32_t)field_num(f, UINT32_MAX - 1);
	c->a.v.quota_bytes = field_num(f, UINT64_MAX);
	c->a.v.flags = (uint32_t)field_num(f, UINT32_MAX);
	c->a.v.created_s = field_signed(f);
	secret = field_text(f, 84);
	c->mailbox = (uint32_t)field_num(f, UINT32_MAX - N_FIRST - 1);
	c->uidvalidity = (uint32_t)field_num(f, UINT32_MAX - N_FIRST - 1);
	c->object_id = field_num(f, UINT64_MAX);
	rc = field_end(f);
	if (rc == 0)
		rc = secret_from(secret, &c->a.v.secret);
	if (rc == 0)
		rc = check_name(name);
	if (rc == 0)
		rc = key_address(address, &c->address);
	if (rc == 0 && (at == 0 || c->a.v.id == 0 || c->mailbox == 0))
		rc = ERR_INVALID;
	if (rc == 0)
		rc = tree_get(s, TREE_DOMAIN,
		    span_sub(address, at + 1, address.len), &value);
	return rc;
}

static int
check_unused(struct store *s, const struct creation *c)
{
	struct key from = key_u32(c->mailbox), id = key_u32(c->a.v.id);
	struct span key, value;
	int rc = tree_get(s, TREE_ADDRESS, key_span(&c->address), &value);

	if (rc == ERR_NONE)
		rc = tree_get(s, TREE_ACCOUNT, key_span(&id), &value);
	if (rc == 0)
		return ERR_EXISTS;
	if (rc != ERR_NONE)
		return rc;
	rc = tree_seek(s, TREE_MAILBOX, key_span(&from), &key, &value);
	if (rc == 0) /* ids only grow */
		return ERR_EXISTS;
	return rc == ERR_NONE ? 0 : rc;
}

static int
put_first_mailbox(struct store *s, const struct creation *c, uint32_t i)
{
	struct span name = span_str(first_mailboxes[i].name);
	struct mailbox_rec m = { .state = MAILBOX_LIVE };
	struct key k = key_name(c->a.v.id, 0, name);
	struct record r;
	int rc;

	m.v.id = c->mailbox + i;
	m.v.account = c->a.v.id;
	m.v.special_use = first_mailboxes[i].use;
	m.v.uidvalidity = c->uidvalidity + i;
	m.v.uidnext = 1;
	m.v.highest_modseq = 1;
	m.v.object_id = c->object_id + i;
	m.v.created_s = c->a.v.created_s;
	m.v.name = name;
	rc = row_put_mailbox(s, &m);
	if (rc < 0)
		return rc;
	record_put_number(&r, m.v.id);
	rc = tree_put(s, TREE_NAME, key_span(&k), record_span(&r));
	if (rc < 0)
		return rc;
	k = key_u32_text(c->a.v.id, name);
	record_init(&r);
	return tree_put(s, TREE_SUBSCRIPTION, key_span(&k), record_span(&r));
}

int
account_apply_create(struct store *s, struct fields *f)
{
	struct creation c;
	struct address_entry e = { .kind = ADDRESS_PERSON };
	struct usage u = { .n_mailboxes = N_FIRST };
	struct record r;
	int rc = read_creation(s, f, &c);

	if (rc == 0)
		rc = check_unused(s, &c);
	if (rc < 0)
		return rc;
	e.id = c.a.v.id;
	e.created_s = c.a.v.created_s;
	record_put_address(&r, &e);
	rc = tree_put(s, TREE_ADDRESS, key_span(&c.address), record_span(&r));
	if (rc == 0)
		rc = row_put_account(s, &c.a);
	if (rc == 0)
		rc = row_put_usage(s, c.a.v.id, &u);
	for (uint32_t i = 0; i < N_FIRST && rc == 0; i++)
		rc = put_first_mailbox(s, &c, i);
	if (rc < 0)
		return rc;
	if (c.a.v.id >= s->meta.next_account)
		s->meta.next_account = c.a.v.id + 1;
	if (c.mailbox + N_FIRST > s->meta.next_mailbox)
		s->meta.next_mailbox = (uint32_t)(c.mailbox + N_FIRST);
	if (c.uidvalidity + N_FIRST - 1 > s->meta.last_uidvalidity)
		s->meta.last_uidvalidity =
		    (uint32_t)(c.uidvalidity + N_FIRST - 1);
	s->result.n = c.a.v.id;
	return 0;
}

int
account_create(struct store *s, const struct account_new *n, uint32_t *id_out)
{
	char secret[84];
	struct key k;
	int rc = check_name(n->name);

	if (rc == 0)
		rc = key_address(n->address, &k);
	if (rc == 0)
		rc = op_group(s, 256 + n->address.len + n->name.len);
	if (rc < 0)
		return rc;
	op_begin(s, OP_ACCOUNT_CREATE);
	op_text(s, n->address);
	op_text(s, n->name);
	op_num(s, s->meta.next_account);
	op_num(s, n->quota_bytes);
	op_num(s, n->flags);
	op_signed(s, clock_wall_s());
	op_text(s, secret_span(&n->secret, secret));
	op_num(s, s->meta.next_mailbox);
	op_num(s, mailbox_fresh_uidvalidity(s));
	op_num(s, rand_u64());
	wipe(secret, sizeof(secret));
	rc = op_group_end(s, op_apply(s));
	if (rc == 0)
		*id_out = (uint32_t)s->result.n;
	return rc;
}

/* --- change --- */

enum field { FIELD_SECRET = 1, FIELD_QUOTA, FIELD_NAME, FIELD_FLAGS };

int
account_apply_change(struct store *s, struct fields *f)
{
	uint32_t id = (uint32_t)field_num(f, UINT32_MAX);
	uint64_t which = field_num(f, FIELD_FLAGS);
	uint64_t number = field_num(f, UINT64_MAX);
	struct span text = field_text(f, MAX_ACCOUNT_NAME_BYTES);
	struct account_rec a;
	int rc = field_end(f);

	if (rc == 0)
		rc = row_get_account(s, id, false, &a);
	if (rc < 0)
		return rc;
	switch (which) {
	case FIELD_SECRET:
		rc = secret_from(text, &a.v.secret);
		break;
	case FIELD_QUOTA:
		a.v.quota_bytes = number;
		break;
	case FIELD_NAME:
		rc = check_name(text);
		a.v.name = text;
		break;
	case FIELD_FLAGS:
		a.v.flags = (uint32_t)number;
		break;
	default:
		rc = ERR_DAMAGED;
	}
	return rc < 0 ? rc : row_put_account(s, &a);
}

static int
change(struct store *s, uint32_t account, enum field which, uint64_t number,
    struct span text)
{
	int rc = op_group(s, 64 + text.len);

	if (rc < 0)
		return rc;
	op_begin(s, OP_ACCOUNT_CHANGE);
	op_num(s, account);
	op_num(s, which);
	op_num(s, number);
	op_text(s, text);
	return op_group_end(s, op_apply(s));
}

int
account_set_password(
    struct store *s, uint32_t account, const struct scram_secret *secret)
{
	char bytes[84];
	int rc =
	    change(s, account, FIELD_SECRET, 0, secret_span(secret, bytes));

	wipe(bytes, sizeof(bytes));
	return rc;
}

int
account_set_quota(struct store *s, uint32_t account, uint64_t quota_bytes)
{
	return change(s, account, FIELD_QUOTA, quota_bytes, span_of("", 0));
}

int
account_set_name(struct store *s, uint32_t account, struct span name)
{
	int rc = check_name(name);

	return rc < 0 ? rc : change(s, account, FIELD_NAME, 0, name);
}

int
account_set_flags(struct store *s, uint32_t account, uint32_t flags)
{
	return change(s, account, FIELD_FLAGS, flags, span_of("", 0));
}

/* --- deletion --- */

int
account_apply_delete(struct store *s, struct fields *f)
{
	uint32_t id = (uint32_t)field_num(f, UINT32_MAX);
	uint64_t intent = field_num(f, UINT64_MAX - 1);
	struct account_rec a;
	struct rangeset none;
	struct key k;
	int rc = field_end(f);

	if (rc == 0)
		rc = row_get_account(s, id, false, &a);
	if (rc == 0 && key_address(a.v.address, &k) < 0)
		rc = ERR_DAMAGED;
	if (rc < 0)
		return rc;
	a.state = ACCOUNT_DELETED;
	rc = tree_delete(s, TREE_ADDRESS, key_span(&k));
	if (rc == 0)
		rc = row_put_account(s, &a);
	rangeset_init(&none);
	if (rc == 0)
		rc = sweep_intend(s, intent, INTENT_ACCOUNT, id, &none);
	return rc;
}

int
account_delete(struct store *s, uint32_t account)
{
	int rc = op_group(s, 64);

	if (rc < 0)
		return rc;
	op_begin(s, OP_ACCOUNT_DELETE);
	op_num(s, account);
	op_num(s, s->meta.next_intent);
	return op_group_end(s, op_apply(s));
}

/* --- reading --- */

int
account_get(struct store *s, uint32_t account, struct account_view *out)
{
	struct account_rec a;
	int rc = row_get_account(s, account, false, &a);

	if (rc < 0)
		return rc;
	*out = a.v;
	out->address.p = out->address_storage;
	out->name.p = out->name_storage;
	wipe(&a.v.secret, sizeof(a.v.secret));
	return 0;
}

int
account_next(struct store *s, uint32_t *id)
{
	uint32_t from = *id;

	for (;;) {
		struct key k = key_u32(from);
		struct account_rec a;
		struct span key, value;
		int rc = tree_seek(s, TREE_ACCOUNT, key_span(&k), &key, &value);

		if (rc < 0)
			return rc;
		if (key.len != 4)
			return ERR_DAMAGED;
		from = be_get32(key.p);
		rc = record_get_account(value, &a);
		if (rc < 0)
			return rc;
		if (a.state == ACCOUNT_LIVE)
			break;
		if (from++ == UINT32_MAX)
			return ERR_NONE;
	}
	*id = from;
	return 0;
}

int
account_usage(struct store *s, uint32_t account, uint64_t *bytes_out,
    uint32_t *messages_out)
{
	struct usage u;
	int rc = row_get_usage(s, account, &u);

	if (rc < 0)
		return rc;
	*bytes_out = u.bytes;
	*messages_out = u.n_messages;
	return 0;
}

bool
account_has_room(struct store *s, uint32_t account, uint64_t bytes)
{
	struct account_rec a;
	struct usage u;

	if (row_get_account(s, account, false, &a) < 0 ||
	    row_get_usage(s, account, &u) < 0)
		return false;
	if (a.v.quota_bytes == 0)
		return true;
	return u.bytes <= a.v.quota_bytes && bytes <= a.v.quota_bytes - u.bytes;
}
