/* serve.h - `tinpost serve`: the store, the loop, the ports and the parent,
 * put together. What speaks on the ports comes from main.c, which alone sees
 * the protocol rooms.
 */
#ifndef TINPOST_CMD_SERVE_H
#define TINPOST_CMD_SERVE_H

#include "admin/args.h"
#include "admin/settings.h"
#include "net/net.h"

struct auth;

/* One port. */
struct serve_port {
	const char *name;     /* for the log */
	enum setting_id port; /* the setting that says which; 0: closed */
	bool is_tls;          /* from the first byte */
	const char *alpn;
	listen_accept accept;
	void *arg;
};

struct serve_app {
	const struct serve_port *ports;
	size_t n_ports;
	/* The settings as they are now, at start and after each change. host
	 * lives until the next call. */
	void (*refresh)(const struct settings *st, struct store *s,
	    struct auth *a, struct span host);
};

/* Serve until SIGTERM. Returns the exit code. */
int serve_run(
    const char *folder, const struct args *a, const struct serve_app *app);

#endif
