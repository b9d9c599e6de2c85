#include "cmd/owner.h"

#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

int
owner_enter(const char *folder)
{
	struct stat st;

	if (geteuid() != 0 || stat(folder, &st) < 0 || st.st_uid == 0)
		return 0;
	if (setegid(st.st_gid) < 0 || seteuid(st.st_uid) < 0)
		return ERR_DENIED;
	return 0;
}

void
owner_leave(void)
{
	/* Back to what the process may be anyhow; a refusal changes nothing. */
	if (seteuid(getuid()) == 0 && setegid(getgid()) == 0)
		return;
}

int
owner_make_folder(const char *folder)
{
	struct passwd *p;

	if (geteuid() != 0 || mkdir(folder, 0700) < 0)
		return geteuid() != 0 || errno == EEXIST ? 0 : ERR_IO;
	p = getpwnam("tinpost");
	if (p && chown(folder, p->pw_uid, p->pw_gid) < 0)
		return ERR_IO;
	return 0;
}
