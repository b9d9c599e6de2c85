#include "imap/imap_list.h"

#include "imap/imap_special.h"

/* Put a name attribute and what parts it from the one before. */
static void
put_attribute(struct buf *out, const char **space, const char *name)
{
	if (name == NULL)
		return;
	buf_put_str(out, *space);
	buf_put_str(out, name);
	*space = " ";
}

static bool
has_children(struct imap *i, uint32_t mailbox)
{
	char storage[MAX_MAILBOX_PART + 1];
	struct buf name;
	uint32_t child;

	buf_init_fixed(&name, storage, sizeof(storage));
	return mailbox_next_child(
	           i->env->store, i->account, mailbox, &name, &child) == 0;
}

static bool
is_deepest(struct span path)
{
	unsigned n = 1;

	for (size_t k = 0; k < path.len; k++)
		n += path.p[k] == '/';
	return n >= MAX_MAILBOX_DEPTH;
}

/* RFC 9051 7.3.1. mailbox is 0 when there is none of this name. */
static void
put_attributes(struct imap *i, uint32_t options,
    const struct imap_list_entry *e, uint32_t mailbox)
{
	struct buf *out = conn_out(i->conn);
	const char *space = "";
	struct mailbox_view m;

	if (options & LIST_LSUB) {
		/* RFC 3501 6.3.9: not subscribed, but something below is. */
		if (e->is_ancestor)
			put_attribute(out, &space, "\\Noselect");
		return;
	}
	if (mailbox == 0 || mailbox_get(i->env->store, mailbox, &m) < 0) {
		put_attribute(out, &space, "\\NonExistent");
	} else {
		if (is_deepest(e->path))
			put_attribute(out, &space, "\\Noinferiors");
		put_attribute(out, &space,
		    has_children(i, mailbox) ? "\\HasChildren"
		                             : "\\HasNoChildren");
		put_attribute(out, &space, imap_special_name(m.special_use));
	}
	if (e->is_subscribed)
		put_attribute(out, &space, "\\Subscribed");
}

void
imap_list_put(
    struct imap *i, struct imap_list *t, const struct imap_list_entry *e)
{
	struct buf *out = conn_out(i->conn);
	uint32_t mailbox;

	if (mailbox_find(i->env->store, i->account, e->path, &mailbox) < 0)
		mailbox = 0;
	buf_put_str(out, t->options & LIST_LSUB ? "* LSUB (" : "* LIST (");
	put_attributes(i, t->options, e, mailbox);
	buf_put_str(out, ") \"/\" ");
	imap_put_mailbox(out, e->path, imap_is_utf8(i));
	if (e->has_childinfo) /* RFC 5258 3.5 */
		buf_put_str(out, " (\"CHILDINFO\" (\"SUBSCRIBED\"))");
	buf_put_str(out, "\r\n");
	if (t->status.items != 0 && mailbox != 0) {
		/* RFC 5819 2: not for what cannot be selected. */
		imap_status_begin(&t->status, mailbox);
		t->status_path_len = (uint32_t)e->path.len;
		t->is_status_due = true;
	}
}

void
imap_list_put_oldname(struct imap *i, struct span path, struct span old)
{
	const struct imap_list_entry e = { .path = path };
	struct buf *out = conn_out(i->conn);
	uint32_t mailbox;

	if (!(i->enabled & IMAP_REV2) || span_is(path, old) ||
	    conn_out_room(i->conn) < LIST_LINE_BYTES + 3 * old.len ||
	    mailbox_find(i->env->store, i->account, path, &mailbox) < 0)
		return;
	buf_put_str(out, "* LIST (");
	put_attributes(i, 0, &e, mailbox);
	buf_put_str(out, ") \"/\" ");
	imap_put_mailbox(out, path, true);
	buf_put_str(out, " (\"OLDNAME\" (");
	imap_put_mailbox(out, old, true);
	buf_put_str(out, "))\r\n");
}

/* The STATUS of the line that was put last. */
static int
step_status(struct imap *i, struct imap_list *t)
{
	int rc = imap_status_step(
	    i, &t->status, span_of(t->path, t->status_path_len));

	if (rc <= 0)
		t->is_status_due = false;
	return rc == ERR_NONE ? 0 : rc;
}

static enum imap_step
step_list(struct imap *i)
{
	struct imap_list *t = i->task;
	int rc;

	if (conn_out_room(i->conn) < LIST_LINE_BYTES)
		return IMAP_WAIT;
	if (t->is_status_due)
		rc = step_status(i, t);
	else if (t->options & (LIST_LSUB | LIST_SUBSCRIBED))
		rc = imap_list_next_subscription(i, t);
	else
		rc = imap_list_next_mailbox(i, t);
	if (rc == ERR_NONE)
		imap_done(i, "OK That is the list");
	else if (rc < 0)
		imap_error(i, rc);
	return IMAP_MORE;
}

static const struct imap_job list_job = { step_list, NULL, false };

void
imap_list_start(struct imap *i, struct imap_list *t)
{
	t->depth = 0;
	t->levels[0] = (struct imap_list_level){ 0 };
	imap_match_begin(&t->patterns, &t->levels[0].match);
	imap_start_job(i, &list_job, t);
}
