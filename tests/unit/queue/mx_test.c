/* The hosts of a domain: their order, and that this server is none of them. */
#include "queue/mx.h"

#include <unistd.h>

#include "../trust/fake_dns.h"
#include "base/log.h"
#include "net/net.h"

static struct loop *loop;
static uint16_t port; /* at which we listen, on 127.0.0.1 and 127.0.0.2 */
static int n_wakes;

static void
wake(void *owner)
{
	(void)owner;
	n_wakes++;
}

static void
accept_none(struct conn *c, enum listen_refusal why, void *arg)
{
	(void)why;
	(void)arg;
	conn_abort(c);
}

static bool
is_dirty(void *arg)
{
	(void)arg;
	return false;
}

static int
nothing(void *arg)
{
	(void)arg;
	return 0;
}

static void
listen_at(const char *address)
{
	static const struct listen_options o = { .name = "test",
		.accept = accept_none };
	struct listener *ls;
	int fd;

	REQUIRE(listen_bind(address, port, &fd) == 0);
	port = listen_port(fd);
	REQUIRE(listen_open(loop, fd, &o, &ls) == 0);
}

/* All hosts of a domain that are offered, as "a b c", and how it ended. */
static enum mx_state
walk(const char *domain, bool is_fixed, uint16_t to, struct buf *out,
    const char **why)
{
	const struct mx_env env = {
		.loop = loop, .host = SPAN("Mail.Own.test"), .port = to
	};
	struct mx m;
	enum mx_state state;

	buf_reset(out);
	mx_begin(&m, &env, span_str(domain), is_fixed, wake, NULL);
	fake_run();
	while (m.state == MX_HOST) {
		if (out->len > 0)
			buf_put_char(out, ' ');
		buf_put(out, span_of(m.host, m.host_len));
		CHECK(m.n_addresses > 0);
		mx_next(&m);
		fake_run();
	}
	state = m.state;
	*why = m.why;
	mx_end(&m);
	return state;
}

/* rows: "pref name", NULL; the address of each host is made by its name: "own"
 * is ours, "none" has none, "fail" is not told, all others are elsewhere. */
static void
add_host(const char *name)
{
	if (strncmp(name, "own", 3) == 0)
		fake_add(DNS_A, name, SPAN("127.0.0.2"), 0);
	else if (strncmp(name, "fail", 4) == 0)
		fake_add(DNS_A, name, SPAN("!"), 0);
	else if (strncmp(name, "none", 4) != 0)
		fake_add(DNS_A, name, SPAN("127.0.0.3"), 0);
	else
		fake_add(DNS_TXT, name, SPAN("x"), 0);
}

static const struct {
	const char *mx[5]; /* the first character is the preference */
	const char *hosts; /* those that are offered, in order */
	enum mx_state end;
	const char *why;
} rows[] = {
	{ { "1a.test", "2b.test" }, "a.test b.test", MX_END, "" },
	{ { "2b.test", "1a.test" }, "a.test b.test", MX_END, "" },
	{ { "1a.test", "2none.test" }, "a.test", MX_END, "" },
	{ { "1none.test", "2none2.test" }, "", MX_PERM, "5.1.2" },
	{ { "1fail.test", "2a.test" }, "a.test", MX_TEMP, "" },
	{ { "1fail.test" }, "", MX_TEMP, "4.4.3" },
	/* we are the second, or equal to it: the first alone */
	{ { "1a.test", "2own.test", "3b.test" }, "a.test", MX_END, "" },
	{ { "1a.test", "2own.test", "2b.test", "2c.test" }, "a.test", MX_END,
	    "" },
	{ { "1a.test", "2mail.own.test", "2b.test" }, "a.test", MX_END, "" },
	/* we are the best, by our address or by our name */
	{ { "1own.test", "2b.test" }, "", MX_PERM, "5.4.6" },
	{ { "1b.test", "1own.test", "1c.test" }, "", MX_PERM, "5.4.6" },
	{ { "1mail.own.test", "2b.test" }, "", MX_PERM, "5.4.6" },
	{ { "1MAIL.OWN.TEST" }, "", MX_PERM, "5.4.6" },
	{ { "1fail.test", "1own.test" }, "", MX_PERM, "5.4.6" },
	/* better ones that cannot be reached do not make us the best */
	{ { "1fail.test", "2own.test" }, "", MX_TEMP, "4.4.3" },
	{ { "1none.test", "2own.test" }, "", MX_PERM, "5.1.2" },
};

static void
hosts_in_order(void)
{
	char storage[1000];
	struct buf out;
	const char *why;

	buf_init_fixed(&out, storage, sizeof(storage));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_clear();
		for (size_t k = 0; k < 5 && rows[i].mx[k] != NULL; k++) {
			fake_add(DNS_MX, "far.test",
			    span_str(rows[i].mx[k] + 1), rows[i].mx[k][0]);
			add_host(rows[i].mx[k] + 1);
		}
		CHECK_ROW(
		    walk("far.test", false, port, &out, &why) == rows[i].end,
		    rows[i].hosts);
		CHECK_SPAN(buf_span(&out), span_str(rows[i].hosts));
		CHECK_ROW(
		    strncmp(why, rows[i].why, strlen(rows[i].why)) == 0, why);
	}
}

/* The addresses at which we listen are ours with that port alone. */
static void
other_ports_are_not_ours(void)
{
	char storage[1000];
	struct buf out;
	const char *why;

	buf_init_fixed(&out, storage, sizeof(storage));
	fake_clear();
	fake_add(DNS_A, "own.test", SPAN("127.0.0.2"), 0);
	CHECK(walk("own.test", false, port, &out, &why) == MX_PERM);
	CHECK(strncmp(why, "5.4.6", 5) == 0);
	CHECK(walk("own.test", true, port, &out, &why) == MX_PERM);
	CHECK(walk("127.0.0.2", true, port, &out, &why) == MX_PERM);
	CHECK(walk("127.0.0.4", true, port, &out, &why) == MX_END);
	CHECK(
	    walk("own.test", true, (uint16_t)(port ^ 1), &out, &why) == MX_END);
	CHECK_SPAN(buf_span(&out), SPAN("own.test"));
}

/* Behind a listener on all addresses every address of here is ours. */
static void
all_addresses(void)
{
	struct peer p;

	port = 0;
	listen_at("0.0.0.0");
	REQUIRE(peer_parse(SPAN("127.9.9.9"), &p) == 0);
	p.port = port;
	CHECK(listen_is_ours(loop, &p));
	p.port ^= 1;
	CHECK(!listen_is_ours(loop, &p));
	REQUIRE(peer_parse(SPAN("0.0.0.0"), &p) == 0);
	p.port = port;
	CHECK(listen_is_ours(loop, &p));
	REQUIRE(peer_parse(SPAN("192.0.2.77"), &p) == 0);
	p.port = port;
	CHECK(!listen_is_ours(loop, &p));
	REQUIRE(peer_parse(SPAN("::1"), &p) == 0);
	p.port = port;
	CHECK(!listen_is_ours(loop, &p)); /* nobody listens by IPv6 */
}

int
main(void)
{
	const struct loop_hooks hooks = { NULL, is_dirty, nothing, nothing,
		NULL };

	log_open(LOG_TO_NOTHING, LOG_FAULT);
	REQUIRE(loop_new(&hooks, &loop) == 0);
	listen_at("127.0.0.1");
	listen_at("127.0.0.2");
	hosts_in_order();
	other_ports_are_not_ours();
	all_addresses();
	CHECK(n_wakes > 0);
	fake_clear();
	loop_free(loop);
	return test_done();
}
