/* What is remembered of a domain's TLS, and what is demanded for it. */
#include "queue/tls_memory.h"

#include "../store/fixture.h"

#define FAR SPAN("far.test")
#define MX  SPAN("mx.far.test")
#define MX2 SPAN("mx2.far.test")

static struct store *store;

static void
note(const struct mover_env *env, struct span host, bool is_tls,
    bool is_verified)
{
	const struct smtp_out_facts f = { .is_tls = is_tls,
		.is_verified = is_verified,
		.tls_why = "a reason" };

	tls_memory_note(env, FAR, host, &f, false);
}

static struct span
value(struct buf *b)
{
	buf_reset(b);
	return memo_get(store, MEMO_TLS, FAR, b, NULL) == 0 ? buf_span(b)
	                                                    : SPAN("none");
}

/* In the order in which it happens. */
static void
what_it_gave(void)
{
	struct mover_env env = { .store = store,
		.tls_memory = TLS_MEMORY_DEFER,
		.tls_defer_s = 1000 };
	char storage[400];
	struct buf b;
	int64_t until_s;

	buf_init_fixed(&b, storage, sizeof(storage));
	CHECK(tls_memory_demand(&env, FAR, MX) == TLS_OPPORTUNISTIC);
	note(&env, MX, false, false);
	CHECK_SPAN(value(&b), SPAN("none"));
	note(&env, MX, true, false);
	CHECK_SPAN(value(&b), SPAN("tls 0 "));
	CHECK(tls_memory_demand(&env, FAR, MX) == TLS_REQUIRED);
	note(&env, MX, true, true);
	CHECK_SPAN(value(&b), SPAN("verified 0 mx.far.test"));
	CHECK(tls_memory_demand(&env, FAR, MX) == TLS_VERIFIED);
	/* Another host of it was never verified. */
	CHECK(tls_memory_demand(&env, FAR, MX2) == TLS_REQUIRED);
	note(&env, MX2, true, false);
	CHECK_SPAN(value(&b), SPAN("verified 0 mx.far.test"));
	/* Less than before: since when is kept, and the demand stays. */
	note(&env, MX, true, false);
	CHECK(span_starts(value(&b), SPAN("verified 1")));
	CHECK(tls_memory_demand(&env, FAR, MX) == TLS_VERIFIED);
	env.tls_defer_s = 0; /* its time is over */
	CHECK(tls_memory_demand(&env, FAR, MX) == TLS_OPPORTUNISTIC);
	env.tls_defer_s = 1000;
	/* As good as before: nothing is held against it. */
	note(&env, MX, true, true);
	CHECK_SPAN(value(&b), SPAN("verified 0 mx.far.test"));
	note(&env, MX2, false, false);
	CHECK(span_starts(value(&b), SPAN("verified 1")));
	env.tls_memory = TLS_MEMORY_LOG;
	CHECK(tls_memory_demand(&env, FAR, MX) == TLS_OPPORTUNISTIC);
	CHECK(memo_get(store, MEMO_TLS, FAR, NULL, &until_s) == 0);
	CHECK(until_s > 0);
	env.tls_memory = TLS_MEMORY_OFF;
	CHECK(memo_delete(store, MEMO_TLS, FAR) == 0);
	note(&env, MX, true, true);
	CHECK_SPAN(value(&b), SPAN("none"));
}

/* A row that is none says nothing. */
static void
odd_rows(void)
{
	static const char *const rows[] = { "", "verified", "verified x y",
		"tls -1 ", "tls 99999999999999999999 " };
	const struct mover_env env = { .store = store,
		.tls_memory = TLS_MEMORY_DEFER,
		.tls_defer_s = 1000 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(memo_put(store, MEMO_TLS, FAR, span_str(rows[i]),
		          INT64_MAX / 2) == 0);
		CHECK_ROW(tls_memory_demand(&env, FAR, MX) == TLS_OPPORTUNISTIC,
		    rows[i]);
	}
	/* Begun in the future: by a clock that was wrong. */
	CHECK(memo_put(store, MEMO_TLS, FAR, SPAN("tls 99999999999 "),
	          INT64_MAX / 2) == 0);
	CHECK(tls_memory_demand(&env, FAR, MX) == TLS_OPPORTUNISTIC);
}

int
main(void)
{
	fx_begin();
	store = fx_new();
	what_it_gave();
	odd_rows();
	store_close(store);
	fx_end();
	return test_done();
}
