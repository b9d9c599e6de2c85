/* Commands thrown at an IMAP session in each of its states: the first byte says
 * how far it has come, the rest is what the client sends. */
#include "imap/imap_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct house *
get_house(void)
{
	static struct house h;

	if (h.loop == NULL) {
		house_open(&h);
		h.is_spread = true;
		h.env.max_errors = 1000;
		h.env.max_message_bytes = 100000;
		for (int i = 0; i < 3; i++)
			house_deliver(
			    &h, h.world.kim, SPAN("A: b\r\n\r\n.c\r\n"));
	}
	return &h;
}

#define LOGIN "a LOGIN kim@mail.test \"secret one\"\r\n"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const starts[] = { "", "a LOGIN {3}\r\n",
		"a AUTHENTICATE PLAIN\r\n", "a AUTHENTICATE SCRAM-SHA-256\r\n",
		LOGIN, LOGIN "a IDLE\r\n", LOGIN "a APPEND INBOX {3}\r\nabc",
		LOGIN "a SELECT INBOX\r\n", LOGIN "a EXAMINE INBOX\r\n",
		LOGIN "a SELECT INBOX\r\na IDLE\r\n",
		LOGIN "a ENABLE QRESYNC UTF8=ACCEPT\r\na SELECT INBOX\r\n",
		LOGIN "a SELECT INBOX\r\na SEARCH {3}\r\n" };
	struct house *h = get_house();
	struct client c;

	if (len == 0 || len > 12000)
		return 0;
	client_open(&c, h);
	client_put(&c,
	    span_str(starts[data[0] % (sizeof(starts) / sizeof(starts[0]))]));
	client_put(&c, span_of(data + 1, len - 1));
	(void)shutdown(c.fd, SHUT_WR);
	for (int i = 0; i < 200 && !c.is_closed; i++)
		client_turn(&c);
	client_close(&c);
	return 0;
}
