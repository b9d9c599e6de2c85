/* One HTTPS request: to servers of the same loop that answer, stall, lie and
 * hang up, found by a name server of a few lines. */
#include "net/fetch.h"

#include "bench.h"
#include "pems.h"

#define URL_BYTES 64

/* What the server of a test says. */
struct site {
	struct span answer;
	size_t n_wait_for; /* bytes of a request before it answers */
	bool hangs_up, is_mute, is_aborting;
	char got[70000];
	size_t n_got;
	int n_sessions;
};

struct visit {
	struct conn *c;
	struct site *site;
	size_t n_put;
};

struct world {
	struct bench b;
	struct dns *dns;
	struct tls_config *tls;
	struct site site;
	int dns_fd;
	uint16_t port;
	struct fetch *f;
	int n_wakes;
	bool ends_in_wake;
};

static void
visit_step(void *session)
{
	struct visit *v = session;
	struct site *s = v->site;
	struct span in = conn_in(v->c);

	conn_set_deadline(v->c, 60000);
	REQUIRE(in.len <= sizeof(s->got) - s->n_got);
	if (in.len > 0)
		memcpy(s->got + s->n_got, in.p, in.len);
	s->n_got += in.len;
	conn_consume(v->c, in.len);
	if (s->n_got >= s->n_wait_for && !s->is_mute) {
		struct span rest =
		    span_sub(s->answer, v->n_put, conn_out_room(v->c));

		conn_put(v->c, rest);
		v->n_put += rest.len;
		if (s->is_aborting)
			conn_abort(v->c);
		else if (s->hangs_up && v->n_put == s->answer.len)
			conn_close(v->c);
	}
	if (conn_is_eof(v->c))
		conn_close(v->c);
}

static void
visit_free(void *session)
{
	mem_free(session);
}

static void
visit_accept(struct conn *c, enum listen_refusal why, void *arg)
{
	static const struct conn_ops ops = { visit_step, visit_free };
	struct visit *v = mem_alloc(sizeof(*v));

	REQUIRE(why == LISTEN_OK && v != NULL);
	v->c = c;
	v->site = arg;
	v->site->n_sessions++;
	conn_attach(c, &ops, v);
	conn_set_deadline(c, 60000);
}

/* Answer one question: *.b.test is at 127.0.0.1; gone.test is not; fail.test
 * cannot be told. */
static void
serve_dns(struct world *w)
{
	unsigned char q[512];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(w->dns_fd, q, sizeof(q) - 16, MSG_DONTWAIT,
	    (struct sockaddr *)&from, &len);
	size_t end = 12;

	if (n < 17)
		return;
	while (q[end] != 0)
		end += q[end] + 1u;
	q[2] = 0x81;
	q[3] = 0x80;
	memset(q + 6, 0, 6);
	if (memcmp(q + 13, "fail", 4) == 0)
		q[3] |= 2;
	else if (memcmp(q + 13, "gone", 4) == 0)
		q[3] |= 3;
	end += 5;
	if ((q[3] & 15) == 0 && q[end - 3] == 1) { /* A */
		static const unsigned char a[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0,
			0, 60, 0, 4, 127, 0, 0, 1 };

		memcpy(q + end, a, sizeof(a));
		end += sizeof(a);
		q[7] = 1;
	}
	(void)sendto(w->dns_fd, q, end, 0, (struct sockaddr *)&from, len);
}

static void
open_dns(struct world *w)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	char servers[40];
	struct dns_options o = { .servers = servers,
		.timeout_ms = 5000,
		.tries = 1,
		.cache_bytes = 10000 };

	w->dns_fd = socket(AF_INET, SOCK_DGRAM, 0);
	REQUIRE(bind(w->dns_fd, (struct sockaddr *)&sa, len) == 0);
	REQUIRE(getsockname(w->dns_fd, (struct sockaddr *)&sa, &len) == 0);
	snprintf(servers, sizeof(servers), "127.0.0.1:%u",
	    (unsigned)ntohs(sa.sin_port));
	REQUIRE(dns_new(w->b.loop, &o, &w->dns) == 0);
}

