/* load.c - a client that costs less than the servers that it measures: many
 * connections at once, each waiting for its replies as real clients do.
 *
 * usage: load smtp  PORT CONNECTIONS COUNT MAILS RECIPIENTS PEOPLE [fresh]
 *        load imap  PORT CONNECTIONS COUNT MAILS USER PASSWORD SETUP COMMAND
 *        load submit PORT CONNECTIONS COUNT MAILS USER PASSWORD DOMAIN
 *        load login PORT CONNECTIONS COUNT MAILS USER PASSWORD
 *        load pop3  PORT CONNECTIONS COUNT MAILS USER PASSWORD MESSAGES
 *
 * COUNT is in all: messages, commands, logins, messages. MAILS is a file of
 * mails, each behind a line with its length. A %c in USER, SETUP or COMMAND is
 * the number of the connection from 1 on, %n the number of the command on its
 * connection; SETUP may hold several commands, parted by ";". A COMMAND that
 * ends with "{}" gets the next mail as its literal. With fresh each message
 * has a connection of its own. submit signs in first (AUTH PLAIN), and writes
 * to a hundred people of another DOMAIN.
 *
 * Prints one line: COUNT, microseconds from the first request to the last
 * reply (SETUP not counted), median and 99th percentile of the replies in
 * microseconds, and the CPU that this program took meanwhile, too. Ends with
 * 1 when a reply is not the one that it waits for.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 2048
#define LINE_BYTES      4096
#define TAIL_BYTES      64
/* A phase of submission, between those of SMTP. */
#define SIGN_IN -1

/* What a reply ends with. */
enum reply { REPLY_SMTP, REPLY_IMAP, REPLY_PLUS, REPLY_POP3, REPLY_POP3_LONG };

struct conn;

struct protocol {
	/* Put the next request. False: this connection has no more to do. */
	int (*next)(struct conn *c);
};

struct conn {
	int fd;
	int number;     /* from 1 on */
	int phase;      /* the protocol's */
	int is_counted; /* the request under way is measured */
	int is_ready;   /* set up, waits for the others */
	long n;         /* requests of this connection that were measured */
	long tag;
	const char *setup;
	enum reply reply;
	char want; /* first digit, or + */
	int64_t sent_ns;
	/* what goes out: a line, then perhaps a mail, then perhaps CRLF */
	char line[LINE_BYTES];
	size_t line_len, line_at;
	const char *mail;
	size_t mail_len, mail_at;
	const char *end;
	size_t end_len, end_at;
	/* the last bytes that came */
	char tail[TAIL_BYTES];
	size_t tail_len;
};

static struct conn conns[MAX_CONNECTIONS];
static int n_conns, n_ready, is_started, n_open, ep;
static long n_left, n_done, n_wanted;
static int64_t started_ns, ended_ns, started_cpu_us;
static uint32_t *latencies_us;
static uint16_t port;
static const struct protocol *protocol;
static int is_even, is_fresh, n_rcpts, n_people, n_messages;
static const char *user, *password, *setup, *command, *domain;

static struct {
	char *text;
	size_t len;
} * mails;
static size_t n_mails, next_mail;

