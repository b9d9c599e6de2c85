/* TLS as clients see it: BearSSL's own client in the same process, and
 * openssl s_client where it is installed. */
#include "bench.h"

#include <bearssl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/rand.h"
#include "net/cert_impl.h"
#include "pems.h"

struct client {
	br_ssl_client_context cc;
	br_x509_knownkey_context xc;
	uint8_t buf[BR_SSL_BUFSIZE_BIDI];
	int fd;
	char got[70000];
	size_t n_got;
	size_t chunk; /* how many bytes are sent at a time */
};

static struct cert *ec_cert, *rsa_cert;
static struct tls_config *config;

static void
make_certs(void)
{
	struct span names[] = { SPAN("a.test"), SPAN("localhost") };
	struct peer self;
	struct buf pem, key, why;

	buf_init(&pem, CERT_MAX_PEM_BYTES);
	buf_init(&key, CERT_MAX_PEM_BYTES);
	buf_init(&why, CERT_MAX_WHY);
	REQUIRE(peer_parse(SPAN("127.0.0.1"), &self) == 0);
	REQUIRE(cert_make(names, 2, &self, 1, clock_wall_s(), &pem, &key) == 0);
	REQUIRE(cert_new(buf_span(&pem), buf_span(&key), &ec_cert, &why) == 0);
	REQUIRE(cert_new(span_str(pem_rsa_cert), span_str(pem_rsa_key),
	            &rsa_cert, &why) == 0);
	buf_deinit(&pem);
	buf_deinit(&key);
	buf_deinit(&why);
}

/* Trust exactly the key of this certificate. */
static void
trust(struct client *cl, struct cert *c)
{
	static br_x509_decoder_context d[2];
	br_x509_decoder_context *at = &d[c->is_ec];
	const br_x509_pkey *pk;

	br_x509_decoder_init(at, NULL, NULL);
	br_x509_decoder_push(at, c->chain[0].data, c->chain[0].data_len);
	pk = br_x509_decoder_get_pkey(at);
	REQUIRE(pk != NULL);
	if (c->is_ec)
		br_x509_knownkey_init_ec(
		    &cl->xc, &pk->key.ec, BR_KEYTYPE_SIGN | BR_KEYTYPE_KEYX);
	else
		br_x509_knownkey_init_rsa(
		    &cl->xc, &pk->key.rsa, BR_KEYTYPE_SIGN | BR_KEYTYPE_KEYX);
	br_ssl_engine_set_x509(&cl->cc.eng, &cl->xc.vtable);
}

/* A client over a connected socket; session: to resume, or NULL. */
static struct client *
client_new(int fd, const char *sni, struct cert *c, const char **alpn,
    const br_ssl_session_parameters *session)
{
	struct client *cl = calloc(1, sizeof(*cl));
	br_x509_minimal_context unused;

	REQUIRE(cl != NULL);
	cl->fd = fd;
	cl->chunk = 65536;
	br_ssl_client_init_full(&cl->cc, &unused, NULL, 0);
	trust(cl, c);
	br_ssl_engine_set_buffer(&cl->cc.eng, cl->buf, sizeof(cl->buf), 1);
	if (alpn != NULL)
		br_ssl_engine_set_protocol_names(&cl->cc.eng, alpn, 1);
	if (session != NULL)
		br_ssl_engine_set_session_parameters(&cl->cc.eng, session);
	br_ssl_client_reset(&cl->cc, sni, session != NULL);
	return cl;
}

static void
client_free(struct client *cl)
{
	close(cl->fd);
	free(cl);
}

