/* serve_prepare.c - before a server: what is bound, and as whom it runs. */
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "admin/certs.h"
#include "base/log.h"
#include "cmd/owner.h"
#include "cmd/serve_in.h"

#define MAX_LISTEN_ADDRESSES 6

/* A command that found no server may have the store for a moment. */
#define LOCK_TRIES    100
#define LOCK_PAUSE_NS 50000000

int
serve_prepare_store(const char *folder, struct store **out, struct buf *why)
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
read_store(struct serve *sv, struct store *s, struct buf *why)
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
	serve_refresh_log(&st);
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

int
serve_prepare(struct serve *sv, struct buf *why)
{
	struct store *s = NULL;
	int rc = owner_enter(sv->folder);

	if (rc == 0)
		rc = serve_prepare_store(sv->folder, &s, why);
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
		rc = read_store(sv, s, why);
	if (rc == 0)
		rc = store_flush(s);
	store_close(s);
	owner_leave();
	if (rc < 0 && why->len == 0)
		buf_putf(why, "%s: %s.", sv->folder, err_text(rc));
	return rc;
}

void
serve_prepare_user(struct serve *sv, struct parent_options *o)
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
