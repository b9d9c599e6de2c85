/* How TLS went, as pieces of JSON. */
#include "queue/tls_row.h"

#include "../store/fixture.h"
#include "base/clock.h"
#include "net/net.h"

#define NOW 1700000000

static const char *
list(struct store *s)
{
	static char text[20000];
	char storage[MEMO_MAX_KEY];
	struct tally_group g = { .day = 0 };
	struct tally_row r;
	struct buf key, value, out;

	buf_init_fixed(&out, text, sizeof(text) - 1);
	buf_init(&value, MEMO_MAX_VALUE);
	while (tally_next_group(s, MEMO_TLS_ROW, &g) == 0) {
		buf_put(&out, tally_domain(&g));
		buf_put_char(&out, '\n');
		buf_init_fixed(&key, storage, sizeof(storage));
		while (tally_next(s, MEMO_TLS_ROW, &g, &key, &value, &r) == 0) {
			buf_put(&out, r.class);
			buf_putf(&out, " %u ", (unsigned)r.n);
			buf_put(&out, r.text);
			buf_put_char(&out, '\n');
		}
	}
	buf_deinit(&value);
	text[out.len] = '\0';
	return text;
}

static void
pieces(void)
{
	struct store *s = fx_new();
	struct peer to, from;
	struct tls_row n = { .domain = SPAN("a.test"),
		.mx = SPAN("mx.a.test") };

	clock_fake(1000, NOW);
	REQUIRE(peer_parse(SPAN("192.0.2.1"), &to) == 0);
	REQUIRE(peer_parse(SPAN("2001:db8::1"), &from) == 0);
	tls_row_count(s, &n);
	tls_row_count(s, &n);
	n.result = TLS_ROW_NO_STARTTLS;
	n.to = &to;
	tls_row_count(s, &n);
	n.domain = SPAN("B\xc3\xbc.test");
	n.policy = TLS_ROW_STS;
	n.policy_text = SPAN("version: STSv1\r\nmode: enforce\r\n"
	                     "mx: *.b.test\r\n\r\nMX: \"x\ny\"\nmax_age: 1\n");
	n.result = TLS_ROW_EXPIRED;
	n.from = &from;
	n.reason = SPAN("it \"ended\" \xff");
	tls_row_count(s, &n);
	CHECK_STR(list(s),
	    "a.test\n"
	    "n0 2 \"policy\":{\"policy-type\":\"no-policy-found\","
	    "\"policy-domain\":\"a.test\"}\n"
	    "n1 1 \"result-type\":\"starttls-not-supported\","
	    "\"receiving-mx-hostname\":\"mx.a.test\","
	    "\"receiving-ip\":\"192.0.2.1\"\n"
	    "xn--b-eha.test\n"
	    "s0 0 \"policy\":{\"policy-type\":\"sts\",\"policy-string\":["
	    "\"version: STSv1\",\"mode: enforce\",\"mx: *.b.test\","
	    "\"MX: \\\"x\",\"y\\\"\",\"max_age: 1\"],"
	    "\"mx-host\":[\"*.b.test\",\"\\\"x\"],"
	    "\"policy-domain\":\"xn--b-eha.test\"}\n"
	    "s1 1 \"result-type\":\"certificate-expired\","
	    "\"sending-mta-ip\":\"2001:db8::1\","
	    "\"receiving-mx-hostname\":\"mx.a.test\","
	    "\"receiving-ip\":\"192.0.2.1\","
	    "\"failure-reason-code\":\"it \\\"ended\\\" \xef\xbf\xbd\"\n");
	store_close(s);
	fx_clear();
}

int
main(void)
{
	fx_begin();
	pieces();
	fx_end();
	return test_done();
}
