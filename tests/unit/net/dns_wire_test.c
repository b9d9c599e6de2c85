/* Names, to the wire and back, and as attackers write them. */
#include "net/dns_wire.h"

#include "net/dns.h"
#include "test.h"

#define L10 "0123456789"
#define L63 L10 L10 L10 L10 L10 L10 "012"

static void
test_pack(void)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} rows[] = {
		{ "a", "\1a" },
		{ "Mail.Example.TEST", "\4mail\7example\4test" },
		{ "a.b.", "\1a\1b" },
		{ "_dmarc.a-b.c", "\6_dmarc\3a-b\1c" },
		{ "a b+c.d", "\5a b+c\1d" }, /* of an SPF macro */
		{ L63 ".x", "\77" L63 "\1x" },
		{ "", NULL },
		{ ".", NULL },
		{ "a..b", NULL },
		{ ".a", NULL },
		{ "a..", NULL },
		{ L63 "x.y", NULL },
		{ "a\tb", NULL },
		{ "b\xc3\xbc.test", NULL },
		{ "a\x7f", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct span text = span_str(rows[i].text);
		char *copy = test_copy(text);
		struct dns_wire w;
		int rc = dns_wire_pack(span_of(copy, text.len), &w);

		CHECK_ROW((rc == 0) == (rows[i].want != NULL), rows[i].text);
		if (rc == 0) /* with the root behind */
			CHECK_SPAN(span_of(w.bytes, w.len),
			    span_of(rows[i].want, strlen(rows[i].want) + 1));
		free(copy);
	}
}

/* 253 bytes of text are the longest, with the dot or without. */
static void
test_longest(void)
{
	char text[] = L63 "." L63 "." L63 "." L63;
	struct dns_wire w;

	CHECK_INT(dns_wire_pack(span_of(text, 253), &w), 0);
	CHECK_INT(w.len, 255);
	CHECK_INT(dns_wire_pack(span_of(text, 254), &w), ERR_INVALID);
	text[253] = '.';
	CHECK_INT(dns_wire_pack(span_of(text, 254), &w), 0);
	CHECK_INT(w.len, 255);
}

static void
test_read(void)
{
	static const struct {
		const char *what;
		struct span message;
		size_t at;
		const char *want; /* NULL: malformed */
		size_t end;
	} rows[] = {
		{ "plain", SPAN("\1A\2bc\0"), 0, "a.bc", 6 },
		{ "root", SPAN("\0"), 0, "", 1 },
		{ "pointer", SPAN("\1b\0\1a\xc0\0"), 3, "a.b", 7 },
		{ "two pointers", SPAN("\1c\0\1b\xc0\0\1a\xc0\3"), 7, "a.b.c",
		    11 },
		{ "to itself", SPAN("\xc0\0"), 0, NULL, 0 },
		{ "to its own label", SPAN("\1a\xc0\0"), 0, NULL, 0 },
		{ "forward", SPAN("\xc0\2\1a\0"), 0, NULL, 0 },
		{ "in a circle", SPAN("\xc0\2\xc0\0"), 2, NULL, 0 },
		{ "back, then not farther", SPAN("\1x\xc0\2\xc0\2"), 4, NULL,
		    0 },
		{ "reserved kind of label",
		    SPAN("\x41"
		         "a\0"),
		    0, NULL, 0 },
		{ "past the end", SPAN("\1a"), 0, NULL, 0 },
		{ "past the end in a label", SPAN("\5ab"), 0, NULL, 0 },
		{ "half a pointer", SPAN("\1a\xc0"), 0, NULL, 0 },
		{ "nothing", SPAN(""), 0, NULL, 0 },
		{ "behind the message", SPAN("\0"), 5, NULL, 0 },
		{ "not of a host", SPAN("\2a \0"), 0, NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *copy = test_copy(rows[i].message);
		size_t at = rows[i].at;
		char text[256];
		struct dns_wire w;
		struct buf b;
		int rc =
		    dns_wire_read(span_of(copy, rows[i].message.len), &at, &w);

		buf_init_fixed(&b, text, sizeof(text));
		if (rc == 0)
			rc = dns_wire_put(&b, &w);
		CHECK_ROW((rc == 0) == (rows[i].want != NULL), rows[i].what);
		if (rc == 0) {
			CHECK_SPAN(buf_span(&b), span_str(rows[i].want));
			CHECK_INT(at, rows[i].end);
		}
		CHECK_ROW(rc == 0 || b.len == 0, rows[i].what);
		free(copy);
	}
}

/* Many labels and pointers may not make a name longer than names are. */
static void
test_read_long(void)
{
	char message[1200];
	size_t at = 0, n = 0;
	struct dns_wire w;

	message[n++] = 0;
	for (size_t last = 0; n < sizeof(message) - 4;) {
		size_t here = n;

		message[n++] = 1;
		message[n++] = 'a';
		message[n++] = (char)(0xc0 | last >> 8);
		message[n++] = (char)(last & 0xff);
		last = here;
		at = here;
		/* 127 labels are 254 bytes and the root */
		CHECK_INT(dns_wire_read(span_of(message, n), &at, &w) == 0,
		    (here - 1) / 4 + 1 <= 127);
		CHECK(w.len <= DNS_WIRE_BYTES);
	}
}

static void
test_text(void)
{
	static const struct {
		const char *address, *want;
	} rows[] = {
		{ "192.0.2.1", "1.2.0.192.in-addr.arpa" },
		{ "2001:db8::cb01",
		    "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0."
		    "1.0.0.2.ip6.arpa" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[DNS_MAX_NAME];
		struct peer p;
		struct buf b;

		buf_init_fixed(&b, text, sizeof(text));
		REQUIRE(peer_parse(span_str(rows[i].address), &p) == 0);
		dns_put_reverse(&b, &p);
		CHECK_SPAN(buf_span(&b), span_str(rows[i].want));
	}
	CHECK(dns_is_name(SPAN("mx-1._tcp.Example.test.")));
	CHECK(!dns_is_name(SPAN("a b.test")));
	CHECK(!dns_is_name(SPAN("")));
	CHECK(!dns_is_name(SPAN("a..b")));
	CHECK(!dns_is_name(SPAN("a/b")));
}

int
main(void)
{
	test_pack();
	test_longest();
	test_read();
	test_read_long();
	test_text();
	return test_done();
}
