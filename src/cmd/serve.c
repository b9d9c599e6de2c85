#define _XOPEN_SOURCE 700 /* realpath */
#include "cmd/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "admin/certs.h"
#include "admin/run.h"
#include "auth/auth.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/version.h"
#include "box/box.h"
#include "cmd/client.h"
#include "cmd/control.h"
#include "cmd/owner.h"
#include "store/store.h"

#define MAX_LISTEN_ADDRESSES 6

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

/* A command that found no server may have the store for a moment. */
#define LOCK_TRIES    100
#define LOCK_PAUSE_NS 50000000

static int
open_store(const char *folder, struct store **out, struct buf *why)
{
	const struct timespec pause = { 0, LOCK_PAUSE_NS };
	int rc = store_open(folder, NULL, out, why);

	for (int i = 0; rc == ERR_BUSY && i < LOCK_TRIES; i++) {
		nanosleep(&pause, NULL);
		buf_reset(why);
		rc = store_open(folder, NULL, out, why);
	}
	return rc;
}

/* --- settings that take effect at once --- */

static size_t
memory_budget(const struct settings *st)
{
	uint64_t bytes = st->n[SET_MEMORY];
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	if (bytes == 0 && pages > 0 && page > 0)
		bytes = (uint64_t)pages * (uint64_t)page / 4;
	return bytes > SIZE_MAX / 4 ? SIZE_MAX / 4 : (size_t)bytes;
}

static struct auth_options
auth_options_of(const struct settings *st)
{
	struct auth_options o = auth_defaults;

	o.iterations = (uint32_t)st->n[SET_AUTH_ITERATIONS];
	o.free_failures = (uint32_t)st->n[SET_AUTH_FREE];
	o.free_network_failures = (uint32_t)st->n[SET_AUTH_FREE_NETWORK];
	o.max_delay_s = (uint32_t)st->n[SET_AUTH_MAX_DELAY];
	o.remember_s = (uint32_t)st->n[SET_AUTH_CACHE_TIME];
	o.hold_s = (uint32_t)st->n[SET_AUTH_HOLD_TIME];
	o.forget_s = (uint32_t)st->n[SET_AUTH_FORGET_TIME];
	o.max_hashes = (uint32_t)st->n[SET_AUTH_QUEUE];
	return o;
}

/* The options for the resolver, or its new options. */
static int
set_dns(struct serve *sv)
{
	struct dns_options o = { .tries = DNS_TRIES,
		.timeout_ms = (int64_t)sv->settings.n[SET_DNS_TIME] * 1000,
		.cache_bytes = DNS_CACHE_BYTES };
	struct buf servers;
	int rc;

	buf_init(&servers, 256);
	rc = settings_text(sv->store, SET_DNS_SERVERS, &servers);
	buf_put_char(&servers, '\0');
	if (rc == 0)
		rc = buf_error(&servers);
	o.servers = servers.p;
	if (rc == 0)
		rc = sv->dns == NULL ? dns_new(sv->loop, &o, &sv->dns)
		                     : dns_set_options(sv->dns, &o);
	buf_deinit(&servers);
	return rc;
}

/* The authorities, when the setting or the file is another one. Without them
 * nothing verifies, and mail that need not be verified goes on. */
static void
set_anchors(struct serve *sv)
{
	struct anchors *a = NULL;
	struct buf path, why;
	char storage[100];
	struct stat st = { 0 };
	struct log l;
	int rc;

	buf_init(&path, FILE_PATH_BYTES);
	buf_init_fixed(&why, storage, sizeof(storage));
	rc = settings_text(sv->store, SET_TLS_CA_FILE, &path);
	buf_put_char(&path, '\0');
	if (rc < 0 || buf_failed(&path) ||
	    (stat(path.p, &st) == 0 && st.st_mtime == sv->ca_changed_s &&
	        span_is(buf_span(&path), buf_span(&sv->ca_file)))) {
		buf_deinit(&path);
		return;
	}
	rc = anchors_load(path.p, &a, &why);
	log_begin(&l, rc == 0 ? LOG_NOTE : LOG_WARN,
	    rc == 0 ? "anchors.loaded" : "anchors.missing");
	log_str(&l, "file", span_str(path.p));
	if (rc == 0) {
		log_num(&l, "count", (int64_t)anchors_count(a));
		log_num(&l, "skipped", (int64_t)anchors_skipped(a));
		log_num(&l, "age_days", anchors_age_days(a));
	} else {
		log_str(&l, "why", buf_span(&why));
	}
	log_end(&l);
	dial_set_anchors(sv->loop, a);
	anchors_free(a);
	buf_deinit(&sv->ca_file);
	sv->ca_file = path;
	sv->ca_changed_s = rc == 0 ? st.st_mtime : 0;
}

