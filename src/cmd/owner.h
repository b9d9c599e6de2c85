/* owner.h - root's command line works as the user whom the store belongs to,
 * so that it leaves no file behind that the server may not open.
 */
#ifndef TINPOST_CMD_OWNER_H
#define TINPOST_CMD_OWNER_H

#include "base/err.h"

/* If this is root and the folder is another user's: become them, until
 * owner_leave. Nothing to do is no error. ERR_DENIED. */
MUST_USE int owner_enter(const char *folder);
void owner_leave(void);

/* Root makes a new data folder: it is given to the user tinpost, if there is
 * one. ERR_IO: errno says why. */
MUST_USE int owner_make_folder(const char *folder);

#endif
