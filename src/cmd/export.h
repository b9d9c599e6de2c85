/* export.h - writing somebody's mail to files. */
#ifndef TINPOST_CMD_EXPORT_H
#define TINPOST_CMD_EXPORT_H

#include "admin/args.h"
#include "cmd/link.h"

/* The client's part of `tinpost export`: FOLDER gets, for each mailbox,
 *
 *	mbox	  NAME.mbox, in mboxrd form, with Status and X-Status
 *	maildir	  cur in FOLDER itself for INBOX, FOLDER/.NAME/cur for others
 *	eml	  NAME/UID.eml
 *
 * and FOLDER/.tinpost-export, which says how far it came: run again, it goes
 * on there. Returns the exit code. */
int export_run(struct link *l, struct args *a);

#endif
