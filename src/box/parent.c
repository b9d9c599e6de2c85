#define _GNU_SOURCE /* SOCK_CLOEXEC of socketpair */
#include "box/parent.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "box/confine.h"
#include "net/net.h"

#define SILENCE_S       60
#define DEATHS_WITHIN_S 60
/* After SIGTERM a server has this long to write its checkpoint. */
#define STOP_S 30

struct parent {
	struct parent_options *o;
	pid_t server;
	int channel;
	int64_t heard_ms;    /* when the server last said something */
	int64_t stopping_ms; /* since when it is asked to end; 0: it is not */
	int64_t deaths_ms[PARENT_MAX_DEATHS]; /* a ring */
	unsigned n_deaths;
};

/* Signals are only noted; parent_run looks at them between polls. */
static volatile sig_atomic_t asked_to_end, asked_to_reload, child_changed;

static void
on_signal(int number)
{
	if (number == SIGHUP)
		asked_to_reload = 1;
	else if (number == SIGCHLD)
		child_changed = 1;
	else
		asked_to_end = 1;
}

static const int handled[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };

#define N_HANDLED (sizeof(handled) / sizeof(*handled))

static void
set_handlers(void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler };

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < N_HANDLED; i++)
		sigaction(handled[i], &sa, NULL);
}

static void
close_ports(struct parent_options *o)
{
	for (size_t i = 0; i < o->n_ports; i++) {
		if (o->ports[i].fd >= 0)
			close(o->ports[i].fd);
		o->ports[i].fd = -1;
	}
}

static const char *
bind_advice(int rc)
{
	switch (rc) {
	case ERR_BUSY:
		return "another program is using it. Stop that program, or "
		       "choose another port";
	case ERR_DENIED:
		return "ports below 1024 need root. Start as root, or choose "
		       "another port";
	case ERR_NONE:
		return "this machine has no such address";
	case ERR_UNSUPPORTED:
		return "this machine has no IPv6";
	case ERR_SYNTAX:
		return "this is not an address";
	default:
		return "the system refuses it";
	}
}

static int
bind_ports(struct parent_options *o, struct buf *why)
{
	for (size_t i = 0; i < o->n_ports; i++)
		o->ports[i].fd = -1;
	for (size_t i = 0; i < o->n_ports; i++) {
		struct parent_port *p = &o->ports[i];
		int rc = listen_bind(p->address, p->port, &p->fd);

		if (rc == 0)
			continue;
		if (p->is_optional && (rc == ERR_UNSUPPORTED || rc == ERR_NONE))
			continue;
		buf_putf(why, "Cannot open the %s port, %s port %d: %s.",
		    p->name, p->address, (int)p->port, bind_advice(rc));
		close_ports(o);
		return rc;
	}
	return 0;
}

