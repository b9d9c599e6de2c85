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

/* What a server is made of; all but the host live as long as it. */
struct serve_parts {
	const struct settings *settings; /* as they are now */
	struct store *store;
	struct auth *auth;
	struct loop *loop;
	struct dns *dns;
	struct span host; /* lives until the next refresh */
};

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
	/* At start and after each change of settings. */
	void (*refresh)(const struct serve_parts *);
	/* Before the parts go. */
	void (*close)(void);
	/* The daily reports, now. */
	void (*send_reports)(void);
};

/* Serve until SIGTERM. Returns the exit code. */
int serve_run(
    const char *folder, const struct args *a, const struct serve_app *app);

#endif
