/* The walk over mailboxes of imap_list.h: a parent, what is below it, the next
 * in the order of bytes. */
#include "imap/imap_list.h"

/* Does this mailbox have one of the uses that were asked for? */
static bool
is_chosen(struct imap *i, const struct imap_list *t, uint32_t mailbox)
{
	struct mailbox_view m;

	if (!(t->options & LIST_SPECIAL))
		return true;
	/* INBOX has no attribute for its use. */
	return mailbox_get(i->env->store, mailbox, &m) == 0 &&
	       m.special_use != SPECIAL_NONE && m.special_use != SPECIAL_INBOX;
}

static void
look_at(struct imap *i, struct imap_list *t, uint32_t mailbox)
{
	struct imap_list_entry e = { .path = span_of(t->path, t->path_len) };

	if (!is_chosen(i, t, mailbox))
		return;
	e.is_subscribed =
	    (t->options & LIST_TELL_SUBSCRIBED) &&
	    mailbox_is_subscribed(i->env->store, i->account, e.path);
	imap_list_put(i, t, &e);
}

/* Go down to the children of the mailbox at t->path, if any may match. */
static void
descend(struct imap_list *t, uint32_t mailbox, const struct imap_match *match)
{
	struct imap_list_level *down;

	if (t->depth + 1 == MAX_MAILBOX_DEPTH)
		return;
	down = &t->levels[t->depth + 1];
	imap_match_step(&t->patterns, match, SPAN("/"), false, &down->match);
	if (imap_match_is_dead(&down->match))
		return;
	t->path[t->path_len++] = '/';
	down->parent = mailbox;
	down->path_len = t->path_len;
	t->depth++;
}

int
imap_list_next_mailbox(struct imap *i, struct imap_list *t)
{
	struct imap_list_level *level = &t->levels[t->depth];
	char storage[MAX_MAILBOX_PART + 1];
	struct imap_match match;
	bool is_inbox;
	struct buf name;
	uint32_t id;
	int rc;

	buf_init_fixed(&name, storage, sizeof(storage));
	buf_put(&name,
	    span_of(t->path + level->path_len, t->path_len - level->path_len));
	rc = mailbox_next_child(
	    i->env->store, i->account, level->parent, &name, &id);
	if (rc == ERR_NONE && t->depth > 0) {
		t->path_len = level->path_len - 1; /* the parent's name */
		t->depth--;
		return 0;
	}
	if (rc < 0)
		return rc;
	memcpy(t->path + level->path_len, name.p, name.len);
	t->path_len = level->path_len + (uint32_t)name.len;
	is_inbox = t->depth == 0 && span_is(buf_span(&name), SPAN("INBOX"));
	imap_match_step(
	    &t->patterns, &level->match, buf_span(&name), is_inbox, &match);
	if (imap_match_is_whole(&t->patterns, &match))
		look_at(i, t, id);
	descend(t, id, &match);
	return 0;
}
