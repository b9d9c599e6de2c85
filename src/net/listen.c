#define _GNU_SOURCE /* accept4, struct ucred */
#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/conn_impl.h"
#include "net/loop_impl.h"

/* How many are accepted in one turn from one port. */
#define ACCEPTS_A_TURN 16
/* Without descriptors: how long nothing is accepted. */
#define REST_MS 200
/* How many connections past the maximum may be on their way out with a polite
 * word; more are closed without. */
#define MAX_TURNED_AWAY 32

struct listener {
	struct list link;
	struct loop *loop;
	struct watch watch;
	struct timer rest;
	struct listen_options o;
};

struct listener *
listener_of(struct list *link)
{
	return LIST_OF(link, struct listener, link);
}

/* Why must this one be turned away, if it must? */
static enum listen_refusal
judge(const struct loop *l, const struct conn *c)
{
	uint32_t n_host = 0, n_network = 0;

	if (l->stats.n_conns > l->limits.max_conns)
		return LISTEN_TOO_MANY;
	if (mem_is_tight())
		return LISTEN_NO_MEMORY;
	if (peer_is_loopback(&c->peer))
		return LISTEN_OK;
	for (struct list *i = l->conns.next; i != &l->conns; i = i->next) {
		const struct conn *d = LIST_OF(i, struct conn, all_link);

		n_host += d->host_hash == c->host_hash;
		n_network += d->network_hash == c->network_hash;
	}
	if (n_host > l->limits.max_per_host ||
	    n_network > l->limits.max_per_network)
		return LISTEN_TOO_MANY_NETWORK;
	return LISTEN_OK;
}

static void
log_refusal(
    const struct listener *ls, const struct conn *c, enum listen_refusal why)
{
	static const char *const words[] = { "ok", "connections", "network",
		"memory" };
	struct loop *l = ls->loop;
	int64_t now = clock_mono_ms();
	struct log line;
	struct buf who;
	char text[64];

	/* A flood must not wear out the log. */
	if (l->refusal_logged_ms != 0 && now - l->refusal_logged_ms < 1000)
		return;
	l->refusal_logged_ms = now;
	buf_init_fixed(&who, text, sizeof(text));
	peer_put(&who, &c->peer);
	log_begin(&line, LOG_WARN, "conn.refused");
	log_str(&line, "port", span_str(ls->o.name));
	log_str(&line, "peer", buf_span(&who));
	log_str(&line, "limit", span_str(words[why]));
	log_num(&line, "refused_so_far", l->stats.n_refused);
	log_end(&line);
}

