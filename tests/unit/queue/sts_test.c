/* When a policy of MTA-STS is fetched, how long it is kept, and what holds when
 * it cannot be had: with a resolver, a web server and a clock of the test's. */
#include "queue/sts.h"

#include "../store/fixture.h"
#include "../trust/fake_dns.h"
#include "base/clock.h"
#include "base/mem.h"

#define NOW  1800000000
#define DAY  86400
#define MAIN "_mta-sts.a.test"

/* --- a web server in the place of net/fetch.c --- */

struct fetch {
	void (*wake)(void *owner);
	void *owner;
};

static struct {
	struct fetch *f; /* the one that is asked for */
	struct fetch one;
	int status; /* 0: it failed; -1: for its certificate */
	const char *type, *body;
	char url[200];
	int n_fetches, n_ended;
	bool is_refused;
} web;

int
fetch_begin(const struct fetch_env *env, const struct fetch_request *r,
    void (*wake)(void *owner), void *owner, struct fetch **out)
{
	(void)env;
	REQUIRE(web.f == NULL);
	if (web.is_refused)
		return ERR_NOMEM;
	CHECK(r->method == FETCH_GET && r->max_bytes == STS_MAX_BYTES);
	REQUIRE(span_to_cstr(r->url, web.url, sizeof(web.url)) == 0);
	web.n_fetches++;
	web.one = (struct fetch){ wake, owner };
	*out = web.f = &web.one;
	return 0;
}

void
fetch_end(struct fetch *f)
{
	web.n_ended += f != NULL;
	if (f != NULL)
		web.f = NULL;
}

enum fetch_state
fetch_state(const struct fetch *f)
{
	(void)f;
	return web.status > 0 ? FETCH_OK : FETCH_FAILED;
}

const char *
fetch_why(const struct fetch *f)
{
	(void)f;
	return "it is down";
}

int
fetch_error(const struct fetch *f)
{
	(void)f;
	return web.status < 0 ? ERR_TLS : ERR_IO;
}

uint16_t
fetch_status(const struct fetch *f)
{
	(void)f;
	return (uint16_t)web.status;
}

struct span
fetch_type(const struct fetch *f)
{
	(void)f;
	return span_str(web.type);
}

struct span
fetch_body(const struct fetch *f)
{
	(void)f;
	return span_str(web.body);
}

/* --- the domain --- */

#define ENFORCE                                                                \
	"version: STSv1\nmode: enforce\nmx: mx.a.test\nmax_age: 864000\n"
#define BRIEF "version: STSv1\nmode: testing\nmx: mx.a.test\nmax_age: 1000\n"

static struct store *store;
static int n_wakes;

static void
on_wake(void *owner)
{
	(void)owner;
	n_wakes++;
}

static void
set_record(const char *text)
{
	fake_clear();
	if (text != NULL)
		fake_txt(MAIN, text);
}

static void
set_web(int status, const char *type, const char *body)
{
	web.status = status;
	web.type = type;
	web.body = body;
}

/* Look at a time; n_fetches: how many of them it takes. The caller ends t. */
static void
look(struct sts *t, int64_t at_s, int n_fetches)
{
	const struct sts_env env = { NULL, store, NULL, 443 };

	clock_fake(1000000, at_s);
	n_wakes = web.n_fetches = web.n_ended = 0;
	sts_begin(t, &env, SPAN("A.test"), on_wake, NULL);
	CHECK(t->is_pending && n_wakes == 0);
	fake_run();
	if (web.f != NULL) {
		CHECK(t->is_pending && n_wakes == 0);
		CHECK_STR(
		    web.url, "https://mta-sts.a.test/.well-known/mta-sts.txt");
		web.f->wake(web.f->owner);
	}
	CHECK_INT(web.n_fetches, n_fetches);
	CHECK_INT(web.n_ended, n_fetches);
	CHECK(!t->is_pending);
	CHECK_INT(n_wakes, 1);
}

static void
expect(int64_t at_s, int n_fetches, bool has_policy, enum sts_mode mode,
    enum sts_fault fault)
{
	struct sts t;

	look(&t, at_s, n_fetches);
	CHECK(t.has_policy == has_policy);
	CHECK_INT(t.mode, mode);
	CHECK_INT(t.fault, fault);
	CHECK((fault != STS_FINE) == (t.fault_why[0] != '\0'));
	CHECK(sts_allows(&t, SPAN("mx.a.test")));
	CHECK(sts_allows(&t, SPAN("other.test")) == (mode != STS_ENFORCE));
	sts_end(&t);
	sts_end(&t);
}

static void
test_kept(void)
{
	set_record(NULL);
	expect(NOW, 0, false, STS_NONE, STS_FINE);
	set_record("v=STSv1; id=1;");
	set_web(200, "text/plain", ENFORCE);
	expect(NOW, 1, true, STS_ENFORCE, STS_FINE);
	expect(NOW + DAY - 1, 0, true, STS_ENFORCE, STS_FINE);
	/* Once a day, while there is mail. */
	expect(NOW + DAY, 1, true, STS_ENFORCE, STS_FINE);
	expect(NOW + DAY + 5, 0, true, STS_ENFORCE, STS_FINE);
	/* A clock that went back is not trusted. */
	expect(NOW + 5, 1, true, STS_ENFORCE, STS_FINE);
	/* The resolver fails, or the record is gone, or is none. */
	set_record("!");
	expect(NOW + 3 * DAY, 0, true, STS_ENFORCE, STS_FINE);
	set_record(NULL);
	expect(NOW + 3 * DAY, 0, true, STS_ENFORCE, STS_FINE);
	set_record("v=STSv1; id=a b;");
	expect(NOW + 3 * DAY, 0, true, STS_ENFORCE, STS_FINE);
	/* Its end. */
	expect(NOW + 11 * DAY, 0, false, STS_NONE, STS_FINE);
}

