/* Outgoing connections, plain and TLS, to servers of the same loop: those that
 * answer, those that do not, and all kinds of certificates. */
#include "bench.h"

#include <fcntl.h>
#include <utime.h>

#include "base/clock.h"
#include "pems.h"

struct caller {
	struct conn *c;
	char got[400000];
	size_t n_got;
	int n_steps, n_freed;
	int failed;
	char why[100];
	bool is_tls;
	struct tls_info info;
	bool starts_tls; /* says "tls", and begins a handshake at "go" */
	bool has_injected;
	struct tls_client how;
};

static struct cert *ec_cert, *rsa_cert;
static char ec_pem[4096];
static struct tls_config *config;

static void
caller_step(void *session)
{
	struct caller *k = session;
	struct span in = conn_in(k->c);

	k->n_steps++;
	conn_set_deadline(k->c, 60000);
	k->failed = conn_failed(k->c);
	if (k->failed != 0) {
		snprintf(k->why, sizeof(k->why), "%s", conn_fail_text(k->c));
		CHECK(conn_in(k->c).len == 0 && !conn_is_tls(k->c));
		conn_abort(k->c);
		k->c = NULL;
		return;
	}
	k->is_tls = conn_tls_info(k->c, &k->info) == 0;
	if (k->starts_tls && !k->is_tls && span_is(in, SPAN("hi\n"))) {
		conn_put_str(k->c, "tls\n");
	} else if (k->starts_tls && !k->is_tls && span_starts(in, SPAN("go"))) {
		CHECK(conn_start_tls_client(k->c, &k->how) == 0);
		return;
	}
	REQUIRE(in.len <= sizeof(k->got) - k->n_got);
	if (in.len > 0)
		memcpy(k->got + k->n_got, in.p, in.len);
	k->n_got += in.len;
	conn_consume(k->c, in.len);
	if (conn_is_eof(k->c))
		conn_close(k->c);
}

static void
caller_free(void *session)
{
	struct caller *k = session;

	k->n_freed++;
	k->c = NULL;
}

static const struct conn_ops caller_ops = { caller_step, caller_free };

static struct dial_options
options_to(uint16_t port)
{
	struct dial_options o = { .timeout_ms = 5000 };

	REQUIRE(peer_parse(SPAN("127.0.0.1"), &o.to) == 0);
	o.to.port = port;
	return o;
}

/* Dial, and turn until n bytes came, it failed, or it ended. */
static struct caller *
call(struct bench *b, const struct dial_options *o, struct caller *k, size_t n)
{
	REQUIRE(dial(b->loop, o, &caller_ops, k, &k->c) == 0);
	CHECK(k->n_steps == 0);
	for (int i = 0; i < 3000 && k->n_got < n && k->n_freed == 0; i++)
		REQUIRE(loop_turn(b->loop, 1) == 0);
	return k;
}

static void
hang_up(struct bench *b, struct caller *k)
{
	if (k->c != NULL)
		conn_abort(k->c);
	bench_turns(b, 3);
	CHECK(k->n_freed == 1);
	free(k);
}

static struct caller *
caller_new(void)
{
	struct caller *k = calloc(1, sizeof(*k));

	REQUIRE(k != NULL);
	return k;
}

static void
test_plain(void)
{
	struct bench b;
	struct caller *k = caller_new();
	struct dial_options o;
	struct peer from;

	bench_open(&b, NULL, false);
	o = options_to(b.port);
	call(&b, &o, k, 3);
	CHECK(span_is(span_of(k->got, k->n_got), SPAN("hi\n")));
	CHECK(k->failed == 0 && !k->is_tls);
	CHECK(conn_peer(k->c)->port == b.port);
	CHECK(conn_self(k->c)->family == PEER_IP4);
	conn_put_str(k->c, "echo");
	for (int i = 0; i < 50 && k->n_got < 7; i++)
		bench_turns(&b, 1);
	CHECK(span_is(span_of(k->got, k->n_got), SPAN("hi\necho")));
	hang_up(&b, k);

	/* From an address of our choice; from one that is not ours. */
	REQUIRE(peer_parse(SPAN("127.7.7.7"), &from) == 0);
	from.port = 0;
	o.from = &from;
	k = call(&b, &o, caller_new(), 3);
	CHECK(k->n_got == 3 && conn_self(k->c)->addr[1] == 7);
	hang_up(&b, k);
	REQUIRE(peer_parse(SPAN("192.0.2.1"), &from) == 0);
	k = caller_new();
	CHECK(dial(b.loop, &o, &caller_ops, k, &k->c) == ERR_IO);
	free(k);
	bench_close(&b);
}

