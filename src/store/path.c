#include "store/path.h"

#include "base/utf8.h"

int
path_check_leaf(struct span leaf)
{
	if (leaf.len == 0)
		return ERR_INVALID;
	if (leaf.len > MAX_MAILBOX_PART)
		return ERR_LIMIT;
	for (size_t i = 0; i < leaf.len; i++)
		if ((unsigned char)leaf.p[i] < 0x20 || leaf.p[i] == 0x7f ||
		    leaf.p[i] == '/')
			return ERR_INVALID;
	return utf8_is_valid(leaf) ? 0 : ERR_INVALID;
}

struct span
path_leaf(uint32_t parent, struct span leaf)
{
	/* RFC 9051 5.1: INBOX is case-insensitive. */
	if (parent == 0 && span_is_nocase(leaf, SPAN("INBOX")))
		return SPAN("INBOX");
	return leaf;
}

int
path_child(struct store *s, uint32_t account, uint32_t parent, struct span leaf,
    uint32_t *id_out)
{
	struct key k = key_name(account, parent, path_leaf(parent, leaf));
	struct span value;
	uint64_t id;
	int rc = tree_get(s, TREE_NAME, key_span(&k), &value);

	if (rc == 0)
		rc = record_get_number(value, &id);
	if (rc == 0)
		*id_out = (uint32_t)id;
	return rc;
}

int
path_walk(struct store *s, uint32_t account, struct span *rest,
    uint32_t *parent_out, unsigned *depth_out)
{
	struct span all = *rest;
	unsigned n = 0;

	*parent_out = 0;
	*depth_out = 0;
	if (all.len == 0 || all.p[all.len - 1] == '/')
		return ERR_INVALID;
	if (all.len > MAX_MAILBOX_PATH)
		return ERR_LIMIT;
	while (all.len > 0) {
		struct span leaf = span_split(&all, '/');
		int rc = path_check_leaf(leaf);

		if (rc < 0)
			return rc;
		if (++n > MAX_MAILBOX_DEPTH)
			return ERR_LIMIT;
	}
	while (rest->len > 0) {
		struct span after = *rest;
		struct span leaf = span_split(&after, '/');
		int rc = path_child(s, account, *parent_out, leaf, parent_out);

		if (rc == ERR_NONE)
			return 0;
		if (rc < 0)
			return rc;
		*rest = after;
		++*depth_out;
	}
	return 0;
}
