/* bench.h - a loop with an echo server, and clients, in one process. */
#ifndef TINPOST_TESTS_NET_BENCH_H
#define TINPOST_TESTS_NET_BENCH_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/net.h"
#include "test.h"

static inline void
bench_sleep(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

/* What a session of the test server does. */
struct session {
	struct conn *c;
	struct bench *b;
	char line[1000]; /* as large as a real one */
};

struct bench {
	struct loop *loop;
	struct listener *listener;
	uint16_t port;
	bool is_dirty;
	int flush_result;
	int n_flushes, n_sessions, n_freed, n_idle, n_refused;
	/* Called in the step instead of the echo; may be NULL. */
	void (*step)(struct session *);
	int64_t deadline_ms;
	enum listen_refusal last_refusal;
	struct session *last;
};

static inline bool
bench_is_dirty(void *arg)
{
	return ((struct bench *)arg)->is_dirty;
}

static inline int
bench_flush(void *arg)
{
	struct bench *b = arg;

	b->n_flushes++;
	b->is_dirty = false;
	return b->flush_result;
}

static inline int
bench_idle(void *arg)
{
	((struct bench *)arg)->n_idle++;
	return 0;
}

/* Echo what there is room for; "quit" closes, "tls" switches. */
static inline void
bench_echo(struct session *s)
{
	struct span in = conn_in(s->c);
	size_t room = conn_out_room(s->c);

	if (conn_timed_out(s->c)) {
		conn_put_str(s->c, "late\n");
		conn_close(s->c);
		return;
	}
	conn_set_deadline(s->c, s->b->deadline_ms);
	if (span_is(in, SPAN("quit"))) {
		conn_put_str(s->c, "bye");
		conn_close(s->c);
		conn_consume(s->c, in.len); /* allowed, and nothing */
		return;
	}
	if (span_starts(in, SPAN("tls\n"))) {
		conn_put_str(s->c, "go\n");
		conn_start_tls(s->c);
		return;
	}
	in = span_sub(in, 0, room);
	conn_put(s->c, in);
	conn_consume(s->c, in.len);
	if (conn_is_eof(s->c) && conn_in(s->c).len == 0)
		conn_close(s->c);
}

static inline void
bench_step(void *session)
{
	struct session *s = session;

	if (s->b->step)
		s->b->step(s);
	else
		bench_echo(s);
}

static inline void
bench_free(void *session)
{
	struct session *s = session;

	s->b->n_freed++;
	if (s->b->last == s)
		s->b->last = NULL;
	mem_free(s);
}

static inline void
bench_accept(struct conn *c, enum listen_refusal why, void *arg)
{
	static const struct conn_ops ops = { bench_step, bench_free };
	struct bench *b = arg;
	struct session *s;

	b->last_refusal = why;
	if (why != LISTEN_OK) {
		b->n_refused++;
		conn_put_str(c, "421 later\r\n");
		conn_close(c);
		return;
	}
	s = mem_alloc(sizeof(*s));
	if (s == NULL)
		return;
	s->c = c;
	s->b = b;
	b->n_sessions++;
	b->last = s;
	conn_attach(c, &ops, s);
	conn_set_deadline(c, b->deadline_ms);
	conn_put_str(c, "hi\n");
}

static inline void
bench_open(struct bench *b, struct tls_config *tls, bool is_tls)
{
	struct loop_hooks hooks = { .arg = b,
		.is_dirty = bench_is_dirty,
		.flush = bench_flush,
		.idle = bench_idle };
	struct listen_options o = { .name = "test",
		.tls = tls,
		.is_tls = is_tls,
		.alpn = "imap",
		.accept = bench_accept,
		.arg = b };
	int fd = -1;

	log_open(LOG_TO_NOTHING, LOG_FAULT);
	*b = (struct bench){ .deadline_ms = 60000 };
	REQUIRE(loop_new(&hooks, &b->loop) == 0);
	REQUIRE(listen_bind("127.0.0.1", 0, &fd) == 0);
	b->port = listen_port(fd);
	REQUIRE(listen_open(b->loop, fd, &o, &b->listener) == 0);
}

static inline void
bench_close(struct bench *b)
{
	loop_free(b->loop);
	CHECK(b->n_freed == b->n_sessions);
}

static inline void
bench_turns(struct bench *b, int n)
{
	for (int i = 0; i < n; i++)
		REQUIRE(loop_turn(b->loop, 0) == 0);
}

static inline int
bench_connect(const struct bench *b)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons(b->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int one = 1;

	REQUIRE(fd >= 0);
	REQUIRE(connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* What came, at most cap bytes, without waiting: the length, 0 at the end, -1
 * for nothing, -2 for a reset. */
static inline int
bench_recv(int fd, char *p, size_t cap)
{
	ssize_t n = recv(fd, p, cap, MSG_DONTWAIT);

	if (n >= 0)
		return (int)n;
	return errno == EAGAIN ? -1 : -2;
}

/* Turn until exactly this text has come. */
static inline bool
bench_expect(struct bench *b, int fd, const char *want)
{
	char got[256];
	size_t len = 0;

	for (int i = 0; i < 200 && len < strlen(want); i++) {
		int n;

		REQUIRE(loop_turn(b->loop, 0) == 0);
		n = bench_recv(fd, got + len, strlen(want) - len);
		if (n == 0 || n == -2)
			break;
		if (n > 0)
			len += (size_t)n;
	}
	return span_is(span_of(got, len), span_str(want));
}

#endif
