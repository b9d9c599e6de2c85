#include "auth_world.h"

#include "auth/pbkdf2.h"
#include "auth/throttle.h"
#include "base/base64.h"
#include "base/clock.h"
#include "net/peer.h"

static struct world w;
static int n_woken;
static struct peer far;

static void
wake(void *owner)
{
	(void)owner;
	n_woken++;
}

static struct sasl *
begin(const struct peer *peer, bool is_tls)
{
	struct sasl_env e = {
		.auth = w.auth,
		.peer = peer,
		.is_tls = is_tls,
		.wake = wake,
	};
	struct sasl *x = NULL;

	if (is_tls)
		e.tls_server_end_point =
		    SPAN("0123456789abcdef0123456789abcdef");
	REQUIRE(sasl_new(&e, &x) == 0);
	return x;
}

/* Let the hash run to its end. */
static enum sasl_result
finish(struct sasl *x, enum sasl_result r)
{
	char storage[SASL_REPLY_BYTES];
	struct buf out;

	buf_init_fixed(&out, storage, sizeof(storage));
	while (r == SASL_WAIT) {
		(void)auth_step(w.auth);
		r = sasl_poll(x, &out);
	}
	return r;
}

static enum sasl_result
try_password(const struct peer *peer, const char *user, const char *password)
{
	struct sasl *x = begin(peer, true);
	enum sasl_result r =
	    finish(x, sasl_password(x, span_str(user), span_str(password)));

	sasl_free(x);
	return r;
}

