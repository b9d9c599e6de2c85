/* The resolver client, against the DNS server of the tests, good and bad. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/net.h"
#include "test.h"

#define DNSD "tests/e2e/dnsd.py"
#define SKIP 77

static const char zones[] =
    "{\"example.test\": {\"MX\": [\"20 B.example.test\", \"10 a.example.test\","
    " \"10 a.example.test\"], \"A\": [\"192.0.2.1\", \"192.0.2.2\"],"
    " \"TXT\": [\"v=spf1 -all\", [\"one\", \" two\"]], \"TTL\": 77},"
    "\"a.example.test\": {\"AAAA\": [\"2001:db8::1\", \"::ffff:192.0.2.3\"],"
    " \"AD\": true, \"A\": [\"192.0.2.4\"]},"
    "\"null.test\": {\"MX\": [\"0 .\"]},"
    "\"tlsa.test\": {\"TLSA\": [\"3 1 1 abcdef\"]},"
    "\"1.2.0.192.in-addr.arpa\": {\"PTR\": [\"Host.example.test\", \"a "
    "b.test\"]},"
    "\"odd.test\": {\"MX\": [\"1 a\\\\255b.test\", \"2 ok.test\"]},"
    "\"bad.test\": {\"MX\": [\"1 a\\\\032b.test\"]},"
    "\"c1.test\": {\"CNAME\": \"c2.test\"}, \"c2.test\": {\"CNAME\": "
    "\"c3.test\"},"
    "\"c3.test\": {\"CNAME\": \"c4.test\"}, \"c4.test\": {\"CNAME\": "
    "\"c5.test\"},"
    "\"c5.test\": {\"CNAME\": \"c6.test\"}, \"c6.test\": {\"CNAME\": "
    "\"c7.test\"},"
    "\"c7.test\": {\"CNAME\": \"c8.test\"}, \"c8.test\": {\"CNAME\": "
    "\"c9.test\"},"
    "\"c9.test\": {\"A\": [\"192.0.2.9\"]}, \"c0.test\": {\"CNAME\": "
    "\"c1.test\"},"
    "\"dangling.test\": {\"CNAME\": \"nowhere.test\"},"
    "\"part.test\": {\"CNAME\": \"c9.test\", \"DO\": \"chain\","
    " \"TTL\": 33, \"AD\": true},"
    "\"ring.test\": {\"CNAME\": \"ring2.test\", \"DO\": \"chain\"},"
    "\"ring2.test\": {\"CNAME\": \"ring.test\", \"DO\": \"chain\"},"
    "\"*.lost.test\": {\"DO\": \"drop\"},"
    "\"drop.test\": {\"DO\": \"drop\"}, \"fail.test\": {\"DO\": \"servfail\"},"
    "\"refused.test\": {\"DO\": \"refused\"}, \"loop.test\": {\"DO\": "
    "\"loop\"},"
    "\"garbage.test\": {\"DO\": \"garbage\"}, \"cut.test\": {\"DO\": \"cut\","
    " \"A\": [\"192.0.2.8\"]}, \"counts.test\": {\"DO\": \"counts\","
    " \"A\": [\"192.0.2.8\"]}, \"pointers.test\": {\"DO\": \"pointers\"},"
    "\"referral.test\": {\"DO\": \"referral\"},"
    "\"forged.test\": {\"DO\": \"wrong-id\", \"A\": [\"192.0.2.8\"]},"
    "\"other.test\": {\"DO\": \"wrong-name\", \"A\": [\"192.0.2.8\"]},"
    "\"tc.test\": {\"DO\": \"truncate\", \"A\": [\"192.0.2.8\"]},"
    "\"short.test\": {\"DO\": [\"truncate\", \"short-tcp\"], \"A\": "
    "[\"192.0.2.8\"]},"
    "\"notcp.test\": {\"DO\": [\"truncate\", \"no-tcp\"], \"A\": "
    "[\"192.0.2.8\"]},"
    "\"once.test\": {\"DO\": \"once:drop\", \"A\": [\"192.0.2.8\"]},"
    "\"slow.test\": {\"DO\": \"slow:0.4\", \"A\": [\"192.0.2.8\"]},"
    "\"huge.test\": {\"DO\": \"huge\"}, \"*.many.test\": {\"A\": "
    "[\"192.0.2.7\"]},"
    "\"old.test\": {\"DO\": \"no-edns\", \"A\": [\"192.0.2.6\"]}}";

struct server {
	pid_t pid;
	char where[64];
	char zones[FILE_PATH_BYTES], log[FILE_PATH_BYTES];
};

/* Start the server, which says where it listens: at a free port, or at port 53
 * of an address. False: that is not allowed here. */
