#include "base/heap.h"

#include "base/mem.h"
#include "test.h"

int
main(void)
{
	static struct heap_node nodes[200];
	struct heap h;
	int64_t before = INT64_MIN;

	heap_init(&h);
	CHECK(heap_first(&h) == NULL);
	srand(7);
	for (int round = 0; round < 5000; round++) {
		struct heap_node *n = &nodes[rand() % 200];
		int64_t least = INT64_MAX;

		if (rand() % 3 == 0)
			heap_remove(&h, n);
		else
			CHECK(heap_set(&h, n, rand() % 1000) == 0);
		for (int i = 0; i < 200; i++)
			if (nodes[i].place != 0 && nodes[i].at < least)
				least = nodes[i].at;
		CHECK(heap_first(&h) == NULL ? least == INT64_MAX
		                             : heap_first(&h)->at == least);
	}
	while (heap_first(&h) != NULL) {
		CHECK(heap_first(&h)->at >= before);
		before = heap_first(&h)->at;
		heap_remove(&h, heap_first(&h));
	}
	heap_deinit(&h);
	CHECK(mem_used() == 0);
	return test_done();
}