/* Move what can be moved, without waiting. */
static void
client_pump(struct client *cl)
{
	br_ssl_engine_context *eng = &cl->cc.eng;
	unsigned char *p;
	size_t len;
	ssize_t n;

	while ((p = br_ssl_engine_sendrec_buf(eng, &len)) != NULL) {
		if (len > cl->chunk)
			len = cl->chunk;
		n = send(cl->fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0)
			break;
		br_ssl_engine_sendrec_ack(eng, (size_t)n);
		if (cl->chunk < 65536)
			break;
	}
	for (;;) {
		p = br_ssl_engine_recvapp_buf(eng, &len);
		if (p != NULL) {
			REQUIRE(len <= sizeof(cl->got) - cl->n_got);
			memcpy(cl->got + cl->n_got, p, len);
			cl->n_got += len;
			br_ssl_engine_recvapp_ack(eng, len);
			continue;
		}
		p = br_ssl_engine_recvrec_buf(eng, &len);
		if (p == NULL)
			break;
		n = recv(cl->fd, p, len, MSG_DONTWAIT);
		if (n <= 0)
			break;
		br_ssl_engine_recvrec_ack(eng, (size_t)n);
	}
}

static bool
client_is_closed(const struct client *cl)
{
	return br_ssl_engine_current_state(&cl->cc.eng) == BR_SSL_CLOSED;
}

/* Turn both until so many bytes have come (or it closed); true if they did. */
static bool
client_await(struct bench *b, struct client *cl, size_t n)
{
	for (int i = 0; i < 5000 && cl->n_got < n; i++) {
		client_pump(cl);
		REQUIRE(loop_turn(b->loop, 0) == 0);
		if (client_is_closed(cl))
			break;
	}
	return cl->n_got >= n;
}

static void
client_put(struct bench *b, struct client *cl, struct span s)
{
	for (int i = 0; i < 5000 && s.len > 0; i++) {
		size_t len;
		unsigned char *p = br_ssl_engine_sendapp_buf(&cl->cc.eng, &len);

		if (p != NULL) {
			if (len > s.len)
				len = s.len;
			memcpy(p, s.p, len);
			br_ssl_engine_sendapp_ack(&cl->cc.eng, len);
			br_ssl_engine_flush(&cl->cc.eng, 0);
			s = span_sub(s, len, s.len);
		}
		client_pump(cl);
		REQUIRE(loop_turn(b->loop, 0) == 0);
	}
	CHECK(s.len == 0);
}

/* Put, and expect the echo. */
static bool
client_ping(struct bench *b, struct client *cl, struct span s)
{
	cl->n_got = 0;
	client_put(b, cl, s);
	return client_await(b, cl, s.len) &&
	       span_is(span_of(cl->got, cl->n_got), s);
}

static struct client *
connect_tls(struct bench *b, const char *sni, struct cert *c, const char **alpn,
    const br_ssl_session_parameters *session)
{
	return client_new(bench_connect(b), sni, c, alpn, session);
}

