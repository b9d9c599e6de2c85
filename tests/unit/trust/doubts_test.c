/* The doubts of a client against a table of names. */
#include "trust/doubts.h"

#include "fake_dns.h"

static int n_woken;

static void
wake(void *owner)
{
	(void)owner;
	n_woken++;
}

static const struct {
	enum dns_type type;
	const char *name, *value;
} zones[] = {
	{ DNS_PTR, "2.2.0.192.in-addr.arpa", "mx.good.test" },
	{ DNS_A, "mx.good.test", "192.0.2.2" },
	{ DNS_PTR, "3.2.0.192.in-addr.arpa", "mx.good.test" },
	{ DNS_PTR, "4.2.0.192.in-addr.arpa", "away.test" },
	{ DNS_PTR, "4.2.0.192.in-addr.arpa", "many.test" },
	{ DNS_A, "many.test", "192.0.2.9" },
	{ DNS_A, "many.test", "192.0.2.4" },
	{ DNS_PTR, "5.2.0.192.in-addr.arpa", "!" },
	{ DNS_PTR, "6.2.0.192.in-addr.arpa", "down.test" },
	{ DNS_A, "down.test", "!" },
	{ DNS_PTR,
	    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
	    ".ip6.arpa",
	    "six.test" },
	{ DNS_AAAA, "six.test", "2001:db8::1" },
	{ DNS_AAAA, "only6.test", "2001:db8::9" },
	{ DNS_A, "2.2.0.192.zen.test", "127.0.0.4" },
	{ DNS_A, "2.2.0.192.zen.test", "127.0.0.10" },
	{ DNS_A, "2.2.0.192.white.test", "127.0.7.2" },
	{ DNS_A, "2.2.0.192.blocked.test", "127.255.255.254" },
	{ DNS_A, "2.2.0.192.parked.test", "192.0.2.80" },
	{ DNS_A, "2.2.0.192.one.test", "127.0.0.1" },
	{ DNS_A, "2.2.0.192.dead.test", "127.0.0.2" },
	{ DNS_A, "1.0.0.127.dead.test", "127.0.0.2" },
	{ DNS_A, "2.2.0.192.down.test", "!" },
	{ DNS_A,
	    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
	    ".zen.test",
	    "127.0.0.3" },
};

#define ALL                                                                    \
	"no-reverse=1 bad-reverse=2 helo-bad=4 helo-unknown=8 helo-other=16 "  \
	"helo-ours=32"

/* words: what is found; results: a piece of the header, or NULL. */
static const struct {
	const char *what, *client, *helo, *doubts, *lists, *words, *results;
} rows[] = {
	{ "good", "192.0.2.2", "mx.good.test", ALL, "", "",
	    "iprev=pass policy.iprev=192.0.2.2" },
	{ "another's name", "192.0.2.3", "mx.good.test", ALL, "",
	    "bad-reverse=2 helo-other=16",
	    "iprev=fail policy.iprev=192.0.2.3\r\n\t (weight 18: bad-reverse=2 "
	    "helo-other=16)" },
	{ "several names", "192.0.2.4", "many.test", ALL, "", "",
	    "iprev=pass" },
	{ "no name", "192.0.2.7", "nobody.test", ALL, "",
	    "no-reverse=1 helo-unknown=8", "iprev=permerror" },
	{ "DNS fails", "192.0.2.5", "down.test", ALL, "", "",
	    "iprev=temperror" },
	{ "DNS fails later", "192.0.2.6", "[192.0.2.6]", ALL, "", "",
	    "iprev=temperror" },
	{ "IPv6", "2001:db8::1", "six.test", ALL, "zen.test=3", "zen.test=3",
	    "iprev=pass" },
	{ "HELO has the other kind", "192.0.2.2", "only6.test", ALL, "",
	    "helo-other=16", NULL },
	{ "literal", "192.0.2.2", "[192.0.2.2]", ALL, "", "", NULL },
	{ "literal 6", "2001:db8::1", "[IPv6:2001:db8::1]", ALL, "", "", NULL },
	{ "literal of another", "192.0.2.2", "[192.0.2.3]", ALL, "",
	    "helo-other=16", NULL },
	{ "bad literal", "192.0.2.2", "[192.0.2]", ALL, "", "helo-bad=4",
	    NULL },
	{ "empty literal", "192.0.2.2", "[]", ALL, "", "helo-bad=4", NULL },
	{ "bare address", "192.0.2.2", "192.0.2.2", ALL, "", "helo-bad=4",
	    NULL },
	{ "one label", "192.0.2.2", "localhost", ALL, "", "helo-bad=4", NULL },
	{ "no name at all", "192.0.2.2", "a..b", ALL, "", "helo-bad=4", NULL },
	{ "our name", "192.0.2.2", "Mail.Here.test", ALL, "", "helo-ours=32",
	    NULL },
	{ "nothing weighs", "192.0.2.7", "nobody.test", "", "", "", NULL },
	{ "lists", "192.0.2.2", "mx.good.test", "",
	    "zen.test:127.0.0.2-5=3 zen.test:127.0.0.10-11=4 "
	    "zen.test:127.0.0.6=9 none.test=5",
	    "zen.test=3 zen.test=4", NULL },
	{ "a list for good", "192.0.2.2", "mx.good.test", "no-reverse=1",
	    "white.test:127.0.*.2-3=-2", "white.test=-2",
	    "dnswl=pass dns.zone=white.test policy.ip=127.0.7.2" },
	{ "lists that fail", "192.0.2.2", "mx.good.test", "",
	    "blocked.test=5 parked.test=5 one.test=5 dead.test=5 down.test=5",
	    "", NULL },
};

