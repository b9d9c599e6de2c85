/* export.h - writing somebody's mail to files. */
#ifndef TINPOST_CMD_EXPORT_H
#define TINPOST_CMD_EXPORT_H

#include "admin/args.h"
#include "cmd/link.h"

/* The client's part of `tinpost export`: FOLDER gets, for each mailbox,
 *
 *	mbox	  A.sbd/B.mbox for A/B, in mboxrd form, with Status, X-Status and
 *		  X-Keywords
 *	maildir	  cur in FOLDER itself for INBOX, FOLDER/.A.B/cur for others, as
 *		  Dovecot has them: flags and keywords in names (maildir_name.h)
 *		  and in dovecot-keywords; dates are the files'; line ends LF
 *	eml	  A/B/UID.eml, byte for byte, dates are the files'; such files
 *		  have no place for flags
 *
 * beside them `subscriptions` (.subscriptions for mbox and eml), and .tinpost-export, which says how far it
 * came: run again, it goes on there, with what is newer (flags of what was
 * written before stay as they were). Returns the exit code. */
int export_run(struct link *l, struct args *a);

#endif
