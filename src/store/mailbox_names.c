/* Subscriptions and keywords of mailbox.h. */
#include "store/apply.h"
#include "store/row.h"

/* What a key has room for. */
#define MAX_SUBSCRIPTION_BYTES 450

/* --- subscriptions --- */

static int
read_subscription(
    struct store *s, struct fields *f, struct key *k, bool *is_there)
{
	uint32_t account = (uint32_t)field_num(f, UINT32_MAX);
	struct span path = field_text(f, MAX_SUBSCRIPTION_BYTES);
	struct account_rec a;
	struct span value;
	int rc = field_end(f);

	if (rc == 0)
		rc = row_get_account(s, account, false, &a);
	if (rc < 0)
		return rc;
	*k = key_u32_text(account, path);
	rc = tree_get(s, TREE_SUBSCRIPTION, key_span(k), &value);
	*is_there = rc == 0;
	return rc == ERR_NONE ? 0 : rc;
}

int
mailbox_apply_subscribe(struct store *s, struct fields *f)
{
	struct record r;
	struct key k;
	bool is_there;
	int rc = read_subscription(s, f, &k, &is_there);

	if (rc < 0 || is_there)
		return rc;
	record_init(&r);
	return tree_put(s, TREE_SUBSCRIPTION, key_span(&k), record_span(&r));
}

int
mailbox_apply_unsubscribe(struct store *s, struct fields *f)
{
	struct key k;
	bool is_there;
	int rc = read_subscription(s, f, &k, &is_there);

	if (rc < 0 || !is_there)
		return rc;
	return tree_delete(s, TREE_SUBSCRIPTION, key_span(&k));
}

static int
subscribe(struct store *s, enum op kind, uint32_t account, struct span path)
{
	int rc;

	if (path.len > MAX_SUBSCRIPTION_BYTES)
		return ERR_LIMIT;
	if (span_is_nocase(path, SPAN("INBOX")))
		path = SPAN("INBOX");
	rc = op_group(s, 64 + path.len);
	if (rc < 0)
		return rc;
	op_begin(s, kind);
	op_num(s, account);
	op_text(s, path);
	return op_group_end(s, op_apply(s));
}

int
mailbox_subscribe(struct store *s, uint32_t account, struct span path)
{
	return subscribe(s, OP_SUBSCRIBE, account, path);
}

int
mailbox_unsubscribe(struct store *s, uint32_t account, struct span path)
{
	return subscribe(s, OP_UNSUBSCRIBE, account, path);
}

bool
mailbox_is_subscribed(struct store *s, uint32_t account, struct span path)
{
	struct key k;
	struct span value;

	if (path.len > MAX_SUBSCRIPTION_BYTES)
		return false;
	if (span_is_nocase(path, SPAN("INBOX")))
		path = SPAN("INBOX");
	k = key_u32_text(account, path);
	return tree_get(s, TREE_SUBSCRIPTION, key_span(&k), &value) == 0;
}

int
mailbox_next_subscription(struct store *s, uint32_t account, struct buf *path)
{
	struct key prefix = key_u32(account);
	struct key from = key_u32_text(account, buf_span(path));
	struct span key, value;
	int rc;

	from.b[from.len++] = '\0'; /* the least that is greater */
	rc = tree_seek(s, TREE_SUBSCRIPTION, key_span(&from), &key, &value);
	if (rc < 0)
		return rc;
	if (!span_starts(key, key_span(&prefix)))
		return ERR_NONE;
	buf_reset(path);
	buf_put(path, span_sub(key, prefix.len, key.len));
	return buf_failed(path) ? ERR_LIMIT : 0;
}

/* --- keywords --- */

/* RFC 9051 9: flag-keyword is an atom. */
static int
check_keyword(struct span keyword)
{
	if (keyword.len == 0)
		return ERR_INVALID;
	if (keyword.len > MAX_KEYWORD_BYTES)
		return ERR_LIMIT;
	for (size_t i = 0; i < keyword.len; i++) {
		char c = keyword.p[i];

		if (c <= 0x20 || c == 0x7f ||
		    span_find(SPAN("(){%*\"\\]"), c) < 8)
			return ERR_INVALID;
	}
	return 0;
}

