/* serve_in.h - a server being put together: serve.c runs it, serve_prepare.c
 * does what comes before, serve_refresh.c gives the settings to its parts.
 * Room-private.
 */
#ifndef TINPOST_CMD_SERVE_IN_H
#define TINPOST_CMD_SERVE_IN_H

#include "admin/run.h"
#include "auth/auth.h"
#include "box/box.h"
#include "cmd/serve.h"
#include "store/store.h"

/* What the parent makes and the server inherits. */
struct serve {
	const char *folder;
	const struct serve_app *app;
	struct span listen; /* from the command line, or empty */
	struct parent_port ports[PARENT_MAX_PORTS];
	const struct serve_port *services[PARENT_MAX_PORTS];
	size_t n_ports;
	struct buf addresses; /* text of ports[].address, NUL behind each */
	/* In the server: */
	struct store *store;
	struct auth *auth;
	struct loop *loop;
	struct dns *dns;
	struct tls_config *tls;
	struct buf ca_file; /* whose anchors the loop has */
	int64_t ca_changed_s;
	struct settings settings;
	struct buf host;
	struct admin admin;
};

/* Open the store; a command that has it for a moment is waited for. */
MUST_USE int serve_prepare_store(
    const char *folder, struct store **out, struct buf *why);

/* Read what is to be bound from the store, and let it go again: the server
 * opens it anew, and with it what it recovers. */
MUST_USE int serve_prepare(struct serve *sv, struct buf *why);

/* The server runs as the owner of the data folder. */
void serve_prepare_user(struct serve *sv, struct parent_options *o);

/* A log_target and level of the settings. */
void serve_refresh_log(const struct settings *st);

struct auth_options serve_refresh_auth(const struct settings *st);

/* The options for the resolver, which is made if need be. */
MUST_USE int serve_refresh_dns(struct serve *sv);

/* Settings that take effect at once; arg is a struct serve. */
void serve_refresh(void *arg);

/* The certificates anew. */
MUST_USE int serve_refresh_cert(void *arg, struct buf *why);

#endif
