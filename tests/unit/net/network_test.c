/* Networks in text, and who is in them. */
#include "net/network.h"

#include "../test.h"

static const struct {
	const char *list, *address;
	bool is_in;
} rows[] = {
	{ "192.0.2.0/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.77/24", "192.0.2.1", true }, /* the rest does not count */
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.128/25", "192.0.2.128", true },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "10.0.0.0/8  2001:db8::/33", "2001:db8:7fff::1", true },
	{ "10.0.0.0/8 2001:db8::/33", "2001:db8:8000::1", false },
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "2001:db8::1/128", "2001:db8::1", true },
	{ "", "192.0.2.1", false },
};

static const char *const bad[] = { "x", "192.0.2.0/", "192.0.2.0/33", "/8",
	"192.0.2.0/-1", "192.0.2/24", "2001:db8::/129", "192.0.2.0/8/8",
	"192.0.2.0/24,10.0.0.0/8" };

static void
test_lists(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span list = span_str(rows[i].list);
		char *copy = test_copy(list);
		struct peer p;

		REQUIRE(peer_parse(span_str(rows[i].address), &p) == 0);
		CHECK_ROW(
		    network_is_list(span_of(copy, list.len)), rows[i].list);
		CHECK_ROW(network_list_has(span_of(copy, list.len), &p) ==
		              rows[i].is_in,
		    rows[i].address);
		free(copy);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ROW(!network_is_list(span_str(bad[i])), bad[i]);
}

static void
test_local(void)
{
	const struct peer p = { .family = PEER_LOCAL };

	CHECK(!network_list_has(SPAN("0.0.0.0/0 ::/0"), &p));
}

static void
test_put(void)
{
	char storage[128];
	struct peer p;
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	REQUIRE(peer_parse(SPAN("192.0.2.77"), &p) == 0);
	network_put(&b, &p);
	buf_put_char(&b, ' ');
	REQUIRE(peer_parse(SPAN("2001:db8:1:2:3:4:5:6"), &p) == 0);
	network_put(&b, &p);
	CHECK_SPAN(buf_span(&b), SPAN("192.0.2.0 2001:db8:1:2::"));
}

int
main(void)
{
	test_lists();
	test_local();
	test_put();
	return test_done();
}
