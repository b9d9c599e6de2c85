/* Who is which device by its address, whom it may be, and what is made of
 * addresses without brackets. */
#include "smtp/smtp_device.c" /* NOLINT: its statics */

#include "../store/fixture.h"

static void
put(struct store *s, const char *name, const char *at)
{
	CHECK_INT(
	    device_put(s, &(struct device){ .name = span_str(name),
	                      .at = span_str(at),
	                      .senders = SPAN("scan@example.test b@x.test"),
	                      .rcpts = SPAN("local kim@far.test near.test") }),
	    0);
}

/* Which device has this address? */
static void
check_find(struct store *s, const char *address, const char *want)
{
	struct device_view v;
	struct peer p;
	int rc;

	REQUIRE(peer_parse(span_str(address), &p) == 0);
	rc = find(s, &p, &v);
	CHECK_ROW(rc == (want != NULL ? 0 : ERR_NONE), address);
	if (rc == 0)
		CHECK_SPAN(v.d.name, span_str(want));
}

static void
who_is_it(struct store *s)
{
	struct device_view v;
	const struct peer local = { .family = PEER_LOCAL };

	check_find(s, "10.0.0.1", NULL);
	put(s, "any", "10.0.0.0/8 fd00::/8 nonsense 10.0.0.0/99");
	put(s, "one", "10.1.2.3 203.0.113.7 2001:db8::7 203.0.112.9/32");
	put(s, "near", "10.1.2.0/24");
	put(s, "world", "0.0.0.0/0 ::/0 203.0.113.0/24");
	check_find(s, "10.1.2.3", "one");
	check_find(s, "10.1.2.4", "near");
	check_find(s, "10.9.9.9", "any");
	check_find(s, "fd12::1", "any");
	check_find(s, "::ffff:10.1.2.3", "one");
	/* Private ones are in the networks of all; of public ones each must be
	 * named. */
	check_find(s, "192.168.4.5", "world");
	check_find(s, "fe80::5", "world");
	check_find(s, "203.0.113.7", "one");
	check_find(s, "203.0.112.9", "one");
	check_find(s, "2001:db8::7", "one");
	check_find(s, "203.0.113.8", NULL);
	check_find(s, "100.64.0.1", NULL);
	check_find(s, "2001:db8::8", NULL);
	CHECK_INT(find(s, &local, &v), ERR_NONE);
	/* One that is damaged hides no other. */
	CHECK_INT(setting_put(s, SPAN("device.aaa"), SPAN("?")), 0);
	check_find(s, "10.1.2.4", "near");
}

static void
what_it_may(struct store *s)
{
	struct device_view v;
	const struct smtp_env e = { .store = s, .role = SMTP_DEVICE };
	struct smtp x = { .env = &e, .device = &v };

	REQUIRE(device_get(s, SPAN("one"), &v) == 0);
	CHECK_INT(smtp_device_owns(&x, SPAN("scan@example.test")), 0);
	CHECK_INT(smtp_device_owns(&x, SPAN("Scan@Example.TEST")), 0);
	CHECK_INT(smtp_device_owns(&x, SPAN("b@x.test")), 0);
	CHECK_INT(smtp_device_owns(&x, SPAN("b@x.tes")), ERR_DENIED);
	CHECK_INT(smtp_device_owns(&x, SPAN("")), ERR_DENIED);
#define MAY(local, domain)                                                     \
	(smtp_device_judge(&x,                                                 \
	     domain[0] ? SPAN(local "@" domain) : SPAN(local),                 \
	     SPAN(domain)) == NULL)
	CHECK(MAY("kim", "example.test"));
	CHECK(MAY("nobody", "EXAMPLE.test"));
	CHECK(MAY("postmaster", ""));
	CHECK(MAY("kim", "far.test"));
	CHECK(!MAY("lee", "far.test"));
	CHECK(MAY("lee", "near.test"));
	CHECK(!MAY("lee", "x.near.test"));
	CHECK(!MAY("local", "other.test"));
}

static void
check_brackets(bool is_device, const char *in, const char *want)
{
	static struct device_view v;
	struct smtp x = { .device = is_device ? &v : NULL };
	char storage[MAX_SMTP_LINE + 2];
	char *copy = test_copy(span_str(in));

	CHECK_SPAN(smtp_device_brackets(&x, span_of(copy, strlen(in)), storage),
	    span_str(want));
	free(copy);
}

static void
brackets(void)
{
	static char text[MAX_SMTP_LINE + 1], want[MAX_SMTP_LINE + 4];

	check_brackets(true, "a@b", "<a@b>");
	check_brackets(true, "  a@b  SIZE=1", "<a@b>  SIZE=1");
	check_brackets(true, "<a@b> SIZE=1", "<a@b> SIZE=1");
	check_brackets(true, " <a@b>", "<a@b>");
	check_brackets(true, "", "");
	check_brackets(true, " ", "");
	check_brackets(false, " a@b", " a@b");
	memset(text, 'x', MAX_SMTP_LINE);
	snprintf(want, sizeof(want), "<%s>", text);
	check_brackets(true, text, want);
}

int
main(void)
{
	struct store *s;

	fx_begin();
	s = fx_open();
	who_is_it(s);
	what_it_may(s);
	brackets();
	store_close(s);
	fx_end();
	return test_done();
}
