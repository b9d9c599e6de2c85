#include "store/check_in.h"

#include "base/mem.h"
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

void
check_say_text(
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

void
check_say_counts(struct check *c, const char *whose, uint32_t id,
    const char *what, uint64_t says, uint64_t is)
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
		check_say_text(c, "The tree", span_str(tree_name(t)),
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

bool
check_has(struct check *c, enum tree t, struct key k)
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
	check_say_counts(c, "Person", id, "bytes", u.bytes, sum.bytes);
	check_say_counts(
	    c, "Person", id, "messages", u.n_messages, sum.n_messages);
	check_say_counts(
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
		check_say_text(c, "The person's address", a.v.address,
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
	if (key.len != 4 ||
	    !check_has(c, TREE_ACCOUNT, key_u32(be_get32(key.p))))
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
		check_say_text(c, "The address", key, "is damaged.");
		return 0;
	}
	domain = span_sub(key, 0, span_find(key, '\0'));
	if (tree_get(c->snap, TREE_DOMAIN, domain, &value) < 0)
		check_say_text(c, "The domain of the address", buf_span(&b),
		    "is not one of ours.");
	if (e.kind != ADDRESS_PERSON) {
		check_say_counts(c, "Alias", e.id, "targets", e.n_targets,
		    count_targets(c, e.id));
		return 0;
	}
	if (row_get_account(c->snap, e.id, false, &a) < 0 ||
	    !span_is(a.v.address, buf_span(&b)))
		check_say_text(c, "The address", buf_span(&b),
		    "leads to a person who is not there.");
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
		check_say_text(c, "The subscription", span_sub(key, 4, key.len),
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
		check_say_text(c, "The setting", key, "is damaged.");
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
	{ check_mailboxes, SLICE_RECORDS },
	{ check_strays, SLICE_RECORDS },
	{ check_keywords, SLICE_RECORDS },
	{ check_names, SLICE_RECORDS },
	{ check_changes, SLICE_RECORDS },
	{ part_subscriptions, SLICE_RECORDS },
	{ part_events, SLICE_RECORDS },
	{ part_intents, SLICE_RECORDS },
	{ check_queue, 2 },
	{ check_queue_rcpts, SLICE_RECORDS },
	{ check_queue_waits, SLICE_RECORDS },
	{ check_queue_dests, SLICE_RECORDS },
	{ check_queue_notices, SLICE_RECORDS },
	{ check_memos, SLICE_RECORDS },
	{ check_memo_times, SLICE_RECORDS },
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
