/* cmd_rename.c - RENAME (RFC 9051 6.3.6).
 *
 * A mailbox keeps its number, so sessions that have it selected stay in it. A
 * tree is one record. INBOX cannot go away: its messages move into a new
 * mailbox, in batches, and what is below it stays.
 */
#include "imap/imap_list.h"
#include "imap/imap_name.h"

struct rename {
	uint32_t from;
	uint32_t to;
	uint32_t uid_next; /* to look at */
	uint32_t uid_end;  /* what comes in later stays in INBOX */
	struct span path;
	struct rangeset batch;
	uint8_t keyword_to[MAX_KEYWORDS];
};

/* The keywords of INBOX get bits in the new mailbox. */
static int
map_keywords(struct store *s, struct rename *t)
{
	char storage[MAX_KEYWORD_BYTES];
	struct buf name;

	for (unsigned bit = 0; bit < MAX_KEYWORDS; bit++) {
		unsigned to;
		int rc;

		buf_init_fixed(&name, storage, sizeof(storage));
		t->keyword_to[bit] = 0xff;
		rc = mailbox_keyword(s, t->from, bit, &name);
		if (rc == ERR_NONE)
			continue;
		if (rc == 0)
			rc =
			    mailbox_add_keyword(s, t->to, buf_span(&name), &to);
		if (rc < 0)
			return rc;
		t->keyword_to[bit] = (uint8_t)to;
	}
	return 0;
}

/* Move some messages. ERR_NONE: there are no more. */
static int
move_batch(struct store *s, struct rename *t)
{
	uint32_t first_uid, n_moved;
	struct rangeset missing;
	struct message m;
	int rc = 0;

	rangeset_clear(&t->batch);
	while (rc == 0 && t->batch.n_members < MESSAGE_COPY_BATCH) {
		rc = message_next(s, t->from, t->uid_next, &m);
		if (rc == 0 && m.uid >= t->uid_end)
			rc = ERR_NONE;
		if (rc == 0)
			rc = rangeset_add(&t->batch, m.uid, m.uid);
		if (rc == 0)
			t->uid_next = m.uid + 1;
	}
	if ((rc < 0 && rc != ERR_NONE) || t->batch.n_members == 0)
		return rc;
	rangeset_init(&missing); /* none: they were just looked at */
	rc = message_move(s, t->from, &t->batch, t->to, t->keyword_to, &missing,
	    &first_uid, &n_moved);
	rangeset_deinit(&missing);
	return rc;
}

/* What was moved stays moved; a new mailbox in which nothing is goes away. */
static void
give_up(struct imap *i, const struct rename *t, int rc)
{
	struct mailbox_view m;

	imap_error(i, rc);
	if (mailbox_get(i->env->store, t->to, &m) == 0 && m.n_messages == 0 &&
	    mailbox_delete(i->env->store, t->to) < 0)
		return; /* it stays, empty */
}

static enum imap_step
step_rename(struct imap *i)
{
	struct rename *t = i->task;
	int rc = move_batch(i->env->store, t);

	if (rc == ERR_NONE)
		imap_done(i, "OK All messages of INBOX were moved");
	else if (rc < 0)
		give_up(i, t, rc);
	return IMAP_MORE;
}

static void
free_rename(struct imap *i)
{
	struct rename *t = i->task;

	rangeset_deinit(&t->batch);
}

static const struct imap_job rename_job = { step_rename, free_rename, false };

/* RFC 9051 6.3.6: the new mailbox gets the messages, INBOX stays, empty. */
static void
rename_inbox(struct imap *i, uint32_t inbox, struct span path)
{
	struct rename *t = imap_alloc(i, sizeof(*t));
	struct mailbox_view m;
	int rc;

	if (t == NULL)
		return;
	t->from = inbox;
	t->uid_next = 1;
	rangeset_init(&t->batch);
	rc = mailbox_get(i->env->store, inbox, &m);
	if (rc == 0)
		rc = mailbox_create(
		    i->env->store, i->account, path, SPECIAL_NONE, &t->to);
	if (rc < 0) {
		imap_error(i, rc);
		return;
	}
	t->uid_end = m.uidnext;
	rc = map_keywords(i->env->store, t);
	if (rc < 0)
		give_up(i, t, rc);
	else
		imap_start_job(i, &rename_job, t);
}

void
imap_rename(struct imap *i, struct cur *args)
{
	struct span from, to;
	uint32_t mailbox;
	int rc;

	if (!imap_name_take(i, args, &from) ||
	    !imap_name_take_last(i, args, &to) ||
	    !imap_name_may_be_made(i, to) || !imap_name_find(i, from, &mailbox))
		return;
	rc = mailbox_rename(i->env->store, mailbox, to);
	switch (rc) {
	case 0:
		imap_list_put_oldname(i, to, from);
		imap_done(i, "OK Renamed");
		break;
	case ERR_DENIED:
		rename_inbox(i, mailbox, to);
		break;
	case ERR_LIMIT:
		imap_done(i, "NO [LIMIT] Too deep, or too many mailboxes");
		break;
	case ERR_INVALID:
		imap_done(i, "NO [CANNOT] It cannot be moved into itself");
		break;
	default:
		imap_error(i, rc);
		break;
	}
}