static void
test_not_to_be_had(void)
{
	int64_t from = NOW + 12 * DAY;

	set_record("v=STSv1; id=2");
	set_web(404, "text/plain", ENFORCE);
	expect(from, 1, false, STS_NONE, STS_NOT_FETCHED);
	/* Not with each mail, but soon again. */
	expect(from + STS_AGAIN_S - 1, 0, false, STS_NONE, STS_FINE);
	set_web(301, "text/plain", ENFORCE);
	expect(from + STS_AGAIN_S, 1, false, STS_NONE, STS_NOT_FETCHED);
	set_web(-1, "", "");
	expect(from + 2 * STS_AGAIN_S, 1, false, STS_NONE, STS_UNTRUSTED);
	set_web(200, "text/html", ENFORCE);
	expect(from + 3 * STS_AGAIN_S, 1, false, STS_NONE, STS_INVALID);
	set_web(200, "text/plain", "<html>");
	expect(from + 4 * STS_AGAIN_S, 1, false, STS_NONE, STS_INVALID);
	web.is_refused = true;
	expect(from + 5 * STS_AGAIN_S, 0, false, STS_NONE, STS_NOT_FETCHED);
	web.is_refused = false;
	set_web(200, "Text/Plain ; charset=utf-8", BRIEF);
	expect(from + 6 * STS_AGAIN_S, 1, true, STS_TESTING, STS_FINE);
}

/* What is kept stays when a new one cannot be had, up to its own end. */
static void
test_new_one_fails(void)
{
	int64_t from = NOW + 20 * DAY;

	set_record("v=STSv1; id=3");
	set_web(200, "text/plain", ENFORCE);
	expect(from, 1, true, STS_ENFORCE, STS_FINE);
	set_record("v=STSv1; id=4");
	set_web(0, "", "");
	expect(from + 100, 1, true, STS_ENFORCE, STS_NOT_FETCHED);
	expect(from + 200, 0, true, STS_ENFORCE, STS_FINE);
	expect(from + 500, 1, true, STS_ENFORCE, STS_NOT_FETCHED);
	expect(from + 9 * DAY, 1, true, STS_ENFORCE, STS_NOT_FETCHED);
	expect(from + 10 * DAY, 1, false, STS_NONE, STS_NOT_FETCHED);
	/* A new one takes its place at once. */
	from += 20 * DAY;
	set_web(200, "text/plain", ENFORCE);
	expect(from, 1, true, STS_ENFORCE, STS_FINE);
	set_record("v=STSv1; id=5");
	set_web(200, "text/plain", BRIEF);
	expect(from + 1, 1, true, STS_TESTING, STS_FINE);
	/* One of a short life is fetched at half of it. */
	expect(from + 500, 0, true, STS_TESTING, STS_FINE);
	expect(from + 501, 1, true, STS_TESTING, STS_FINE);
}

/* Without memory for it, a policy that is kept is no reason to send past it. */
static void
test_no_memory(void)
{
	struct sts t;

	set_record(NULL);
	look(&t, NOW + 50 * DAY, 0);
	CHECK(!t.has_policy);
	sts_end(&t);
	set_record("v=STSv1; id=7");
	set_web(200, "text/plain", ENFORCE);
	expect(NOW + 50 * DAY, 1, true, STS_ENFORCE, STS_FINE);
	mem_set_budget(1);
	look(&t, NOW + 50 * DAY + 1, 0);
	mem_set_budget(0);
	CHECK(t.is_unread && !sts_allows(&t, SPAN("mx.a.test")));
	sts_end(&t);
	expect(NOW + 50 * DAY + 2, 0, true, STS_ENFORCE, STS_FINE);
}

/* An end at any moment. */
static void
test_ended_early(void)
{
	const struct sts_env env = { NULL, store, NULL, 8443 };
	struct sts t;

	memset(&t, 0, sizeof(t));
	sts_end(&t);
	set_record("v=STSv1; id=6");
	n_wakes = 0;
	sts_begin(&t, &env, SPAN("b.test"), on_wake, NULL);
	sts_end(&t);
	fake_run();
	fake_clear();
	fake_txt("_mta-sts.b.test", "v=STSv1; id=6");
	sts_begin(&t, &env, SPAN("b.test"), on_wake, NULL);
	fake_run();
	CHECK_STR(
	    web.url, "https://mta-sts.b.test:8443/.well-known/mta-sts.txt");
	sts_end(&t);
	CHECK(web.f == NULL && n_wakes == 0);
}

int
main(void)
{
	fx_begin();
	store = fx_new();
	test_kept();
	test_not_to_be_had();
	test_new_one_fails();
	test_no_memory();
	test_ended_early();
	store_close(store);
	fx_end();
	fake_clear();
	return test_done();
}