/* The bit of a keyword; ERR_NONE sets it to the first free one, or to
 * MAX_KEYWORDS. */
static int
find_keyword(
    struct store *s, uint32_t mailbox, struct span keyword, unsigned *bit)
{
	struct key prefix = key_u32(mailbox);
	unsigned n_free = 0;
	struct span key, value, text;
	int rc;

	for (rc = tree_seek(s, TREE_KEYWORD, key_span(&prefix), &key, &value);
	     rc == 0; rc = tree_next(s, TREE_KEYWORD, &key, &value)) {
		uint32_t at;

		if (!span_starts(key, key_span(&prefix)))
			break;
		if (key.len != 8 || record_get_text(value, &text) < 0)
			return ERR_DAMAGED;
		at = be_get32(key.p + 4);
		if (at >= MAX_KEYWORDS)
			return ERR_DAMAGED;
		if (span_is_nocase(text, keyword)) {
			*bit = at;
			return 0;
		}
		if (at == n_free)
			n_free++;
	}
	*bit = n_free;
	return rc == 0 ? ERR_NONE : rc;
}

int
mailbox_apply_keyword(struct store *s, struct fields *f)
{
	uint32_t mailbox = (uint32_t)field_num(f, UINT32_MAX);
	struct span keyword = field_text(f, MAX_KEYWORD_BYTES);
	struct mailbox_rec m;
	char storage[MAX_KEYWORD_BYTES + 1];
	struct buf b;
	struct key k;
	unsigned bit;
	int rc = field_end(f);

	if (rc == 0)
		rc = check_keyword(keyword);
	if (rc == 0)
		rc = row_get_mailbox(s, mailbox, false, &m);
	if (rc < 0)
		return rc;
	rc = find_keyword(s, mailbox, keyword, &bit);
	if (rc == 0)
		rc = ERR_EXISTS;
	if (rc != ERR_NONE)
		return rc;
	if (bit >= MAX_KEYWORDS)
		return ERR_LIMIT;
	buf_init_fixed(&b, storage, sizeof(storage));
	record_put_text(&b, keyword);
	k = key_u32_u32(mailbox, bit);
	s->result.n = bit;
	return tree_put(s, TREE_KEYWORD, key_span(&k), buf_span(&b));
}

int
mailbox_find_keyword(
    struct store *s, uint32_t mailbox, struct span keyword, unsigned *bit_out)
{
	unsigned bit;
	int rc = find_keyword(s, mailbox, keyword, &bit);

	if (rc == 0)
		*bit_out = bit;
	return rc;
}

int
mailbox_add_keyword(
    struct store *s, uint32_t mailbox, struct span keyword, unsigned *bit_out)
{
	int rc = check_keyword(keyword);

	if (rc == 0)
		rc = mailbox_find_keyword(s, mailbox, keyword, bit_out);
	else
		return rc;
	if (rc != ERR_NONE)
		return rc;
	rc = op_group(s, 64 + keyword.len);
	if (rc < 0)
		return rc;
	op_begin(s, OP_KEYWORD_ADD);
	op_num(s, mailbox);
	op_text(s, keyword);
	rc = op_group_end(s, op_apply(s));
	if (rc == 0)
		*bit_out = (unsigned)s->result.n;
	return rc;
}

int
mailbox_keyword(
    struct store *s, uint32_t mailbox, unsigned bit, struct buf *out)
{
	struct key k = key_u32_u32(mailbox, bit);
	struct span value, text;
	int rc = tree_get(s, TREE_KEYWORD, key_span(&k), &value);

	if (rc == 0)
		rc = record_get_text(value, &text);
	if (rc < 0)
		return rc;
	buf_put(out, text);
	return buf_failed(out) ? ERR_LIMIT : 0;
}
