#include "base/rangeset.h"

#include "base/fault.h"
#include "base/mem.h"
#include "test.h"

#define SPACE 300

/* The set beside a plain array of booleans, through random changes. */
static void
test_against_model(unsigned seed)
{
	static bool model[SPACE + 2];
	struct rangeset s, copy;
	struct buf b;

	memset(model, 0, sizeof(model));
	rangeset_init(&s);
	rangeset_init(&copy);
	buf_init(&b, 4000);
	srand(seed);
	for (int round = 0; round < 400; round++) {
		uint32_t first = (uint32_t)(rand() % SPACE) + 1;
		uint32_t last = first + (uint32_t)(rand() % 9);
		bool is_add = rand() % 2;
		uint64_t n = 0;
		struct cur c;

		if (last > SPACE)
			last = SPACE;
		if (is_add)
			CHECK(rangeset_add(&s, first, last) == 0);
		else
			CHECK(rangeset_remove(&s, first, last) == 0);
		for (uint32_t v = first; v <= last; v++)
			model[v] = is_add;
		for (uint32_t v = 1; v <= SPACE; v++) {
			uint32_t nth = 0, next = 0, want = v;
			struct range r = { v, v };

			CHECK(rangeset_has(&s, v) == model[v]);
			CHECK(rangeset_run(&s, v, &r) == model[v]);
			CHECK(r.first <= v && v <= r.last);
			CHECK(!model[v] || r.first == 1 || !model[r.first - 1]);
			CHECK(
			    !model[v] || r.last == SPACE || !model[r.last + 1]);
			for (uint32_t i = r.first; i < r.last; i++)
				CHECK(model[i]);
			CHECK(rangeset_rank(&s, v) == n);
			while (want <= SPACE && !model[want])
				want++;
			CHECK(rangeset_next(&s, v, &next) == (want <= SPACE));
			CHECK(want > SPACE || next == want);
			if (!model[v])
				continue;
			CHECK(rangeset_nth(&s, n, &nth) && nth == v);
			n++;
		}
		CHECK(s.n_members == n);
		for (size_t i = 1; i < s.n; i++)
			CHECK(s.r[i].first > s.r[i - 1].last + 1);
		buf_reset(&b);
		rangeset_put(&b, &s);
		c = cur_of(buf_span(&b));
		CHECK(rangeset_get(&copy, &c, SPACE) == 0 && cur_is_end(&c));
		CHECK(copy.n == s.n && copy.n_members == n);
		CHECK(s.n == 0 || memcmp(copy.r, s.r, s.n * sizeof(*s.r)) == 0);
	}
	rangeset_deinit(&s);
	rangeset_deinit(&copy);
	buf_deinit(&b);
}

static void
test_edges(void)
{
	struct rangeset s;
	uint32_t v;

	rangeset_init(&s);
	CHECK(!rangeset_next(&s, 1, &v) && rangeset_last(&s) == 0);
	CHECK(rangeset_add(&s, UINT32_MAX, UINT32_MAX) == 0);
	CHECK(rangeset_add(&s, 1, 1) == 0 && s.n == 2);
	CHECK(rangeset_add(&s, 1, UINT32_MAX) == 0 && s.n == 1);
	CHECK(s.n_members == UINT32_MAX);
	CHECK(rangeset_remove(&s, UINT32_MAX, UINT32_MAX) == 0);
	CHECK(rangeset_last(&s) == UINT32_MAX - 1);
	fault_arm(FAULT_ALLOC, 1, true);
	for (uint32_t i = 0; i < 100; i++)
		if (rangeset_remove(&s, 10 + 3 * i, 10 + 3 * i) < 0)
			break;
	fault_arm(FAULT_ALLOC, 0, false);
	rangeset_deinit(&s);
}

/* Every second of 100,000 messages: a bitmap, not 50,000 ranges. */
static void
test_size(void)
{
	struct rangeset s;
	struct buf b;

	rangeset_init(&s);
	buf_init(&b, 64 * 1024);
	for (uint32_t v = 1; v < 100000; v += 2)
		CHECK(rangeset_add(&s, v, v) == 0);
	rangeset_put(&b, &s);
	CHECK(!buf_failed(&b) && b.len < 13000);
	rangeset_clear(&s);
	CHECK(rangeset_add(&s, 1, 100000) == 0);
	buf_reset(&b);
	rangeset_put(&b, &s);
	CHECK(b.len < 8);
	rangeset_deinit(&s);
	buf_deinit(&b);
}