static void
open_log(const struct settings *st)
{
	log_open((enum log_target)st->n[SET_LOG_TARGET],
	    (enum log_level)st->n[SET_LOG_LEVEL]);
}

static void
refresh(void *arg)
{
	struct serve *sv = arg;
	struct serve_parts parts;
	struct listen_limits limits;
	struct auth_options o;
	struct log l;
	int rc;

	settings_load(&sv->settings, sv->store);
	open_log(&sv->settings);
	event_set_max(sv->store, (uint32_t)sv->settings.n[SET_STORE_EVENTS]);
	store_set_reserve(sv->store, sv->settings.n[SET_STORE_RESERVE]);
	mem_set_budget(memory_budget(&sv->settings));
	limits.max_conns = (uint32_t)sv->settings.n[SET_NET_SESSIONS];
	limits.max_per_host = (uint32_t)sv->settings.n[SET_NET_SESSIONS_HOST];
	limits.max_per_network =
	    (uint32_t)sv->settings.n[SET_NET_SESSIONS_NETWORK];
	limits.handshake_ms =
	    (uint32_t)sv->settings.n[SET_NET_HANDSHAKE_TIME] * 1000;
	limits.drain_ms = (uint32_t)sv->settings.n[SET_NET_DRAIN_TIME] * 1000;
	listen_set_limits(sv->loop, &limits);
	o = auth_options_of(&sv->settings);
	auth_set_options(sv->auth, &o);
	buf_reset(&sv->host);
	if (settings_text(sv->store, SET_HOST_NAME, &sv->host) < 0)
		buf_put_str(&sv->host, "localhost");
	set_anchors(sv);
	rc = set_dns(sv);
	if (rc < 0) { /* the old ones go on */
		log_begin(&l, LOG_FAULT, "dns.refused");
		log_err(&l, "reason", rc);
		log_end(&l);
	}
	parts = (struct serve_parts){ &sv->settings, sv->store, sv->auth,
		sv->loop, sv->dns, buf_span(&sv->host) };
	sv->app->refresh(&parts);
}

static int
reload_cert(void *arg, struct buf *why)
{
	struct serve *sv = arg;
	struct cert *certs[CERTS_MAX];
	size_t n;
	int rc = certs_open_all(sv->store, certs, &n, why);

	if (rc == 0)
		rc = tls_config_set(sv->tls, certs, n);
	certs_free_all(certs, n);
	return rc;
}

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

	refresh(sv);
	buf_init_fixed(&why, storage, sizeof(storage));
	if (reload_cert(sv, &why) == 0)
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
	int rc = open_store(sv->folder, &sv->store, why);

	if (rc < 0)
		return rc;
	settings_load(&sv->settings, sv->store);
	size_journal(sv);
	o = auth_options_of(&sv->settings);
	rc = loop_new(&hooks, &sv->loop);
	if (rc == 0)
		rc = auth_new(sv->store, sv->loop, &o, &sv->auth);
	if (rc == 0)
		rc = set_dns(sv);
	if (rc == 0)
		rc = tls_config_new(&sv->tls);
	if (rc == 0 && store_is_dirty(sv->store))
		rc = store_flush(sv->store);
	if (rc == 0)
		rc = reload_cert(sv, why);
	if (rc == 0)
		refresh(sv);
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
		.refresh = refresh,
		.reload_cert = reload_cert };
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

/* --- before: what is bound, and as whom --- */

