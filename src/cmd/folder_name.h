/* folder_name.h - the names of mailboxes as folders and files of other
 * programs. Pure. Paths are those of store/mailbox.h: UTF-8, levels joined by
 * "/".
 */
#ifndef TINPOST_CMD_FOLDER_NAME_H
#define TINPOST_CMD_FOLDER_NAME_H

#include "base/buf.h"
#include "store/mailbox.h"

/* Append the name of a folder beside cur, as Dovecot and Courier make it
 * (Maildir++): ".Lists.M&APw-ller": modified UTF-7, and within a level "." and
 * "\" as "\2e" and "\5c" (what Dovecot's plugin listescape does). */
void folder_name_put_maildir(struct buf *out, struct span path);

/* Append the path that such a name (without its first ".") stands for; names
 * in plain UTF-8 are met, and taken as well. */
void folder_name_get_maildir(struct buf *out, struct span name);

/* Append one level as a file name: a "." at its start, and "%", as %2E and
 * %25. */
void folder_name_put_file(struct buf *out, struct span level);

/* Append the level that a file name stands for. */
void folder_name_get_file(struct buf *out, struct span name);

/* Append what can be a level of a path: UTF-8 (other bytes are taken as ISO
 * 8859-1), no "/" and no controls, not empty, at most MAX_MAILBOX_PART. */
void folder_name_put_clean(struct buf *out, struct span level);

/* The use of a mailbox that other programs give this name, in several
 * languages; *is_ours_out: it is the name that Tinpost gives it as well. */
enum special_use folder_name_use(struct span level, bool *is_ours_out);

#endif
