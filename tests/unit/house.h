/* house.h - a server and clients of it in one process, over loopback, turn by
 * turn. The header of a protocol says which before it includes this one:
 * HOUSE_ENV, the type of what its sessions share, HOUSE_ACCEPT, its
 * listen_accept, and house_furnish. */
#ifndef TINPOST_TESTS_HOUSE_H
#define TINPOST_TESTS_HOUSE_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "auth/auth_world.h"
#include "net/net.h"

struct house {
	struct world world;
	struct loop *loop;
	struct listener *listener;
	HOUSE_ENV env;
	uint16_t port;
	bool is_spread; /* each client from an address of its own */
};

struct client {
	struct house *house;
	int fd;
	struct buf got;
	bool is_closed;
};

/* The including header's: everything in h->env but store and auth. */
static inline void house_furnish(struct house *h);

static inline bool
house_is_dirty(void *arg)
{
	return store_is_dirty(((struct house *)arg)->world.store);
}

static inline int
house_flush(void *arg)
{
	return store_flush(((struct house *)arg)->world.store);
}

static inline void
house_open(struct house *h)
{
	struct loop_hooks hooks = {
		.arg = h, .is_dirty = house_is_dirty, .flush = house_flush
	};
	struct listen_options o = {
		.name = "test", .accept = HOUSE_ACCEPT, .arg = &h->env
	};
	int fd = -1;

	REQUIRE(loop_new(&hooks, &h->loop) == 0);
	world_open(&h->world, h->loop);
	house_furnish(h);
	h->env.store = h->world.store;
	h->env.auth = h->world.auth;
	REQUIRE(store_flush(h->world.store) == 0);
	REQUIRE(listen_bind("127.0.0.1", 0, &fd) == 0);
	h->port = listen_port(fd);
	REQUIRE(listen_open(h->loop, fd, &o, &h->listener) == 0);
}

static inline void
house_close(struct house *h)
{
	listen_close(h->listener);
	/* sessions go before what they use */
	for (int i = 0; i < 20; i++)
		CHECK(loop_turn(h->loop, 1) == 0);
	struct auth *auth = h->world.auth;

	auth_free(auth);
	h->world.auth = NULL;
	loop_free(h->loop);
	world_close(&h->world);
}

static inline void
house_deliver(struct house *h, uint32_t account, struct span text)
{
	struct delivery_to to = { 0 };
	struct delivery d = { .to = &to, .n_to = 1, .internal_date_s = 1 };
	struct upload *u = NULL;
	struct body body;

	REQUIRE(mailbox_find(
	            h->world.store, account, SPAN("INBOX"), &to.mailbox) == 0);
	REQUIRE(upload_new(h->world.store, &u) == 0);
	REQUIRE(upload_put(u, text) == 0);
	REQUIRE(
	    upload_finish(u, SPAN("Received: x\r\n"), SPAN(""), &body) == 0);
	d.body = &body;
	REQUIRE(mailbox_deliver(h->world.store, &d, NULL, NULL) == 0);
	upload_free(u);
	REQUIRE(store_flush(h->world.store) == 0);
}

/* Bind to an address of its own: a fuzzer opens more connections in a minute
 * than one address has ports. */
static inline void
client_spread(struct client *c)
{
	static uint32_t n;
	struct sockaddr_in sin = { .sin_family = AF_INET };

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + n++ % 50000);
	REQUIRE(bind(c->fd, (struct sockaddr *)(void *)&sin, sizeof(sin)) == 0);
}

static inline void
client_open(struct client *c, struct house *h)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(h->port) };
	struct sockaddr *sa = (struct sockaddr *)(void *)&sin;

	c->house = h;
	c->is_closed = false;
	buf_init(&c->got, 1 << 26);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	REQUIRE(c->fd >= 0);
	if (h->is_spread)
		client_spread(c);
	REQUIRE(connect(c->fd, sa, sizeof(sin)) == 0);
	REQUIRE(fcntl(c->fd, F_SETFL, O_NONBLOCK) == 0);
}

static inline void
client_close(struct client *c)
{
	close(c->fd);
	buf_deinit(&c->got);
	for (int i = 0; i < 4; i++)
		CHECK(loop_turn(c->house->loop, 1) == 0);
}

/* One turn, and take what has come. */
static inline void
client_turn(struct client *c)
{
	char piece[65536];
	ssize_t n;

	CHECK(loop_turn(c->house->loop, 1) == 0);
	while ((n = read(c->fd, piece, sizeof(piece))) > 0)
		buf_put(&c->got, span_of(piece, (size_t)n));
	if (n == 0 || (n < 0 && errno != EAGAIN))
		c->is_closed = true;
}

static inline void
client_put(struct client *c, struct span s)
{
	CHECK(write(c->fd, s.p, s.len) == (ssize_t)s.len);
}

/* Send these bytes, and wait for exactly this answer. */
static inline bool
client_says(struct client *c, const char *text, const char *answer)
{
	struct span want = span_str(answer);
	bool is_right;

	client_put(c, span_str(text));
	for (int i = 0; i < 3000 && c->got.len < want.len && !c->is_closed; i++)
		client_turn(c);
	is_right = span_starts(buf_span(&c->got), want);
	if (!is_right)
		fprintf(stderr, "C: %sS: %.*s", text, (int)c->got.len,
		    c->got.p ? c->got.p : "");
	buf_consume(&c->got, is_right ? want.len : c->got.len);
	return is_right;
}

/* Wait for the end of the connection, with nothing said before it. */
static inline bool
client_ends(struct client *c)
{
	for (int i = 0; i < 3000 && !c->is_closed; i++)
		client_turn(c);
	return c->is_closed && c->got.len == 0;
}

#define SAYS(c, text, answer)                                                  \
	CHECK_ROW(client_says(c, text, answer), text " -> " answer)

#endif