static void
open_world(struct world *w)
{
	struct listen_options o = { .name = "https",
		.is_tls = true,
		.accept = visit_accept,
		.arg = &w->site };
	struct listener *ls;
	struct cert *cert;
	struct anchors *a;
	int fd = -1;

	memset(w, 0, sizeof(*w));
	bench_open(&w->b, NULL, false);
	REQUIRE(tls_config_new(&w->tls) == 0);
	REQUIRE(cert_new(span_str(pem_rsa_cert), span_str(pem_rsa_key), &cert,
	            NULL) == 0);
	REQUIRE(tls_config_set(w->tls, &cert, 1) == 0);
	cert_free(cert);
	REQUIRE(anchors_parse(span_str(pem_rsa_cert), &a) == 0);
	dial_set_anchors(w->b.loop, a);
	anchors_free(a);
	o.tls = w->tls;
	REQUIRE(listen_bind("127.0.0.1", 0, &fd) == 0);
	w->port = listen_port(fd);
	REQUIRE(listen_open(w->b.loop, fd, &o, &ls) == 0);
	open_dns(w);
	w->site.n_wait_for = 1;
}

static void
close_world(struct world *w)
{
	fetch_end(w->f);
	bench_turns(&w->b, 5);
	dns_free(w->dns);
	bench_close(&w->b);
	tls_config_free(w->tls);
	close(w->dns_fd);
}

static void
on_wake(void *owner)
{
	struct world *w = owner;

	w->n_wakes++;
	if (w->ends_in_wake) {
		fetch_end(w->f);
		w->f = NULL;
	}
}

static void
begin(struct world *w, const char *host, struct fetch_request *r)
{
	struct fetch_env env = { w->b.loop, w->dns };
	char url[URL_BYTES];

	snprintf(
	    url, sizeof(url), "https://%s:%u/x/y?z", host, (unsigned)w->port);
	r->url = span_str(url);
	if (r->max_bytes == 0)
		r->max_bytes = FETCH_MAX_BYTES;
	if (r->timeout_ms == 0)
		r->timeout_ms = 60000;
	fetch_end(w->f);
	w->n_wakes = 0;
	w->site.n_got = 0;
	w->site.n_sessions = 0;
	REQUIRE(fetch_begin(&env, r, on_wake, w, &w->f) == 0);
	CHECK(fetch_state(w->f) == FETCH_PENDING && w->n_wakes == 0);
}

static void
get(struct world *w, const char *host, struct fetch_request r)
{
	begin(w, host, &r);
	for (int i = 0; i < 20000 && w->n_wakes == 0; i++) {
		serve_dns(w);
		REQUIRE(loop_turn(w->b.loop, 1) == 0);
	}
	bench_turns(&w->b, 5);
	CHECK_INT(w->n_wakes, 1);
}

static void
failed(struct world *w, const char *why)
{
	CHECK(fetch_state(w->f) == FETCH_FAILED);
	CHECK_STR(fetch_why(w->f), why);
}

static const struct fetch_request plain_get = { .method = FETCH_GET };

