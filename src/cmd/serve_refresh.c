/* serve_refresh.c - settings that take effect at once. */
#include <sys/stat.h>
#include <unistd.h>

#include "admin/certs.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/serve_in.h"

static size_t
memory_budget(const struct settings *st)
{
	uint64_t bytes = st->n[SET_MEMORY];
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	if (bytes == 0 && pages > 0 && page > 0)
		bytes = (uint64_t)pages * (uint64_t)page / 4;
	return bytes > SIZE_MAX / 4 ? SIZE_MAX / 4 : (size_t)bytes;
}

struct auth_options
serve_refresh_auth(const struct settings *st)
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

int
serve_refresh_dns(struct serve *sv)
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

void
serve_refresh_log(const struct settings *st)
{
	log_open((enum log_target)st->n[SET_LOG_TARGET],
	    (enum log_level)st->n[SET_LOG_LEVEL]);
}

void
serve_refresh(void *arg)
{
	struct serve *sv = arg;
	struct serve_parts parts;
	struct listen_limits limits;
	struct auth_options o;
	struct log l;
	int rc;

	settings_load(&sv->settings, sv->store);
	serve_refresh_log(&sv->settings);
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
	o = serve_refresh_auth(&sv->settings);
	auth_set_options(sv->auth, &o);
	buf_reset(&sv->host);
	if (settings_text(sv->store, SET_HOST_NAME, &sv->host) < 0)
		buf_put_str(&sv->host, "localhost");
	set_anchors(sv);
	rc = serve_refresh_dns(sv);
	if (rc < 0) { /* the old ones go on */
		log_begin(&l, LOG_FAULT, "dns.refused");
		log_err(&l, "reason", rc);
		log_end(&l);
	}
	parts = (struct serve_parts){ &sv->settings, sv->store, sv->auth,
		sv->loop, sv->dns, buf_span(&sv->host) };
	sv->app->refresh(&parts);
}

int
serve_refresh_cert(void *arg, struct buf *why)
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
