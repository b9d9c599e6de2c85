/* hidden.h - messages that are expunged and not yet removed (rule 8): a set
 * in memory for each intent of the index. Room-private. */
#ifndef TINPOST_STORE_HIDDEN_H
#define TINPOST_STORE_HIDDEN_H

#include "store/inside.h"

/* Forget all and read the index's intents again. */
MUST_USE int hidden_load(struct store *s);
void hidden_clear(struct store *s);

/* Take the members of uids, which is left empty, under an intent's number.
 * ERR_NOMEM. */
MUST_USE int hidden_add(
    struct store *s, uint64_t intent, uint32_t mailbox, struct rangeset *uids);
void hidden_remove(struct store *s, uint64_t intent);

/* NULL: none. */
struct hidden *hidden_find(struct store *s, uint64_t intent);

/* The hidden messages around a UID, without a gap: who walks skips them at once.
 * Returns false when that one is not hidden. */
bool hidden_run(
    const struct store *s, uint32_t mailbox, uint32_t uid, struct range *out);

bool hidden_has(const struct store *s, uint32_t mailbox, uint32_t uid);

#endif
