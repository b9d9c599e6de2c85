/* path.h - names of mailboxes: one level, and paths of them. Room-private. */
#ifndef TINPOST_STORE_PATH_H
#define TINPOST_STORE_PATH_H

#include "store/inside.h"

/* Is this one level of a name? ERR_INVALID, ERR_LIMIT. */
MUST_USE int path_check_leaf(struct span leaf);

/* The child of parent with this name; INBOX at the top in any case. ERR_NONE.
 */
MUST_USE int path_child(struct store *s, uint32_t account, uint32_t parent,
    struct span leaf, uint32_t *id_out);

/* The spelling in which a top-level name is kept: INBOX in capitals. */
struct span path_leaf(uint32_t parent, struct span leaf);

/* Follow a path as far as it exists: *parent_out is the last mailbox found
 * (0: none), *rest what is left of the path (empty: all was found), *depth_out
 * the number of levels found. ERR_INVALID, ERR_LIMIT: not a path. */
MUST_USE int path_walk(struct store *s, uint32_t account, struct span *rest,
    uint32_t *parent_out, unsigned *depth_out);

#endif
