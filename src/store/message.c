#include "store/message.h"

#include "store/hidden.h"
#include "store/row.h"

int
message_get(
    struct store *s, uint32_t mailbox, uint32_t uid, struct message *out)
{
	if (hidden_has(s, mailbox, uid))
		return ERR_NONE;
	return row_get_message(s, mailbox, uid, out);
}

/* Fill out from a row found, if it is of the mailbox. */
static int
take(uint32_t mailbox, struct span key, struct span value, struct message *out)
{
	if (key.len != 8)
		return ERR_DAMAGED;
	if (be_get32(key.p) != mailbox)
		return ERR_NONE;
	out->uid = be_get32(key.p + 4);
	return record_get_message(value, out);
}

/* Pass hidden messages: whole runs of them, of which there may be many until
 * the sweep comes by. */
static int
skip_hidden(struct store *s, uint32_t mailbox, struct span *key,
    struct span *value, struct message *m)
{
	struct range r;
	int rc = 0;

	while (rc == 0 && hidden_run(s, mailbox, m->uid, &r)) {
		struct key k = key_u32_u32(mailbox, r.last + 1);

		if (r.last == UINT32_MAX)
			return ERR_NONE;
		rc = tree_seek(s, TREE_MESSAGE, key_span(&k), key, value);
		if (rc == 0)
			rc = take(mailbox, *key, *value, m);
	}
	return rc;
}

int
message_next(
    struct store *s, uint32_t mailbox, uint32_t uid_from, struct message *out)
{
	struct key k = key_u32_u32(mailbox, uid_from);
	struct span key, value;
	int rc = tree_seek(s, TREE_MESSAGE, key_span(&k), &key, &value);

	if (rc == 0)
		rc = take(mailbox, key, value, out);
	return rc < 0 ? rc : skip_hidden(s, mailbox, &key, &value, out);
}

int
message_some(struct store *s, uint32_t mailbox, uint32_t uid_from,
    struct message *out, uint32_t max, uint32_t *n_out)
{
	struct key k = key_u32_u32(mailbox, uid_from);
	struct span key, value;
	int rc = tree_seek(s, TREE_MESSAGE, key_span(&k), &key, &value);

	*n_out = 0;
	while (rc == 0 && *n_out < max) {
		struct message *m = &out[*n_out];

		rc = take(mailbox, key, value, m);
		if (rc == 0)
			rc = skip_hidden(s, mailbox, &key, &value, m);
		if (rc == 0 && ++*n_out < max)
			rc = tree_next(s, TREE_MESSAGE, &key, &value);
	}
	return rc == ERR_NONE ? 0 : rc;
}

int
message_previous(
    struct store *s, uint32_t mailbox, uint32_t uid_from, struct message *out)
{
	struct key k = uid_from == UINT32_MAX
	                   ? key_u32_u32(mailbox + 1, 0)
	                   : key_u32_u32(mailbox, uid_from + 1);
	struct range r;
	int rc;

	do {
		struct span key, value;

		rc = tree_before(s, TREE_MESSAGE, key_span(&k), &key, &value);
		if (rc == 0)
			rc = take(mailbox, key, value, out);
		if (rc < 0 || !hidden_run(s, mailbox, out->uid, &r))
			return rc;
		k = key_u32_u32(mailbox, r.first);
	} while (r.first > 1);
	return ERR_NONE;
}

int
message_uids(struct store *s, uint32_t mailbox, uint32_t *uid_from,
    uint32_t max, struct rangeset *out)
{
	struct key k = key_u32_u32(mailbox, *uid_from);
	struct span key, value;
	uint32_t uid = 0;
	int rc = tree_seek(s, TREE_MESSAGE, key_span(&k), &key, &value);

	for (uint32_t n = 0; rc == 0; n++) {
		if (key.len != 8)
			return ERR_DAMAGED;
		if (be_get32(key.p) != mailbox)
			break;
		uid = be_get32(key.p + 4);
		if (n == max) {
			*uid_from = uid;
			return 0;
		}
		if (!hidden_has(s, mailbox, uid))
			rc = rangeset_add(out, uid, uid);
		if (rc == 0)
			rc = tree_next(s, TREE_MESSAGE, &key, &value);
	}
	if (rc < 0 && rc != ERR_NONE)
		return rc;
	*uid_from = 0;
	return 0;
}

void
message_total(struct expunge_totals *t, const struct message *m)
{
	t->n_messages++;
	t->bytes += m->bytes;
	if (!(m->flags & MESSAGE_SEEN))
		t->n_unseen++;
	if (m->flags & MESSAGE_DELETED)
		t->n_deleted++;
}