static void
fail(const char *what, const char *more, size_t len)
{
	fprintf(stderr, "load: %s: %.*s\n", what, (int)len, more);
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static int64_t
cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000ll +
	       u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static void
read_mails(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t len;

	if (f == NULL)
		fail("cannot open", path, strlen(path));
	while (fscanf(f, "%zu", &len) == 1) {
		(void)fgetc(f);
		mails = realloc(mails, (n_mails + 1) * sizeof(*mails));
		mails[n_mails].text = malloc(len);
		mails[n_mails].len = len;
		if (fread(mails[n_mails].text, 1, len, f) != len)
			fail("cut short", path, strlen(path));
		n_mails++;
	}
	fclose(f);
	if (n_mails == 0)
		fail("no mail in", path, strlen(path));
}

/* --- requests --- */

static void
ask(struct conn *c, enum reply reply, char want, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(c->line, sizeof(c->line), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(c->line))
		fail("line too long", format, strlen(format));
	c->line_len = (size_t)n;
	c->line_at = c->mail_at = c->mail_len = c->end_at = c->end_len = 0;
	c->reply = reply;
	c->want = want;
	c->tail_len = 0;
}

static void
attach_mail(struct conn *c, const char *end)
{
	c->mail = mails[next_mail].text;
	c->mail_len = mails[next_mail].len;
	next_mail = (next_mail + 1) % n_mails;
	c->end = end;
	c->end_len = strlen(end);
}

/* Put %c and %n in. */
static void
expand(
    char *out, size_t cap, const char *text, size_t len, const struct conn *c)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int put = 1;

		if (n + 32 > cap)
			fail("too long", text, len);
		if (text[i] == '%' && i + 1 < len && text[i + 1] == 'c')
			put = snprintf(out + n, cap - n, "%d", c->number), i++;
		else if (text[i] == '%' && i + 1 < len && text[i + 1] == 'n')
			put = snprintf(out + n, cap - n, "%ld", c->n + 1), i++;
		else
			out[n] = text[i];
		n += (size_t)put;
	}
	out[n] = '\0';
}

static void
ask_imap(struct conn *c, const char *text, size_t len)
{
	char words[LINE_BYTES];
	size_t n;

	expand(words, sizeof(words), text, len, c);
	n = strlen(words);
	c->tag++;
	if (n > 2 && strcmp(words + n - 2, "{}") == 0) {
		words[n - 2] = '\0';
		ask(c, REPLY_IMAP, 'O', "t%ld %s{%zu+}\r\n", c->tag, words,
		    mails[next_mail].len);
		attach_mail(c, "\r\n");
	} else
		ask(c, REPLY_IMAP, 'O', "t%ld %s\r\n", c->tag, words);
}

/* May this connection take one more of the measured requests? Where each has a
 * mailbox of its own, each does as much. */
static int
take(struct conn *c)
{
	if (n_left == 0 ||
	    (is_even && c->n >= (n_wanted + n_conns - 1) / n_conns))
		return 0;
	n_left--;
	c->is_counted = 1;
	return 1;
}

/* RFC 4616: nothing, the name and the password, each behind a NUL. */
static void
ask_plain(struct conn *c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                             "abcdefghijklmnopqrstuvwxyz0123456789+/";
	char name[256], plain[600] = "", text[900];
	size_t n, len, at = 0;

	expand(name, sizeof(name), user, strlen(user), c);
	n = strlen(name);
	len = n + strlen(password) + 2;
	if (len + 3 > sizeof(plain))
		fail("too long", password, 0);
	memcpy(plain + 1, name, n);
	memcpy(plain + 2 + n, password, strlen(password));
	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)(unsigned char)plain[i] << 16 |
		             (uint32_t)(unsigned char)plain[i + 1] << 8 |
		             (unsigned char)plain[i + 2];

		for (size_t k = 0; k < 4; k++)
			text[at++] =
			    i + k > len ? '=' : digits[v >> (18 - 6 * k) & 63];
	}
	ask(c, REPLY_SMTP, '2', "AUTH PLAIN %.*s\r\n", (int)at, text);
}