static void
test_handshake(void)
{
	struct bench b;
	const char *imap = "imap";
	br_ssl_session_parameters session;
	struct client *cl;
	struct tls_info info;
	uint8_t digest[32];

	bench_open(&b, config, true);
	cl = connect_tls(&b, "a.test", ec_cert, &imap, NULL);
	CHECK(client_await(&b, cl, 3));
	CHECK(span_is(span_of(cl->got, cl->n_got), SPAN("hi\n")));
	CHECK(client_ping(&b, cl, SPAN("hello")));
	CHECK(conn_is_tls(b.last->c));
	CHECK(conn_tls_info(b.last->c, &info) == 0);
	CHECK(info.version == 0x0303);
	CHECK(strncmp(info.cipher, "TLS_ECDHE_ECDSA_", 16) == 0);
	CHECK(strcmp(info.sni, "a.test") == 0);
	CHECK(!info.is_resumed && info.has_unique);
	CHECK(memcmp(info.unique, cl->cc.eng.saved_finished, 12) == 0);
	cert_fingerprint(ec_cert, digest);
	CHECK(info.end_point_len == 32);
	CHECK(memcmp(info.end_point, digest, 32) == 0);
	CHECK(strcmp(br_ssl_engine_get_selected_protocol(&cl->cc.eng),
	          "imap") == 0);
	br_ssl_engine_get_session_parameters(&cl->cc.eng, &session);
	/* A proper end: the server answers close_notify. */
	cl->n_got = 0;
	client_put(&b, cl, SPAN("quit"));
	CHECK(client_await(&b, cl, 3));
	for (int i = 0; i < 20 && !client_is_closed(cl); i++) {
		client_pump(cl);
		bench_turns(&b, 1);
	}
	CHECK(client_is_closed(cl));
	CHECK(br_ssl_engine_last_error(&cl->cc.eng) == 0);
	client_free(cl);
	bench_turns(&b, 5);
	CHECK(loop_stats(b.loop)->n_conns == 0);

	/* Resumption, which has no tls-unique. */
	cl = connect_tls(&b, "a.test", ec_cert, &imap, &session);
	CHECK(client_await(&b, cl, 3));
	CHECK(conn_tls_info(b.last->c, &info) == 0);
	CHECK(info.is_resumed && !info.has_unique);
	CHECK(loop_stats(b.loop)->n_resumed == 1);
	CHECK(memcmp(info.end_point, digest, 32) == 0);
	CHECK(client_ping(&b, cl, SPAN("again")));
	client_free(cl);
	/* Under another name: not. */
	cl = connect_tls(&b, "localhost", ec_cert, &imap, &session);
	CHECK(!client_await(&b, cl, 3));
	client_free(cl);
	/* New certificates forget the sessions; running ones go on. */
	cl = connect_tls(&b, "a.test", ec_cert, NULL, NULL);
	CHECK(client_await(&b, cl, 3));
	struct cert *both[] = { ec_cert, rsa_cert };
	CHECK(tls_config_set(config, both, 2) == 0);
	CHECK(client_ping(&b, cl, SPAN("still here")));
	client_free(cl);
	cl = connect_tls(&b, "a.test", ec_cert, &imap, &session);
	CHECK(client_await(&b, cl, 3));
	CHECK(conn_tls_info(b.last->c, &info) == 0);
	CHECK(!info.is_resumed);
	client_free(cl);
	bench_close(&b);
}

static void
test_choice(void)
{
	struct bench b;
	const char *http = "http/1.1";
	struct tls_info info, again;
	struct client *cl;

	bench_open(&b, config, true);
	/* RFC 7301 3.2: a foreign protocol is refused (ALPACA). */
	cl = connect_tls(&b, "a.test", ec_cert, &http, NULL);
	CHECK(!client_await(&b, cl, 3));
	client_free(cl);
	/* By name, by wildcard, and the first one otherwise. */
	cl = connect_tls(&b, "b.test", rsa_cert, NULL, NULL);
	CHECK(client_await(&b, cl, 3));
	CHECK(conn_tls_info(b.last->c, &info) == 0);
	CHECK(info.end_point_len == 48); /* signed with SHA-384 */
	CHECK(strncmp(info.cipher, "TLS_ECDHE_RSA_", 14) == 0);
	CHECK(client_ping(&b, cl, SPAN("hello")));
	client_free(cl);
	cl = connect_tls(&b, "mail.b.test", rsa_cert, NULL, NULL);
	CHECK(client_await(&b, cl, 3));
	client_free(cl);
	cl = connect_tls(&b, "c.test", ec_cert, NULL, NULL);
	CHECK(client_await(&b, cl, 3));
	client_free(cl);
	cl = connect_tls(&b, NULL, ec_cert, NULL, NULL);
	CHECK(client_await(&b, cl, 3));
	client_free(cl);
	/* A client of RSA only gets the RSA one. */
	cl = connect_tls(&b, NULL, rsa_cert, NULL, NULL);
	static const uint16_t rsa_only[] = {
		BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
	};
	br_ssl_engine_set_suites(&cl->cc.eng, rsa_only, 1);
	br_ssl_client_reset(&cl->cc, NULL, 0);
	CHECK(client_await(&b, cl, 3));
	client_free(cl);
	/* TLS 1.1 and CBC are not spoken. */
	cl = connect_tls(&b, NULL, ec_cert, NULL, NULL);
	br_ssl_engine_set_versions(&cl->cc.eng, BR_TLS10, BR_TLS11);
	br_ssl_client_reset(&cl->cc, NULL, 0);
	CHECK(!client_await(&b, cl, 3));
	client_free(cl);
	/* Renegotiation is refused: a warning comes back, no handshake. */
	cl = connect_tls(&b, NULL, ec_cert, NULL, NULL);
	CHECK(client_await(&b, cl, 3));
	CHECK(conn_tls_info(b.last->c, &info) == 0);
	CHECK(br_ssl_engine_renegotiate(&cl->cc.eng) == 1);
	for (int i = 0; i < 20; i++) {
		client_pump(cl);
		bench_turns(&b, 1);
	}
	CHECK(b.last != NULL && conn_tls_info(b.last->c, &again) == 0 &&
	      memcmp(info.unique, again.unique, 12) == 0);
	client_free(cl);
	bench_turns(&b, 10);
	CHECK(loop_stats(b.loop)->n_conns == 0);
	bench_close(&b);
}

