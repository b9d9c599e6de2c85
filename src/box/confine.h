/* confine.h - giving up what a server does not need. */
#ifndef TINPOST_BOX_CONFINE_H
#define TINPOST_BOX_CONFINE_H

#include "base/buf.h"

/* Become this user for good: no groups, no way back. ERR_DENIED. */
MUST_USE int confine_user(uint32_t uid, uint32_t gid);

/* Let this process open, make and remove files below folder alone, and read
 * those that a resolver and a C library look up (/etc, time zones, /proc/self);
 * and send no signals to others. Descriptors that are open stay so. Nothing may
 * be executed. ERR_UNSUPPORTED: this kernel has no Landlock; the process goes
 * on without. */
MUST_USE int confine_files(const char *folder);

/* No new privileges, and only the system calls that are a server's work: all
 * others (other programs and processes, users, mounts, the clock, whatever
 * comes yet) fail with ENOSYS. ERR_UNSUPPORTED: this kernel (or emulator) has
 * no filter; the process goes on without. */
MUST_USE int confine_calls(void);

#endif
