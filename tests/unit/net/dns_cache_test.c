/* What is remembered: by name and type, for its time, within its bytes. */
#include "net/dns_cache.h"

#include "base/fault.h"
#include "base/mem.h"
#include "test.h"

static struct dns_wire
name_of(int i)
{
	char text[64];
	struct dns_wire w;

	snprintf(text, sizeof(text), "name%d.example.test", i);
	REQUIRE(dns_wire_pack(span_str(text), &w) == 0);
	return w;
}

/* Ask and answer with n_bytes of records at once. */
static void
put(struct dns_cache *c, int i, enum dns_state state, uint32_t ttl_s,
    size_t n_bytes, int64_t now_ms)
{
	struct dns_wire name = name_of(i);
	struct dns_entry *e = dns_cache_add(c, DNS_TXT, &name);
	struct dns_answer a;

	REQUIRE(e != NULL);
	dns_answer_init(&a);
	a.state = state;
	a.ttl_s = ttl_s;
	for (size_t k = 0; k < n_bytes; k++)
		buf_put_char(&a.records, 'x');
	dns_cache_finish(c, e, &a, now_ms);
	dns_entry_unref(e);
	dns_answer_deinit(&a);
}

static bool
has(struct dns_cache *c, int i, int64_t now_ms)
{
	struct dns_wire name = name_of(i);
	struct dns_entry *e = dns_cache_find(c, DNS_TXT, &name, now_ms);

	CHECK(e == NULL || dns_wire_is(&e->name, &name));
	return e != NULL;
}

/* The time that an answer is good for, by its TTL. */
static void
test_time(void)
{
	static const struct {
		enum dns_state state;
		uint32_t ttl_s, want_s;
	} rows[] = {
		{ DNS_OK, 300, 300 },
		{ DNS_OK, 0, 5 },
		{ DNS_OK, 1u << 30, 86400 },
		{ DNS_NXDOMAIN, 60, 60 },
		{ DNS_NODATA, 86400, 10800 },
		{ DNS_TEMPFAIL, 300, 0 },
	};
	struct dns_cache c;

	dns_cache_init(&c, 65536);
	for (int i = 0; i < (int)(sizeof(rows) / sizeof(*rows)); i++) {
		int64_t end = 1000 + (int64_t)rows[i].want_s * 1000;

		put(&c, i, rows[i].state, rows[i].ttl_s, 0, 1000);
		CHECK(has(&c, i, end - 1) == (rows[i].want_s > 0));
		CHECK(!has(&c, i, end));
		CHECK(!has(&c, i, end - 1)); /* it is gone for good */
	}
	CHECK_INT(c.bytes, 0);
	CHECK_INT(c.n_entries, 0);
	dns_cache_deinit(&c);
}

static void
test_room(void)
{
	struct dns_cache c;

	dns_cache_init(&c, 16 * 1024);
	for (int i = 0; i < 1000; i++) {
		put(&c, i, DNS_OK, 300, (size_t)(i % 100), 0);
		CHECK(c.bytes <= 16 * 1024);
		CHECK(has(&c, i, 1));          /* the newest stays */
		CHECK(i < 1 || has(&c, 0, 1)); /* as does what is used */
	}
	CHECK(!has(&c, 1, 1));
	CHECK(c.n_entries > 10);
	/* One that is out of proportion pushes nobody out. */
	put(&c, 2000, DNS_OK, 300, 4096, 0);
	CHECK(!has(&c, 2000, 1));
	CHECK(has(&c, 0, 1));
	dns_cache_clear(&c);
	CHECK_INT(c.bytes, 0);
	CHECK_INT(c.n_entries, 0);
	dns_cache_deinit(&c);
	CHECK_INT(mem_used(), 0);
}

/* An entry that somebody holds outlives its place, and the cache. */
static void
test_references(void)
{
	struct dns_wire name = name_of(1);
	struct dns_entry *e, *held, *pending;
	struct dns_cache c;

	dns_cache_init(&c, 65536);
	put(&c, 1, DNS_OK, 300, 10, 0);
	held = dns_cache_find(&c, DNS_TXT, &name, 0);
	REQUIRE(held != NULL);
	dns_entry_ref(held);
	CHECK(dns_cache_find(&c, DNS_MX, &name, 0) == NULL);
	dns_cache_forget(&c, held);
	CHECK(!has(&c, 1, 0));
	CHECK_INT(held->records.len, 10);
	/* What is being asked is found, and not forgotten with the rest. */
	pending = dns_cache_add(&c, DNS_TXT, &name);
	REQUIRE(pending != NULL);
	dns_cache_clear(&c);
	e = dns_cache_find(&c, DNS_TXT, &name, INT64_MAX);
	CHECK(e == pending);
	dns_cache_deinit(&c);
	dns_entry_unref(pending);
	dns_entry_unref(held);
	CHECK_INT(mem_used(), 0);
	fault_arm(FAULT_ALLOC, 1, false);
	CHECK(dns_cache_add(&c, DNS_TXT, &name) == NULL);
	fault_arm(FAULT_ALLOC, 0, false);
}

int
main(void)
{
	test_time();
	test_room();
	test_references();
	return test_done();
}
