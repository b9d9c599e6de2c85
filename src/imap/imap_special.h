/* imap_special.h - the special uses of mailboxes, by name (RFC 6154 2). */
#ifndef TINPOST_IMAP_IMAP_SPECIAL_H
#define TINPOST_IMAP_IMAP_SPECIAL_H

#include "base/cursor.h"
#include "store/mailbox.h"

/* "\Sent"; NULL: there is no name for it. */
const char *imap_special_name(enum special_use use);

/* The use of this name in any case. ERR_UNSUPPORTED: not one of ours. */
MUST_USE int imap_special_find(struct span name, enum special_use *out);

#endif
