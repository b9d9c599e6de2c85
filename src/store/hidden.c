#include "store/hidden.h"

#include "base/mem.h"

void
hidden_clear(struct store *s)
{
	while (s->hidden != NULL)
		hidden_remove(s, s->hidden->intent);
}

int
hidden_load(struct store *s)
{
	struct span from = span_of(NULL, 0), key, value;
	struct rangeset uids;
	int rc;

	hidden_clear(s);
	rangeset_init(&uids);
	for (rc = tree_seek(s, TREE_INTENT, from, &key, &value); rc == 0;
	     rc = tree_next(s, TREE_INTENT, &key, &value)) {
		enum intent_kind kind;
		uint32_t subject;

		rc = key.len == 8
		         ? record_get_intent(value, &kind, &subject, &uids)
		         : ERR_DAMAGED;
		if (rc == 0 && kind == INTENT_EXPUNGE)
			rc = hidden_add(s, be_get64(key.p), subject, &uids);
		if (rc < 0)
			break;
	}
	rangeset_deinit(&uids);
	return rc == ERR_NONE ? 0 : rc;
}

int
hidden_add(
    struct store *s, uint64_t intent, uint32_t mailbox, struct rangeset *uids)
{
	struct hidden *h = mem_alloc(sizeof(*h));

	if (h == NULL)
		return ERR_NOMEM;
	h->intent = intent;
	h->mailbox = mailbox;
	h->uids = *uids;
	rangeset_init(uids);
	h->next = s->hidden;
	s->hidden = h;
	return 0;
}

void
hidden_remove(struct store *s, uint64_t intent)
{
	for (struct hidden **p = &s->hidden; *p != NULL; p = &(*p)->next) {
		struct hidden *h = *p;

		if (h->intent != intent)
			continue;
		*p = h->next;
		rangeset_deinit(&h->uids);
		mem_free(h);
		return;
	}
}

struct hidden *
hidden_find(struct store *s, uint64_t intent)
{
	for (struct hidden *h = s->hidden; h != NULL; h = h->next)
		if (h->intent == intent)
			return h;
	return NULL;
}

bool
hidden_run(
    const struct store *s, uint32_t mailbox, uint32_t uid, struct range *out)
{
	for (const struct hidden *h = s->hidden; h != NULL; h = h->next)
		if (h->mailbox == mailbox && rangeset_run(&h->uids, uid, out))
			return true;
	return false;
}

bool
hidden_has(const struct store *s, uint32_t mailbox, uint32_t uid)
{
	struct range r;

	return hidden_run(s, mailbox, uid, &r);
}