static void
learn_ends(struct conn *c)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);
	struct ucred cred;
	int one = 1;

	if (getpeername(c->watch.fd, (struct sockaddr *)&sa, &len) == 0)
		peer_from_sockaddr((struct sockaddr *)&sa, &c->peer);
	len = sizeof(sa);
	if (getsockname(c->watch.fd, (struct sockaddr *)&sa, &len) == 0)
		peer_from_sockaddr((struct sockaddr *)&sa, &c->self);
	c->host_hash = peer_host(&c->peer);
	c->network_hash = peer_network(&c->peer);
	if (sa.ss_family == AF_UNIX) {
		c->peer.family = PEER_LOCAL;
		len = sizeof(cred);
		if (getsockopt(c->watch.fd, SOL_SOCKET, SO_PEERCRED, &cred,
		        &len) == 0) {
			c->peer.pid = (uint32_t)cred.pid;
			c->peer.uid = cred.uid;
			c->peer.gid = cred.gid;
		} else {
			c->peer.uid = c->peer.gid = UINT32_MAX;
		}
		return;
	}
	/* Replies are whole when they are sent: no waiting for more. */
	(void)setsockopt(
	    c->watch.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void
welcome(struct listener *ls, int fd)
{
	struct loop *l = ls->loop;
	enum listen_refusal why;
	struct conn *c;

	if (l->stats.n_conns >= l->limits.max_conns + MAX_TURNED_AWAY ||
	    conn_new(l, fd, &c) < 0) {
		l->stats.n_refused++;
		close(fd);
		return;
	}
	learn_ends(c);
	c->tls_config = ls->o.tls;
	c->alpn = ls->o.alpn;
	why = judge(l, c);
	if (why != LISTEN_OK) {
		l->stats.n_refused++;
		log_refusal(ls, c, why);
	} else {
		l->stats.n_accepted++;
	}
	if (ls->o.is_tls && why == LISTEN_OK)
		conn_shake(c);
	if (ls->o.is_tls && c->state != CONN_SHAKING) {
		conn_abort(c);
		return;
	}
	ls->o.accept(c, why, ls->o.arg);
	if (c->session == NULL && !conn_is_closing(c))
		conn_abort(c);
	conn_update(c);
}

/* No descriptors: free the spare one to take the first in the queue and close
 * it, so that its client learns at once, and rest. */
static void
run_short(struct listener *ls)
{
	struct loop *l = ls->loop;
	struct log line;
	int fd;

	log_begin(&line, LOG_WARN, "conn.no_descriptors");
	log_str(&line, "port", span_str(ls->o.name));
	log_end(&line);
	if (l->spare_fd >= 0) {
		close(l->spare_fd);
		fd = accept4(ls->watch.fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			close(fd);
		l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	l->stats.n_refused++;
	if (loop_set_timer(l, &ls->rest, REST_MS) == 0)
		loop_clear_watch(l, &ls->watch);
}

static void
on_rested(struct timer *t)
{
	struct listener *ls = LIST_OF(t, struct listener, rest);

	if (loop_set_watch(ls->loop, &ls->watch, EPOLLIN) < 0 &&
	    loop_set_timer(ls->loop, t, REST_MS) < 0)
		loop_stop(ls->loop); /* a server that accepts no more */
}

static void
on_incoming(struct watch *w, uint32_t events)
{
	struct listener *ls = LIST_OF(w, struct listener, watch);

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = -1;

		errno = EMFILE;
		if (!fault_hit(FAULT_ACCEPT))
			fd = accept4(
			    w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			welcome(ls, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			run_short(ls);
		return;
	}
}

int
listen_open(struct loop *l, int fd, const struct listen_options *options,
    struct listener **out)
{
	struct listener *ls;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return ERR_IO;
	ls = mem_alloc(sizeof(*ls));
	if (ls == NULL)
		return ERR_NOMEM;
	ls->loop = l;
	ls->o = *options;
	watch_init(&ls->watch, fd, on_incoming);
	timer_init(&ls->rest, on_rested);
	if (loop_set_watch(l, &ls->watch, EPOLLIN) < 0) {
		mem_free(ls);
		return ERR_IO;
	}
	list_add(&l->listeners, &ls->link);
	*out = ls;
	return 0;
}

void
listen_close(struct listener *ls)
{
	if (ls == NULL)
		return;
	loop_clear_timer(ls->loop, &ls->rest);
	loop_clear_watch(ls->loop, &ls->watch);
	list_remove(&ls->link);
	close(ls->watch.fd);
	mem_free(ls);
}

void
listen_set_limits(struct loop *l, const struct listen_limits *limits)
{
	l->limits = *limits;
}

bool
listen_is_ours(const struct loop *l, const struct peer *to)
{
	for (struct list *i = l->listeners.next; i != &l->listeners;
	     i = i->next) {
		struct sockaddr_storage sa = { 0 };
		socklen_t len = sizeof(sa);
		struct peer own, any;

		if (getsockname(listener_of(i)->watch.fd,
		        (struct sockaddr *)&sa, &len) < 0)
			continue;
		peer_from_sockaddr((struct sockaddr *)&sa, &own);
		any = (struct peer){ .family = own.family };
		if (own.family != to->family || own.port != to->port ||
		    own.family == PEER_LOCAL)
			continue;
		if (memcmp(own.addr, to->addr, sizeof(own.addr)) == 0)
			return true;
		if (memcmp(own.addr, any.addr, sizeof(own.addr)) == 0 &&
		    peer_is_here(to))
			return true;
	}
	return false;
}
