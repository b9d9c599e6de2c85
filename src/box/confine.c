#define _GNU_SOURCE /* setgroups */
#include "box/confine.h"

#include <grp.h>
#include <unistd.h>

int
confine_user(uint32_t uid, uint32_t gid)
{
	if (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
		return ERR_DENIED;
	/* There must be no way back. */
	if (uid != 0 && setuid(0) == 0)
		return ERR_DENIED;
	return 0;
}
