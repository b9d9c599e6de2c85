/* cmd.h - the command line. */
#ifndef TINPOST_CMD_CMD_H
#define TINPOST_CMD_CMD_H

#include "admin/args.h"
#include "cmd/serve.h"

/* `tinpost serve`: known to main.c alone, since it is where the protocol rooms
 * and the store meet. */
typedef int (*cmd_serve_fn)(const char *folder, const struct args *a);

/* Carry out a command line. Returns the exit code: 0 done, 1 not done, 2 not
 * understood. */
int cmd_run(int argc, char **argv, cmd_serve_fn serve);

#endif
