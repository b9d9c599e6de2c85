/* tag.h - "name=value; name=value": the lists of DKIM signatures and keys
 * (RFC 6376 3.2). Pure. */
#ifndef TINPOST_TRUST_TAG_H
#define TINPOST_TRUST_TAG_H

#include "base/buf.h"
#include "base/cursor.h"

struct tag {
	struct span name;
	struct span value; /* without white space at both ends; folds inside */
	struct span raw;   /* all between "=" and ";" */
};

/* The next tag of a list. ERR_NONE: no more. ERR_SYNTAX. */
MUST_USE int tag_next(struct cur *c, struct tag *out);

/* Is the whole list well formed, and no name there twice? At most 64 tags. */
bool tag_is_list(struct span list);

/* The value of a name (case matters, RFC 6376 3.2); p is NULL when it is not
 * there. */
struct span tag_get(struct span list, struct span name);

/* Split off the next item of a list parted by colons, trimmed. ERR_NONE. */
MUST_USE int tag_item_next(struct cur *c, struct span *out);

/* Append without white space of any kind. */
void tag_put_joined(struct buf *out, struct span value);

#endif