/* A damaged encoding is refused, whatever it says. */
static void
test_damage(void)
{
	static const struct span bad[] = { { "", 0 }, { "\2", 1 },
		{ "\0\1", 2 }, { "\0\1\0\0", 4 },
		{ "\0\1\xff\xff\xff\xff\x0f\1", 8 },
		{ "\1\1\xff\xff\x03", 5 } };
	struct rangeset s;

	rangeset_init(&s);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *p = test_copy(bad[i]);
		struct cur c = cur_of(span_of(p, bad[i].len));

		CHECK(rangeset_get(&s, &c, 100) == ERR_DAMAGED);
		free(p);
	}
	rangeset_deinit(&s);
}

/* What two sets share, and what one has alone. */
static void
test_two_sets(unsigned seed)
{
	struct rangeset a, b, both, alone, rest;

	rangeset_init(&a);
	rangeset_init(&b);
	rangeset_init(&both);
	rangeset_init(&alone);
	rangeset_init(&rest);
	srand(seed);
	for (int round = 0; round < 200; round++) {
		uint32_t first = (uint32_t)(rand() % SPACE) + 1;
		struct rangeset *s = rand() % 2 ? &a : &b;

		if (rand() % 3)
			CHECK(rangeset_add(s, first, first + rand() % 9) == 0);
		else
			CHECK(rangeset_remove(s, first, first + 20) == 0);
		CHECK(rangeset_intersect(&a, &b, &both) == 0);
		CHECK(rangeset_subtract(&a, &b, &alone) == 0);
		for (uint32_t v = 1; v <= SPACE + 10; v++) {
			bool in_a = rangeset_has(&a, v);
			bool in_b = rangeset_has(&b, v);

			CHECK(rangeset_has(&both, v) == (in_a && in_b));
			CHECK(rangeset_has(&alone, v) == (in_a && !in_b));
		}
		CHECK(both.n_members + alone.n_members == a.n_members);
		CHECK(rangeset_copy(&rest, &a) == 0);
		CHECK(rangeset_remove_all(&rest, &b) == 0);
		CHECK(rest.n == alone.n && rest.n_members == alone.n_members);
		CHECK(rest.n == 0 ||
		      memcmp(rest.r, alone.r, rest.n * sizeof(*rest.r)) == 0);
	}
	rangeset_clear(&a);
	rangeset_clear(&b);
	CHECK(rangeset_reserve(&a, 500) == 0);
	fault_arm(FAULT_ALLOC, 1, true);
	for (uint32_t v = 0; v < 500; v++)
		CHECK(rangeset_add(&a, 2 * v + 1, 2 * v + 1) == 0);
	CHECK(rangeset_reserve(&a, 500) == ERR_NOMEM);
	fault_arm(FAULT_ALLOC, 0, false);
	CHECK(a.n_members == 500);
	rangeset_clear(&a);
	CHECK(rangeset_add(&a, 1, UINT32_MAX) == 0);
	CHECK(rangeset_add(&b, 5, UINT32_MAX) == 0);
	CHECK(rangeset_subtract(&a, &b, &alone) == 0);
	CHECK(alone.n == 1 && rangeset_last(&alone) == 4);
	CHECK(rangeset_intersect(&a, &b, &both) == 0);
	CHECK(both.n == 1 && both.r[0].first == 5);
	rangeset_deinit(&a);
	rangeset_deinit(&b);
	rangeset_deinit(&both);
	rangeset_deinit(&alone);
	rangeset_deinit(&rest);
}

int
main(void)
{
	for (unsigned seed = 1; seed <= 4; seed++)
		test_two_sets(seed);
	for (unsigned seed = 1; seed <= 8; seed++)
		test_against_model(seed);
	test_edges();
	test_size();
	test_damage();
	CHECK(mem_used() == 0);
	return test_done();
}