static int
add_port(struct serve *sv, const struct serve_port *p, uint64_t port,
    size_t address_at, bool is_optional)
{
	struct parent_port *pp = &sv->ports[sv->n_ports];

	if (sv->n_ports == PARENT_MAX_PORTS)
		return ERR_LIMIT;
	pp->name = p->name;
	pp->address = sv->addresses.p + address_at;
	pp->port = (uint16_t)port;
	pp->is_optional = is_optional;
	pp->fd = -1;
	sv->services[sv->n_ports++] = p;
	return 0;
}

/* Every service on every address. */
static int
choose_ports(struct serve *sv, const struct settings *st, struct span list)
{
	size_t at[MAX_LISTEN_ADDRESSES];
	size_t n = 0;
	bool is_all = span_is(span_trim(list), SPAN("*"));
	int rc = 0;

	if (is_all)
		list = SPAN("0.0.0.0 ::");
	while (list.len > 0) {
		struct span one = span_split(&list, ' ');

		if (one.len == 0)
			continue;
		if (n == MAX_LISTEN_ADDRESSES)
			return ERR_LIMIT;
		at[n++] = sv->addresses.len;
		buf_put(&sv->addresses, one);
		buf_put_char(&sv->addresses, '\0');
	}
	if (buf_failed(&sv->addresses))
		return ERR_LIMIT;
	for (size_t i = 0; i < sv->app->n_ports; i++) {
		uint64_t port = st->n[sv->app->ports[i].port];

		for (size_t k = 0; k < n && port > 0 && rc == 0; k++)
			rc = add_port(sv, &sv->app->ports[i], port, at[k],
			    is_all && k == 1);
	}
	return rc;
}

static int
prepare_store(struct serve *sv, struct store *s, struct buf *why)
{
	struct settings st;
	struct buf list;
	int rc = 0;

	if (!settings_is_set_up(s)) {
		buf_put_str(why, "This store is not set up yet, so its ports "
		                 "stay closed: `tinpost init` sets it up.");
		return ERR_INVALID;
	}
	settings_load(&st, s);
	open_log(&st);
	if (!certs_exist(s, SPAN("")))
		rc = certs_make(s);
	if (rc < 0) {
		buf_putf(
		    why, "No certificate could be made: %s.", err_text(rc));
		return rc;
	}
	buf_init(&list, 1024);
	rc = settings_text(s, SET_LISTEN, &list);
	if (rc == 0)
		rc = choose_ports(
		    sv, &st, sv->listen.len > 0 ? sv->listen : buf_span(&list));
	if (rc < 0)
		buf_put_str(why, "listen.addresses names too many addresses.");
	buf_deinit(&list);
	return rc;
}

/* Read what is needed from the store, and let it go again: the server opens
 * it anew, and with it what it recovers. */
static int
prepare(struct serve *sv, struct buf *why)
{
	struct store *s = NULL;
	int rc = owner_enter(sv->folder);

	if (rc == 0)
		rc = open_store(sv->folder, &s, why);
	if (rc == ERR_BUSY) {
		buf_reset(why);
		buf_putf(why,
		    "A server or a long command has %s open already: "
		    "`tinpost --data %s status` tells more.",
		    sv->folder, sv->folder);
	}
	if (rc == ERR_NONE)
		buf_putf(why,
		    "There is no store in %s: `tinpost init` makes "
		    "one; --data FOLDER names another place.",
		    sv->folder);
	if (rc == 0)
		rc = prepare_store(sv, s, why);
	if (rc == 0)
		rc = store_flush(s);
	store_close(s);
	owner_leave();
	if (rc < 0 && why->len == 0)
		buf_putf(why, "%s: %s.", sv->folder, err_text(rc));
	return rc;
}

/* The server runs as the owner of the data folder. */
static void
choose_user(struct serve *sv, struct parent_options *o)
{
	struct stat st;
	struct log l;

	if (geteuid() != 0 || stat(sv->folder, &st) < 0)
		return;
	o->uid = st.st_uid;
	o->gid = st.st_gid;
	if (o->uid != 0)
		return;
	log_begin(&l, LOG_WARN, "serve.as-root");
	log_str(&l, "advice",
	    SPAN("give the data folder to a user of its own (chown -R)"));
	log_end(&l);
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
	rc = prepare(&sv, &why);
	if (rc == 0) {
		o.ports = sv.ports;
		o.n_ports = sv.n_ports;
		o.folder = sv.folder;
		choose_user(&sv, &o);
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
