/* The path of a delivery: MAIL, RCPT, DATA, a mail of 4 KB, the flush. */
#include "smtp/smtp_client.h"

#include "hot.h"

#define N_MAILS 20

int
main(int argc, char **argv)
{
	static struct house h;
	struct client c;
	static struct buf mails[N_MAILS];
	long n = hot_count(argc, argv);

	house_open(&h);
	h.env.limits.max_messages = UINT32_MAX;
	client_open(&c, &h);
	SAYS(&c, "", "220 ");
	client_turn(&c);
	hot_clear(&c.got);
	client_put(&c, SPAN("EHLO client.test\r\n"));
	for (int i = 0; i < 10; i++)
		client_turn(&c);
	hot_clear(&c.got);
	for (long i = 0; i < N_MAILS; i++) {
		buf_init(&mails[i], 1 << 16);
		hot_put_mail(&mails[i], i);
	}
	for (long i = 0; i < n; i++) {
		SAYS(&c, "MAIL FROM:<a@client.test>\r\n", "250 ");
		hot_clear(&c.got);
		SAYS(&c, "RCPT TO:<kim@mail.test>\r\n", "250 ");
		hot_clear(&c.got);
		SAYS(&c, "DATA\r\n", "354 ");
		hot_clear(&c.got);
		client_put(&c, buf_span(&mails[i % N_MAILS]));
		SAYS(&c, ".\r\n", "250 ");
		hot_clear(&c.got);
	}
	for (long i = 0; i < N_MAILS; i++)
		buf_deinit(&mails[i]);
	client_close(&c);
	house_close(&h);
	return test_done();
}
