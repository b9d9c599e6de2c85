/* The SMTP client with TLS in each of its strictnesses, and its AUTH: before a
 * script, and before our own server. */
#include "out_peer.h"

#include "../net/pems.h"

static struct stage g;
static struct tls_config *config;
static struct anchors *anchors;
static uint64_t body;

#define CLEAR_STARTTLS                                                         \
	{ NULL, "220 x\r\n" },                                                 \
	{                                                                      \
		"EHLO", "250-x\r\n250 STARTTLS\r\n"                            \
	}
#define SENT                                                                   \
	{ "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },                    \
	    { "DATA", "354 go\r\n" },                                          \
	{                                                                      \
		".", "250 ok\r\n"                                              \
	}

static const struct {
	const char *name;
	struct row rows[16];
	enum smtp_out_tls tls;
	const char *host;
	bool is_dead;
	bool is_tls, is_verified, is_fallback;
	const char *why; /* dead: the result's text; else facts.tls_why */
} rows[] = {
	{ "opportunistic, verified by luck",
	    { CLEAR_STARTTLS, { "STARTTLS", "@tls" }, { "EHLO", "250 x\r\n" },
	        SENT },
	    TLS_OPPORTUNISTIC, "b.test", false, true, true, false, NULL },
	{ "opportunistic, another name",
	    { CLEAR_STARTTLS, { "STARTTLS", "@tls" }, { "EHLO", "250 x\r\n" },
	        SENT },
	    TLS_OPPORTUNISTIC, "a.test", false, true, false, false,
	    "the certificate is for another name" },
	{ "opportunistic, not offered",
	    { { NULL, "220 x\r\n" }, { "EHLO", "250 x\r\n" }, SENT },
	    TLS_OPPORTUNISTIC, "b.test", false, false, false, false,
	    "the host does not offer it" },
	{ "opportunistic, refused",
	    { CLEAR_STARTTLS, { "STARTTLS", "454 4.7.0 not now\r\n" }, SENT },
	    TLS_OPPORTUNISTIC, "b.test", false, false, false, true,
	    "the host refused to begin" },
	{ "opportunistic, the handshake fails: again in the clear",
	    { CLEAR_STARTTLS, { "STARTTLS", "220 go\r\n" }, { "@", "@close" },
	        CLEAR_STARTTLS, SENT },
	    TLS_OPPORTUNISTIC, "b.test", false, false, false, true,
	    "the host closed during the TLS handshake" },
	{ "never", { CLEAR_STARTTLS, SENT }, TLS_NEVER, "b.test", false, false,
	    false, false, NULL },
	{ "required, any name",
	    { CLEAR_STARTTLS, { "STARTTLS", "@tls" }, { "EHLO", "250 x\r\n" },
	        SENT },
	    TLS_REQUIRED, "a.test", false, true, false, false,
	    "the certificate is for another name" },
	{ "required, not offered",
	    { { NULL, "220 x\r\n" }, { "EHLO", "250 x\r\n" } }, TLS_REQUIRED,
	    "b.test", true, false, false, false,
	    "TLS is required, and the host does not offer it" },
	{ "required, refused",
	    { CLEAR_STARTTLS, { "STARTTLS", "454 4.7.0 not now\r\n" } },
	    TLS_REQUIRED, "b.test", true, false, false, false, "not now" },
	{ "verified",
	    { CLEAR_STARTTLS, { "STARTTLS", "@tls" }, { "EHLO", "250 x\r\n" },
	        SENT },
	    TLS_VERIFIED, "mx.b.test", false, true, true, false, NULL },
	{ "verified, another name", { CLEAR_STARTTLS, { "STARTTLS", "@tls" } },
	    TLS_VERIFIED, "a.test", true, false, false, false,
	    "the certificate is for another name" },
	{ "bytes behind 220",
	    { CLEAR_STARTTLS, { "STARTTLS", "220 go\r\n250 injected\r\n" } },
	    TLS_REQUIRED, "b.test", true, false, false, false,
	    "Bytes came behind the reply to STARTTLS" },
};

static struct smtp_out_message
message(void)
{
	static const struct smtp_out_rcpt rcpt = { .address = {
		                                       "a@b.test", 8 } };

	return (struct smtp_out_message){ .body = body,
		.from = SPAN("kim@mail.test"),
		.rcpts = &rcpt,
		.n_rcpts = 1 };
}

static void
test_strictness(void)
{
	struct smtp_out_message m = message();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct smtp_route r = { .host = span_str(rows[i].host),
			.tls = rows[i].tls };
		const char *name = rows[i].name;
		struct smtp_out_facts f;
		struct smtp_out_result res;

		stage_dial(&g, rows[i].rows, &r);
		CHECK(smtp_out_send(g.out, &m) == 0);
		CHECK_ROW(
		    stage_wait(&g) == (rows[i].is_dead ? OUT_DEAD : OUT_DONE),
		    name);
		smtp_out_facts(g.out, &f);
		smtp_out_result(g.out, 0, &res);
		CHECK_ROW(
		    res.what == (rows[i].is_dead ? OUT_TEMP : OUT_SENT), name);
		CHECK_ROW(!g.is_wrong, name);
		g.is_wrong = false;
		if (rows[i].is_dead) {
			CHECK_ROW(res.is_host && res.stage == OUT_AT_TLS, name);
			CHECK_SPAN(res.text, span_str(rows[i].why));
			continue;
		}
		CHECK_ROW(f.is_tls == rows[i].is_tls, name);
		CHECK_ROW(f.is_verified == rows[i].is_verified, name);
		CHECK_ROW(f.is_fallback == rows[i].is_fallback, name);
		CHECK_STR(
		    f.tls_why ? f.tls_why : "", rows[i].why ? rows[i].why : "");
		CHECK_ROW((f.cipher != NULL) == rows[i].is_tls, name);
	}
}

