/* client.h - one command of the command line, from words to exit code. */
#ifndef TINPOST_CMD_CLIENT_H
#define TINPOST_CMD_CLIENT_H

#include "admin/args.h"
#include "cmd/link.h"

/* Carry out a command that is not the client's own on the store in folder.
 * Prints; returns the exit code. */
int client_run(const char *folder, struct args *a);

/* The same over a link that is open, with a password (or an empty span): for
 * init, which runs several. */
int client_call(struct link *l, const struct args *a, struct span password);

/* Send a whole file, as DATA frames and ITEM_END. ERR_IO: it cannot be read,
 * which was told. */
MUST_USE int client_send_file(struct link *l, struct span name);

/* Receive and print until EXIT. Returns the exit code. */
int client_finish(struct link *l);

/* Write a line to stderr, "tinpost: " before it. */
void client_complain(struct span why);

#endif
