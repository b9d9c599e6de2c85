/* Bytes thrown at an SMTP session in each of its states: the first byte says
 * how far it has come and in which role, the rest is what the client sends. */
#include "smtp/smtp_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HELLO    "EHLO x\r\n"
#define SENDER   HELLO "MAIL FROM:<a@b.test>\r\n"
#define RCPT     SENDER "RCPT TO:<kim@mail.test>\r\n"
#define N_STARTS 8

static struct house *
get_house(void)
{
	static struct house h;

	if (h.loop == NULL) {
		house_open(&h);
		h.is_spread = true;
		h.env.limits.max_errors = 1000;
		h.env.limits.max_message_bytes = 2000;
		if (device_put(
		        h.world.store, &(struct device){ .name = SPAN("d"),
		                           .at = SPAN("127.0.0.0/8"),
		                           .senders = SPAN("a@b.test"),
		                           .rcpts = SPAN("local") }) < 0)
			abort();
	}
	return &h;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const starts[N_STARTS] = { "", "EHLO x\r\n", SENDER,
		RCPT, RCPT "DATA\r\n", RCPT "BDAT 3\r\nabc",
		HELLO "AUTH PLAIN\r\n", HELLO "AUTH SCRAM-SHA-256\r\n" };
	struct house *h = get_house();
	struct client c;
	unsigned start;

	if (len == 0 || len > 4000)
		return 0;
	start = data[0] % N_STARTS;
	h->env.role = start >= 6 || (data[0] & 128) ? SMTP_SUBMISSION
	              : (data[0] & 64)              ? SMTP_DEVICE
	                                            : SMTP_MX;
	client_open(&c, h);
	/* EHLO, DATA and AUTH must stand alone: one line a turn. */
	for (const char *p = starts[start]; *p != '\0';) {
		size_t n = span_find(span_str(p), '\n') + 1;

		if (n > strlen(p))
			n = strlen(p);
		client_put(&c, span_of(p, n));
		client_turn(&c);
		client_turn(&c);
		p += n;
	}
	client_put(&c, span_of(data + 1, len - 1));
	(void)shutdown(c.fd, SHUT_WR);
	for (int i = 0; i < 200 && !c.is_closed; i++)
		client_turn(&c);
	client_close(&c);
	return 0;
}
