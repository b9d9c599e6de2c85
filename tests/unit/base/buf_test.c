#include "base/buf.h"

#include "base/arena.h"
#include "base/cursor.h"
#include "base/fault.h"
#include "base/mem.h"
#include "test.h"

static void
test_error_sticks(void)
{
	struct buf b;

	buf_init(&b, 8);
	buf_put(&b, SPAN("12345678"));
	CHECK(!buf_failed(&b));
	buf_put_char(&b, '9');
	CHECK(buf_failed(&b));
	buf_truncate(&b, 0);
	buf_put_char(&b, 'x');
	CHECK(b.len == 0 && buf_failed(&b));
	buf_reset(&b);
	buf_put_char(&b, 'x');
	CHECK(span_is(buf_span(&b), SPAN("x")) && !buf_failed(&b));
	buf_deinit(&b);
}

static void
test_no_memory(void)
{
	struct buf b;
	struct arena a;
	size_t before = mem_used();

	buf_init(&b, 1000);
	fault_arm(FAULT_ALLOC, 1, false);
	buf_put_str(&b, "hello");
	CHECK(buf_failed(&b) && b.len == 0);
	fault_arm(FAULT_ALLOC, 0, false);
	buf_deinit(&b);
	arena_init(&a, 100);
	CHECK(arena_alloc(&a, 101) == NULL);
	CHECK(arena_alloc(&a, 60) != NULL);
	CHECK(arena_alloc(&a, 60) == NULL);
	arena_reset(&a);
	CHECK(arena_alloc(&a, 60) != NULL);
	arena_reset(&a);
	CHECK(mem_used() == before);
}

static void
test_budget(void)
{
	char *p;

	mem_set_budget(mem_used() + 1000);
	CHECK(!mem_is_tight());
	p = mem_alloc(1500);
	CHECK(p != NULL && mem_is_tight());
	CHECK(mem_alloc(100000) == NULL);
	p = mem_resize(p, 10);
	CHECK(!mem_is_tight());
	mem_free(p);
	mem_set_budget(0);
}

static void
test_binary_round_trip(void)
{
	static const uint64_t values[] = { 0, 1, 127, 128, 16383, 16384,
		UINT32_MAX, (uint64_t)1 << 63, UINT64_MAX };
	struct buf b;
	struct cur c;
	uint64_t v = 0;
	uint32_t v32 = 0;
	uint16_t v16 = 0;

	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		buf_reset(&b);
		buf_put_varint(&b, values[i]);
		c = cur_of(buf_span(&b));
		CHECK(cur_varint(&c, &v) == PARSE_OK && v == values[i]);
		CHECK(cur_is_end(&c));
		for (size_t cut = 0; cut < b.len; cut++) {
			char *p = test_copy(span_of(b.p, cut));

			c = cur_of(span_of(p, cut));
			CHECK(cur_varint(&c, &v) == PARSE_MORE && c.p == p);
			free(p);
		}
	}
	c = cur_of(SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
	CHECK(cur_varint(&c, &v) == PARSE_BAD);
	buf_reset(&b);
	buf_put_be16(&b, 0x1234);
	buf_put_be32(&b, 0xdeadbeef);
	buf_put_be64(&b, 0x0123456789abcdef);
	CHECK(span_is(buf_span(&b),
	    SPAN("\x12\x34\xde\xad\xbe\xef\x01\x23\x45\x67\x89\xab\xcd\xef")));
	c = cur_of(buf_span(&b));
	CHECK(cur_be16(&c, &v16) == PARSE_OK && v16 == 0x1234);
	CHECK(cur_be32(&c, &v32) == PARSE_OK && v32 == 0xdeadbeef);
	CHECK(cur_be64(&c, &v) == PARSE_OK && v == 0x0123456789abcdef);
	CHECK(cur_be16(&c, &v16) == PARSE_MORE);
	buf_deinit(&b);
}

static void
test_text(void)
{
	char storage[64];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put_i64(&b, INT64_MIN);
	buf_put_char(&b, ' ');
	buf_put_padded(&b, 7, 3);
	buf_put_char(&b, ' ');
	buf_put_hex(&b, SPAN("\x00\xff"));
	CHECK(span_is(buf_span(&b), SPAN("-9223372036854775808 007 00ff")));
	buf_reset(&b);
	buf_putf(&b, "%s=%d", "a", 5);
	buf_consume(&b, 2);
	CHECK(span_is(buf_span(&b), SPAN("5")));
	buf_consume(&b, 20);
	CHECK(b.len == 0);
}

int
main(void)
{
	test_error_sticks();
	test_no_memory();
	test_budget();
	test_binary_round_trip();
	test_text();
	return test_done();
}
