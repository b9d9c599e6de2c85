/* parent.h - the small privileged parent: it binds the ports, starts the
 * unprivileged server, and starts it again when it dies.
 *
 * It reads nothing that came from the network. The server is a forked child
 * that has given up root and confined itself; it inherits the listening
 * sockets, and the parent keeps them, so that clients wait in the backlog
 * while a server is started again. It dies with its parent.
 */
#ifndef TINPOST_BOX_PARENT_H
#define TINPOST_BOX_PARENT_H

#include "base/buf.h"

struct loop;

#define PARENT_MAX_PORTS 32

/* One port to bind. */
struct parent_port {
	const char *name;    /* "smtp" */
	const char *address; /* "0.0.0.0", "::", "127.0.0.1" */
	uint16_t port;       /* 0: any */
	bool is_optional;    /* no such address family here: leave it out */
	int fd;              /* set by the parent: listening, or -1 */
};

struct parent_options {
	struct parent_port *ports;
	size_t n_ports;
	/* As whom the server runs when the parent is root; 0: stays root's
	 * caller (not root: always). */
	uint32_t uid, gid;
	/* Below which alone the server may change files; NULL: anywhere. */
	const char *folder;
	/* Seconds of silence after which a server counts as hung; 0: 60. */
	int silence_s;
	/* The server: takes ownership of the ports' descriptors, runs, and
	 * returns the exit status. channel_fd is for parent_attach. Runs in the
	 * child, confined. */
	int (*serve)(const struct parent_options *o, int channel_fd);
	void *arg;
	/* Called in the parent once the ports are bound, and after each start
	 * with the server's process id; may be NULL. */
	void (*started)(const struct parent_options *o, int server_pid);
};

/* serve may return this (EX_TEMPFAIL) to be started anew, as when the store
 * cannot go on but may after recovery. A server that dies of a signal is
 * started again too; any other exit status ends the parent with it. */
#define PARENT_AGAIN 75

/* Bind, start, watch. Returns the exit status for the process when the server
 * has ended by itself or was asked to (SIGTERM, SIGINT; SIGHUP is passed on), or
 * a negative ERR_ with a plain sentence in *why when it could not begin or the
 * server died PARENT_MAX_DEATHS times within a minute. */
#define PARENT_MAX_DEATHS 5
MUST_USE int parent_run(struct parent_options *o, struct buf *why);

/* In the server: tell the parent every few seconds from this loop that it
 * turns, and stop the loop when the parent is gone. ERR_NOMEM, ERR_IO. */
MUST_USE int parent_attach(struct loop *l, int channel_fd);

#endif
