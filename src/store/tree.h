/* tree.h - the index's trees: LMDB, behind spans and error codes.
 * Room-private.
 *
 * Ownership  spans that come out point into the map or a dirty page, and are
 *            good until the next put or delete in any tree.
 * Errors     ERR_NONE: no such key. Any other error, and every error of a put
 *            or delete, poisons the transaction (rule 6): s->is_poisoned.
 */
#ifndef TINPOST_STORE_TREE_H
#define TINPOST_STORE_TREE_H

#include "base/span.h"

struct store;

enum tree {
	TREE_META,
	TREE_SETTING,
	TREE_DOMAIN,
	TREE_ACCOUNT,
	TREE_USAGE,
	TREE_ADDRESS,
	TREE_TARGET,
	TREE_MAILBOX,
	TREE_NAME,
	TREE_SUBSCRIPTION,
	TREE_KEYWORD,
	TREE_MESSAGE,
	TREE_CHANGE,
	TREE_BODY,
	TREE_DEAD,
	TREE_VOLUME,
	TREE_EVENT,
	TREE_INTENT,
	TREE_QUEUE,
	TREE_QRCPT,
	TREE_QWAIT,
	TREE_QDEST,
	TREE_QDUE,
	TREE_QNOTICE,
	TREE_RELAY,
	TREE_MEMO,
	TREE_MTIME,
	N_TREES
};

/* LMDB's bound of a key. */
#define MAX_KEY_BYTES 511

/* The name of a tree in the index. */
const char *tree_name(enum tree t);

MUST_USE int tree_get(
    struct store *s, enum tree t, struct span key, struct span *value_out);

/* The same, faster where keys are asked for in their order. */
MUST_USE int tree_find(
    struct store *s, enum tree t, struct span key, struct span *value_out);

/* The entry with the least key >= key. */
MUST_USE int tree_seek(struct store *s, enum tree t, struct span key,
    struct span *key_out, struct span *value_out);

/* The entry behind the last one found by tree_seek, tree_next or
 * tree_before in this tree, if nothing was changed since. */
MUST_USE int tree_next(
    struct store *s, enum tree t, struct span *key_out, struct span *value_out);

/* The entry with the greatest key < key. */
MUST_USE int tree_before(struct store *s, enum tree t, struct span key,
    struct span *key_out, struct span *value_out);

MUST_USE int tree_put(
    struct store *s, enum tree t, struct span key, struct span value);

/* ERR_NONE: was not there; nothing is poisoned by it. */
MUST_USE int tree_delete(struct store *s, enum tree t, struct span key);

/* Before the transaction ends. */
void tree_close_cursors(struct store *s);

/* How many entries a tree has. */
uint64_t tree_count(struct store *s, enum tree t);

/* Translate LMDB's code; marks the store lost or poisoned. */
int tree_error(struct store *s, int mdb_rc);

#endif