static void
test_no_answer(void)
{
	struct bench b;
	struct caller *k;
	struct dial_options o;
	int fd = -1, more[4];
	struct sockaddr_in sa = { .sin_family = AF_INET };

	/* Nobody listens there. */
	bench_open(&b, NULL, false);
	REQUIRE(listen_bind("127.0.0.1", 0, &fd) == 0);
	o = options_to(listen_port(fd));
	close(fd);
	k = call(&b, &o, caller_new(), 1);
	CHECK_INT(k->failed, ERR_REFUSED);
	CHECK_STR(k->why, "the host refused the connection");
	CHECK(k->n_steps == 1);
	hang_up(&b, k);
	/* No network of this kind, or no way: loopback is not routed. */
	REQUIRE(peer_parse(SPAN("fe80::1"), &o.to) == 0);
	k = call(&b, &o, caller_new(), 1);
	CHECK_INT(k->failed, ERR_UNREACHABLE);
	hang_up(&b, k);

	/* A full queue of connections: no answer at all. */
	fd = socket(AF_INET, SOCK_STREAM, 0);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t len = sizeof(sa);
	REQUIRE(bind(fd, (struct sockaddr *)&sa, len) == 0);
	REQUIRE(listen(fd, 0) == 0);
	REQUIRE(getsockname(fd, (struct sockaddr *)&sa, &len) == 0);
	for (int i = 0; i < 4; i++) {
		more[i] = socket(AF_INET, SOCK_STREAM, 0);
		REQUIRE(fcntl(more[i], F_SETFL, O_NONBLOCK) == 0);
		(void)connect(more[i], (struct sockaddr *)&sa, len);
	}
	o = options_to(ntohs(sa.sin_port));
	o.timeout_ms = 30;
	k = call(&b, &o, caller_new(), 1);
	CHECK_INT(k->failed, ERR_TIMEOUT);
	hang_up(&b, k);
	for (int i = 0; i < 4; i++)
		close(more[i]);
	close(fd);
	CHECK(loop_stats(b.loop)->n_conns == 0);
	bench_close(&b);
}

/* What is wrong with a certificate, and what follows. */
static const struct {
	const char *name;
	bool is_rsa;     /* of b.test, an authority by itself; else of a.test */
	bool is_trusted; /* it is among the anchors */
	const char *host;
	int64_t wall_s;  /* 0: now */
	const char *why; /* NULL: verified */
} judgements[] = {
	{ "authority", true, true, "b.test", 0, NULL },
	{ "wildcard", true, true, "mx.b.test", 0, NULL },
	{ "other case", true, true, "MX.B.test", 0, NULL },
	{ "pinned", false, true, "a.test", 0, NULL },
	{ "not an anchor", true, false, "b.test", 0,
	    "the certificate's issuer is not trusted" },
	{ "self-signed", false, false, "a.test", 0,
	    "the certificate's issuer is not trusted" },
	{ "wrong name", true, true, "a.test", 0,
	    "the certificate is for another name" },
	{ "two labels for a star", true, true, "x.y.b.test", 0,
	    "the certificate is for another name" },
	{ "expired", false, true, "a.test", 4000000000,
	    "the certificate is not valid today" },
	{ "not yet", true, true, "b.test", 1500000000,
	    "the certificate is not valid today" },
};

static void
judge(size_t i, bool must_verify)
{
	struct bench b;
	struct caller *k = caller_new();
	struct anchors *a = NULL;
	struct dial_options o;
	struct cert *c = judgements[i].is_rsa ? rsa_cert : ec_cert;
	const char *why = judgements[i].why;
	const char *row = judgements[i].name;

	if (judgements[i].wall_s != 0)
		clock_fake(clock_mono_ms(), judgements[i].wall_s);
	REQUIRE(tls_config_set(config, &c, 1) == 0);
	bench_open(&b, config, true);
	if (judgements[i].is_trusted)
		REQUIRE(
		    anchors_parse(
		        span_str(judgements[i].is_rsa ? pem_rsa_cert : ec_pem),
		        &a) == 0);
	dial_set_anchors(b.loop, a);
	o = options_to(b.port);
	o.is_tls = true;
	o.tls = (struct tls_client){ span_str(judgements[i].host), must_verify,
		true };
	REQUIRE(dial(b.loop, &o, &caller_ops, k, &k->c) == 0);
	/* What the handshake needs it refers to. */
	anchors_free(a);
	for (int n = 0; n < 500 && k->n_got < 3 && k->n_freed == 0; n++)
		REQUIRE(loop_turn(b.loop, 1) == 0);
	if (why == NULL || !must_verify) {
		CHECK_ROW(k->is_tls && k->n_got == 3, row);
		CHECK_ROW(k->info.is_verified == (why == NULL), row);
		CHECK_ROW(k->info.is_client && k->info.version == 0x0303, row);
	}
	if (why != NULL) {
		CHECK_STR(must_verify ? k->why : k->info.why_not, why);
		CHECK_ROW(k->failed == (must_verify ? ERR_TLS : 0), row);
	} else {
		CHECK_ROW(k->info.why_not == NULL, row);
		CHECK_STR(k->info.peer_name,
		    judgements[i].is_rsa ? "b.test" : "a.test");
		CHECK_STR(k->info.sni, judgements[i].host);
	}
	hang_up(&b, k);
	bench_close(&b);
}

