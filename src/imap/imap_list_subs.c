/* The walk over subscriptions of imap_list.h, in the order of their bytes, in
 * which all that is below one name stands together.
 *
 * A subscription that no pattern matches may still have an ancestor that one
 * matches: it is told, once, for RECURSIVEMATCH (RFC 5258 3.5) and for the "%"
 * of LSUB (RFC 3501 6.3.9). One that is subscribed tells of itself.
 */
#include "imap/imap_list.h"

static struct span
path_of(const struct imap_list *t)
{
	return span_of(t->path, t->path_len);
}

/* Is anything below this path subscribed? */
static bool
has_subscribed_child(struct imap *i, struct span path)
{
	char storage[MAX_MAILBOX_PATH + 1];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put(&b, path);
	buf_put_char(&b, '/');
	return mailbox_next_subscription(i->env->store, i->account, &b) == 0 &&
	       b.len > path.len && b.p[path.len] == '/' &&
	       span_starts(buf_span(&b), path);
}

/* Does the mailbox of this name have a special use, where one is wanted? */
static bool
is_chosen(struct imap *i, const struct imap_list *t)
{
	struct mailbox_view m;
	uint32_t id;

	if (!(t->options & LIST_SPECIAL))
		return true;
	return mailbox_find(i->env->store, i->account, path_of(t), &id) == 0 &&
	       mailbox_get(i->env->store, id, &m) == 0 &&
	       m.special_use != SPECIAL_NONE && m.special_use != SPECIAL_INBOX;
}

/* Look at the next ancestor of the subscription. */
static void
next_ancestor(struct imap *i, struct imap_list *t)
{
	struct span rest = span_sub(path_of(t), t->ancestor_at, t->path_len);
	size_t n = span_find(rest, '/');
	struct imap_list_entry e = { 0 };
	unsigned level = 0;

	if (n == rest.len) {
		t->ancestor_at = 0;
		return;
	}
	e.path = span_of(t->path, t->ancestor_at + n);
	t->ancestor_at += (uint32_t)n + 1;
	for (size_t k = 0; k < e.path.len; k++)
		level += e.path.p[k] == '/';
	if (level >= MAX_MAILBOX_DEPTH || t->is_told[level] ||
	    !imap_patterns_match(&t->patterns, e.path) ||
	    mailbox_is_subscribed(i->env->store, i->account, e.path))
		return;
	t->is_told[level] = true;
	e.is_ancestor = true;
	e.has_childinfo = !(t->options & LIST_LSUB);
	imap_list_put(i, t, &e);
}

/* Make `next` the subscription looked at; what was told of the ancestors that
 * it shares with the last one stays told. */
static void
take(struct imap_list *t, struct span next)
{
	unsigned level = 0;
	size_t n = 0;

	while (n < next.len && n < t->path_len && next.p[n] == t->path[n])
		level += next.p[n++] == '/';
	for (; level <= MAX_MAILBOX_DEPTH; level++)
		t->is_told[level] = false;
	memcpy(t->path, next.p, next.len);
	t->path_len = (uint32_t)next.len;
}

int
imap_list_next_subscription(struct imap *i, struct imap_list *t)
{
	bool wants_ancestors =
	    (t->options & LIST_RECURSIVE) ||
	    ((t->options & LIST_LSUB) && t->patterns.has_percent);
	char storage[MAX_MAILBOX_PATH];
	struct imap_list_entry e = { .is_subscribed = true };
	struct buf next;
	int rc;

	if (t->ancestor_at > 0) {
		next_ancestor(i, t);
		return 0;
	}
	buf_init_fixed(&next, storage, sizeof(storage));
	buf_put(&next, path_of(t));
	rc = mailbox_next_subscription(i->env->store, i->account, &next);
	if (rc < 0)
		return rc;
	take(t, buf_span(&next));
	if (!is_chosen(i, t))
		return 0;
	e.path = path_of(t);
	if (imap_patterns_match(&t->patterns, e.path)) {
		e.has_childinfo = (t->options & LIST_RECURSIVE) &&
		                  has_subscribed_child(i, e.path);
		imap_list_put(i, t, &e);
	} else if (wants_ancestors) {
		t->ancestor_at = 1; /* no name begins with "/" */
	}
	return 0;
}
