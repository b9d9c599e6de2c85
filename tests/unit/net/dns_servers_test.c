/* Which resolvers a setting or a resolv.conf names. */
#include "net/dns_servers.h"

#include "net/dns.h"
#include "test.h"

static const char *
as_text(const struct dns_servers *s)
{
	static char storage[512];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage) - 1);
	for (size_t i = 0; i < s->n; i++) {
		buf_put_str(&b, i > 0 ? " " : "");
		peer_put(&b, &s->at[i]);
		buf_putf(&b, "#%u", (unsigned)s->at[i].port);
	}
	storage[b.len] = '\0';
	return storage;
}

static void
test_setting(void)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1#53" },
		{ " 192.0.2.1:5353,2001:db8::1 ",
		    "192.0.2.1#5353 2001:db8::1#53" },
		{ "[2001:db8::1]:54 [::1]", "2001:db8::1#54 ::1#53" },
		{ "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5",
		    "10.0.0.1#53 10.0.0.2#53 10.0.0.3#53 10.0.0.4#53" },
		{ "", NULL },
		{ " , ", NULL },
		{ "ns.example.test", NULL },
		{ "192.0.2.1:0", NULL },
		{ "192.0.2.1:65536", NULL },
		{ "192.0.2.1:", NULL },
		{ "[::1", NULL },
		{ "[::1]53", NULL },
		{ "[::1]:x", NULL },
		{ "192.0.2.1 bad", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct span text = span_str(rows[i].text);
		char *copy = test_copy(text);
		struct dns_servers s;
		int rc = dns_servers_parse(span_of(copy, text.len), &s);

		CHECK_ROW((rc == 0) == (rows[i].want != NULL), rows[i].text);
		CHECK(dns_are_servers(text) == (rc == 0));
		if (rc == 0)
			CHECK_STR(as_text(&s), rows[i].want);
		free(copy);
	}
}

static void
test_conf(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "nameserver 192.0.2.1\nnameserver\t2001:db8::1\n",
		    "192.0.2.1#53 2001:db8::1#53" },
		{ "# nameserver 192.0.2.9\nsearch a.test\noptions edns0\n"
		  " nameserver 192.0.2.2 # ours\r\n",
		    "192.0.2.2#53" },
		{ "nameserver fe80::1%eth0\nnameserver nonsense\nnameserver",
		    "127.0.0.1#53" },
		{ "", "127.0.0.1#53" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct span text = span_str(rows[i].text);
		char *copy = test_copy(text);
		struct dns_servers s;

		dns_servers_of_conf(span_of(copy, text.len), &s);
		CHECK_STR(as_text(&s), rows[i].want);
		for (size_t n = 0; n < text.len; n++) {
			dns_servers_of_conf(span_of(copy, n), &s);
			CHECK(s.n >= 1 && s.n <= DNS_MAX_SERVERS);
		}
		free(copy);
	}
}

int
main(void)
{
	test_setting();
	test_conf();
	return test_done();
}
