/* archive.h - the client's part of backup and restore. */
#ifndef TINPOST_CMD_ARCHIVE_H
#define TINPOST_CMD_ARCHIVE_H

#include "admin/args.h"
#include "cmd/link.h"

/* `tinpost backup FILE`: the archive arrives in frames; the file appears under
 * its name when it is whole. Returns the exit code. */
int archive_backup(struct link *l, struct args *a);

/* `tinpost restore FILE`: into a folder without a store. Returns the exit
 * code. */
int archive_restore(const char *folder, const struct args *a);

#endif