static void
test_big_both_ways(void)
{
	static char big[300000];
	struct bench b;
	struct caller *k;
	struct dial_options o;
	size_t n_put = 0;

	REQUIRE(tls_config_set(config, &ec_cert, 1) == 0);
	bench_open(&b, config, true);
	o = options_to(b.port);
	o.is_tls = true;
	k = call(&b, &o, caller_new(), 3);
	CHECK(k->is_tls && !k->info.is_verified); /* without a name */
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + i / 1000);
	for (int i = 0; i < 5000 && k->n_got < sizeof(big) + 3; i++) {
		struct span s = span_of(big + n_put, sizeof(big) - n_put);

		s = span_sub(s, 0, conn_out_room(k->c));
		conn_put(k->c, s);
		n_put += s.len;
		REQUIRE(loop_turn(b.loop, 0) == 0);
	}
	CHECK(span_is(
	    span_of(k->got + 3, k->n_got - 3), span_of(big, sizeof(big))));
	hang_up(&b, k);
	bench_close(&b);
}

/* Says "go" and more in the clear, as somebody in the middle would. */
static void
inject(struct session *s)
{
	struct span in = conn_in(s->c);

	if (span_starts(in, SPAN("tls\n"))) {
		conn_put_str(s->c, "go\n250 injected\n");
		conn_start_tls(s->c);
		return;
	}
	if (conn_is_tls(s->c) && conn_is_drained(s->c))
		conn_put_str(s->c, "secure");
	conn_consume(s->c, in.len);
	if (conn_is_eof(s->c))
		conn_close(s->c);
}

static void
test_start_tls(void)
{
	struct bench b;
	struct caller *k;
	struct dial_options o;
	struct anchors *a = NULL;

	REQUIRE(tls_config_set(config, &rsa_cert, 1) == 0);
	REQUIRE(anchors_parse(span_str(pem_rsa_cert), &a) == 0);
	for (int is_injected = 0; is_injected < 2; is_injected++) {
		bench_open(&b, config, false);
		dial_set_anchors(b.loop, a);
		b.step = is_injected ? inject : NULL;
		o = options_to(b.port);
		k = caller_new();
		k->starts_tls = true;
		k->how = (struct tls_client){ SPAN("b.test"), true, false };
		call(&b, &o, k, is_injected ? 9 : 4);
		for (int i = 0; i < 300 && !k->is_tls; i++)
			REQUIRE(loop_turn(b.loop, 1) == 0);
		CHECK(k->is_tls && k->info.is_verified);
		CHECK_STR(k->info.sni, ""); /* not sent, yet verified */
		if (is_injected)
			CHECK_SPAN(
			    span_of(k->got, k->n_got), SPAN("hi\nsecure"));
		hang_up(&b, k);
		bench_close(&b);
	}
	anchors_free(a);
}

/* Peers that are no TLS servers. */
static void
babble(struct session *s)
{
	conn_consume(s->c, conn_in(s->c).len);
	conn_put_str(s->c, "220 mail.test ESMTP\r\n");
	if (conn_is_eof(s->c))
		conn_close(s->c);
}

static void
slam(struct session *s)
{
	conn_abort(s->c);
}

static void
ignore(struct session *s)
{
	conn_consume(s->c, conn_in(s->c).len);
	if (conn_is_eof(s->c))
		conn_close(s->c);
}

