/* cmd_mailbox.c - CREATE, DELETE, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 6.3.4 to
 * 6.3.8). RENAME is in cmd_rename.c.
 *
 * Decisions  a "/" at the end of a name is dropped: it only says that more is
 *            to come. A subscription outlives its mailbox, and does not follow
 *            it when it is renamed. A mailbox that this session has selected
 *            may be deleted: it is closed first.
 */
#include "imap/imap_list.h"
#include "imap/imap_name.h"
#include "imap/imap_special.h"

/* Subscriptions of one person, and how many one step counts. */
#define MAX_SUBSCRIPTIONS  MAX_MAILBOXES
#define STEP_SUBSCRIPTIONS 200

/* --- CREATE --- */

/* Of the answer, with an id of 17 characters and a NUL. */
#define MAX_CREATED_BYTES 64

/* What was said in USE. */
struct create {
	enum special_use use;
	bool is_refused; /* a use that no mailbox can have here */
};

/* RFC 6154 6: "USE" SP "(" [use-attr *(SP use-attr)] ")" */
static enum parse
parse_use(struct cur *c, struct create *t)
{
	enum parse r = imap_parse_word(c, SPAN("USE"));

	if (r == PARSE_OK)
		r = cur_expect(c, SPAN(" ("));
	if (r != PARSE_OK || cur_skip(c, ')'))
		return r;
	do {
		const char *start = c->p;
		enum special_use use;
		struct span name;

		if (!cur_skip(c, '\\') || imap_parse_atom(c, &name) != PARSE_OK)
			return PARSE_BAD;
		name = span_of(start, name.len + 1);
		if (imap_special_find(name, &use) < 0 ||
		    (t->use != SPECIAL_NONE && t->use != use))
			t->is_refused = true; /* \All; or two at once */
		else
			t->use = use;
	} while (cur_skip(c, ' '));
	return cur_expect(c, SPAN(")"));
}

/* RFC 4466 2.2: [SP "(" create-param *(SP create-param) ")"] */
static enum parse
parse_create(struct cur *c, struct create *t)
{
	enum parse r;

	if (cur_is_end(c))
		return PARSE_OK;
	r = cur_expect(c, SPAN(" ("));
	if (r == PARSE_OK)
		r = parse_use(c, t);
	if (r == PARSE_OK)
		r = cur_expect(c, SPAN(")"));
	return r == PARSE_OK ? imap_parse_end(c) : r;
}

/* RFC 9051 6.3.4: was the name put right ("inbox/a")? given: at the name. */
static void
tell_if_changed(struct imap *i, struct span path, struct cur given)
{
	struct span raw;

	if (imap_parse_sp(&given) != PARSE_OK ||
	    imap_parse_astring(&given, &i->arena, &raw) != PARSE_OK)
		return;
	if (raw.p[raw.len - 1] == '/')
		raw.len--;
	imap_list_put_oldname(i, path, raw);
}

/* RFC 8474 4.2: OK [MAILBOXID (id)]. It is made, so this cannot fail: text has
 * room. */
static void
answer_created(struct imap *i, uint32_t mailbox, struct buf *text)
{
	struct mailbox_view m;

	buf_put_str(text, "OK ");
	if (mailbox_get(i->env->store, mailbox, &m) == 0) {
		buf_put_str(text, "[MAILBOXID (");
		imap_put_object_id(text, 'F', m.object_id);
		buf_put_str(text, ")] ");
	}
	buf_put_str(text, "Created");
	buf_put_char(text, '\0');
	imap_done(i, text->p);
}