static struct doubts *
begin(size_t i)
{
	struct weights w = { .n_rules = 0 };
	struct peer client;
	const struct doubts_input in = { .client = &client,
		.helo = span_str(rows[i].helo),
		.host = SPAN("mail.here.test") };
	struct doubts *s;

	REQUIRE(weights_parse_doubts(span_str(rows[i].doubts), &w) == 0);
	REQUIRE(weights_parse_lists(span_str(rows[i].lists), &w) == 0);
	REQUIRE(peer_parse(span_str(rows[i].client), &client) == 0);
	REQUIRE(doubts_new(NULL, &w, &in, wake, NULL, &s) == 0);
	return s;
}

static bool
has(struct span text, const char *piece)
{
	size_t n = strlen(piece);

	for (size_t i = 0; i + n <= text.len; i++)
		if (memcmp(text.p + i, piece, n) == 0)
			return true;
	return false;
}

static void
check(size_t i, const struct doubts *s)
{
	char words_storage[400], field_storage[2000];
	struct buf words, field;
	struct authres a;

	buf_init_fixed(&words, words_storage, sizeof(words_storage));
	buf_init_fixed(&field, field_storage, sizeof(field_storage));
	doubts_put_words(s, &words);
	CHECK_ROW(
	    span_is(buf_span(&words), span_str(rows[i].words)), rows[i].what);
	authres_begin(&a, &field, SPAN("mail.here.test"));
	doubts_put_results(s, &a);
	authres_end(&a);
	CHECK_ROW(
	    rows[i].results == NULL || has(buf_span(&field), rows[i].results),
	    rows[i].what);
}

static void
test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct doubts *s = begin(i);
		bool was_known = doubts_are_known(s);

		n_woken = 0;
		fake_run();
		CHECK_ROW(doubts_are_known(s), rows[i].what);
		CHECK_INT(n_woken, !was_known);
		check(i, s);
		doubts_free(s);
	}
}

static void
test_give_up(void)
{
	struct doubts *s = begin(3);

	doubts_give_up(s);
	CHECK(doubts_are_known(s));
	CHECK_INT(n_fake_pending, 0);
	CHECK_INT(doubts_weight(s), 0);
	doubts_free(s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		doubts_free(begin(i));
	CHECK_INT(n_fake_pending, 0);
}

static void
test_reasons(void)
{
	struct doubts *s = begin(3);
	char storage[400];
	struct buf b;

	fake_run();
	buf_init_fixed(&b, storage, sizeof(storage));
	doubts_put_reasons(s, &b);
	CHECK_SPAN(buf_span(&b),
	    SPAN("your address has no name (PTR), your HELO name has no "
	         "address"));
	CHECK_INT(doubts_weight(s), 9);
	doubts_add(s, DOUBT_SPF_FAIL); /* weighs nothing */
	CHECK_INT(doubts_weight(s), 9);
	doubts_free(s);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		fake_add(
		    zones[i].type, zones[i].name, span_str(zones[i].value), 0);
	test_rows();
	test_give_up();
	test_reasons();
	fake_clear();
	return test_done();
}