static void
test_get(void)
{
	struct world w;

	open_world(&w);
	w.site.answer = SPAN("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	                     "Content-Length: 5\r\n\r\nhello");
	get(&w, "mx.b.test", plain_get);
	CHECK(fetch_state(w.f) == FETCH_OK);
	CHECK_INT(fetch_status(w.f), 200);
	CHECK_SPAN(fetch_body(w.f), SPAN("hello"));
	CHECK_SPAN(fetch_type(w.f), SPAN("text/plain"));
	CHECK(span_starts(span_of(w.site.got, w.site.n_got),
	    SPAN("GET /x/y?z HTTP/1.1\r\nHost: mx.b.test:")));
	CHECK(span_is(
	    span_sub(span_of(w.site.got, w.site.n_got), w.site.n_got - 4, 4),
	    SPAN("\r\n\r\n")));
	/* No redirect is followed: the status is the answer. */
	w.site.answer = SPAN("HTTP/1.1 302 Found\r\nLocation: https://mx.b."
	                     "test/z\r\nContent-Length: 0\r\n\r\n");
	get(&w, "mx.b.test", plain_get);
	CHECK_INT(fetch_status(w.f), 302);
	CHECK_INT(w.site.n_sessions, 1);
	/* Up to an end that TLS tells of. */
	w.site.answer = SPAN("HTTP/1.0 200 OK\r\n\r\nall of it");
	w.site.hangs_up = true;
	get(&w, "mx.b.test", plain_get);
	CHECK(fetch_state(w.f) == FETCH_OK);
	CHECK_SPAN(fetch_body(w.f), SPAN("all of it"));
	/* Ended in the wake. */
	w.ends_in_wake = true;
	get(&w, "mx.b.test", plain_get);
	CHECK(w.f == NULL);
	close_world(&w);
}

/* A body larger than the connection's buffer goes out, and one comes back. */
static void
test_post(void)
{
	static char body[60000], answer[61000];
	struct fetch_request r = { .method = FETCH_POST,
		.type = SPAN("application/x-www-form-urlencoded"),
		.headers = SPAN("Accept: a/b\r\n"),
		.body = span_of(body, sizeof(body)) };
	struct world w;
	struct span got;
	int n;

	memset(body, 'q', sizeof(body));
	open_world(&w);
	n = snprintf(answer, sizeof(answer),
	    "HTTP/1.1 400 No\r\nContent-Length: %zu\r\n\r\n", sizeof(body));
	memset(answer + n, 'a', sizeof(body));
	w.site.answer = span_of(answer, (size_t)n + sizeof(body));
	w.site.n_wait_for = sizeof(body) + 100;
	get(&w, "mx.b.test", r);
	CHECK(fetch_state(w.f) == FETCH_OK);
	CHECK_INT(fetch_status(w.f), 400);
	CHECK_INT(fetch_body(w.f).len, sizeof(body));
	got = span_of(w.site.got, w.site.n_got);
	CHECK(span_starts(got, SPAN("POST /x/y?z HTTP/1.1\r\n")));
	CHECK(strstr(w.site.got, "\r\nAccept: a/b\r\n") != NULL);
	CHECK(strstr(w.site.got, "\r\nContent-Length: 60000\r\n\r\nqqq"));
	CHECK_INT(got.p[got.len - 1], 'q');
	/* More than was asked for. */
	r.max_bytes = sizeof(body) - 1;
	get(&w, "mx.b.test", r);
	failed(&w, "the answer is too large");
	close_world(&w);
}

static void
test_failures(void)
{
	struct fetch_request hasty = plain_get;
	struct world w;

	open_world(&w);
	get(&w, "gone.test", plain_get);
	failed(&w, "the host has no address");
	get(&w, "fail.test", plain_get);
	failed(&w, "the resolver could not be asked");
	w.site.answer = SPAN("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab");
	get(&w, "other.test", plain_get);
	failed(&w, "the certificate is for another name");
	CHECK_INT(fetch_error(w.f), ERR_TLS);
	CHECK_INT(w.site.n_got, 0); /* nothing was told to a stranger */
	w.site.hangs_up = true;
	get(&w, "mx.b.test", plain_get);
	failed(&w, "the answer was cut off");
	CHECK_INT(fetch_error(w.f), ERR_IO);
	w.site.answer = SPAN("220 mail.test ESMTP\r\n");
	get(&w, "mx.b.test", plain_get);
	failed(&w, "what came is no HTTP answer");
	w.site.hangs_up = false;
	w.site.is_aborting = true;
	w.site.answer = SPAN("");
	get(&w, "mx.b.test", plain_get);
	CHECK(fetch_state(w.f) == FETCH_FAILED);
	/* Never an answer. */
	w.site.is_aborting = false;
	w.site.is_mute = true;
	hasty.timeout_ms = 200;
	get(&w, "mx.b.test", hasty);
	failed(&w, "the host did not answer in time");
	/* Nobody there. */
	w.port = 1;
	get(&w, "mx.b.test", plain_get);
	failed(&w, "the host refused the connection");
	close_world(&w);
}

/* Ended at any moment: nothing is touched afterwards. */
static void
test_ended_early(void)
{
	struct world w;

	open_world(&w);
	w.site.answer = SPAN("HTTP/1.1 204 No\r\n\r\n");
	for (int n = 0; n < 40; n++) {
		struct fetch_request r = plain_get;

		begin(&w, "mx.b.test", &r);
		for (int i = 0; i < n && w.n_wakes == 0; i++) {
			serve_dns(&w);
			REQUIRE(loop_turn(w.b.loop, 1) == 0);
		}
		fetch_end(w.f);
		w.f = NULL;
		bench_turns(&w.b, 5);
	}
	close_world(&w);
}

static void
test_urls(void)
{
	static const struct {
		const char *url;
		bool is_one;
	} rows[] = {
		{ "https://a.test", true },
		{ "HTTPS://a.test/", true },
		{ "https://mta-sts.a.test/.well-known/mta-sts.txt", true },
		{ "https://a.test:8443/x?y=z&q", true },
		{ "http://a.test/", false },
		{ "https://", false },
		{ "https:///x", false },
		{ "https://a.test:0/", false },
		{ "https://a.test:65536/", false },
		{ "https://a.test:/", false },
		{ "https://a.test:443x/", false },
		{ "https://a.test:443:1/", false },
		{ "https://127.0.0.1/", false },
		{ "https://[::1]/", false },
		{ "https://u@a.test/", false },
		{ "https://a.test/x#y", false },
		{ "https://a.test/x y", false },
		{ "https://a.test/x\r\nA: b", false },
		{ "https://a.test?q", false },
		{ "https://a..test/", false },
		{ "", false },
	};
	char url[FETCH_MAX_URL + 2] = "https://a.test/";

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct span s = span_str(rows[i].url);
		char *copy = test_copy(s);

		CHECK_ROW(fetch_is_url(span_of(copy, s.len)) == rows[i].is_one,
		    rows[i].url);
		for (size_t n = 0; n < s.len; n++) {
			char *part = test_copy(span_sub(s, 0, n));

			(void)fetch_is_url(span_of(part, n));
			free(part);
		}
		free(copy);
	}
	memset(url + 15, 'x', sizeof(url) - 15);
	CHECK(fetch_is_url(span_of(url, FETCH_MAX_URL)));
	CHECK(!fetch_is_url(span_of(url, FETCH_MAX_URL + 1)));
}

static void
test_limits(void)
{
	static char body[FETCH_MAX_REQUEST];
	struct world w;
	struct fetch_env env;
	struct fetch_request r = { .method = FETCH_POST,
		.url = SPAN("https://mx.b.test/"),
		.max_bytes = 10,
		.timeout_ms = 1000,
		.body = span_of(body, sizeof(body)) };

	open_world(&w);
	env = (struct fetch_env){ w.b.loop, w.dns };
	CHECK(fetch_begin(&env, &r, on_wake, &w, &w.f) == ERR_LIMIT);
	r.body = SPAN("");
	r.max_bytes = FETCH_MAX_BYTES + 1;
	CHECK(fetch_begin(&env, &r, on_wake, &w, &w.f) == ERR_LIMIT);
	r.url = SPAN("ftp://mx.b.test/");
	CHECK(fetch_begin(&env, &r, on_wake, &w, &w.f) == ERR_INVALID);
	CHECK(w.f == NULL);
	close_world(&w);
}

int
main(void)
{
	test_urls();
	test_get();
	test_post();
	test_failures();
	test_ended_early();
	test_limits();
	return test_done();
}
