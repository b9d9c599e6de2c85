/* init.h - `tinpost init`: a new store, set up. */
#ifndef TINPOST_CMD_INIT_H
#define TINPOST_CMD_INIT_H

#include "admin/args.h"

/* Returns the exit code. */
int init_run(const char *folder, const struct args *a);

#endif
