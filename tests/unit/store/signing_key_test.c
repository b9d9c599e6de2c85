/* Keys of domains and secrets: put, found, replaced, removed, and there again
 * after a restart. */
#include "store/signing_key.h"

#include "base/err.h"
#include "fixture.h"

static void
put(struct store *s, const char *domain, const char *selector,
    enum signing_state state, const char *key)
{
	struct signing_key k = { .domain = span_str(domain),
		.selector = span_str(selector),
		.state = state,
		.created_s = 1700000000,
		.key = span_str(key) };

	CHECK_INT(signing_key_put(s, &k), 0);
}

static void
check_all(struct store *s, const char *want)
{
	char storage[SIGNING_PLACE_BYTES], text[500];
	struct signing_key_view v;
	struct buf place, got;
	int rc;

	buf_init_fixed(&place, storage, sizeof(storage));
	buf_init_fixed(&got, text, sizeof(text));
	while ((rc = signing_key_next(s, &place, &v)) == 0) {
		buf_put(&got, v.k.domain);
		buf_put_char(&got, '/');
		buf_put(&got, v.k.selector);
		buf_put_char(&got, '=');
		buf_put(&got, v.k.key);
		buf_put_u64(&got, v.k.state);
		buf_put_char(&got, ' ');
		CHECK_INT(v.k.created_s, 1700000000);
	}
	CHECK_INT(rc, ERR_NONE);
	CHECK_SPAN(buf_span(&got), span_str(want));
}

static void
check_find(struct store *s, const char *domain, enum signing_state state,
    const char *want)
{
	struct signing_key_view v;
	int rc = signing_key_find(s, span_str(domain), state, &v);

	CHECK_INT(rc, want != NULL ? 0 : ERR_NONE);
	if (rc == 0)
		CHECK_SPAN(v.k.selector, span_str(want));
}

static void
check_refused(struct store *s, struct span domain, struct span selector)
{
	struct signing_key k = { .domain = domain, .selector = selector };

	CHECK_INT(signing_key_put(s, &k), ERR_INVALID);
	CHECK_INT(signing_key_remove(s, domain, selector), ERR_NONE);
}

int
main(void)
{
	static const char all[] = "a.test.au/s=k40 a.test/new=k30 a.test/s=k1 ";
	uint8_t secret[SIGNING_SECRET_BYTES], again[SIGNING_SECRET_BYTES];
	static char big[MAX_SIGNING_KEY_BYTES + 2], name[MAX_DOMAIN_BYTES + 1];
	struct signing_key k = { .domain = SPAN("b.test"),
		.selector = SPAN("s") };
	struct store *s;

	fx_begin();
	s = fx_new();
	CHECK(!signing_key_exists(s));
	check_all(s, "");
	put(s, "a.test", "s", SIGNING_ACTIVE, "k");
	put(s, "a.test", "new", SIGNING_WAITING, "k3");
	put(s, "a.test.au", "s", SIGNING_WAITING, "k4");
	CHECK(signing_key_exists(s));
	check_all(s, all);
	check_find(s, "a.test", SIGNING_ACTIVE, "s");
	check_find(s, "a.test", SIGNING_WAITING, "new");
	check_find(s, "a.test", SIGNING_OLD, NULL);
	check_find(s, "a.tes", SIGNING_ACTIVE, NULL);
	check_find(s, "a.test.au", SIGNING_ACTIVE, NULL);
	CHECK_INT(signing_key_secret(s, SPAN("srs"), secret), 0);
	CHECK_INT(signing_key_secret(s, SPAN("x"), again), 0);
	CHECK(memcmp(secret, again, sizeof(secret)) != 0);
	store_close(s);
	s = fx_reopen();
	check_all(s, all);
	CHECK_INT(signing_key_secret(s, SPAN("srs"), again), 0);
	CHECK(memcmp(secret, again, sizeof(secret)) == 0);
	put(s, "a.test", "s", SIGNING_OLD, "kk");
	check_find(s, "a.test", SIGNING_ACTIVE, NULL);
	CHECK_INT(signing_key_remove(s, SPAN("a.test"), SPAN("s")), 0);
	CHECK_INT(signing_key_remove(s, SPAN("a.test"), SPAN("s")), ERR_NONE);
	CHECK_INT(signing_key_remove(s, SPAN("a.test"), SPAN("new")), 0);
	check_all(s, "a.test.au/s=k40 ");
	check_refused(s, SPAN("a.test"), SPAN(""));
	check_refused(s, SPAN("a.test"), SPAN("a.b"));
	check_refused(s, SPAN("a.test"), SPAN("-a"));
	check_refused(s, SPAN("a/test"), SPAN("a"));
	check_refused(s, SPAN(""), SPAN("a"));
	memset(big, 'x', sizeof(big));
	memset(name, 'n', sizeof(name));
	k.domain = span_of(name, MAX_DOMAIN_BYTES);
	k.selector = span_of(name, MAX_SELECTOR_BYTES);
	k.key = span_of(big, MAX_SIGNING_KEY_BYTES);
	CHECK_INT(signing_key_put(s, &k), 0);
	CHECK_INT(signing_key_remove(s, k.domain, k.selector), 0);
	k.key.len++;
	CHECK_INT(signing_key_put(s, &k), ERR_LIMIT);
	store_close(s);
	fx_end();
	return test_done();
}
