/* storm.c - deliver many mails over some connections at once, each waiting
 * for its replies as a mail server does: a client that costs less than the
 * server, so that the server's own limits are what shows.
 *
 * usage: storm PORT CONNECTIONS MESSAGES SEED
 *
 * Prints the messages acknowledged and the microseconds it took. Ends with 1
 * when a reply is not the one that it waits for.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 512
#define MAIL_BYTES	4096
#define N_PEOPLE	100

enum state { GREETING, EHLO, ENVELOPE, STORED };

struct client {
	int fd;
	enum state state;
	int n_replies; /* final lines of the envelope still to come */
	char line[2048];
	size_t len;
};

static struct client clients[MAX_CONNECTIONS];
static struct pollfd polls[MAX_CONNECTIONS];
static long n_left, n_stored;

static void
fail(const char *what)
{
	fprintf(stderr, "storm: %s\n", what);
	exit(1);
}

static void
put(struct client *c, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(c->fd, text, len);

		if (n <= 0)
			fail("the connection broke");
		text += n;
		len -= (size_t)n;
	}
}

static void
put_mail(struct client *c)
{
	static const char *const words[] = { "the", "invoice", "of", "and",
		"meeting", "to", "please", "tomorrow", "attached", "we", "is",
		"project", "regards", "in", "you", "office", "for", "number",
		"about", "with", "they", "water", "people", "first" };
	char mail[MAIL_BYTES + 400];
	size_t len = (size_t)sprintf(mail,
	    "From: Sender %d <s%d@client.test>\r\n"
	    "Subject: About %s and %s\r\n"
	    "Date: Mon, 23 Nov 2026 09:48:00 +0000\r\n"
	    "Message-ID: <%x.%x@client.test>\r\n\r\n",
	    rand() % 1000, rand() % 1000, words[rand() % 24],
	    words[rand() % 24], rand(), rand());
	size_t column = 0;

	while (len < MAIL_BYTES) {
		len += (size_t)sprintf(mail + len, "%s ", words[rand() % 24]);
		if (len - column > 66) {
			len += (size_t)sprintf(mail + len, "%d\r\n", rand());
			column = len;
		}
	}
	len += (size_t)sprintf(mail + len, "\r\n.\r\n");
	put(c, mail, len);
}

static void
begin_mail(struct client *c)
{
	char text[200];
	int len = snprintf(text, sizeof(text),
	    "MAIL FROM:<s%d@client.test>\r\n"
	    "RCPT TO:<u%d@example.test>\r\nDATA\r\n",
	    rand() % 1000, rand() % N_PEOPLE + 1);

	n_left--;
	c->state = ENVELOPE;
	c->n_replies = 3;
	put(c, text, (size_t)len);
}

static void
next_mail(struct client *c)
{
	if (n_left > 0) {
		begin_mail(c);
		return;
	}
	close(c->fd);
	c->fd = -1;
}

static void
take_reply(struct client *c, const char *line)
{
	if (line[3] == '-')
		return;
	switch (c->state) {
	case GREETING:
		if (line[0] != '2')
			fail(line);
		put(c, "EHLO storm.test\r\n", 17);
		c->state = EHLO;
		break;
	case EHLO:
		if (line[0] != '2')
			fail(line);
		next_mail(c);
		break;
	case ENVELOPE:
		if (line[0] != (c->n_replies == 1 ? '3' : '2'))
			fail(line);
		if (--c->n_replies > 0)
			break;
		c->state = STORED;
		put_mail(c);
		break;
	case STORED:
		if (line[0] != '2')
			fail(line);
		n_stored++;
		next_mail(c);
		break;
	}
}

static void
read_replies(struct client *c)
{
	ssize_t n = read(c->fd, c->line + c->len, sizeof(c->line) - 1 - c->len);
	char *end;

	if (n <= 0)
		fail("the connection ended");
	c->len += (size_t)n;
	c->line[c->len] = 0;
	while (c->fd >= 0 && (end = strstr(c->line, "\r\n")) != NULL) {
		size_t used = (size_t)(end + 2 - c->line);

		*end = 0;
		take_reply(c, c->line);
		memmove(c->line, c->line + used, c->len + 1 - used);
		c->len -= used;
	}
}

static int
dial(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((unsigned short)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("no connection");
	return fd;
}

static long
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int
main(int argc, char **argv)
{
	int n = argc == 5 ? atoi(argv[2]) : 0;
	long start;

	if (n < 1 || n > MAX_CONNECTIONS)
		fail("usage: storm PORT CONNECTIONS MESSAGES SEED");
	n_left = atol(argv[3]);
	srand((unsigned)atoi(argv[4]));
	start = now_us();
	for (int i = 0; i < n; i++)
		clients[i].fd = dial(atoi(argv[1]));
	for (;;) {
		int n_open = 0;

		for (int i = 0; i < n; i++) {
			polls[i].fd = clients[i].fd;
			polls[i].events = POLLIN;
			n_open += clients[i].fd >= 0;
		}
		if (n_open == 0)
			break;
		if (poll(polls, (nfds_t)n, 60000) <= 0)
			fail("no answer within a minute");
		for (int i = 0; i < n; i++)
			if (clients[i].fd >= 0 && polls[i].revents != 0)
				read_replies(&clients[i]);
	}
	printf("%ld %ld\n", n_stored, now_us() - start);
	return 0;
}
