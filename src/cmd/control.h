/* control.h - the server's end of the control socket DATA/control: the
 * command line of this machine, for root and for the server's own user.
 */
#ifndef TINPOST_CMD_CONTROL_H
#define TINPOST_CMD_CONTROL_H

#include "admin/run.h"
#include "net/net.h"

/* A listen_accept; arg is the struct admin. */
void control_accept(struct conn *c, enum listen_refusal why, void *arg);

/* The socket's path within a data folder. ERR_LIMIT: too long for one. */
MUST_USE int control_path(const char *folder, char *out, size_t cap_bytes);

#endif
