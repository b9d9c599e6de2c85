/* The path of a FETCH: what a client asks of each message of a mailbox of
 * fifty. */
#include "imap/imap_client.h"

#include "hot.h"

#define N_MESSAGES 50

/* Cheap, or it is the client that is counted. */
static struct span
last_line(const struct buf *b)
{
	size_t at = b->len;

	while (at > 0 && (at == b->len || b->p[at - 1] != '\n'))
		at--;
	return span_of(b->p + at, b->len - at);
}

static void
ask(struct client *c, const char *command)
{
	struct buf *got = &c->got;

	client_put(c, span_str(command));
	do {
		client_turn(c);
	} while (!c->is_closed && !span_starts(last_line(got), SPAN("a ")));
	CHECK(span_starts(last_line(got), SPAN("a OK ")));
	hot_clear(got);
}

int
main(int argc, char **argv)
{
	static struct house h;
	struct client c;
	struct buf mail;
	long n = hot_count(argc, argv);

	house_open(&h);
	buf_init(&mail, 1 << 16);
	client_open(&c, &h);
	ask(&c, "a LOGIN kim@mail.test \"secret one\"\r\n");
	for (long i = 0; i < N_MESSAGES; i++) {
		char line[64];

		hot_clear(&mail);
		hot_put_mail(&mail, i);
		snprintf(
		    line, sizeof(line), "a APPEND INBOX {%zu+}\r\n", mail.len);
		client_put(&c, span_str(line));
		client_put(&c, buf_span(&mail));
		ask(&c, "\r\n");
	}
	ask(&c, "a SELECT INBOX\r\n");
	for (long i = 0; i < n; i++) {
		ask(&c, "a FETCH 1:* (UID FLAGS)\r\n");
		ask(&c, "a FETCH 1:* (UID FLAGS INTERNALDATE ENVELOPE)\r\n");
		ask(&c, "a FETCH 1:* (BODY.PEEK[])\r\n");
	}
	buf_deinit(&mail);
	client_close(&c);
	house_close(&h);
	return test_done();
}
