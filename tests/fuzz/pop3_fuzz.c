/* Lines thrown at a POP3 session in each of its states: the first byte says
 * how far it has come, the rest is what the client sends. */
#include "pop3/pop3_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct house *
get_house(void)
{
	static struct house h;

	if (h.loop == NULL) {
		house_open(&h);
		h.is_spread = true;
		h.env.max_errors = 1000;
		for (int i = 0; i < 3; i++)
			house_deliver(
			    &h, h.world.kim, SPAN("A: b\r\n\r\n.c\r\n"));
	}
	return &h;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const starts[] = { "", "USER kim@mail.test\r\n",
		"AUTH PLAIN\r\n", "AUTH SCRAM-SHA-256\r\n",
		"USER kim@mail.test\r\nPASS secret one\r\n",
		"USER kim@mail.test\r\nPASS secret one\r\nRSET\r\nDELE 1\r\n" };
	struct house *h = get_house();
	struct client c;

	if (len == 0 || len > 4000)
		return 0;
	client_open(&c, h);
	client_put(&c, span_str(starts[data[0] % 6]));
	client_put(&c, span_of(data + 1, len - 1));
	(void)shutdown(c.fd, SHUT_WR);
	for (int i = 0; i < 200 && !c.is_closed; i++)
		client_turn(&c);
	client_close(&c);
	return 0;
}
