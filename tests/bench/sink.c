/* sink.c - a mail server that takes everything and keeps nothing: where the
 * relays of the benchmark send to. It costs less than they do.
 *
 * usage: sink FILE
 *
 * Listens on 127.0.0.1, prints the port, and counts the messages that it has
 * taken in the first eight bytes of FILE, in the order of this machine.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_BYTES  (64 * 1024)
#define OUT_BYTES (16 * 1024)

struct conn {
	int fd;
	int is_data, is_over;
	size_t in_len, out_len;
	char in[IN_BYTES];
	char out[OUT_BYTES];
};

static volatile uint64_t *n_taken;

static void
fail(const char *what)
{
	fprintf(stderr, "sink: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
say(struct conn *c, const char *words)
{
	size_t len = strlen(words);

	if (c->out_len + len > OUT_BYTES)
		c->is_over = 1; /* asks without listening */
	else
		memcpy(c->out + c->out_len, words, len), c->out_len += len;
}

static void
answer(struct conn *c, const char *line)
{
	if (strncasecmp(line, "EHLO", 4) == 0)
		say(c, "250-sink.test\r\n250-PIPELINING\r\n250-SIZE\r\n"
		       "250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n");
	else if (strncasecmp(line, "DATA", 4) == 0)
		say(c, "354 Go on\r\n"), c->is_data = 1;
	else if (strncasecmp(line, "QUIT", 4) == 0)
		say(c, "221 2.0.0 Bye\r\n"), c->is_over = 1;
	else
		say(c, "250 2.0.0 Ok\r\n");
}

/* Work off what came. Of a text only what may be the begin of its end stays. */
static void
work(struct conn *c)
{
	char *p = c->in, *end = c->in + c->in_len, *stop;

	while (!c->is_over) {
		if (c->is_data) {
			stop = memmem(p, (size_t)(end - p), "\r\n.\r\n", 5);
			if (stop == NULL) {
				if (end - p > 4)
					p = end - 4;
				break;
			}
			p = stop + 5;
			c->is_data = 0;
			++*n_taken;
			say(c, "250 2.0.0 Taken\r\n");
			continue;
		}
		stop = memchr(p, '\n', (size_t)(end - p));
		if (stop == NULL)
			break;
		answer(c, p);
		/* A text may be empty: its end needs the CRLF before it. */
		p = c->is_data ? stop - 1 : stop + 1;
	}
	c->in_len = (size_t)(end - p);
	memmove(c->in, p, c->in_len);
}

/* Returns 0 when the connection is over. */
static int
serve(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, IN_BYTES - c->in_len, 0);

	if (n <= 0)
		return 0;
	c->in_len += (size_t)n;
	work(c);
	/* Replies are short, and whoever waits for them reads them. */
	if (c->out_len > 0 && send(c->fd, c->out, c->out_len, MSG_NOSIGNAL) !=
	                          (ssize_t)c->out_len)
		return 0;
	c->out_len = 0;
	return !c->is_over && c->in_len < IN_BYTES;
}

static void
take_in(int ep, int listener)
{
	struct conn *c = calloc(1, sizeof(*c));
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	int one = 1;

	if (c == NULL)
		fail("memory");
	c->fd = accept(listener, NULL, NULL);
	if (c->fd < 0) {
		free(c);
		return;
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (send(c->fd, "220 sink.test\r\n", 15, MSG_NOSIGNAL) != 15 ||
	    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e) < 0)
		fail("connection");
}

static int
listen_here(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0 ||
	    listen(fd, 512) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) < 0)
		fail("listen");
	printf("%d\n", ntohs(sin.sin_port));
	fflush(stdout);
	return fd;
}

static void
map_count(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd < 0 || ftruncate(fd, 8) < 0)
		fail(path);
	n_taken = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (n_taken == MAP_FAILED)
		fail(path);
	close(fd);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[64], e = { .events = EPOLLIN };
	int ep = epoll_create1(0), listener;

	if (argc != 2)
		fail("usage: sink FILE");
	map_count(argv[1]);
	listener = listen_here();
	if (epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e) < 0)
		fail("epoll");
	for (;;) {
		int n = epoll_wait(ep, events, 64, -1);

		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (c == NULL) {
				take_in(ep, listener);
			} else if (!serve(c)) {
				close(c->fd);
				free(c);
			}
		}
	}
}