/* Records of random size on two connections that take turns with the same
 * two buffers: design, TLS on a small machine. */
static void
test_lent_buffers(void)
{
	struct bench b;
	struct client *cl[2];
	static char data[40000];

	bench_open(&b, config, true);
	rand_bytes(data, sizeof(data));
	for (int i = 0; i < 2; i++) {
		cl[i] = connect_tls(&b, NULL, ec_cert, NULL, NULL);
		CHECK(client_await(&b, cl[i], 3));
	}
	for (int i = 0; i < 1000; i++) {
		size_t len = 1 + rand_u32() % (i % 10 == 0 ? 40000 : 2000);
		size_t from = rand_u32() % (sizeof(data) - len + 1);

		/* The other one has half a record under way. */
		cl[~i & 1]->chunk = 7;
		br_ssl_engine_flush(&cl[~i & 1]->cc.eng, 1);
		client_pump(cl[~i & 1]);
		cl[~i & 1]->chunk = 65536;
		CHECK(client_ping(&b, cl[i & 1], span_of(data + from, len)));
	}
	client_free(cl[0]);
	client_free(cl[1]);
	bench_close(&b);
}

static void
test_byte_by_byte(void)
{
	struct bench b;
	struct client *cl[2];

	bench_open(&b, config, true);
	for (int i = 0; i < 2; i++) {
		cl[i] = connect_tls(&b, NULL, ec_cert, NULL, NULL);
		cl[i]->chunk = 1;
	}
	for (int i = 0; i < 5000 && (cl[0]->n_got < 3 || cl[1]->n_got < 3);
	     i++) {
		client_pump(cl[0]);
		client_pump(cl[1]);
		bench_turns(&b, 1);
	}
	CHECK(client_ping(&b, cl[0], SPAN("one byte at a time")));
	CHECK(client_ping(&b, cl[1], SPAN("and the other one")));
	client_free(cl[0]);
	client_free(cl[1]);
	bench_close(&b);
}

/* What was sent in the clear behind the command is never executed. */
static void
test_start_tls(void)
{
	struct bench b;
	struct client *cl;
	size_t before;
	int fd;

	bench_open(&b, config, false);
	fd = bench_connect(&b);
	CHECK(bench_expect(&b, fd, "hi\n"));
	before = mem_used();
	CHECK(conn_can_start_tls(b.last->c));
	REQUIRE(send(fd, "tls\nquit", 8, 0) == 8);
	CHECK(bench_expect(&b, fd, "go\n"));
	cl = client_new(fd, NULL, ec_cert, NULL, NULL);
	CHECK(client_ping(&b, cl, SPAN("secret")));
	CHECK(conn_is_tls(b.last->c));
	CHECK(!conn_can_start_tls(b.last->c));
	CHECK(mem_used() - before < 6000);
	client_free(cl);
	bench_turns(&b, 5);
	CHECK(loop_stats(b.loop)->n_conns == 0);
	bench_close(&b);
}