static void
test_no_tls_there(void)
{
	static const struct {
		void (*step)(struct session *);
		const char *why;
		int code;
	} rows[] = {
		{ babble, "no TLS version in common (we speak 1.2)", ERR_TLS },
		{ slam, "the host closed during the TLS handshake", ERR_TLS },
		{ ignore, "the TLS handshake took too long", ERR_TIMEOUT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct listen_limits limits = { 1000, 20, 100, 100, 100 };
		struct bench b;
		struct caller *k;
		struct dial_options o;

		bench_open(&b, NULL, false);
		if (rows[i].step == ignore)
			listen_set_limits(b.loop, &limits);
		b.step = rows[i].step;
		o = options_to(b.port);
		o.is_tls = true;
		k = call(&b, &o, caller_new(), 1000);
		CHECK_INT(k->failed, rows[i].code);
		if (rows[i].step != babble) /* "hi" is no record */
			CHECK_STR(k->why, rows[i].why);
		CHECK(k->n_steps == 1);
		hang_up(&b, k);
		bench_turns(&b, 5);
		CHECK(loop_stats(b.loop)->n_tls_conns == 0);
		bench_close(&b);
	}
}

static void
test_options(void)
{
	struct bench b;
	struct caller *k = caller_new();
	struct dial_options o;
	char long_host[300];

	memset(long_host, 'a', sizeof(long_host));
	bench_open(&b, NULL, false);
	o = options_to(b.port);
	o.is_tls = true;
	o.tls.must_verify = true;
	CHECK(dial(b.loop, &o, &caller_ops, k, &k->c) == ERR_INVALID);
	o.tls.host = span_of(long_host, sizeof(long_host));
	CHECK(dial(b.loop, &o, &caller_ops, k, &k->c) == ERR_INVALID);
	CHECK(loop_stats(b.loop)->n_conns == 0);
	free(k);
	bench_close(&b);
}

static void
test_anchors(void)
{
	char path[300];
	struct anchors *a = NULL;
	struct buf why, pem;
	FILE *f;
	struct utimbuf old;

	snprintf(path, sizeof(path), "%s/anchors.pem", test_folder());
	buf_init(&why, 200);
	buf_init(&pem, MAX_ANCHORS_FILE);
	CHECK(anchors_load(path, &a, &why) == ERR_NONE);
	CHECK(why.len > 0);
	f = fopen(path, "w");
	REQUIRE(f != NULL);
	fprintf(f,
	    "# words\n%s\n%s-----BEGIN CERTIFICATE-----\nAAAA\n"
	    "-----END CERTIFICATE-----\n"
	    "-----BEGIN CERTIFICATE-----\n!!!\n"
	    "-----END CERTIFICATE-----\n",
	    ec_pem, pem_rsa_cert);
	fclose(f);
	old.actime = old.modtime = (time_t)(clock_wall_s() - 400 * 86400);
	REQUIRE(utime(path, &old) == 0);
	REQUIRE(anchors_load(path, &a, NULL) == 0);
	CHECK_INT(anchors_count(a), 2);
	CHECK(anchors_skipped(a) >= 2);
	CHECK_INT(anchors_age_days(a), 400);
	anchors_free(a);
	CHECK(anchors_parse(SPAN(""), &a) == ERR_SYNTAX);
	CHECK(anchors_parse(SPAN("-----BEGIN CERTIFICATE-----\n"), &a) ==
	      ERR_SYNTAX);
	for (int i = 0; i < 600; i++)
		buf_put_str(&pem, ec_pem);
	CHECK(anchors_parse(buf_span(&pem), &a) == ERR_LIMIT);
	CHECK(anchors_count(NULL) == 0);
	unlink(path);
	buf_deinit(&why);
	buf_deinit(&pem);
}

static void
make_certs(void)
{
	struct span names[] = { SPAN("a.test"), SPAN("localhost") };
	struct buf pem, key, why;

	buf_init(&pem, CERT_MAX_PEM_BYTES);
	buf_init(&key, CERT_MAX_PEM_BYTES);
	buf_init(&why, CERT_MAX_WHY);
	REQUIRE(cert_make(names, 2, NULL, 0, clock_wall_s(), &pem, &key) == 0);
	REQUIRE(cert_new(buf_span(&pem), buf_span(&key), &ec_cert, &why) == 0);
	REQUIRE(span_to_cstr(buf_span(&pem), ec_pem, sizeof(ec_pem)) == 0);
	REQUIRE(cert_new(span_str(pem_rsa_cert), span_str(pem_rsa_key),
	            &rsa_cert, &why) == 0);
	buf_deinit(&pem);
	buf_deinit(&key);
	buf_deinit(&why);
}

int
main(void)
{
	make_certs();
	REQUIRE(tls_config_new(&config) == 0);
	test_plain();
	test_no_answer();
	test_options();
	test_anchors();
	test_big_both_ways();
	test_start_tls();
	test_no_tls_there();
	for (size_t i = 0; i < sizeof(judgements) / sizeof(*judgements); i++) {
		/* The faked clock stands still: those two come last. */
		judge(i, true);
		judge(i, false);
	}
	tls_config_free(config);
	cert_free(ec_cert);
	cert_free(rsa_cert);
	return test_done();
}
