/* The path of a FETCH: what a client asks of each message of a mailbox of
 * fifty. */
#include "imap/imap_client.h"

#include "hot.h"

#define N_MESSAGES 50

static void
ask(struct client *c, const char *command)
{
	static const struct span end = SPAN("\r\na OK ");

	client_put(c, span_str(command));
	do
		client_turn(c);
	while (!c->is_closed && !hot_has(buf_span(&c->got), end) &&
	       !span_starts(buf_span(&c->got), SPAN("a ")));
	CHECK(!c->is_closed);
	hot_clear(&c->got);
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
	for (long i = 0; i < N_MESSAGES; i++) {
		hot_clear(&mail);
		hot_put_mail(&mail, i);
		house_deliver(&h, h.world.kim, buf_span(&mail));
	}
	client_open(&c, &h);
	ask(&c, "a LOGIN kim@mail.test \"secret one\"\r\n");
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