static void
test_requiretls(void)
{
	static const struct row script[] = { CLEAR_STARTTLS,
		{ "STARTTLS", "@tls" },
		{ "EHLO", "250-x\r\n250 REQUIRETLS\r\n" },
		{ "MAIL FROM:<kim@mail.test> REQUIRETLS\r\n", "250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },
		{ ".", "250 ok\r\n" }, { 0 } };
	struct smtp_route r = { .host = SPAN("b.test"),
		.tls = TLS_OPPORTUNISTIC };
	struct smtp_out_message m = message();
	struct smtp_out_result res;

	m.flags = QUEUE_REQUIRETLS;
	for (int i = 0; i < 2; i++) {
		stage_dial(&g, script, &r);
		CHECK(smtp_out_send(g.out, &m) == 0);
		CHECK(stage_wait(&g) == OUT_DONE);
		smtp_out_result(g.out, 0, &res);
		CHECK(res.what == (i == 0 ? OUT_SENT : OUT_PERM));
		CHECK(!g.is_wrong);
		r.host = SPAN("a.test"); /* another name: not verified */
	}
	CHECK_STR(res.enhanced, "5.7.30");
}

#define TLS_FIRST                                                              \
	CLEAR_STARTTLS,                                                        \
	{                                                                      \
		"STARTTLS", "@tls"                                             \
	}

/* name: kim, password: pw. */
static const struct {
	const char *name;
	struct row rows[12];
	bool is_bearer, is_clear;
	bool is_ready;
	const char *text;
} logins[] = {
	{ "PLAIN",
	    { TLS_FIRST, { "EHLO", "250-x\r\n250 AUTH LOGIN PLAIN\r\n" },
	        { "AUTH PLAIN AGtpbQBwdw==\r\n", "235 2.7.0 ok\r\n" } },
	    false, false, true, NULL },
	{ "LOGIN",
	    { TLS_FIRST, { "EHLO", "250-x\r\n250 AUTH=LOGIN\r\n" },
	        { "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n" },
	        { "a2lt\r\n", "334 UGFzc3dvcmQ6\r\n" },
	        { "cHc=\r\n", "235 ok\r\n" } },
	    false, false, true, NULL },
	{ "wrong password",
	    { TLS_FIRST, { "EHLO", "250-x\r\n250 AUTH PLAIN LOGIN\r\n" },
	        { "AUTH PLAIN", "535 5.7.8 wrong\r\n" } },
	    false, false, false, "wrong" },
	{ "not this mechanism",
	    { TLS_FIRST, { "EHLO", "250-x\r\n250 AUTH PLAIN LOGIN\r\n" },
	        { "AUTH PLAIN", "504 5.5.4 no\r\n" },
	        { "AUTH LOGIN\r\n", "334 \r\n" }, { "a2lt\r\n", "334 \r\n" },
	        { "cHc=\r\n", "235 ok\r\n" } },
	    false, false, true, NULL },
	{ "no password in the clear",
	    { { NULL, "220 x\r\n" },
	        { "EHLO", "250-x\r\n250 AUTH PLAIN LOGIN\r\n" } },
	    false, true, false,
	    "The host offers no way to sign in that is safe here" },
	{ "XOAUTH2",
	    { TLS_FIRST, { "EHLO", "250-x\r\n250 AUTH PLAIN XOAUTH2\r\n" },
	        { "AUTH XOAUTH2 dXNlcj1raW0BYXV0aD1CZWFyZXIgcHcBAQ==\r\n",
	            "235 ok\r\n" } },
	    true, false, true, NULL },
	{ "XOAUTH2 refused",
	    { TLS_FIRST, { "EHLO", "250-x\r\n250 AUTH XOAUTH2\r\n" },
	        { "AUTH XOAUTH2 ", "334 eyJzdGF0dXMiOiI0MDEifQ==\r\n" },
	        { "\r\n", "535 5.7.8 token expired\r\n" } },
	    true, false, false, "token expired" },
	{ "OAUTHBEARER refused",
	    { TLS_FIRST, { "EHLO", "250-x\r\n250 AUTH OAUTHBEARER\r\n" },
	        { "AUTH OAUTHBEARER bixhPWtpbSwB", "334 e30=\r\n" },
	        { "AQ==\r\n", "535 no\r\n" } },
	    true, false, false, "no" },
	{ "SCRAM, a nonce of another",
	    { { NULL, "220 x\r\n" },
	        { "EHLO", "250-x\r\n250 AUTH SCRAM-SHA-256\r\n" },
	        { "AUTH SCRAM-SHA-256 biwsbj1raW0scj",
	            "334 cj1hYmMscz1hYmNkLGk9NDA5Ng==\r\n" } },
	    false, true, false,
	    "The host does not keep to the way of signing in" },
	{ "SCRAM, yes without a proof",
	    { { NULL, "220 x\r\n" },
	        { "EHLO", "250-x\r\n250 AUTH SCRAM-SHA-256\r\n" },
	        { "AUTH SCRAM-SHA-256 ", "235 come in\r\n" } },
	    false, true, false,
	    "The host does not keep to the way of signing in" },
	{ "not offered", { TLS_FIRST, { "EHLO", "250 x\r\n" } }, false, false,
	    false, "The host offers no way to sign in that is safe here" },
};

static void
test_logins(void)
{
	for (size_t i = 0; i < sizeof(logins) / sizeof(*logins); i++) {
		struct smtp_route r = { .host = SPAN("b.test"),
			.tls = logins[i].is_clear ? TLS_NEVER : TLS_VERIFIED,
			.auth = {
			    SPAN("kim"), SPAN("pw"), logins[i].is_bearer } };
		const char *name = logins[i].name;
		struct smtp_out_result why;

		stage_dial(&g, logins[i].rows, &r);
		CHECK_ROW(stage_wait(&g) ==
		              (logins[i].is_ready ? OUT_READY : OUT_DEAD),
		    name);
		CHECK_ROW(!g.is_wrong, name);
		g.is_wrong = false;
		if (logins[i].is_ready)
			continue;
		smtp_out_why(g.out, &why);
		CHECK_ROW(why.what == OUT_TEMP && why.is_host &&
		              why.stage == OUT_AT_AUTH,
		    name);
		CHECK_SPAN(why.text, span_str(logins[i].text));
	}
}

/* Our own submission server: SCRAM in the clear and over TLS, implicit TLS, a
 * message that arrives as it was. */
static void
test_own_server(
    bool is_tls, const char *user, const char *password, bool is_right)
{
	struct smtp_env env = { .store = g.world.store,
		.auth = g.world.auth,
		.role = SMTP_SUBMISSION,
		.host = SPAN("mail.test"),
		.allows_plain_loopback = true,
		.limits = smtp_limits_default };
	struct listen_options o = { .name = "submission",
		.tls = config,
		.is_tls = is_tls,
		.accept = smtp_accept,
		.arg = &env };
	static const struct smtp_out_rcpt rcpt = { .address = {
		                                       "lee@mail.test", 13 } };
	struct smtp_route r = { .host = SPAN("b.test"),
		.tls = is_tls ? TLS_IMPLICIT_VERIFIED : TLS_NEVER,
		.auth = { span_str(user), span_str(password), false } };
	struct smtp_out_message m = { .body = body,
		.from = SPAN("kim@mail.test"),
		.rcpts = &rcpt,
		.n_rcpts = 1 };
	struct smtp_out_result res;
	struct listener *ls = NULL;
	int fd = -1;

	REQUIRE(listen_bind("127.0.0.1", 0, &fd) == 0);
	r.port = listen_port(fd);
	REQUIRE(listen_open(g.loop, fd, &o, &ls) == 0);
	stage_dial(&g, NULL, &r);
	CHECK(smtp_out_send(g.out, &m) == 0);
	CHECK(stage_wait(&g) == (is_right ? OUT_DONE : OUT_DEAD));
	smtp_out_result(g.out, 0, &res);
	CHECK(res.what == (is_right ? OUT_SENT : OUT_TEMP));
	CHECK(res.stage == (is_right ? OUT_AT_END : OUT_AT_AUTH));
	if (!is_right)
		CHECK_STR(res.enhanced, "5.7.8");
	smtp_out_quit(g.out);
	g.out = NULL;
	listen_close(ls);
	stage_turns(&g, 10); /* the session goes before its env */
}

int
main(void)
{
	struct cert *c = NULL;
	struct buf why;

	buf_init(&why, CERT_MAX_WHY);
	REQUIRE(cert_new(span_str(pem_rsa_cert), span_str(pem_rsa_key), &c,
	            &why) == 0);
	REQUIRE(tls_config_new(&config) == 0);
	REQUIRE(tls_config_set(config, &c, 1) == 0);
	REQUIRE(anchors_parse(span_str(pem_rsa_cert), &anchors) == 0);
	stage_open(&g, config, false);
	dial_set_anchors(g.loop, anchors);
	body = stage_store(&g,
	    SPAN("From: kim@mail.test\r\nDate: Mon, 23 Nov 2026 09:48:00 +0000"
	         "\r\nMessage-ID: <1@mail.test>\r\n\r\n.\r\ntext\r\n"));
	test_strictness();
	test_requiretls();
	test_logins();
	test_own_server(false, "kim@mail.test", "secret one", true);
	test_own_server(true, "kim@mail.test", "secret one", true);
	test_own_server(false, "kim@mail.test", "secret two", false);
	stage_close(&g);
	anchors_free(anchors);
	tls_config_free(config);
	cert_free(c);
	return test_done();
}
