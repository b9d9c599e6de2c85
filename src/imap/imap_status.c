#include "imap/imap_status.h"
#include "imap/imap_recent.h"

#include "imap/imap_session.h"

/* Messages that one step looks at. */
#define STEP_MESSAGES 100

enum item {
	MESSAGES,
	UIDNEXT,
	UIDVALIDITY,
	UNSEEN,
	DELETED,
	SIZE,
	RECENT,
	HIGHESTMODSEQ,
	APPENDLIMIT,
	MAILBOXID,
	DELETED_STORAGE
};

static const struct {
	struct span name;
	enum item item;
} items[] = {
	{ SPAN("MESSAGES"), MESSAGES }, { SPAN("UIDNEXT"), UIDNEXT },
	{ SPAN("UIDVALIDITY"), UIDVALIDITY }, { SPAN("UNSEEN"), UNSEEN },
	{ SPAN("DELETED"), DELETED },                 /* RFC 9051 6.3.11 */
	{ SPAN("SIZE"), SIZE },                       /* RFC 8438 3 */
	{ SPAN("RECENT"), RECENT },                   /* RFC 3501 6.3.10 */
	{ SPAN("HIGHESTMODSEQ"), HIGHESTMODSEQ },     /* RFC 7162 3.1.7 */
	{ SPAN("APPENDLIMIT"), APPENDLIMIT },         /* RFC 7889 2 */
	{ SPAN("MAILBOXID"), MAILBOXID },             /* RFC 8474 4.3 */
	{ SPAN("DELETED-STORAGE"), DELETED_STORAGE }, /* RFC 9208 4.1.4 */
};

#define N_ITEMS   (sizeof(items) / sizeof(items[0]))
#define BIT(item) (1u << (item))

static enum parse
parse_item(struct cur *c, uint32_t *bits)
{
	struct span name;
	enum parse r = imap_parse_atom(c, &name);

	if (r != PARSE_OK)
		return r;
	for (size_t n = 0; n < N_ITEMS; n++) {
		if (span_is_nocase(name, items[n].name)) {
			*bits |= BIT(items[n].item);
			return PARSE_OK;
		}
	}
	return PARSE_BAD;
}

enum parse
imap_status_parse(struct cur *c, uint32_t *items_out)
{
	struct cur at = *c;
	uint32_t bits = 0;
	enum parse r = cur_expect(&at, SPAN("("));

	if (r != PARSE_OK)
		return r;
	do {
		r = parse_item(&at, &bits);
		if (r != PARSE_OK)
			return r;
	} while (cur_skip(&at, ' '));
	r = cur_expect(&at, SPAN(")"));
	if (r != PARSE_OK)
		return r;
	*items_out = bits;
	*c = at;
	return PARSE_OK;
}

bool
imap_status_wants_modseq(uint32_t bits)
{
	return (bits & BIT(HIGHESTMODSEQ)) != 0;
}

void
imap_status_begin(struct imap_status *t, uint32_t mailbox)
{
	t->mailbox = mailbox;
	t->uid_next = 1;
	t->deleted_bytes = 0;
	t->n_deleted = 0;
}

/* Add up some more \Deleted messages. Returns 1: more are left. */
static int
sum_deleted(struct store *s, struct imap_status *t, uint32_t n_deleted)
{
	for (int n = 0; n < STEP_MESSAGES; n++) {
		struct message m;
		int rc;

		if (t->n_deleted >= n_deleted || t->uid_next == 0)
			return 0;
		rc = message_next(s, t->mailbox, t->uid_next, &m);
		if (rc < 0)
			return rc == ERR_NONE ? 0 : rc;
		t->uid_next = m.uid + 1;
		if (m.flags & MESSAGE_DELETED) {
			t->deleted_bytes += m.bytes;
			t->n_deleted++;
		}
	}
	return 1;
}

static void
put_item(struct imap *i, const struct imap_status *t,
    const struct mailbox_view *m, enum item item)
{
	struct buf *out = conn_out(i->conn);

	switch (item) {
	case MESSAGES:
		buf_put_u64(out, m->n_messages);
		break;
	case UIDNEXT:
		buf_put_u64(out, m->uidnext);
		break;
	case UIDVALIDITY:
		buf_put_u64(out, m->uidvalidity);
		break;
	case UNSEEN:
		buf_put_u64(out, m->n_unseen);
		break;
	case DELETED:
		buf_put_u64(out, m->n_deleted);
		break;
	case SIZE:
		buf_put_u64(out, m->bytes);
		break;
	case RECENT:
		buf_put_u64(out, imap_recent_new(i->env->store, m));
		break;
	case HIGHESTMODSEQ:
		buf_put_u64(out, m->highest_modseq);
		break;
	case APPENDLIMIT:
		buf_put_u64(out, i->env->max_message_bytes);
		break;
	case MAILBOXID:
		buf_put_char(out, '(');
		imap_put_object_id(out, 'F', m->object_id);
		buf_put_char(out, ')');
		break;
	case DELETED_STORAGE:
		buf_put_u64(out, t->deleted_bytes);
		break;
	}
}

int
imap_status_step(struct imap *i, struct imap_status *t, struct span path)
{
	struct buf *out = conn_out(i->conn);
	const char *space = "";
	struct mailbox_view m;
	int rc = mailbox_get(i->env->store, t->mailbox, &m);

	if (rc == 0 && (t->items & BIT(DELETED_STORAGE)))
		rc = sum_deleted(i->env->store, t, m.n_deleted);
	if (rc != 0)
		return rc;
	buf_put_str(out, "* STATUS ");
	imap_put_mailbox(out, path, imap_is_utf8(i));
	buf_put_str(out, " (");
	for (size_t n = 0; n < N_ITEMS; n++) {
		if (!(t->items & BIT(items[n].item)))
			continue;
		buf_put_str(out, space);
		buf_put(out, items[n].name);
		buf_put_char(out, ' ');
		put_item(i, t, &m, items[n].item);
		space = " ";
	}
	buf_put_str(out, ")\r\n");
	return 0;
}