void
imap_create(struct imap *i, struct cur *args)
{
	struct cur given = *args;
	struct create t = { .use = SPECIAL_NONE };
	char *storage = imap_alloc(i, MAX_CREATED_BYTES);
	struct span path;
	struct buf text;
	uint32_t mailbox;
	int rc;

	if (storage == NULL || !imap_name_take(i, args, &path))
		return;
	buf_init_fixed(&text, storage, MAX_CREATED_BYTES);
	if (parse_create(args, &t) != PARSE_OK) {
		imap_bad(i, "CREATE takes a mailbox, and USE (...)");
		return;
	}
	if (t.is_refused) {
		imap_done(i, "NO [USEATTR] There is no such special use");
		return;
	}
	if (span_is(path, SPAN("INBOX"))) {
		imap_done(i, "NO [CANNOT] INBOX is always there");
		return;
	}
	if (!imap_name_may_be_made(i, path))
		return;
	rc = mailbox_create(i->env->store, i->account, path, t.use, &mailbox);
	if (rc < 0) {
		imap_error(i, rc);
		return;
	}
	tell_if_changed(i, path, given);
	answer_created(i, mailbox, &text);
}

/* --- DELETE --- */

/* RFC 9051 7.1, CLOSED: what follows is not about the mailbox any more. */
static void
leave_if_selected(struct imap *i, uint32_t mailbox)
{
	if (i->view == NULL || i->view->mailbox != mailbox)
		return;
	imap_view_close(i);
	i->state = IMAP_AUTHENTICATED;
	conn_put_str(i->conn, "* OK [CLOSED] The mailbox is closed\r\n");
}

void
imap_delete(struct imap *i, struct cur *args)
{
	struct span path;
	uint32_t mailbox;
	int rc;

	if (!imap_name_take_last(i, args, &path) ||
	    !imap_name_find(i, path, &mailbox))
		return;
	rc = mailbox_delete(i->env->store, mailbox);
	switch (rc) {
	case 0:
		leave_if_selected(i, mailbox);
		imap_done(i, "OK Deleted");
		break;
	case ERR_DENIED:
		imap_done(i, "NO [CANNOT] INBOX cannot be deleted");
		break;
	case ERR_BUSY: /* RFC 9051 6.3.5 */
		imap_done(i, "NO [HASCHILDREN] Delete what is below it first");
		break;
	default:
		imap_error(i, rc);
		break;
	}
}

/* --- SUBSCRIBE --- */

struct subscribe {
	struct span path;
	uint32_t n; /* counted */
	struct buf last;
	char storage[MAX_MAILBOX_PATH];
};

static void
finish_subscribe(struct imap *i, struct span path)
{
	int rc = mailbox_subscribe(i->env->store, i->account, path);

	if (rc < 0)
		imap_error(i, rc);
	else
		imap_done(i, "OK Subscribed");
}

/* Count what there is: names that do not exist may be subscribed to, so
 * nothing else bounds them. */
static enum imap_step
step_subscribe(struct imap *i)
{
	struct subscribe *t = i->task;

	for (int n = 0; n < STEP_SUBSCRIPTIONS; n++) {
		int rc = mailbox_next_subscription(
		    i->env->store, i->account, &t->last);

		if (rc == ERR_NONE) {
			finish_subscribe(i, t->path);
			return IMAP_MORE;
		}
		if (rc == 0 && ++t->n >= MAX_SUBSCRIPTIONS)
			rc = ERR_LIMIT;
		if (rc < 0) {
			imap_error(i, rc);
			return IMAP_MORE;
		}
	}
	return IMAP_MORE;
}

static const struct imap_job subscribe_job = { step_subscribe, NULL, false };

void
imap_subscribe(struct imap *i, struct cur *args)
{
	struct subscribe *t = imap_alloc(i, sizeof(*t));

	if (t == NULL || !imap_name_take_last(i, args, &t->path))
		return;
	buf_init_fixed(&t->last, t->storage, sizeof(t->storage));
	if (mailbox_is_subscribed(i->env->store, i->account, t->path))
		imap_done(i, "OK Subscribed already");
	else
		imap_start_job(i, &subscribe_job, t);
}

void
imap_unsubscribe(struct imap *i, struct cur *args)
{
	struct span path;
	int rc;

	if (!imap_name_take_last(i, args, &path))
		return;
	rc = mailbox_unsubscribe(i->env->store, i->account, path);
	/* A name that is too long was never subscribed. */
	if (rc < 0 && rc != ERR_LIMIT)
		imap_error(i, rc);
	else
		imap_done(i, "OK Unsubscribed");
}
