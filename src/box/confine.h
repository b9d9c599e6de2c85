/* confine.h - giving up what a server does not need. */
#ifndef TINPOST_BOX_CONFINE_H
#define TINPOST_BOX_CONFINE_H

#include "base/buf.h"

/* Become this user for good: no groups, no way back. ERR_DENIED. */
MUST_USE int confine_user(uint32_t uid, uint32_t gid);

/* No new privileges, and none of the system calls that take a server beyond
 * its work (other programs and processes, users, mounts, modules, the clock,
 * reboot): they fail with EPERM. ERR_UNSUPPORTED: this kernel (or emulator) has
 * no filter; the process goes on without. */
MUST_USE int confine_calls(void);

#endif