static int
smtp_next(struct conn *c)
{
	static unsigned person;
	char name[256] = "sender@client.test";

	switch (c->phase) {
	case 0: /* the greeting comes unasked */
		if (is_fresh && !take(c))
			return 0;
		c->phase = 1;
		ask(c, REPLY_SMTP, '2', "%s", "");
		return 1;
	case 1:
		c->phase = domain != NULL ? SIGN_IN : 2;
		ask(c, REPLY_SMTP, '2', "EHLO client.test\r\n");
		return 1;
	case SIGN_IN:
		c->phase = 2;
		ask_plain(c);
		return 1;
	case 2:
		if (domain != NULL && !is_started) {
			c->is_ready = 1;
			return 3;
		}
		if (!is_fresh && !take(c))
			return 0;
		c->phase = 3;
		if (domain != NULL)
			expand(name, sizeof(name), user, strlen(user), c);
		ask(c, REPLY_SMTP, '2', "MAIL FROM:<%s>\r\n", name);
		return 1;
	default:
		if (c->phase < 3 + n_rcpts) {
			c->phase++;
			ask(c, REPLY_SMTP, '2', "RCPT TO:<u%u@%s>\r\n",
			    1 + person++ % (unsigned)n_people,
			    domain != NULL ? domain : "example.test");
			return 1;
		}
		if (c->phase == 3 + n_rcpts) {
			c->phase++;
			ask(c, REPLY_SMTP, '3', "DATA\r\n");
			return 1;
		}
		c->phase = 2;
		ask(c, REPLY_SMTP, '2', "%s", "");
		attach_mail(c, ".\r\n");
		return 2; /* the last of the measured message */
	}
}

static int
imap_next(struct conn *c)
{
	char name[256];
	const char *end;

	switch (c->phase) {
	case 0:
		c->phase = 1;
		ask(c, REPLY_PLUS, '*', "%s", "");
		return 1;
	case 1:
		c->phase = 2;
		c->setup = setup;
		expand(name, sizeof(name), user, strlen(user), c);
		c->tag++;
		ask(c, REPLY_IMAP, 'O', "t%ld LOGIN %s %s\r\n", c->tag, name,
		    password);
		return 1;
	default:
		if (*c->setup != '\0') {
			end = strchrnul(c->setup, ';');
			ask_imap(c, c->setup, (size_t)(end - c->setup));
			c->setup = *end == ';' ? end + 1 : end;
			return 1;
		}
		if (!is_started) {
			c->is_ready = 1;
			return 3;
		}
		if (!take(c))
			return 0;
		ask_imap(c, command, strlen(command));
		return 2;
	}
}

static int
login_next(struct conn *c)
{
	char name[256];

	switch (c->phase) {
	case 0:
		if (!take(c))
			return 0;
		c->phase = 1;
		ask(c, REPLY_PLUS, '*', "%s", "");
		return 1;
	case 1:
		c->phase = 2;
		expand(name, sizeof(name), user, strlen(user), c);
		ask(c, REPLY_IMAP, 'O', "t%ld LOGIN %s %s\r\n", ++c->tag, name,
		    password);
		return 1;
	default:
		c->phase = 0;
		ask(c, REPLY_IMAP, 'O', "t%ld LOGOUT\r\n", ++c->tag);
		return 2;
	}
}

static int
pop3_next(struct conn *c)
{
	char name[256];

	switch (c->phase) {
	case 0:
		c->phase = 1;
		ask(c, REPLY_POP3, '+', "%s", "");
		return 1;
	case 1:
		c->phase = 2;
		expand(name, sizeof(name), user, strlen(user), c);
		ask(c, REPLY_POP3, '+', "USER %s\r\n", name);
		return 1;
	case 2:
		c->phase = 3;
		ask(c, REPLY_POP3, '+', "PASS %s\r\n", password);
		return 1;
	default:
		if (!is_started) {
			c->is_ready = 1;
			return 3;
		}
		if (!take(c))
			return 0;
		ask(c, REPLY_POP3_LONG, '+', "RETR %ld\r\n",
		    1 + c->n % n_messages);
		return 2;
	}
}

static const struct protocol smtp = { smtp_next };
static const struct protocol imap = { imap_next };
static const struct protocol login = { login_next };
static const struct protocol pop3 = { pop3_next };

/* --- replies --- */