static void
test_passwords(void)
{
	static const struct {
		const char *user, *password;
		enum sasl_result result;
	} rows[] = {
		{ "kim@mail.test", "secret one", SASL_OK },
		{ "KIM@MAIL.TEST", "secret one", SASL_OK },
		{ "lee", "p\xc3\xa4ss", SASL_OK },
		{ "kim", "secret one", SASL_FAIL }, /* which one? */
		{ "kim@mail.test", "secret", SASL_FAIL },
		{ "kim@mail.test", "secret one ", SASL_FAIL },
		{ "kim@mail.test", "Secret one", SASL_FAIL },
		{ "kim@mail.test", "", SASL_FAIL },
		{ "kim@mail.test", "p\xc3\xa4ss", SASL_FAIL },
		{ "nobody@mail.test", "secret one", SASL_FAIL },
		{ "\xff", "\xff", SASL_FAIL },
		{ "", "", SASL_FAIL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_ROW(try_password(NULL, rows[i].user, rows[i].password) ==
		              rows[i].result,
		    rows[i].user);
}

/* The second time costs no hash; a new password ends that at once. */
static void
test_recent(void)
{
	struct auth_options o = auth_defaults;
	struct sasl *x = begin(NULL, true);
	struct scram_secret secret;

	o.iterations = MIN_ITERATIONS;
	CHECK(try_password(NULL, "kim@mail.test", "secret one") == SASL_OK);
	CHECK(sasl_password(x, SPAN("kim@mail.test"), SPAN("secret one")) ==
	      SASL_OK);
	CHECK(sasl_account(x) == w.kim);
	sasl_free(x);
	o.remember_s = 0;
	auth_set_options(w.auth, &o);
	x = begin(NULL, true);
	CHECK(sasl_password(x, SPAN("kim@mail.test"), SPAN("secret one")) ==
	      SASL_WAIT);
	sasl_free(x);
	o.remember_s = auth_defaults.remember_s;
	auth_set_options(w.auth, &o);
	REQUIRE(password_derive(SPAN("new one"), MIN_ITERATIONS, &secret) == 0);
	REQUIRE(account_set_password(w.store, w.kim, &secret) == 0);
	CHECK(try_password(NULL, "kim@mail.test", "secret one") == SASL_FAIL);
	CHECK(try_password(NULL, "kim@mail.test", "new one") == SASL_OK);
	REQUIRE(account_set_flags(w.store, w.kim, ACCOUNT_DISABLED) == 0);
	CHECK(try_password(NULL, "kim@mail.test", "new one") == SASL_FAIL);
	REQUIRE(account_set_flags(w.store, w.kim, 0) == 0);
	REQUIRE(
	    password_derive(SPAN("secret one"), MIN_ITERATIONS, &secret) == 0);
	REQUIRE(account_set_password(w.store, w.kim, &secret) == 0);
}

/* A guesser from afar waits longer and longer; the owner, from elsewhere,
 * does not; nor does a device that repeats one wrong password. */
static void
test_throttle(void)
{
	struct peer other = far;
	char password[32];

	other.addr[0] = 203;
	clock_fake(1000000, 1000000);
	for (int i = 0; i < 20; i++)
		CHECK(try_password(&other, "lee", "old password") == SASL_FAIL);
	for (int i = 0; i < 6; i++) {
		snprintf(password, sizeof(password), "guess%d", i);
		CHECK(try_password(&far, "lee", password) == SASL_FAIL);
	}
	CHECK(try_password(&far, "lee", "p\xc3\xa4ss") == SASL_THROTTLED);
	CHECK(try_password(&far, "lee@mail.test", "p\xc3\xa4ss") ==
	      SASL_THROTTLED);
	CHECK(try_password(&other, "lee", "p\xc3\xa4ss") == SASL_OK);
	CHECK(try_password(&far, "kim@mail.test", "secret one") == SASL_OK);
	/* unknown names too, lest they be told apart */
	for (int i = 0; i < 6; i++) {
		snprintf(password, sizeof(password), "guess%d", i);
		CHECK(try_password(&far, "nobody", password) == SASL_FAIL);
	}
	CHECK(try_password(&far, "Nobody", "x") == SASL_THROTTLED);
	clock_fake(1002000, 1000002);
	CHECK(try_password(&far, "lee", "p\xc3\xa4ss") == SASL_OK);
	CHECK(try_password(&far, "lee", "again wrong") == SASL_FAIL);
}

/* Guesses side by side count like guesses in a row. */
static void
test_parallel(void)
{
	struct sasl *x[20];
	int n_failed = 0;
	char password[32];

	clock_fake(9000000, 1000000);
	for (int i = 0; i < 20; i++) {
		snprintf(password, sizeof(password), "guess%d", i);
		x[i] = begin(&far, true);
		CHECK(sasl_password(x[i], SPAN("kim@mail.test"),
		          span_str(password)) == SASL_WAIT);
	}
	for (int i = 0; i < 20; i++) {
		enum sasl_result r = finish(x[i], SASL_WAIT);

		n_failed += r == SASL_FAIL;
		CHECK(r == SASL_FAIL || r == SASL_THROTTLED);
		sasl_free(x[i]);
	}
	CHECK(n_failed == 6);
}

/* A session that goes away while its hash waits or runs leaves nothing. */
static void
test_abandoned(void)
{
	struct sasl *a = begin(NULL, true), *b = begin(NULL, true);

	CHECK(sasl_password(a, SPAN("lee"), SPAN("x1")) == SASL_WAIT);
	CHECK(sasl_password(b, SPAN("lee"), SPAN("x2")) == SASL_WAIT);
	(void)auth_step(w.auth);
	sasl_free(a);
	CHECK(finish(b, SASL_WAIT) == SASL_FAIL);
	sasl_free(b);
	CHECK(!auth_step(w.auth));
}

static void
encode(struct span s, struct buf *out)
{
	buf_reset(out);
	base64_encode(out, s);
}

/* One exchange of lines, each in base64 here: what the last one answers. */
static enum sasl_result
talk(bool is_tls, const char *mechanism, bool has_initial,
    const struct span *lines, size_t n_lines, struct buf *out)
{
	struct sasl *x = begin(NULL, is_tls);
	struct buf line;
	enum sasl_result r;
	size_t i = 0;

	buf_init(&line, 4096);
	if (has_initial)
		encode(lines[i++], &line);
	r = finish(x, sasl_begin(x, span_str(mechanism), has_initial,
	                  buf_span(&line), out));
	for (; i < n_lines && r == SASL_CONTINUE; i++) {
		char *copy;

		encode(lines[i], &line);
		copy = test_copy(buf_span(&line));
		buf_reset(out);
		r = finish(x, sasl_step(x, span_of(copy, line.len), out));
		free(copy);
	}
	buf_deinit(&line);
	sasl_free(x);
	return r;
}

static void
test_plain(void)
{
	static const struct {
		struct span message;
		enum sasl_result result;
	} rows[] = {
		{ SPAN("\0kim@mail.test\0secret one"), SASL_OK },
		{ SPAN("kim@mail.test\0kim@mail.test\0secret one"), SASL_OK },
		{ SPAN("KIM@mail.test\0kim@mail.test\0secret one"), SASL_OK },
		/* RFC 4616 2: somebody else's identity */
		{ SPAN("lee@mail.test\0kim@mail.test\0secret one"), SASL_FAIL },
		{ SPAN("nobody\0kim@mail.test\0secret one"), SASL_FAIL },
		{ SPAN("\0kim@mail.test\0wrong"), SASL_FAIL },
		{ SPAN(""), SASL_BAD },
		{ SPAN("\0"), SASL_BAD },
		{ SPAN("\0\0"), SASL_BAD },
		{ SPAN("\0kim@mail.test"), SASL_BAD },
		{ SPAN("\0kim@mail.test\0"), SASL_BAD },
		{ SPAN("\0\0secret one"), SASL_BAD },
		{ SPAN("kim@mail.test\0secret one"), SASL_BAD },
		{ SPAN("\0kim@mail.test\0secret one\0"), SASL_BAD },
		{ SPAN("\0kim@mail.test\0secret\0one"), SASL_BAD },
		{ SPAN("\0\xff\0secret one"), SASL_BAD },
	};
	struct buf out;

	buf_init(&out, SASL_REPLY_BYTES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span m = rows[i].message;

		CHECK_ROW(
		    talk(true, "plain", true, &m, 1, &out) == rows[i].result,
		    m.p + 1);
		CHECK_ROW(
		    talk(true, "PLAIN", false, &m, 1, &out) == rows[i].result,
		    m.p + 1);
		for (size_t n = 0; n + 1 < m.len; n++) {
			struct span cut = span_sub(m, 0, n);

			CHECK(talk(true, "PLAIN", true, &cut, 1, &out) !=
			      SASL_OK);
		}
	}
	buf_deinit(&out);
}

static void
test_login(void)
{
	const struct span right[] = { SPAN("lee"), SPAN("p\xc3\xa4ss") };
	const struct span wrong[] = { SPAN("lee"), SPAN("pass") };
	const struct span empty[] = { SPAN(""), SPAN("x") };
	struct buf out;

	buf_init(&out, SASL_REPLY_BYTES);
	CHECK(talk(true, "LOGIN", false, right, 2, &out) == SASL_OK);
	CHECK(talk(true, "LOGIN", true, right, 2, &out) == SASL_OK);
	CHECK(talk(true, "LOGIN", true, wrong, 2, &out) == SASL_FAIL);
	CHECK(talk(true, "LOGIN", false, empty, 2, &out) == SASL_BAD);
	buf_reset(&out);
	CHECK(talk(true, "LOGIN", false, right, 0, &out) == SASL_CONTINUE);
	CHECK(span_is(buf_span(&out), SPAN("VXNlcm5hbWU6")));
	buf_reset(&out);
	CHECK(talk(true, "LOGIN", true, right, 1, &out) == SASL_CONTINUE);
	CHECK(span_is(buf_span(&out), SPAN("UGFzc3dvcmQ6")));
	buf_deinit(&out);
}

static void
test_refusals(void)
{
	const struct span any[] = { SPAN("n,,n=kim,r=x") };
	struct sasl *x;
	struct buf out;

	buf_init(&out, SASL_REPLY_BYTES);
	CHECK(talk(false, "PLAIN", true, any, 1, &out) == SASL_NEEDS_TLS);
	CHECK(talk(false, "LOGIN", false, any, 0, &out) == SASL_NEEDS_TLS);
	CHECK(
	    talk(false, "SCRAM-SHA-256", true, any, 1, &out) == SASL_CONTINUE);
	CHECK(talk(false, "SCRAM-SHA-256-PLUS", true, any, 1, &out) ==
	      SASL_UNKNOWN);
	CHECK(talk(true, "SCRAM-SHA-1", true, any, 1, &out) == SASL_UNKNOWN);
	CHECK(talk(true, "", false, any, 0, &out) == SASL_UNKNOWN);
	x = begin(NULL, true);
	CHECK(sasl_begin(x, SPAN("PLAIN"), false, SPAN(""), &out) ==
	      SASL_CONTINUE);
	CHECK(sasl_step(x, SPAN("*"), &out) == SASL_ABORTED);
	CHECK(sasl_step(x, SPAN("AAAA"), &out) == SASL_BAD);
	sasl_free(x);
	x = begin(NULL, true);
	CHECK(
	    sasl_begin(x, SPAN("PLAIN"), true, SPAN("A=="), &out) == SASL_BAD);
	sasl_free(x);
	x = begin(NULL, true);
	CHECK(sasl_begin(x, SPAN("PLAIN"), true, SPAN("="), &out) == SASL_BAD);
	sasl_free(x);
	x = begin(NULL, false);
	CHECK(sasl_password(x, SPAN("lee"), SPAN("x")) == SASL_NEEDS_TLS);
	sasl_free(x);
	buf_deinit(&out);
}

static void
test_mechanisms(void)
{
	struct sasl_env e = { .auth = w.auth };
	char storage[100];
	struct buf out;

	buf_init_fixed(&out, storage, sizeof(storage));
	sasl_put_mechanisms(&out, &e);
	CHECK(span_is(buf_span(&out), SPAN("SCRAM-SHA-256")));
	buf_reset(&out);
	e.is_tls = true;
	e.tls_unique = SPAN("0123456789ab");
	sasl_put_mechanisms(&out, &e);
	CHECK(span_is(buf_span(&out),
	    SPAN("SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN")));
}

/* The value of attribute name in a server-first-message. */
static struct span
attr(struct span message, char name)
{
	while (message.len > 0) {
		struct span a = span_split(&message, ',');

		if (a.len > 2 && a.p[0] == name)
			return span_sub(a, 2, a.len);
	}
	return span_of(NULL, 0);
}

/* The client's side of SCRAM (RFC 5802 3), for one name and password. */
static enum sasl_result
scram(const char *user, const char *password, const char *authzid)
{
	struct sasl *x = begin(NULL, true);
	struct buf first, line, out, server, salt, final, auth;
	struct pbkdf2 p;
	uint8_t key[32], stored[32], signature[32];
	uint64_t iterations = 0;
	enum sasl_result r;

	buf_init(&first, 512);
	buf_init(&line, 1024);
	buf_init(&out, 1024);
	buf_init(&server, 1024);
	buf_init(&salt, 64);
	buf_init(&final, 1024);
	buf_init(&auth, 2048);
	buf_putf(&first, "n,%s,n=%s,r=clientnonce", authzid, user);
	encode(buf_span(&first), &line);
	r = sasl_begin(x, SPAN("SCRAM-SHA-256"), true, buf_span(&line), &out);
	if (r != SASL_CONTINUE)
		goto done;
	CHECK(base64_decode(&server, buf_span(&out)) == 0);
	CHECK(base64_decode(&salt, attr(buf_span(&server), 's')) == 0);
	CHECK(salt.len == 16);
	CHECK(span_to_u64(attr(buf_span(&server), 'i'), 1000000, &iterations) ==
	      0);
	pbkdf2_begin(
	    &p, span_str(password), buf_span(&salt), (uint32_t)iterations);
	CHECK(pbkdf2_step(&p, UINT32_MAX));
	mac_hmac(span_of(p.sum, 32), SPAN("Client Key"), span_of(NULL, 0), key);
	mac_sha256(span_of(key, 32), stored);
	buf_put_str(&final, "c=");
	base64_encode(
	    &final, span_sub(buf_span(&first), 0, 3 + strlen(authzid)));
	buf_put_str(&final, ",r=");
	buf_put(&final, attr(buf_span(&server), 'r'));
	buf_putf(&auth, "n=%s,r=clientnonce,", user);
	buf_put(&auth, buf_span(&server));
	buf_put_char(&auth, ',');
	buf_put(&auth, buf_span(&final));
	mac_hmac(
	    span_of(stored, 32), buf_span(&auth), span_of(NULL, 0), signature);
	for (size_t i = 0; i < 32; i++)
		key[i] ^= signature[i];
	buf_put_str(&final, ",p=");
	base64_encode(&final, span_of(key, 32));
	encode(buf_span(&final), &line);
	buf_reset(&out);
	r = sasl_step(x, buf_span(&line), &out);
	if (r == SASL_CONTINUE) /* the server's signature was sent */
		r = sasl_step(x, SPAN(""), &out);
done:
	buf_deinit(&first);
	buf_deinit(&line);
	buf_deinit(&out);
	buf_deinit(&server);
	buf_deinit(&salt);
	buf_deinit(&final);
	buf_deinit(&auth);
	sasl_free(x);
	return r;
}

/* The salt and count that a name is shown. */
static void
get_challenge(const char *user, struct buf *out)
{
	struct sasl *x = begin(NULL, true);
	struct buf first, line, reply, server;

	buf_init(&first, 512);
	buf_init(&line, 1024);
	buf_init(&reply, 1024);
	buf_init(&server, 1024);
	buf_putf(&first, "n,,n=%s,r=c", user);
	encode(buf_span(&first), &line);
	CHECK(sasl_begin(x, SPAN("SCRAM-SHA-256"), true, buf_span(&line),
	          &reply) == SASL_CONTINUE);
	CHECK(base64_decode(&server, buf_span(&reply)) == 0);
	buf_reset(out);
	buf_put(out, attr(buf_span(&server), 's'));
	buf_put_char(out, ' ');
	buf_put(out, attr(buf_span(&server), 'i'));
	buf_deinit(&first);
	buf_deinit(&line);
	buf_deinit(&reply);
	buf_deinit(&server);
	sasl_free(x);
}

/* An unknown name looks like a person: always the same salt, for all its
 * spellings, and the same count. */
static void
test_stand_in(void)
{
	struct buf a, b;

	buf_init(&a, 100);
	buf_init(&b, 100);
	get_challenge("nobody@mail.test", &a);
	get_challenge("Nobody@MAIL.test", &b);
	CHECK(span_is(buf_span(&a), buf_span(&b)));
	get_challenge("nobody", &b);
	CHECK(span_is(buf_span(&a), buf_span(&b)));
	get_challenge("somebody", &b);
	CHECK(!span_is(buf_span(&a), buf_span(&b)));
	CHECK(span_ends_nocase(buf_span(&b), SPAN(" 4096")));
	get_challenge("lee", &a);
	get_challenge("lee@mail.test", &b);
	CHECK(span_is(buf_span(&a), buf_span(&b)));
	buf_deinit(&a);
	buf_deinit(&b);
}

static void
test_scram(void)
{
	CHECK(scram("lee", "p\xc3\xa4ss", "") == SASL_OK);
	CHECK(scram("lee@mail.test", "p\xc3\xa4ss", "") == SASL_OK);
	CHECK(scram("lee", "p\xc3\xa4ss", "a=lee") == SASL_OK);
	CHECK(scram("lee", "p\xc3\xa4ss", "a=lee@mail.test") == SASL_OK);
	CHECK(scram("lee", "p\xc3\xa4ss", "a=kim@mail.test") == SASL_FAIL);
	CHECK(scram("lee", "pass", "") == SASL_FAIL);
	CHECK(scram("nobody", "p\xc3\xa4ss", "") == SASL_FAIL);
	CHECK(scram("le=2Ce", "x", "") == SASL_FAIL);
	CHECK(scram("le=e", "x", "") == SASL_FAIL);
}

static void
test_set_password(void)
{
	struct scram_secret secret;
	struct password *p = NULL;

	CHECK(password_check(SPAN("")) == ERR_INVALID);
	CHECK(password_check(SPAN("tab\there")) == ERR_INVALID);
	CHECK(password_check(SPAN("\xff")) == ERR_INVALID);
	CHECK(password_check(SPAN("good enough")) == 0);
	CHECK(password_new(w.auth, SPAN(""), wake, NULL, &p) == ERR_INVALID);
	n_woken = 0;
	CHECK(password_new(w.auth, SPAN("third"), wake, NULL, &p) == 0);
	CHECK(password_poll(p, &secret) == ERR_AGAIN);
	while (password_poll(p, &secret) == ERR_AGAIN)
		(void)auth_step(w.auth);
	CHECK(n_woken == 1);
	CHECK(secret.iterations == MIN_ITERATIONS);
	password_free(p);
	REQUIRE(account_set_password(w.store, w.lee, &secret) == 0);
	CHECK(try_password(NULL, "lee", "third") == SASL_OK);
	CHECK(password_derive(SPAN("x"), MIN_ITERATIONS - 1, &secret) ==
	      ERR_LIMIT);
	CHECK(password_measure() >= MIN_ITERATIONS);
	CHECK(password_measure() <= MAX_ITERATIONS);
}

int
main(void)
{
	REQUIRE(peer_parse(SPAN("192.0.2.7"), &far) == 0);
	world_open(&w, NULL);
	test_passwords();
	test_recent();
	test_plain();
	test_login();
	test_refusals();
	test_mechanisms();
	test_scram();
	test_stand_in();
	test_abandoned();
	test_throttle();
	test_parallel();
	test_set_password();
	world_close(&w);
	return test_done();
}
