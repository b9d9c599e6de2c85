/* transfer.h - the client's part of the commands that move mail: import,
 * export, backup, restore. Files are opened here, with the caller's rights,
 * and travel in frames.
 */
#ifndef TINPOST_CMD_TRANSFER_H
#define TINPOST_CMD_TRANSFER_H

#include "admin/args.h"
#include "cmd/link.h"

/* Is the command one of these? */
bool transfer_is_one(const struct args *a);

/* Carry it out. Returns the exit code. */
int transfer_run(struct link *l, struct args *a);

#endif