/* A handshake cut at each length, and noise at each length. */
static void
test_hostile(void)
{
	struct bench b;
	struct client *cl;
	uint8_t hello[2000], noise[300], was;
	unsigned char *p;
	size_t len;
	int fd;

	bench_open(&b, config, true);
	cl = connect_tls(&b, "a.test", ec_cert, NULL, NULL);
	p = br_ssl_engine_sendrec_buf(&cl->cc.eng, &len);
	REQUIRE(p != NULL && len <= sizeof(hello));
	memcpy(hello, p, len);
	client_free(cl);
	for (size_t n = 0; n < len; n++) {
		fd = bench_connect(&b);
		CHECK(send(fd, hello, n, 0) == (ssize_t)n);
		bench_turns(&b, 2);
		close(fd);
		bench_turns(&b, 2);
		/* One byte is not what it was. */
		fd = bench_connect(&b);
		was = hello[n];
		hello[n] ^= (uint8_t)(1 + rand_u32() % 255);
		CHECK(send(fd, hello, len, 0) == (ssize_t)len);
		hello[n] = was;
		bench_turns(&b, 2);
		close(fd);
		bench_turns(&b, 2);
	}
	for (size_t n = 1; n < sizeof(noise); n++) {
		rand_bytes(noise, n);
		noise[0] = 22;
		noise[1] = 3;
		fd = bench_connect(&b);
		CHECK(send(fd, noise, n, 0) == (ssize_t)n);
		bench_turns(&b, 2);
		close(fd);
	}
	fd = bench_connect(&b);
	CHECK(send(fd, "GET / HTTP/1.1\r\n\r\n", 18, 0) == 18);
	bench_turns(&b, 5);
	close(fd);
	bench_turns(&b, 20);
	CHECK(loop_stats(b.loop)->n_conns == 0);
	bench_close(&b);
}

/* A record that was changed on the way ends the connection. */
static void
test_damaged_record(void)
{
	struct bench b;
	struct client *cl;

	bench_open(&b, config, true);
	cl = connect_tls(&b, NULL, ec_cert, NULL, NULL);
	CHECK(client_await(&b, cl, 3));
	CHECK(send(cl->fd, "\x17\x03\x03\x00\x20", 5, 0) == 5);
	for (int i = 0; i < 32; i++)
		CHECK(send(cl->fd, "x", 1, MSG_NOSIGNAL) == 1);
	bench_turns(&b, 5);
	CHECK(b.n_freed == 1);
	client_free(cl);
	bench_close(&b);
}

/* Twenty handshakes at once: one asymmetric operation a turn, all succeed. */
static void
test_queue(void)
{
	struct bench b;
	struct client *cl[20];
	uint32_t before;

	bench_open(&b, config, true);
	for (int i = 0; i < 20; i++) {
		cl[i] = connect_tls(&b, NULL, ec_cert, NULL, NULL);
		client_pump(cl[i]);
	}
	bench_turns(&b, 5);
	before = loop_stats(b.loop)->n_handshakes;
	for (int i = 0; i < 200 && loop_stats(b.loop)->n_handshakes < 20; i++) {
		for (int k = 0; k < 20; k++)
			client_pump(cl[k]);
		bench_turns(&b, 1);
		CHECK(loop_stats(b.loop)->n_handshakes <= before + 1);
		before = loop_stats(b.loop)->n_handshakes;
	}
	CHECK(before == 20);
	for (int i = 0; i < 20; i++) {
		CHECK(client_await(&b, cl[i], 3));
		client_free(cl[i]);
	}
	bench_close(&b);
}

static void
test_no_memory(void)
{
	for (uint64_t n = 1; n < 40; n++) {
		struct bench b;
		struct client *cl;

		bench_open(&b, config, true);
		fault_arm(FAULT_ALLOC, n, false);
		cl = connect_tls(&b, NULL, ec_cert, NULL, NULL);
		(void)client_await(&b, cl, 3);
		fault_arm(FAULT_ALLOC, 0, false);
		client_free(cl);
		bench_close(&b);
	}
}

static long
rss_anon_kb(void)
{
	char line[256];
	long kb = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "RssAnon: %ld", &kb) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kb;
}