static bool
server_start(
    struct server *s, const char *name, const char *text, const char *address)
{
	char line[128] = "", path[FILE_PATH_BYTES];
	int out[2];
	FILE *f;

	snprintf(path, sizeof(path), "%s.json", name);
	REQUIRE(
	    file_path(test_folder(), path, s->zones, sizeof(s->zones)) == 0);
	snprintf(path, sizeof(path), "%s.log", name);
	REQUIRE(file_path(test_folder(), path, s->log, sizeof(s->log)) == 0);
	REQUIRE(file_write(s->zones, span_str(text), 0600) == 0);
	(void)unlink(s->log);
	REQUIRE(pipe(out) == 0);
	s->pid = fork();
	if (s->pid == 0) {
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		if (address == NULL)
			execlp("python3", "python3", DNSD, "--log", s->log,
			    s->zones, (char *)NULL);
		else
			execlp("python3", "python3", DNSD, "--log", s->log,
			    "--address", address, "--port", "53", s->zones,
			    (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	f = fdopen(out[0], "r");
	REQUIRE(f != NULL);
	if (fgets(line, sizeof(line), f) == NULL) {
		fclose(f);
		waitpid(s->pid, NULL, 0);
		return false;
	}
	REQUIRE(sscanf(line, "listening %63s", s->where) == 1);
	REQUIRE(fgets(line, sizeof(line), f) != NULL); /* has the zones */
	fclose(f);
	return true;
}

static void
server_stop(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}

/* How often was this asked? The line is "name type udp" or "tcp". */
static int
server_asked(const struct server *s, const char *line)
{
	struct buf text;
	struct span rest;
	int n = 0;

	buf_init(&text, 1 << 20);
	if (file_read(s->log, &text) < 0)
		buf_reset(&text);
	rest = buf_span(&text);
	while (rest.len > 0)
		n += span_is(span_split(&rest, '\n'), span_str(line));
	buf_deinit(&text);
	return n;
}

static struct loop *loop;
static struct dns *dns;
static int n_wakes;

static void
on_wake(void *owner)
{
	struct dns_query *q = owner;

	n_wakes++;
	CHECK(q->state != DNS_PENDING && q->state != DNS_IDLE);
}

static void
run_until_woken(int n)
{
	int64_t end = clock_mono_ms() + 20000;

	while (n_wakes < n && clock_mono_ms() < end)
		REQUIRE(loop_turn(loop, 100) == 0);
	CHECK_INT(n_wakes, n);
}

static enum dns_state
ask(struct dns_query *q, enum dns_type type, const char *name)
{
	n_wakes = 0;
	dns_ask(dns, q, type, span_str(name), on_wake, q);
	CHECK_INT(q->state, DNS_PENDING);
	run_until_woken(1);
	return q->state;
}

/* All records in one line. */
static const char *
texts(const struct dns_query *q, enum dns_type type)
{
	static char storage[4096];
	struct dns_record r;
	struct buf b;
	size_t at = 0;

	buf_init_fixed(&b, storage, sizeof(storage) - 1);
	while (dns_next(q, &at, &r)) {
		if (b.len > 0)
			buf_put_char(&b, '|');
		if (type == DNS_MX)
			buf_putf(&b, "%u ", r.preference);
		if (type == DNS_A || type == DNS_AAAA)
			peer_put(&b, &r.address);
		else if (type == DNS_TLSA)
			buf_put_hex(&b, r.text);
		else
			buf_put(&b, r.text);
	}
	CHECK(!buf_failed(&b));
	storage[b.len] = '\0';
	return storage;
}

static void
open_dns(const char *servers, int64_t timeout_ms, const char *conf)
{
	struct dns_options o = { .servers = servers,
		.timeout_ms = timeout_ms,
		.tries = 2,
		.cache_bytes = DNS_CACHE_BYTES,
		.resolv_conf = conf };
	static const struct loop_hooks none;

	REQUIRE(loop_new(&none, &loop) == 0);
	REQUIRE(dns_new(loop, &o, &dns) == 0);
}

static void
close_dns(void)
{
	dns_free(dns);
	loop_free(loop);
	CHECK_INT(mem_used(), 0);
}

static void
test_records(struct server *s)
{
	static const struct {
		enum dns_type type;
		const char *name, *want;
		enum dns_state state;
	} rows[] = {
		{ DNS_MX, "example.test", "20 b.example.test|10 a.example.test",
		    DNS_OK },
		{ DNS_A, "Example.TEST.", "192.0.2.1|192.0.2.2", DNS_OK },
		{ DNS_TXT, "example.test", "v=spf1 -all|one two", DNS_OK },
		{ DNS_AAAA, "a.example.test", "2001:db8::1|192.0.2.3", DNS_OK },
		{ DNS_MX, "null.test", "0 ", DNS_OK },
		{ DNS_TLSA, "tlsa.test", "030101abcdef", DNS_OK },
		{ DNS_PTR, "1.2.0.192.in-addr.arpa", "host.example.test",
		    DNS_OK },
		{ DNS_MX, "odd.test", "2 ok.test", DNS_OK },
		{ DNS_MX, "bad.test", "", DNS_TEMPFAIL },
		{ DNS_CNAME, "c8.test", "c9.test", DNS_OK },
		{ DNS_A, "c1.test", "192.0.2.9", DNS_OK },
		{ DNS_A, "part.test", "192.0.2.9", DNS_OK },
		{ DNS_A, "x.many.test", "192.0.2.7", DNS_OK },
		{ DNS_MX, "a.example.test", "", DNS_NODATA },
		{ DNS_MX, "c1.test", "", DNS_NODATA },
		{ DNS_A, "nowhere.test", "", DNS_NXDOMAIN },
		{ DNS_A, "dangling.test", "", DNS_NXDOMAIN },
		{ DNS_A, "not..a.name", "", DNS_NXDOMAIN },
		{ DNS_A, "", "", DNS_NXDOMAIN },
		{ DNS_A, "b\xc3\xbc.test", "", DNS_NXDOMAIN },
		{ DNS_A, "c0.test", "", DNS_TEMPFAIL }, /* the ninth */
		{ DNS_A, "ring.test", "", DNS_TEMPFAIL },
		{ DNS_A, "loop.test", "", DNS_TEMPFAIL },
		{ DNS_A, "fail.test", "", DNS_TEMPFAIL },
		{ DNS_A, "refused.test", "", DNS_TEMPFAIL },
		{ DNS_A, "garbage.test", "", DNS_TEMPFAIL },
		{ DNS_A, "cut.test", "", DNS_TEMPFAIL },
		{ DNS_A, "counts.test", "", DNS_TEMPFAIL },
		{ DNS_A, "pointers.test", "", DNS_TEMPFAIL },
		{ DNS_A, "referral.test", "", DNS_TEMPFAIL },
		{ DNS_A, "drop.test", "", DNS_TEMPFAIL },
		{ DNS_A, "forged.test", "", DNS_TEMPFAIL },
		{ DNS_A, "other.test", "", DNS_TEMPFAIL },
		{ DNS_A, "short.test", "", DNS_TEMPFAIL },
		{ DNS_A, "notcp.test", "", DNS_TEMPFAIL },
		{ DNS_A, "tc.test", "192.0.2.8", DNS_OK },
		{ DNS_A, "once.test", "192.0.2.8", DNS_OK },
		{ DNS_A, "old.test", "192.0.2.6", DNS_OK },
		/* now without EDNS */
		{ DNS_A, "y.many.test", "192.0.2.7", DNS_OK },
	};
	struct dns_query q = { 0 };

	open_dns(s->where, 150, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t start = clock_mono_ms();
		enum dns_state state = ask(&q, rows[i].type, rows[i].name);

		CHECK_ROW(state == rows[i].state, rows[i].name);
		CHECK_STR(texts(&q, rows[i].type), rows[i].want);
		/* 150 ms and 300 ms, and what a busy machine adds */
		CHECK_ROW(clock_mono_ms() - start < 3000, rows[i].name);
	}
	CHECK_INT(server_asked(s, "tc.test A tcp"), 1);
	CHECK_INT(server_asked(s, "once.test A udp"), 2);
	CHECK_INT(server_asked(s, "drop.test A udp"), 2);
	CHECK_INT(server_asked(s, "c9.test A udp"), 1); /* of part.test */
	dns_cancel(&q);
	close_dns();
}

static void
test_cache(struct server *s)
{
	struct dns_query a = { 0 }, b = { 0 }, c = { 0 };
	struct dns_stats stats;

	open_dns(s->where, 300, NULL);
	CHECK_INT(ask(&a, DNS_AAAA, "a.example.test"), DNS_OK);
	CHECK(a.is_authentic && !a.is_alias);
	CHECK(a.ttl_s >= 299 && a.ttl_s <= 300);
	CHECK_INT(ask(&b, DNS_AAAA, "A.example.test"), DNS_OK);
	CHECK(b.is_authentic);
	CHECK_INT(server_asked(s, "a.example.test AAAA udp"), 2);
	CHECK_INT(ask(&b, DNS_A, "gone.test"), DNS_NXDOMAIN);
	CHECK_INT(ask(&b, DNS_A, "gone.test"), DNS_NXDOMAIN);
	CHECK_INT(server_asked(s, "gone.test A udp"), 1);
	CHECK_INT(ask(&b, DNS_A, "c8.test"), DNS_OK);
	CHECK(b.is_alias && !b.is_authentic);
	CHECK_INT(ask(&b, DNS_A, "fail.test"), DNS_TEMPFAIL);
	CHECK_INT(dns_stats(dns).n_entries, 3);
	CHECK_INT(ask(&b, DNS_A, "part.test"), DNS_OK);
	CHECK(b.is_alias && !b.is_authentic && b.ttl_s <= 33);
	/* Two who ask at once share the question; a cancelled one costs the
	 * other nothing, and its answer is remembered. */
	n_wakes = 0;
	dns_ask(dns, &a, DNS_A, SPAN("slow.test"), on_wake, &a);
	dns_ask(dns, &b, DNS_A, SPAN("SLOW.test"), on_wake, &b);
	dns_ask(dns, &c, DNS_A, SPAN("slow.test"), on_wake, &c);
	dns_cancel(&b);
	CHECK_INT(b.state, DNS_IDLE);
	run_until_woken(2);
	CHECK_STR(texts(&a, DNS_A), "192.0.2.8");
	CHECK_STR(texts(&c, DNS_A), "192.0.2.8");
	/* A query that has ended survives the end of it all. */
	stats = dns_stats(dns);
	CHECK(stats.n_hits >= 4 && stats.n_failed == 1 && stats.n_active == 0);
	dns_ask(dns, &b, DNS_A, SPAN("drop.test"), on_wake, &b);
	REQUIRE(loop_turn(loop, 0) == 0);
	dns_free(dns);
	loop_free(loop);
	CHECK_INT(b.state, DNS_IDLE);
	CHECK_STR(texts(&a, DNS_A), "192.0.2.8");
	dns_cancel(&a);
	dns_cancel(&b);
	dns_cancel(&c);
	CHECK_INT(mem_used(), 0);
}

/* Large answers: what is asked is bounded, and so is what is kept. */
static void
test_huge(struct server *s)
{
	struct dns_query q = { 0 };
	struct dns_record r;
	size_t at = 0, n = 0;

	open_dns(s->where, 500, NULL);
	CHECK_INT(ask(&q, DNS_TXT, "huge.test"), DNS_OK);
	CHECK(dns_next(&q, &at, &r));
	CHECK_INT(r.text.len, 59700);
	CHECK(!dns_next(&q, &at, &r));
	CHECK_INT(dns_stats(dns).n_entries, 0); /* too large to keep */
	CHECK_INT(ask(&q, DNS_MX, "huge.test"), DNS_OK);
	for (at = 0; dns_next(&q, &at, &r);)
		n++;
	CHECK_INT(n, DNS_MAX_RECORDS);
	dns_cancel(&q);
	close_dns();
}

#define N_MANY 1000

/* More questions than go at once, and more answers than are kept. */
static void
test_many(struct server *s)
{
	static struct dns_query q[N_MANY];
	struct dns_options o = { s->where, 2000, 2, 64 * 1024, NULL };

	open_dns(s->where, 2000, NULL);
	CHECK_INT(dns_set_options(dns, &o), 0);
	n_wakes = 0;
	for (int i = 0; i < N_MANY; i++) {
		char name[64];

		snprintf(name, sizeof(name), "name%d.many.test", i);
		dns_ask(dns, &q[i], DNS_A, span_str(name), on_wake, &q[i]);
	}
	REQUIRE(loop_turn(loop, 0) == 0);
	CHECK(dns_stats(dns).n_active <= DNS_MAX_ACTIVE);
	run_until_woken(N_MANY);
	for (int i = 0; i < N_MANY; i++)
		CHECK_INT(q[i].state, DNS_OK);
	CHECK(dns_stats(dns).cache_bytes <= 64 * 1024);
	CHECK(dns_stats(dns).n_entries > 50);
	for (int i = 0; i < N_MANY; i++)
		dns_cancel(&q[i]);
	close_dns();
}

/* Who asks and leaves again leaves nothing behind that is not sent yet. */
static void
test_left(struct server *s)
{
	static struct dns_query q[N_MANY];

	open_dns(s->where, 2000, NULL);
	for (int turn = 0; turn < 3; turn++) {
		for (int i = 0; i < N_MANY; i++) {
			char name[64];

			snprintf(
			    name, sizeof(name), "n%d-%d.lost.test", turn, i);
			dns_ask(
			    dns, &q[i], DNS_A, span_str(name), on_wake, &q[i]);
		}
		if (turn > 0)
			REQUIRE(loop_turn(loop, 0) == 0);
		for (int i = 0; i < N_MANY; i++)
			dns_cancel(&q[i]);
		CHECK(dns_stats(dns).n_entries <=
		      (turn > 0 ? DNS_MAX_ACTIVE : 0));
	}
	close_dns();
}

/* Other options, while a question is out. */
static void
test_options(struct server *s)
{
	char conf[FILE_PATH_BYTES];
	struct dns_options fixed = { s->where, 300, 2, 65536, NULL };
	struct dns_options wrong = { "nonsense", 300, 2, 65536, NULL };
	struct dns_query q = { 0 }, slow = { 0 };

	REQUIRE(
	    file_path(test_folder(), "resolv.conf", conf, sizeof(conf)) == 0);
	/* Nobody listens at 127.0.0.253 port 53: refused, not waited for. */
	REQUIRE(file_write(conf, SPAN("nameserver 127.0.0.253\n"), 0600) == 0);
	open_dns(NULL, 300, conf);
	CHECK_INT(ask(&q, DNS_A, "c9.test"), DNS_TEMPFAIL);
	CHECK_INT(dns_set_options(dns, &wrong), ERR_SYNTAX);
	n_wakes = 0;
	CHECK_INT(dns_set_options(dns, &fixed), 0);
	dns_ask(dns, &slow, DNS_A, SPAN("slow.test"), on_wake, &slow);
	REQUIRE(loop_turn(loop, 0) == 0);
	/* It is asked again, of the others. */
	CHECK_INT(dns_set_options(dns, &fixed), 0);
	run_until_woken(1);
	CHECK_STR(texts(&slow, DNS_A), "192.0.2.8");
	dns_cancel(&q);
	dns_cancel(&slow);
	close_dns();
}

/* Port 53 is the administrator's: without that right there is no test. */
static void
test_resolv_conf_change(void)
{
	static const char old[] = "{\"new.test\": {\"A\": [\"192.0.2.10\"]}}";
	static const char new[] = "{\"new.test\": {\"A\": [\"192.0.2.11\"]}}";
	struct timespec wait = { 2, 100 * 1000000L };
	char conf[FILE_PATH_BYTES];
	struct dns_query q = { 0 };
	struct server a, b;

	if (!server_start(&a, "old", old, "127.0.0.77"))
		return;
	REQUIRE(server_start(&b, "new", new, "127.0.0.78"));
	REQUIRE(
	    file_path(test_folder(), "resolv.conf", conf, sizeof(conf)) == 0);
	REQUIRE(file_write(conf, SPAN("nameserver 127.0.0.77\n"), 0600) == 0);
	open_dns(NULL, 1000, conf);
	CHECK_INT(ask(&q, DNS_A, "new.test"), DNS_OK);
	CHECK_STR(texts(&q, DNS_A), "192.0.2.10");
	REQUIRE(file_write(conf, SPAN("nameserver 127.0.0.78\n"), 0600) == 0);
	nanosleep(&wait, NULL);
	/* What the old one has said is forgotten. */
	CHECK_INT(ask(&q, DNS_A, "new.test"), DNS_OK);
	CHECK_STR(texts(&q, DNS_A), "192.0.2.11");
	dns_cancel(&q);
	close_dns();
	server_stop(&a);
	server_stop(&b);
}

/* Every allocation may fail: a temporary failure, and nothing lost. */
static void
test_no_memory(struct server *s)
{
	for (uint64_t n = 1; n < 40; n++) {
		struct dns_query q = { 0 };

		open_dns(s->where, 300, NULL);
		fault_arm(FAULT_ALLOC, n, false);
		n_wakes = 0;
		dns_ask(dns, &q, DNS_A, SPAN("part.test"), on_wake, &q);
		run_until_woken(1);
		fault_arm(FAULT_ALLOC, 0, false);
		CHECK(q.state == DNS_OK || q.state == DNS_TEMPFAIL);
		dns_cancel(&q);
		close_dns();
	}
}

/* Sockets and tables go when nothing is asked for a while, and come again. The
 * clock stands still from here on. */
static void
test_idle(struct server *s)
{
	struct dns_query q = { 0 };
	size_t before;

	open_dns(s->where, 2000, NULL);
	CHECK_INT(ask(&q, DNS_A, "c9.test"), DNS_OK);
	REQUIRE(loop_turn(loop, 0) == 0);
	before = mem_used();
	clock_fake(clock_mono_ms() + 11000, clock_wall_s());
	REQUIRE(loop_turn(loop, 0) == 0);
	CHECK(mem_used() < before);
	CHECK_INT(ask(&q, DNS_A, "x.many.test"), DNS_OK);
	CHECK(mem_used() >= before);
	dns_cancel(&q);
	close_dns();
}

int
main(void)
{
	struct server s;

	if (access(DNSD, R_OK) < 0) {
		printf("skipped: no %s below this folder\n", DNSD);
		return SKIP;
	}
	log_open(LOG_TO_NOTHING, LOG_FAULT);
	REQUIRE(server_start(&s, "zones", zones, NULL));
	test_records(&s);
	test_cache(&s);
	test_huge(&s);
	test_many(&s);
	test_left(&s);
	test_options(&s);
	test_resolv_conf_change();
	test_no_memory(&s);
	test_idle(&s);
	server_stop(&s);
	return test_done();
}
