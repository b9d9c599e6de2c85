/* The heap with its spare blocks, which the other sanitized programs go
 * without: random blocks beside a plain picture of what they must hold. */
#define KEEPS_SPARES true
#include "base/mem.c"

#include "test.h"

#define N_BLOCKS 40
#define MAX_LEN  (70 * 1024)

struct block {
	unsigned char *p;
	size_t len;
	unsigned char fill;
};

static struct block blocks[N_BLOCKS];
static uint32_t seed = 20261123;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

/* Small, of the sizes that are kept, and larger. */
static size_t
draw_len(void)
{
	static const uint32_t most[] = { 100, 2000, 16 * 1024, MAX_LEN };

	return 1 + draw(most[draw(4)]);
}

static bool
is_filled(const struct block *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (b->p[i] != b->fill)
			return false;
	}
	return true;
}

static void
fill(struct block *b, size_t len, uint32_t n)
{
	b->len = len;
	b->fill = (unsigned char)n;
	memset(b->p, b->fill, len);
}

static size_t
sum(void)
{
	size_t n = 0;

	for (int i = 0; i < N_BLOCKS; i++)
		n += blocks[i].len;
	return n;
}

static void
drop(struct block *b)
{
	mem_free(b->p);
	*b = (struct block){ .p = NULL };
}

static void
test_random(void)
{
	for (uint32_t n = 0; n < 20000; n++) {
		struct block *b = &blocks[draw(N_BLOCKS)];
		size_t len = draw_len(), same;

		CHECK(is_filled(b, b->len));
		if (b->p == NULL) {
			b->p = mem_alloc(len);
			REQUIRE(b->p != NULL);
			b->fill = 0;
			CHECK(is_filled(b, len)); /* zeroed, spare or not */
			fill(b, len, n);
		} else if (draw(2) == 0) {
			b->p = mem_resize(b->p, len);
			REQUIRE(b->p != NULL);
			same = b->len < len ? b->len : len;
			CHECK(is_filled(b, same));
			fill(b, len, n);
		} else {
			drop(b);
			CHECK(kept <= most_kept());
		}
		CHECK(mem_used() == sum());
	}
	for (int i = 0; i < N_BLOCKS; i++)
		drop(&blocks[i]);
	CHECK(mem_used() == 0);
}

/* A spare block is lent again, and none is kept when memory is short. */
static void
test_spare(void)
{
	void *p = mem_alloc(20000), *q;

	REQUIRE(p != NULL);
	mem_free(p);
	q = mem_alloc(19000);
	CHECK(q == p);
	mem_free(q);

	drop_spares(0);
	CHECK(kept == 0);
	p = mem_alloc(20000);
	q = mem_alloc(20000);
	mem_set_budget(10000);
	mem_free(p);
	CHECK(kept == 0);
	CHECK(mem_alloc(20000) == NULL);
	mem_set_budget(0);
	mem_free(q);
	CHECK(kept == 20000);
}

int
main(void)
{
	test_random();
	test_spare();
	drop_spares(0);
	return test_done();
}
