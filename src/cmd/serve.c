#define _XOPEN_SOURCE 700 /* realpath */
#include "cmd/serve.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/version.h"
#include "cmd/client.h"
#include "cmd/control.h"
#include "cmd/serve_in.h"

/* --- the loop's hooks --- */

static bool
hook_is_dirty(void *arg)
{
	struct serve *sv = arg;

	return store_is_dirty(sv->store);
}

/* Rule 10: a new process starts afresh. */
static void
stop_if_lost(struct serve *sv)
{
	if (store_is_lost(sv->store))
		loop_stop(sv->loop);
}

static int
hook_flush(void *arg)
{
	struct serve *sv = arg;
	int rc = store_flush(sv->store);

	stop_if_lost(sv);
	return rc;
}

static int
hook_idle(void *arg)
{
	struct serve *sv = arg;
	int rc = store_idle(sv->store);

	stop_if_lost(sv);
	return rc;
}

static void
hook_reload(void *arg)
{
	struct serve *sv = arg;
	char storage[CERT_MAX_WHY];
	struct buf why;
	struct log l;

	serve_refresh(sv);
	buf_init_fixed(&why, storage, sizeof(storage));
	if (serve_refresh_cert(sv, &why) == 0)
		return;
	log_begin(&l, LOG_FAULT, "cert.refused");
	log_str(&l, "why", buf_span(&why));
	log_end(&l);
}

/* --- the server process --- */

static int
fault(const char *event, struct span why)
{
	struct log l;

	log_begin(&l, LOG_FAULT, event);
	log_str(&l, "why", why);
	log_end(&l);
	return 1;
}

/* It stays as it was when the device is full, say. */
static void
size_journal(struct serve *sv)
{
	struct log l;
	int rc = 0;

	if (!store_is_read_only(sv->store))
		rc = store_set_journal(
		    sv->store, sv->settings.n[SET_STORE_JOURNAL]);
	if (rc == 0)
		return;
	log_begin(&l, LOG_WARN, "store.journal_kept");
	log_err(&l, "reason", rc);
	log_end(&l);
}

static int
open_parts(struct serve *sv, struct buf *why)
{
	struct loop_hooks hooks = { sv, hook_is_dirty, hook_flush, hook_idle,
		hook_reload };
	struct auth_options o;
	int rc = serve_prepare_store(sv->folder, &sv->store, why);

	if (rc < 0)
		return rc;
	settings_load(&sv->settings, sv->store);
	size_journal(sv);
	o = serve_refresh_auth(&sv->settings);
	rc = loop_new(&hooks, &sv->loop);
	if (rc == 0)
		rc = auth_new(sv->store, sv->loop, &o, &sv->auth);
	if (rc == 0)
		rc = serve_refresh_dns(sv);
	if (rc == 0)
		rc = tls_config_new(&sv->tls);
	if (rc == 0 && store_is_dirty(sv->store))
		rc = store_flush(sv->store);
	if (rc == 0)
		rc = serve_refresh_cert(sv, why);
	if (rc == 0)
		serve_refresh(sv);
	return rc;
}

static int
open_control(struct serve *sv)
{
	static const char name[] = "control";
	struct listen_options lo = {
		.name = name, .accept = control_accept, .arg = &sv->admin
	};
	char path[FILE_PATH_BYTES];
	struct listener *ls;
	int fd, rc;

	sv->admin = (struct admin){ .store = sv->store,
		.auth = sv->auth,
		.folder = sv->folder,
		.loop = sv->loop,
		.dns = sv->dns,
		.started_ms = clock_mono_ms(),
		.server = sv,
		.refresh = serve_refresh,
		.reload_cert = serve_refresh_cert,
		.send_reports = sv->app->send_reports };
	rc = control_path(sv->folder, path, sizeof(path));
	if (rc == 0)
		rc = listen_bind_local(path, 0600, &fd);
	if (rc == 0) {
		rc = listen_open(sv->loop, fd, &lo, &ls);
		if (rc < 0)
			close(fd);
	}
	return rc;
}

static int
open_ports(struct serve *sv)
{
	for (size_t i = 0; i < sv->n_ports; i++) {
		const struct serve_port *p = sv->services[i];
		struct listen_options lo = { .name = p->name,
			.tls = sv->tls,
			.is_tls = p->is_tls,
			.alpn = p->alpn,
			.accept = p->accept,
			.arg = p->arg };
		struct listener *ls;
		int rc;

		if (sv->ports[i].fd < 0)
			continue;
		rc = listen_open(sv->loop, sv->ports[i].fd, &lo, &ls);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void
note_system(struct serve *sv, const char *what)
{
	struct event e = { .kind = EVENT_SYSTEM, .text = span_str(what) };
	struct log l;

	log_begin(&l, LOG_NOTE, what);
	log_str(&l, "version", span_str(version_string()));
	log_num(&l, "pid", getpid());
	log_end(&l);
	/* The log has it in any case. */
	if (event_add(sv->store, &e) == 0 && store_flush(sv->store) < 0)
		fault("store.flush", SPAN("failed"));
}

static void
close_parts(struct serve *sv)
{
	/* A second Ctrl-C must not cut the checkpoint short. */
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	sv->app->close();
	dns_free(sv->dns);
	loop_free(sv->loop);
	auth_free(sv->auth);
	tls_config_free(sv->tls);
	store_close(sv->store);
	buf_deinit(&sv->ca_file);
	buf_deinit(&sv->host);
}

/* The child: parent.h. */
static int
serve_child(const struct parent_options *o, int channel_fd)
{
	struct serve *sv = o->arg;
	char storage[1024];
	struct buf why;
	bool is_lost;
	int rc;

	buf_init_fixed(&why, storage, sizeof(storage));
	buf_init(&sv->ca_file, FILE_PATH_BYTES);
	buf_init(&sv->host, MAX_DOMAIN_BYTES);
	rc = open_parts(sv, &why);
	if (rc == 0)
		rc = parent_attach(sv->loop, channel_fd);
	if (rc == 0)
		rc = open_control(sv);
	if (rc == 0)
		rc = open_ports(sv);
	if (rc < 0) {
		if (why.len == 0)
			buf_put_str(&why, err_text(rc));
		close_parts(sv);
		return fault("serve.failed", buf_span(&why));
	}
	note_system(sv, "serve.started");
	rc = loop_run(sv->loop);
	is_lost = store_is_lost(sv->store);
	if (!is_lost)
		note_system(sv, "serve.stopped");
	close_parts(sv);
	if (is_lost)
		return PARENT_AGAIN;
	return rc < 0 ? 1 : 0;
}

int
serve_run(const char *folder, const struct args *a, const struct serve_app *app)
{
	static struct serve sv; /* outlives all, in both processes */
	struct parent_options o = { .serve = serve_child, .arg = &sv };
	char storage[1024], path[4096];
	struct buf why;
	int rc;

	buf_init_fixed(&why, storage, sizeof(storage));
	buf_init(&sv.addresses, 1024);
	sv.folder = realpath(folder, path) ? path : folder;
	sv.app = app;
	sv.listen = args_get(a, "--listen");
	rc = serve_prepare(&sv, &why);
	if (rc == 0) {
		o.ports = sv.ports;
		o.n_ports = sv.n_ports;
		o.folder = sv.folder;
		serve_prepare_user(&sv, &o);
		rc = parent_run(&o, &why);
	}
	buf_deinit(&sv.addresses);
	if (rc >= 0)
		return rc;
	if (why.len == 0)
		buf_put_str(&why, err_text(rc));
	client_complain(buf_span(&why));
	return 1;
}
