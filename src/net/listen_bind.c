/* listen_bind.c - making the sockets that listeners take. */
#define _GNU_SOURCE /* struct sockaddr_un with SOCK_CLOEXEC */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/listen.h"

#define BACKLOG 128

static int
err_of_errno(void)
{
	switch (errno) {
	case EADDRINUSE:
		return ERR_BUSY;
	case EACCES:
	case EPERM:
		return ERR_DENIED;
	case EADDRNOTAVAIL:
		return ERR_NONE;
	case EAFNOSUPPORT:
		return ERR_UNSUPPORTED;
	default:
		return ERR_IO;
	}
}

int
listen_bind(const char *address, uint16_t port, int *fd_out)
{
	struct sockaddr_storage sa = { 0 };
	struct peer p;
	socklen_t len;
	int one = 1;
	int fd, rc;

	rc = peer_parse(span_str(address), &p);
	if (rc < 0)
		return rc;
	p.port = port;
	len = peer_to_sockaddr(&p, &sa);
	fd =
	    socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_of_errno();
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (sa.ss_family == AF_INET6)
		(void)setsockopt(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, len) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		rc = err_of_errno();
		close(fd);
		return rc;
	}
	*fd_out = fd;
	return 0;
}

/* Does somebody listen on this path? */
static bool
is_answered(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is;

	if (fd < 0)
		return true;
	is = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 ||
	     errno == EAGAIN;
	close(fd);
	return is;
}

int
listen_bind_local(const char *path, unsigned mode, int *fd_out)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, rc;

	if (span_to_cstr(span_str(path), sa.sun_path, sizeof(sa.sun_path)) < 0)
		return ERR_LIMIT;
	if (is_answered(&sa))
		return ERR_BUSY;
	(void)unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_of_errno();
	/* Between bind and chmod nobody can connect: it does not listen. */
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    chmod(path, mode) < 0 || listen(fd, BACKLOG) < 0) {
		rc = err_of_errno();
		close(fd);
		return rc;
	}
	*fd_out = fd;
	return 0;
}

uint16_t
listen_port(int fd)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);
	struct peer p;

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return 0;
	peer_from_sockaddr((struct sockaddr *)&sa, &p);
	return p.port;
}