/* Is the reply complete? What came is in data; tail holds what came before. */
static int
is_answered(struct conn *c, const char *data, size_t len)
{
	static char joined[TAIL_BYTES + (1 << 18)];
	char tag[32];
	const char *p, *line;
	size_t n = c->tail_len + len;
	int found = 0;

	memcpy(joined, c->tail, c->tail_len);
	memcpy(joined + c->tail_len, data, len);
	switch (c->reply) {
	case REPLY_SMTP:
		if (n < 2 || joined[n - 1] != '\n')
			break;
		line = memrchr(joined, '\n', n - 1);
		line = line == NULL ? joined : line + 1;
		if (joined + n - line > 4 && line[3] == ' ') {
			if (line[0] != c->want)
				fail("refused", line,
				    (size_t)(joined + n - line));
			found = 1;
		}
		break;
	case REPLY_PLUS:
	case REPLY_POP3:
		if (memchr(joined, '\n', n) != NULL) {
			if (joined[0] != c->want)
				fail("refused", joined, n);
			found = 1;
		}
		break;
	case REPLY_POP3_LONG:
		found = n >= 5 && memcmp(joined + n - 5, "\r\n.\r\n", 5) == 0;
		break;
	case REPLY_IMAP:
		if (joined[n - 1] != '\n')
			break;
		snprintf(tag, sizeof(tag), "t%ld ", c->tag);
		line = memrchr(joined, '\n', n - 1);
		line = line == NULL ? joined : line + 1;
		p = line;
		if (strncmp(p, tag, strlen(tag)) == 0) {
			if (p[strlen(tag)] != c->want)
				fail("refused", line,
				    (size_t)(joined + n - line));
			found = 1;
		}
		break;
	}
	c->tail_len = n < TAIL_BYTES ? n : TAIL_BYTES;
	/* A status line may be longer than the tail: keep its start. */
	if (!found && n >= TAIL_BYTES) {
		line = memrchr(joined, '\n', n);
		line = line == NULL ? joined : line + 1;
		if ((size_t)(joined + n - line) > TAIL_BYTES)
			memcpy(c->tail, line, TAIL_BYTES);
		else
			memcpy(c->tail, joined + n - TAIL_BYTES, TAIL_BYTES);
	} else
		memcpy(c->tail, joined + n - c->tail_len, c->tail_len);
	return found;
}

/* --- the loop --- */

static void
watch(struct conn *c, int op, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	if (epoll_ctl(ep, op, c->fd, &e) < 0)
		fail("epoll", strerror(errno), strlen(strerror(errno)));
}

static void
open_conn(struct conn *c)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	int one = 1;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd < 0 ||
	    connect(c->fd, (struct sockaddr *)&sin, sizeof(sin)) < 0)
		fail(
		    "cannot connect", strerror(errno), strlen(strerror(errno)));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	watch(c, EPOLL_CTL_ADD, EPOLLIN);
}

