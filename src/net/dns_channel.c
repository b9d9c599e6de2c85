#include "net/dns_channel.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <ares.h> /* wants the above */

#include "base/mem.h"
#include "net/dns_answer.h"

/* One by UDP and one by TCP for each resolver. */
#define MAX_SOCKETS (2 * DNS_MAX_SERVERS)

struct dns_socket {
	struct watch watch;
	struct dns_channel *ch;
	bool is_used;
};

struct dns_channel {
	struct loop *loop;
	ares_channel ares;
	struct timer timer;
	struct dns_socket sockets[MAX_SOCKETS];
};

/* Look again when the next try is due. */
static void
set_timer(struct dns_channel *ch)
{
	struct timeval room, *left = ares_timeout(ch->ares, NULL, &room);
	int64_t ms;

	if (left == NULL) {
		loop_clear_timer(ch->loop, &ch->timer);
		return;
	}
	/* It has cut off what is less than a millisecond. */
	ms = (int64_t)left->tv_sec * 1000 + left->tv_usec / 1000 + 1;
	/* A timer that is set is moved without memory; without one the next
	 * packet moves the tries on, or the next question. */
	(void)!loop_set_timer(ch->loop, &ch->timer, ms);
}

static void
on_timer(struct timer *t)
{
	struct dns_channel *ch = LIST_OF(t, struct dns_channel, timer);

	ares_process_fd(ch->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(ch);
}

static void
on_ready(struct watch *w, uint32_t events)
{
	struct dns_socket *s = LIST_OF(w, struct dns_socket, watch);
	struct dns_channel *ch = s->ch;
	bool is_readable = (events & ~(uint32_t)EPOLLOUT) != 0;
	bool is_writable = (events & EPOLLOUT) != 0;

	ares_process_fd(ch->ares, is_readable ? w->fd : ARES_SOCKET_BAD,
	    is_writable ? w->fd : ARES_SOCKET_BAD);
	set_timer(ch);
}

/* The socket of this descriptor, or an unused one for it. */
static struct dns_socket *
socket_of(struct dns_channel *ch, int fd)
{
	struct dns_socket *free_one = NULL;

	for (size_t i = 0; i < MAX_SOCKETS; i++) {
		struct dns_socket *s = &ch->sockets[i];

		if (s->is_used && s->watch.fd == fd)
			return s;
		if (!s->is_used)
			free_one = s;
	}
	if (free_one == NULL)
		return NULL;
	free_one->ch = ch;
	free_one->is_used = true;
	watch_init(&free_one->watch, fd, on_ready);
	return free_one;
}

/* c-ares tells what it wants to know of a socket; nothing: it closes it. A
 * socket that cannot be watched is one that never answers. */
static void
on_socket(void *arg, ares_socket_t fd, int reads, int writes)
{
	struct dns_channel *ch = arg;
	struct dns_socket *s = socket_of(ch, fd);
	uint32_t events = (reads ? EPOLLIN : 0) | (writes ? EPOLLOUT : 0);

	if (s == NULL)
		return;
	if (loop_set_watch(ch->loop, &s->watch, events) < 0)
		s->watch.events = 0;
	s->is_used = events != 0;
}

static void
on_answer(void *arg, int status, int n_timeouts, unsigned char *p, int len)
{
	struct span answer = { 0 };

	(void)n_timeouts;
	if (status == ARES_SUCCESS)
		answer = span_of(p, (size_t)len);
	if (status != ARES_EDESTRUCTION) {
		struct dns_asked *q = arg;

		q->ended(q, answer);
	}
}

/* The addresses as c-ares takes them. */
static int
set_servers(struct dns_channel *ch, const struct dns_servers *servers)
{
	struct ares_addr_port_node nodes[DNS_MAX_SERVERS];

	memset(nodes, 0, sizeof(nodes));
	for (size_t i = 0; i < servers->n; i++) {
		struct ares_addr_port_node *n = &nodes[i];
		const struct peer *p = &servers->at[i];

		n->next = i + 1 < servers->n ? n + 1 : NULL;
		n->udp_port = n->tcp_port = p->port;
		n->family = p->family == PEER_IP4 ? AF_INET : AF_INET6;
		if (n->family == AF_INET)
			memcpy(&n->addr.addr4, p->addr, 4);
		else
			memcpy(&n->addr.addr6, p->addr, 16);
	}
	return ares_set_servers_ports(ch->ares, nodes) == ARES_SUCCESS
	           ? 0
	           : ERR_NOMEM;
}

/* With all of this set c-ares reads no file: the resolvers are ours to find,
 * and no list of domains is wanted. */
#define ALL_OPTIONS                                                            \
	(ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |                \
	    ARES_OPT_NDOTS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS |             \
	    ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST | ARES_OPT_EDNSPSZ |          \
	    ARES_OPT_SOCK_STATE_CB)

int
dns_channel_open(struct loop *l, const struct dns_channel_options *o,
    struct dns_channel **out)
{
	char lookups[] = "b";
	struct ares_options ao = { .flags = ARES_FLAG_EDNS,
		.timeout = (int)o->timeout_ms,
		.tries = o->tries,
		.ndots = 1,
		.lookups = lookups,
		.ednspsz = DNS_UDP_BYTES };
	struct dns_channel *ch = mem_alloc(sizeof(*ch));

	if (ch == NULL)
		return ERR_NOMEM;
	ch->loop = l;
	timer_init(&ch->timer, on_timer);
	ao.sock_state_cb = on_socket;
	ao.sock_state_cb_data = ch;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    ares_init_options(&ch->ares, &ao, ALL_OPTIONS) != ARES_SUCCESS ||
	    set_servers(ch, o->servers) < 0) {
		dns_channel_close(ch);
		return ERR_NOMEM;
	}
	*out = ch;
	return 0;
}

void
dns_channel_close(struct dns_channel *ch)
{
	if (ch == NULL)
		return;
	ares_destroy(ch->ares); /* NULL is fine */
	loop_clear_timer(ch->loop, &ch->timer);
	mem_free(ch);
	ares_library_cleanup();
}

void
dns_channel_ask(
    struct dns_channel *ch, struct span message, struct dns_asked *q)
{
	ares_send(ch->ares, (const unsigned char *)message.p, (int)message.len,
	    on_answer, q);
	set_timer(ch);
}