/* The child's side of start_server; does not return. */
static void
become_server(struct parent *p, int channel, pid_t parent)
{
	struct parent_options *o = p->o;
	struct log line;
	int rc = 0;

	close(p->channel);
	set_handlers(SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (geteuid() == 0 && o->uid != 0)
		rc = confine_user(o->uid, o->gid);
	if (rc < 0) {
		log_begin(&line, LOG_FAULT, "server.cannot_drop_root");
		log_errno(&line);
		log_end(&line);
		_exit(1);
	}
	/* Changing the user clears the death signal. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (o->folder != NULL && confine_files(o->folder) < 0) {
		log_begin(&line, LOG_NOTE, "server.no_file_rules");
		log_end(&line);
	}
	if (confine_calls() < 0) {
		log_begin(&line, LOG_WARN, "server.no_call_filter");
		log_end(&line);
	}
	exit(o->serve(o, channel));
}

static int
start_server(struct parent *p)
{
	pid_t self = getpid();
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	        pair) < 0)
		return ERR_IO;
	p->channel = pair[0];
	pid = fork();
	if (pid == 0)
		become_server(p, pair[1], self);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return ERR_IO;
	}
	p->server = pid;
	p->heard_ms = clock_mono_ms();
	if (p->o->started)
		p->o->started(p->o, (int)pid);
	return 0;
}

/* Take in what the server says: that it turns, nothing else. */
static void
listen_to_server(struct parent *p)
{
	char beat[64];

	while (read(p->channel, beat, sizeof(beat)) > 0)
		p->heard_ms = clock_mono_ms();
}

static void
watch_silence(struct parent *p)
{
	int64_t limit_ms =
	    1000 * (int64_t)(p->o->silence_s ? p->o->silence_s : SILENCE_S);
	int64_t now = clock_mono_ms();
	struct log line;

	if (p->stopping_ms != 0) {
		if (now - p->stopping_ms > STOP_S * 1000)
			kill(p->server, SIGKILL);
		return;
	}
	if (now - p->heard_ms <= limit_ms)
		return;
	log_begin(&line, LOG_FAULT, "server.hung");
	log_num(&line, "pid", p->server);
	log_end(&line);
	kill(p->server, SIGABRT);
	p->heard_ms = now; /* it may take a while to die */
}

static void
pass_signals(struct parent *p)
{
	if (asked_to_reload) {
		asked_to_reload = 0;
		kill(p->server, SIGHUP);
	}
	if (asked_to_end && p->stopping_ms == 0) {
		p->stopping_ms = clock_mono_ms();
		kill(p->server, SIGTERM);
	}
}

/* Watch the server until it has ended. Returns its wait status. */
static int
watch_server(struct parent *p)
{
	struct pollfd fd = { .fd = p->channel, .events = POLLIN };
	int status = 0;

	for (;;) {
		child_changed = 0;
		if (waitpid(p->server, &status, WNOHANG) == p->server)
			return status;
		pass_signals(p);
		watch_silence(p);
		/* A signal between the checks and here waits for a second
		 * at most. */
		if (poll(&fd, 1, 1000) > 0) {
			listen_to_server(p);
			/* Its end is closed: it is ending. */
			if (fd.revents & (POLLHUP | POLLERR))
				fd.fd = -1;
		}
	}
}

/* Has it died so often within a minute that it is no use? */
static bool
is_hopeless(struct parent *p)
{
	int64_t now = clock_mono_ms();
	unsigned at = p->n_deaths++ % PARENT_MAX_DEATHS;
	unsigned oldest = p->n_deaths % PARENT_MAX_DEATHS;

	p->deaths_ms[at] = now;
	return p->n_deaths >= PARENT_MAX_DEATHS &&
	       now - p->deaths_ms[oldest] < DEATHS_WITHIN_S * 1000;
}

/* Before the next start: 0.1 s, 0.2 s, 0.4 s, 0.8 s. */
static void
back_off(const struct parent *p)
{
	unsigned n =
	    p->n_deaths < PARENT_MAX_DEATHS ? p->n_deaths : PARENT_MAX_DEATHS;

	if (!asked_to_end)
		(void)poll(NULL, 0, 50 << n);
}

static void
log_death(const struct parent *p, int status)
{
	struct log line;

	log_begin(&line, LOG_FAULT, "server.died");
	log_num(&line, "pid", p->server);
	if (WIFSIGNALED(status))
		log_num(&line, "signal", WTERMSIG(status));
	else
		log_num(&line, "status", WEXITSTATUS(status));
	log_end(&line);
}

static int
run_servers(struct parent *p, struct buf *why)
{
	for (;;) {
		int status;

		if (start_server(p) < 0) {
			buf_put_str(why, "Cannot start the server process.");
			return ERR_IO;
		}
		status = watch_server(p);
		close(p->channel);
		/* An exit of its own is an answer: it has said why. */
		if (WIFEXITED(status) && WEXITSTATUS(status) != PARENT_AGAIN)
			return WEXITSTATUS(status);
		log_death(p, status);
		if (p->stopping_ms != 0)
			return 1;
		if (is_hopeless(p)) {
			buf_putf(why,
			    "The server died %d times within a minute; see "
			    "the log.",
			    PARENT_MAX_DEATHS);
			return ERR_DAMAGED;
		}
		back_off(p);
		if (asked_to_end)
			return 1;
	}
}

int
parent_run(struct parent_options *o, struct buf *why)
{
	struct parent p = { .o = o };
	int rc = bind_ports(o, why);

	if (rc < 0)
		return rc;
	asked_to_end = asked_to_reload = child_changed = 0;
	set_handlers(on_signal);
	rc = run_servers(&p, why);
	set_handlers(SIG_DFL);
	close_ports(o);
	return rc;
}