static void
close_conn(struct conn *c)
{
	static const struct linger reset = { 1, 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(c->fd);
}

static int
put_piece(struct conn *c, const char *p, size_t len, size_t *at)
{
	while (*at < len) {
		ssize_t n = send(c->fd, p + *at, len - *at, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			fail("the connection broke", p, len < 80 ? len : 80);
		*at += (size_t)n;
	}
	return 1;
}

static void
send_more(struct conn *c)
{
	int is_out = put_piece(c, c->line, c->line_len, &c->line_at) &&
	             put_piece(c, c->mail, c->mail_len, &c->mail_at) &&
	             put_piece(c, c->end, c->end_len, &c->end_at);

	watch(c, EPOLL_CTL_MOD, is_out ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

static void begin_all(void);

/* Put the next request, or leave. */
static void
go_on(struct conn *c)
{
	int was_counted = c->is_counted;
	int r = protocol->next(c);

	if (r == 0) {
		n_open--;
		close_conn(c);
		return;
	}
	if (r == 3) {
		if (++n_ready == n_conns)
			begin_all();
		return;
	}
	/* A measured request of many steps begins with its first. */
	if (c->is_counted && !was_counted)
		c->sent_ns = now_ns();
	if (started_ns == 0 && c->is_counted) {
		started_ns = c->sent_ns;
		started_cpu_us = cpu_us();
	}
	c->is_ready = r == 2; /* the reply to this ends what is measured */
	send_more(c);
}

static void
begin_all(void)
{
	is_started = 1;
	for (int i = 0; i < n_conns; i++) {
		conns[i].is_ready = 0;
		go_on(&conns[i]);
	}
}

static void
count(struct conn *c)
{
	ended_ns = now_ns();
	latencies_us[n_done++] = (uint32_t)((ended_ns - c->sent_ns) / 1000);
	c->n++;
	c->is_counted = 0;
	c->is_ready = 0;
}

static void
take_in(struct conn *c)
{
	static char piece[1 << 18];
	ssize_t n = recv(c->fd, piece, sizeof(piece), 0);

	if (n <= 0)
		fail("the server has closed", c->line, c->line_len);
	if (!is_answered(c, piece, (size_t)n))
		return;
	if (c->is_counted && c->is_ready) {
		count(c);
		if (protocol == &login || is_fresh) {
			close_conn(c);
			if (n_left == 0) {
				n_open--;
				return;
			}
			c->phase = 0;
			open_conn(c);
		}
	}
	go_on(c);
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void
report(void)
{
	int64_t cpu = cpu_us() - started_cpu_us;

	qsort(latencies_us, (size_t)n_done, sizeof(*latencies_us), compare);
	printf("%ld %ld %u %u %ld\n", n_done,
	    (long)((ended_ns - started_ns) / 1000), latencies_us[n_done / 2],
	    latencies_us[n_done * 99 / 100], (long)cpu);
}

static void
read_arguments(int argc, char **argv)
{
	if (argc < 7)
		fail("see the head of load.c", "", 0);
	port = (uint16_t)atoi(argv[2]);
	n_conns = atoi(argv[3]);
	n_left = n_wanted = atol(argv[4]);
	read_mails(argv[5]);
	if (n_conns < 1 || n_conns > MAX_CONNECTIONS || n_left < 1)
		fail("bad number", argv[3], strlen(argv[3]));
	if (strcmp(argv[1], "smtp") == 0 && argc >= 8) {
		protocol = &smtp;
		n_rcpts = atoi(argv[6]);
		n_people = atoi(argv[7]);
		is_fresh = argc > 8;
		return;
	}
	user = argv[6];
	password = argc > 7 ? argv[7] : "";
	if (strcmp(argv[1], "imap") == 0 && argc == 10) {
		protocol = &imap;
		is_even = 1;
		setup = argv[8];
		command = argv[9];
	} else if (strcmp(argv[1], "submit") == 0 && argc == 9) {
		protocol = &smtp;
		n_rcpts = 1;
		n_people = 100;
		domain = argv[8];
	} else if (strcmp(argv[1], "login") == 0 && argc == 8)
		protocol = &login;
	else if (strcmp(argv[1], "pop3") == 0 && argc == 9) {
		protocol = &pop3;
		n_messages = atoi(argv[8]);
	} else
		fail("see the head of load.c", argv[1], strlen(argv[1]));
}

int
main(int argc, char **argv)
{
	struct epoll_event events[256];

	read_arguments(argc, argv);
	latencies_us = calloc((size_t)n_wanted, sizeof(*latencies_us));
	ep = epoll_create1(0);
	for (int i = 0; i < n_conns; i++) {
		conns[i].number = i + 1;
		open_conn(&conns[i]);
		n_open++;
	}
	for (int i = 0; i < n_conns; i++)
		go_on(&conns[i]);
	while (n_open > 0 && n_done < n_wanted) {
		int n = epoll_wait(ep, events, 256, 60000);

		if (n <= 0)
			fail("nothing for a minute", "", 0);
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (events[i].events & EPOLLOUT)
				send_more(c);
			if (events[i].events & (EPOLLIN | EPOLLHUP))
				take_in(c);
		}
	}
	if (n_done < n_wanted)
		fail("ended early", "", 0);
	report();
	return 0;
}
