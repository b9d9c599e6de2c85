/* An alias that leads elsewhere: the sender is rewritten in the queue, and a
 * report to it goes back, and nothing else does. What one person sends in an
 * hour is limited. */
#include "smtp_client.h"
#include "store/queue.h"
#include "store/store.h"

static struct house house;

/* The sender and the first recipient of the message queued last. */
static void
get_last(char *from, char *to, size_t size)
{
	struct queue_message_view m;
	struct queue_rcpt_view r;
	uint64_t id = 0;

	from[0] = to[0] = '\0';
	while (queue_next(house.world.store, id, &m) == 0) {
		id = m.m.id + 1;
		snprintf(from, size, "%.*s", (int)m.m.from.len,
		    m.m.from.p != NULL ? m.m.from.p : "");
		if (queue_next_rcpt(house.world.store, m.m.id, 0, &r) == 0)
			snprintf(to, size, "%.*s", (int)r.r.address.len,
			    r.r.address.p);
	}
}

static void
send_one(struct client *c, const char *from, const char *to, const char *answer)
{
	char line[800];

	snprintf(line, sizeof(line), "MAIL FROM:<%s>\r\n", from);
	CHECK(client_says(c, line, "250 2.1.0 Ok\r\n"));
	snprintf(line, sizeof(line), "RCPT TO:<%s>\r\n", to);
	CHECK(client_says(c, line, answer));
	if (answer[0] != '2') {
		CHECK(client_says(c, "RSET\r\n", "250 "));
		while (c->got.len > 0)
			buf_consume(&c->got, c->got.len);
		return;
	}
	CHECK(client_says(c, "DATA\r\n", "354 "));
	buf_consume(&c->got, c->got.len);
	CHECK(client_says(c, "Subject: x\r\n\r\ntext\r\n.\r\n", "250 2.0.0 "));
	buf_consume(&c->got, c->got.len);
}

static void
test_forward(void)
{
	static const char ok[] = "250 2.1.5 Ok\r\n";
	char from[400], to[400], line[400], own[400];
	struct client c;

	client_open(&c, &house);
	CHECK(client_says(&c, "", "220 "));
	buf_consume(&c.got, c.got.len);
	SAYS(&c, "HELO client.test\r\n", "250 mx.mail.test\r\n");
	send_one(&c, "kim@far.test", "away@mail.test", ok);
	get_last(own, to, sizeof(own));
	CHECK(strncmp(own, "SRS0=", 5) == 0);
	CHECK(strstr(own, "=far.test=kim@mail.test") != NULL);
	CHECK_STR(to, "friend@elsewhere.test");
	/* A report of the next server's. */
	send_one(&c, "", own, ok);
	get_last(from, to, sizeof(from));
	CHECK_STR(from, "");
	CHECK_STR(to, "kim@far.test");
	/* Nobody's way to send. */
	send_one(&c, "kim@far.test", own,
	    "550 5.7.1 Only reports of delivery are taken here\r\n");
	snprintf(line, sizeof(line), "SRS0=aaaaaaaa%s", own + 13);
	send_one(&c, "", line, "550 5.1.1 Nobody here has this address\r\n");
	send_one(&c, "", "SRS0=x@mail.test",
	    "550 5.1.1 Nobody here has this address\r\n");
	send_one(&c, "", "SRS0=x@far.test", "550 5.7.1 No relaying\r\n");
	/* Nobody asks a null sender back; ours is ours. */
	send_one(&c, "", "away@mail.test", ok);
	get_last(from, to, sizeof(from));
	CHECK_STR(from, "");
	send_one(&c, "u1@mail.test", "away@mail.test", ok);
	get_last(from, to, sizeof(from));
	CHECK_STR(from, "u1@mail.test");
	/* Longer than 64: a sender that was rewritten elsewhere. */
	send_one(&c,
	    "SRS0=abcd=ef=a-very-long-domain-of-somebody.example=and-a-"
	    "name@relay.test",
	    "away@mail.test", ok);
	get_last(own, to, sizeof(own));
	CHECK(strncmp(own, "SRS1=", 5) == 0);
	send_one(&c, "", own, ok);
	get_last(from, to, sizeof(from));
	CHECK_STR(to, "SRS0=abcd=ef=a-very-long-domain-of-somebody.example="
	              "and-a-name@relay.test");
	send_one(&c, "",
	    "a-name-of-more-than-sixty-four-bytes-is-nobodys-here-as-all-know"
	    "@mail.test",
	    "550 5.1.1 Nobody here has this address\r\n");
	client_close(&c);
}

int
main(void)
{
	struct store *s;

	house_open(&house);
	house.env.sends_out = true;
	house.env.max_queued = 1000;
	house.env.expire_s = 86400;
	s = house.world.store;
	REQUIRE(address_create_alias(
	            s, SPAN("away@mail.test"), ADDRESS_ALIAS) == 0);
	REQUIRE(address_add_target(s, SPAN("away@mail.test"),
	            SPAN("friend@elsewhere.test")) == 0);
	test_forward();
	house_close(&house);
	return test_done();
}
