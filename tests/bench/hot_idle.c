/* The path of a notification: a message arrives, and fifty sessions in IDLE
 * are told. */
#include "imap/imap_client.h"

#include "hot.h"

#define N_SESSIONS 50

int
main(int argc, char **argv)
{
	static struct house h;
	static struct client c[N_SESSIONS];
	struct buf mail;
	long n = hot_count(argc, argv);

	house_open(&h);
	buf_init(&mail, 1 << 16);
	hot_put_mail(&mail, 1);
	for (int i = 0; i < N_SESSIONS; i++) {
		client_open(&c[i], &h);
		client_put(
		    &c[i], SPAN("a LOGIN kim@mail.test \"secret one\"\r\n"
		                "b SELECT INBOX\r\nc IDLE\r\n"));
		while (!hot_has(buf_span(&c[i].got), SPAN("\r\n+ ")))
			client_turn(&c[i]);
		hot_clear(&c[i].got);
	}
	for (long k = 0; k < n; k++) {
		house_deliver(&h, h.world.kim, buf_span(&mail));
		for (int i = 0; i < N_SESSIONS; i++) {
			while (c[i].got.len == 0 && !c[i].is_closed)
				client_turn(&c[i]);
			CHECK(span_starts(buf_span(&c[i].got), SPAN("* ")));
			hot_clear(&c[i].got);
		}
	}
	buf_deinit(&mail);
	for (int i = 0; i < N_SESSIONS; i++)
		client_close(&c[i]);
	house_close(&h);
	return test_done();
}
