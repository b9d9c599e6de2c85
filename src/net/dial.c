#include "net/dial.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/conn_impl.h"
#include "net/loop_impl.h"
#include "net/tls_impl.h"

/* What an outgoing connection has beside struct conn. */
struct dialed {
	int failed; /* an ERR_ code, or 0 */
	const char *why;
	bool is_tls; /* from the first byte */
	bool must_verify;
	bool sends_sni;
	size_t host_len;
	char host[256];
};

static int
set_tls(struct dialed *d, const struct tls_client *how)
{
	if (how->host.len >= sizeof(d->host) ||
	    (how->must_verify && how->host.len == 0))
		return ERR_INVALID;
	d->must_verify = how->must_verify;
	d->sends_sni = how->sends_sni;
	d->host_len = how->host.len;
	if (how->host.len > 0)
		memcpy(d->host, how->host.p, how->host.len);
	return 0;
}

/* A socket on its way there. *failed_out: what connect has said at once. */
static int
begin(const struct dial_options *o, int *fd_out, int *failed_out)
{
	struct sockaddr_storage sa;
	socklen_t len = peer_to_sockaddr(&o->to, &sa);
	int one = 1;
	int fd =
	    socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*failed_out = 0;
	if (fd < 0 && errno != EAFNOSUPPORT)
		return ERR_IO;
	if (fd < 0) { /* a kernel without IPv6: any socket, never used */
		*failed_out = EAFNOSUPPORT;
		fd = socket(
		    AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		*fd_out = fd;
		return fd < 0 ? ERR_IO : 0;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (o->from != NULL) {
		struct sockaddr_storage own;
		socklen_t own_len = peer_to_sockaddr(o->from, &own);

		if (bind(fd, (struct sockaddr *)&own, own_len) < 0) {
			close(fd);
			return ERR_IO;
		}
	}
	if (connect(fd, (struct sockaddr *)&sa, len) < 0 &&
	    errno != EINPROGRESS)
		*failed_out = errno;
	*fd_out = fd;
	return 0;
}

static void
fail_errno(struct conn *c, int e)
{
	switch (e) {
	case ECONNREFUSED:
		dial_fail(c, ERR_REFUSED, "the host refused the connection");
		break;
	case ETIMEDOUT:
		dial_fail(c, ERR_TIMEOUT, "the host did not answer in time");
		break;
	case ENETUNREACH:
	case EAFNOSUPPORT:
	case EADDRNOTAVAIL:
		dial_fail(c, ERR_UNREACHABLE, "there is no way to its network");
		break;
	default:
		dial_fail(c, ERR_UNREACHABLE, "the host cannot be reached");
		break;
	}
}

int
dial(struct loop *l, const struct dial_options *o, const struct conn_ops *ops,
    void *session, struct conn **out)
{
	struct dialed *d;
	struct conn *c = NULL;
	int fd = -1, failed, rc;

	assert(o->to.family != PEER_LOCAL);
	d = mem_alloc(sizeof(*d));
	if (d == NULL)
		return ERR_NOMEM;
	d->is_tls = o->is_tls;
	rc = o->is_tls ? set_tls(d, &o->tls) : 0;
	if (rc == 0)
		rc = begin(o, &fd, &failed);
	if (rc == 0)
		rc = conn_new(l, fd, &c);
	if (rc < 0) {
		if (fd >= 0)
			close(fd);
		mem_free(d);
		return rc;
	}
	c->dialed = d;
	c->peer = o->to;
	conn_attach(c, ops, session);
	conn_enter(c, CONN_DIALING);
	if (failed != 0)
		fail_errno(c, failed);
	else if (loop_set_timer(l, &c->timer, o->timeout_ms) < 0)
		dial_fail(c, ERR_UNREACHABLE, "not enough memory");
	conn_update(c);
	*out = c;
	return 0;
}

void
dial_fail(struct conn *c, int code, const char *why)
{
	c->dialed->failed = code;
	c->dialed->why = why;
	c->in_len = 0;
	conn_enter(c, CONN_FAILED);
	if (c->wire.len > 0)
		conn_schedule_write(c); /* an alert */
	conn_wake(c);
}

void
dial_run(struct conn *c)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(int);
	int e = 0;

	if (getsockopt(c->watch.fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
		e = errno;
	len = sizeof(sa);
	/* Spurious: neither failed nor connected yet. */
	if (e == 0 &&
	    getpeername(c->watch.fd, (struct sockaddr *)&sa, &len) < 0)
		return;
	if (e != 0) {
		fail_errno(c, e);
		return;
	}
	len = sizeof(sa);
	if (getsockname(c->watch.fd, (struct sockaddr *)&sa, &len) == 0)
		peer_from_sockaddr((struct sockaddr *)&sa, &c->self);
	if (c->dialed->is_tls) {
		conn_shake(c);
		return;
	}
	conn_enter(c, CONN_OPEN);
	conn_wake(c);
}

/* The record buffers for all clients of this loop: 21 KB when there are any. */
static struct tls_buffers *
buffers_of(struct loop *l)
{
	if (l->client_buffers == NULL)
		l->client_buffers = mem_alloc(sizeof(*l->client_buffers));
	return l->client_buffers;
}

void
dial_shake(struct conn *c)
{
	const struct dialed *d = c->dialed;
	struct tls_client how = { span_of(d->host, d->host_len), d->must_verify,
		d->sends_sni };
	struct tls_buffers *lent = buffers_of(c->loop);
	struct buf none;

	if (lent == NULL ||
	    tls_io_new_client(lent, &how, c->loop->anchors, &c->tls) < 0) {
		dial_fail(c, ERR_TLS, "not enough memory for TLS");
		return;
	}
	c->loop->stats.n_tls_conns++;
	conn_enter(c, CONN_SHAKING);
	buf_init_fixed(&none, NULL, 0);
	if (tls_io_feed(c->tls, span_of(NULL, 0), &none, &c->wire) ==
	    TLS_FAILED)
		dial_fail(c, ERR_TLS, tls_io_why(c->tls));
	conn_schedule_write(c);
}

int
conn_start_tls_client(struct conn *c, const struct tls_client *how)
{
	int rc;

	assert(c->dialed != NULL && c->tls == NULL && c->state == CONN_OPEN);
	rc = set_tls(c->dialed, how);
	if (rc < 0)
		return rc;
	c->in_len = 0;
	conn_enter(c, CONN_SWITCHING);
	conn_schedule_write(c);
	conn_update(c);
	return 0;
}

int
conn_failed(const struct conn *c)
{
	return c->dialed == NULL ? 0 : c->dialed->failed;
}

const char *
conn_fail_text(const struct conn *c)
{
	return conn_failed(c) == 0 ? "" : c->dialed->why;
}

void
dial_set_anchors(struct loop *l, struct anchors *a)
{
	struct anchors *old = l->anchors;

	l->anchors = anchors_ref(a);
	anchors_free(old);
}

void
dial_free(struct dialed *d)
{
	mem_free(d);
}

void
dial_forget(struct loop *l)
{
	dial_set_anchors(l, NULL);
	if (l->client_buffers != NULL)
		wipe(l->client_buffers, sizeof(*l->client_buffers));
	mem_free(l->client_buffers);
	l->client_buffers = NULL;
}