/* 500 idle ones: what each costs beside the kernel's part. */
static void
measure_idle(void)
{
	struct bench b;
	br_ssl_session_parameters session;
	struct client *cl = NULL;
	size_t before = 0;
	long rss = 0;
	int64_t began = 0;
	int fds[500];

	bench_open(&b, config, true);
	for (int i = 0; i < 500; i++) {
		if (i == 1) {
			before = mem_used();
			rss = rss_anon_kb();
			began = clock_cpu_us();
		}
		cl = connect_tls(&b, NULL, ec_cert, NULL, i ? &session : NULL);
		CHECK(client_await(&b, cl, 3));
		br_ssl_engine_get_session_parameters(&cl->cc.eng, &session);
		fds[i] = dup(cl->fd); /* it stays open, idle */
		client_free(cl);
	}
	bench_turns(&b, 20);
	CHECK(loop_stats(b.loop)->n_tls_conns == 500);
	CHECK((mem_used() - before) / 499 < 8192);
	printf("bytes of an idle TLS session: %zu (RssAnon %ld), resumed in "
	       "%d us of both ends' CPU\n",
	    (mem_used() - before) / 499, (rss_anon_kb() - rss) * 1024 / 499,
	    (int)((clock_cpu_us() - began) / 499));
	for (int i = 0; i < 500; i++)
		close(fds[i]);
	bench_close(&b);
}

static void
measure_handshakes(void)
{
	struct bench b;
	int64_t cpu = 0;

	bench_open(&b, config, true);
	for (int i = 0; i < 20; i++) {
		struct client *cl = connect_tls(&b, NULL, ec_cert, NULL, NULL);

		for (int k = 0; k < 100 && cl->n_got < 3; k++) {
			int64_t at;

			client_pump(cl);
			at = clock_cpu_us();
			bench_turns(&b, 1);
			cpu += clock_cpu_us() - at;
		}
		client_free(cl);
	}
	printf("a full ECDSA handshake: %d us of the server's CPU\n",
	    (int)(cpu / 20));
	bench_close(&b);
}

/* Another implementation: openssl, where there is one. */
static void
test_openssl(void)
{
	static const char *const rows[] = { "-alpn imap -servername a.test",
		"-cipher ECDHE-ECDSA-CHACHA20-POLY1305",
		"-cipher ECDHE-RSA-AES256-GCM-SHA384 -servername b.test",
		"-reconnect" };
	struct bench b;
	char command[512], out[4096];
	pid_t pid;

	if (access("/usr/bin/openssl", X_OK) != 0)
		return;
	bench_open(&b, config, true);
	pid = fork();
	REQUIRE(pid >= 0);
	if (pid == 0)
		_exit(loop_run(b.loop) < 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		FILE *f;
		size_t n;

		snprintf(command, sizeof(command),
		    "printf quit | timeout 10 openssl s_client -quiet "
		    "-ign_eof -tls1_2 -connect 127.0.0.1:%d %s 2>&1",
		    b.port, rows[i]);
		f = popen(command, "r");
		REQUIRE(f != NULL);
		n = fread(out, 1, sizeof(out) - 1, f);
		out[n] = 0;
		CHECK_ROW(pclose(f) == 0, rows[i]);
		CHECK_ROW(strstr(out, "hi\nbye") != NULL ||
		              strstr(out, "hi\n") != NULL,
		    rows[i]);
	}
	kill(pid, SIGKILL); /* its epoll asks for the parent's signals */
	waitpid(pid, NULL, 0);
	bench_close(&b);
}

int
main(void)
{
	struct cert *both[2];

	make_certs();
	both[0] = ec_cert;
	both[1] = rsa_cert;
	REQUIRE(tls_config_new(&config) == 0);
	REQUIRE(tls_config_set(config, both, 2) == 0);
	test_handshake();
	test_choice();
	test_lent_buffers();
	test_byte_by_byte();
	test_start_tls();
	test_hostile();
	test_damaged_record();
	test_queue();
	test_no_memory();
	measure_idle();
	measure_handshakes();
	test_openssl();
	tls_config_free(config);
	cert_free(ec_cert);
	cert_free(rsa_cert);
	CHECK(mem_used() == 0);
	return test_done();
}
