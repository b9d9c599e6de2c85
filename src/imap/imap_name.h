/* imap_name.h - the names of mailboxes as arguments of commands.
 *
 * Names are always the account's own: there is no other namespace.
 */
#ifndef TINPOST_IMAP_IMAP_NAME_H
#define TINPOST_IMAP_IMAP_NAME_H

#include "base/cursor.h"

struct imap;

/* May a mailbox be called so: no empty level, nothing but UTF-8 without control
 * characters, not too deep, no level too long? ERR_INVALID, ERR_LIMIT. */
MUST_USE int imap_name_check(struct span path);

/* Take " " and a mailbox; one "/" at the end, which says that levels are to
 * come below it (RFC 9051 6.3.4), is dropped. A name that no mailbox can have
 * is "NO [CANNOT]". Returns false when the command is answered. */
bool imap_name_take(struct imap *i, struct cur *args, struct span *path_out);

/* The same, and nothing behind it. */
bool imap_name_take_last(
    struct imap *i, struct cur *args, struct span *path_out);

/* The same for a mailbox that must be there: else "NO [NONEXISTENT]". */
bool imap_name_find(struct imap *i, struct span path, uint32_t *mailbox_out);

/* May a new mailbox be called so (RFC 6855 3)? One that was imported may have
 * such a name, and can be used. Returns false when the command is answered. */
bool imap_name_may_be_made(struct imap *i, struct span path);

#endif
