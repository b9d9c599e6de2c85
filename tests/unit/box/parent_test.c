#define _GNU_SOURCE /* MAP_ANONYMOUS */
/* The parent: ports, restarts, signals, hangs. Each row is a server that
 * behaves in its way, in a process of its own. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "box/box.h"
#include "net/net.h"
#include "test.h"

/* What all processes of the test see. */
static struct shared {
	int n_starts;
	int server_pid;
	uint16_t port;
	int exec_error, setuid_error, type_error, ask_error;
	/* errno of opening, by confine_files: */
	int shadow, outside, inside, etc;
} * shared;

/* To which the next server is confined. */
static char folder[64];

static void
nap(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

static void
on_started(const struct parent_options *o, int pid)
{
	shared->port = listen_port(o->ports[0].fd);
	shared->server_pid = pid;
}

/* Say a word and close. */
static void
answer(struct conn *c, enum listen_refusal why, void *arg)
{
	(void)why;
	(void)arg;
	conn_put_str(c, "hi\n");
	conn_close(c);
}

static int
serve(const struct parent_options *o, int channel_fd)
{
	struct loop_hooks hooks = { 0 };
	struct listen_options lo = { .name = "test", .accept = answer };
	struct listener *ls;
	struct loop *l;
	int rc;

	shared->n_starts++;
	if (loop_new(&hooks, &l) < 0 || parent_attach(l, channel_fd) < 0 ||
	    listen_open(l, o->ports[0].fd, &lo, &ls) < 0)
		return 9;
	rc = loop_run(l);
	loop_free(l);
	return rc < 0;
}

static int
serve_and_crash(const struct parent_options *o, int channel_fd)
{
	(void)o;
	(void)channel_fd;
	/* By a signal, or by asking for it: it comes to the same. */
	if (shared->n_starts++ & 1)
		return PARENT_AGAIN;
	raise(SIGKILL);
	return 0;
}

/* Hangs once, then serves. */
static int
serve_and_hang(const struct parent_options *o, int channel_fd)
{
	if (shared->n_starts++ == 0)
		for (;;)
			nap(1000);
	shared->n_starts--;
	return serve(o, channel_fd);
}

static int
serve_and_fail(const struct parent_options *o, int channel_fd)
{
	(void)o;
	(void)channel_fd;
	shared->n_starts++;
	return 7;
}

/* What may a confined server still do? */
static int
serve_confined(const struct parent_options *o, int channel_fd)
{
	char *const args[] = { NULL };
	int n;

	(void)o;
	execve("/bin/true", args, args);
	shared->exec_error = errno;
	/* Type into the terminal that it was started from? */
	shared->type_error = ioctl(0, TIOCSTI, "x") < 0 ? errno : 0;
	shared->ask_error = ioctl(channel_fd, FIONREAD, &n) < 0 ? errno : 0;
	shared->setuid_error = setuid(getuid()) < 0 ? errno : 0;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 8;
}

static int
try_open(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int
serve_among_files(const struct parent_options *o, int channel_fd)
{
	char path[96];

	(void)channel_fd;
	shared->shadow = try_open("/etc/shadow", O_WRONLY);
	shared->outside = try_open("/tmp/tinpost-outside", O_RDWR | O_CREAT);
	snprintf(path, sizeof(path), "%s/inside", o->folder);
	shared->inside = try_open(path, O_RDWR | O_CREAT);
	shared->etc = try_open("/etc/passwd", O_RDONLY);
	return unlink(path) == 0 ? 0 : 9;
}

/* The parent in a process of its own. */
static pid_t
begin(int (*how)(const struct parent_options *, int), int silence_s)
{
	struct parent_port port = { "smtp", "127.0.0.1", 0, false, -1 };
	struct parent_options o = { .ports = &port,
		.n_ports = 1,
		.silence_s = silence_s,
		.folder = folder[0] != '\0' ? folder : NULL,
		.serve = how,
		.started = on_started };
	char storage[300];
	struct buf why;
	pid_t pid;

	*shared = (struct shared){ 0 };
	pid = fork();
	REQUIRE(pid >= 0);
	if (pid > 0)
		return pid;
	buf_init_fixed(&why, storage, sizeof(storage));
	int rc = parent_run(&o, &why);
	_exit(rc < 0 ? 100 - rc : rc);
}

static int
end_of(pid_t pid)
{
	int status;

	REQUIRE(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Connect, read "hi"; waits while a server is started again. */
static bool
is_answered(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons(shared->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval limit = { 10, 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char text[4] = "";
	bool is;

	REQUIRE(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	is = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
	     recv(fd, text, 3, MSG_WAITALL) == 3 && strcmp(text, "hi\n") == 0;
	close(fd);
	return is;
}

static void
wait_start(int n)
{
	/* The parent notes the port, the server its start. */
	for (int i = 0; i < 1000 && (shared->n_starts < n || shared->port == 0);
	     i++)
		nap(10);
	CHECK(shared->n_starts == n);
}

static void
test_serves_and_ends(void)
{
	pid_t pid = begin(serve, 0);

	wait_start(1);
	CHECK(is_answered());
	kill(pid, SIGTERM);
	CHECK(end_of(pid) == 0);
	CHECK(kill(shared->server_pid, 0) < 0);
}

static void
test_restarts(void)
{
	pid_t pid = begin(serve, 0);

	wait_start(1);
	kill(shared->server_pid, SIGKILL);
	/* The port stays open: this client waits in the backlog. */
	CHECK(is_answered());
	wait_start(2);
	kill(pid, SIGTERM);
	CHECK(end_of(pid) == 0);
}

static void
test_gives_up(void)
{
	pid_t pid = begin(serve_and_crash, 0);

	CHECK(end_of(pid) == 100 - ERR_DAMAGED);
	CHECK(shared->n_starts == PARENT_MAX_DEATHS);
}

static void
test_hang(void)
{
	pid_t pid = begin(serve_and_hang, 1);

	for (int i = 0; i < 1000 && shared->n_starts < 2; i++)
		nap(10);
	CHECK(is_answered());
	kill(pid, SIGTERM);
	CHECK(end_of(pid) == 0);
}

static void
test_own_exit(void)
{
	CHECK(end_of(begin(serve_and_fail, 0)) == 7);
	CHECK(shared->n_starts == 1);
}

static void
test_confined(void)
{
	CHECK(end_of(begin(serve_confined, 0)) == 0);
	CHECK(shared->exec_error == ENOSYS);
	CHECK(shared->setuid_error == ENOSYS);
	CHECK(shared->type_error == ENOSYS);
	CHECK(shared->ask_error == 0);
}

/* The kernel's rules hold for root too. */
static void
test_confined_files(void)
{
	snprintf(folder, sizeof(folder), "%s/tinpost-XXXXXX", test_folder());
	REQUIRE(mkdtemp(folder) != NULL);
	CHECK(end_of(begin(serve_among_files, 0)) == 0);
	CHECK(shared->inside == 0 && shared->etc == 0);
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0) {
		CHECK(shared->shadow == EACCES);
		CHECK(shared->outside == EACCES);
	}
	unlink("/tmp/tinpost-outside"); /* where nothing confines */
	CHECK(rmdir(folder) == 0);
	folder[0] = '\0';
}

/* Nothing is left behind when the parent is killed. */
static void
test_killed_parent(void)
{
	pid_t pid = begin(serve, 0);

	wait_start(1);
	kill(pid, SIGKILL);
	CHECK(end_of(pid) == -1);
	for (int i = 0; i < 100 && kill(shared->server_pid, 0) == 0; i++)
		nap(10);
	/* Where no process reaps orphans it stays as a zombie. */
	CHECK(!is_answered());
}

static void
test_port_in_use(void)
{
	struct parent_port ports[] = {
		{ "smtp", "127.0.0.1", 0, false, -1 },
		{ "other", "::1", 0, true, -1 },
	};
	struct parent_options o = {
		.ports = ports, .n_ports = 1, .serve = serve_and_fail
	};
	char storage[300];
	struct buf why;
	int fd;

	*shared = (struct shared){ 0 };
	REQUIRE(listen_bind("127.0.0.1", 0, &fd) == 0);
	ports[0].port = listen_port(fd);
	buf_init_fixed(&why, storage, sizeof(storage));
	CHECK(parent_run(&o, &why) == ERR_BUSY);
	CHECK(span_starts(buf_span(&why), SPAN("Cannot open the smtp port")));
	CHECK(shared->n_starts == 0);
	close(fd);
}

int
main(void)
{
	log_open(LOG_TO_NOTHING, LOG_FAULT);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	test_serves_and_ends();
	test_restarts();
	test_gives_up();
	test_hang();
	test_own_exit();
	test_confined();
	test_confined_files();
	test_killed_parent();
	test_port_in_use();
	return test_done();
}
