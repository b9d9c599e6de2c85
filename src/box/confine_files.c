/* confine_files.c - the files that a server may reach, by Landlock (Linux 5.13
 * and later; the boards' older kernels have none). Its numbers stand here, for
 * not every header has them; they are the same on every architecture. */
#define _GNU_SOURCE /* O_PATH, syscall */
#include "box/confine.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __mips__
#define FIRST_CALL (4000 + 444)
#else
#define FIRST_CALL 444
#endif
#define CALL_CREATE   FIRST_CALL
#define CALL_ADD_RULE (FIRST_CALL + 1)
#define CALL_RESTRICT (FIRST_CALL + 2)

#define FLAG_VERSION    1u /* of CALL_CREATE */
#define RULE_BENEATH    1  /* of CALL_ADD_RULE */
#define ACCESS_EXECUTE  (1ull << 0)
#define ACCESS_WRITE    (1ull << 1)
#define ACCESS_READ     (1ull << 2)
#define ACCESS_LIST     (1ull << 3)
#define ACCESS_DEVICES  (1ull << 6 | 1ull << 11) /* make character, block */
#define ACCESS_FIRST    ((1ull << 13) - 1)       /* all of version 1 */
#define ACCESS_REFER    (1ull << 13)             /* from version 2 on */
#define ACCESS_TRUNCATE (1ull << 14)             /* 3 */
#define ACCESS_IOCTL    (1ull << 15)             /* 5 */
#define SCOPE_ALL       3ull /* 6: abstract sockets, signals to others */

struct ruleset {
	uint64_t files, network, scope;
};

/* The kernel's is packed. */
struct beneath {
	uint64_t access;
	int32_t parent_fd;
} __attribute__((packed));

/* Read only. Folders where a file is put in the place of another by renaming
 * it, as name servers come and go; what the C library and the resolver look up
 * there belongs to everybody. */
static const char *const readable[] = {
	"/etc",
	"/usr/share/zoneinfo",
	"/proc/self",
#ifdef __GLIBC__ /* the tables of its iconv; musl has them built in */
	"/usr/lib",
#endif
#ifdef __SANITIZE_ADDRESS__ /* its search for leaks, its reports */
	"/proc",
#endif
};

static int
add_rule(int ruleset, const char *path, uint64_t access)
{
	struct beneath b = { .access = access };
	struct stat st;
	int fd = open(path, O_PATH | O_CLOEXEC);
	int rc = ERR_NONE;

	if (fd < 0)
		return ERR_NONE;
	b.parent_fd = fd;
	/* The kernel refuses rights of folders for a file. */
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		b.access &=
		    ACCESS_READ | ACCESS_WRITE | ACCESS_TRUNCATE | ACCESS_IOCTL;
	if (syscall(CALL_ADD_RULE, ruleset, RULE_BENEATH, &b, 0) == 0)
		rc = 0;
	close(fd);
	return rc;
}

/* Where /etc/resolv.conf really is. */
static void
add_resolver(int ruleset)
{
	char path[4096];
	char *end;

	if (realpath("/etc/resolv.conf", path) == NULL)
		return;
	end = strrchr(path, '/');
	if (end == path)
		return;
	*end = '\0';
	(void)add_rule(ruleset, path, ACCESS_READ);
}

static int
add_rules(int ruleset, const char *folder, uint64_t all)
{
	int rc =
	    add_rule(ruleset, folder, all & ~(ACCESS_EXECUTE | ACCESS_DEVICES));

	if (rc < 0)
		return ERR_UNSUPPORTED;
	/* What is not there needs no rule. */
	for (size_t i = 0; i < sizeof(readable) / sizeof(*readable); i++)
		(void)add_rule(ruleset, readable[i], ACCESS_READ | ACCESS_LIST);
	(void)add_rule(ruleset, "/dev/null", ACCESS_READ | ACCESS_WRITE);
	/* c-ares draws its query numbers from it. */
	(void)add_rule(ruleset, "/dev/urandom", ACCESS_READ);
	add_resolver(ruleset);
	return 0;
}

int
confine_files(const char *folder)
{
	struct ruleset r = { .files = ACCESS_FIRST };
	long version = syscall(CALL_CREATE, NULL, 0, FLAG_VERSION);
	int fd, rc;

	if (version < 1)
		return ERR_UNSUPPORTED;
	if (version >= 2)
		r.files |= ACCESS_REFER;
	if (version >= 3)
		r.files |= ACCESS_TRUNCATE;
	if (version >= 5)
		r.files |= ACCESS_IOCTL;
	if (version >= 6)
		r.scope = SCOPE_ALL;
	/* A kernel takes a longer structure if what it does not know is 0. */
	fd = (int)syscall(CALL_CREATE, &r, sizeof(r), 0);
	if (fd < 0)
		return ERR_UNSUPPORTED;
	rc = add_rules(fd, folder, r.files);
	if (rc == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	                   syscall(CALL_RESTRICT, fd, 0) < 0))
		rc = ERR_UNSUPPORTED;
	close(fd);
	return rc;
}
