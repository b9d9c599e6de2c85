#include "base/heap.h"

#include "base/mem.h"

void
heap_init(struct heap *h)
{
	*h = (struct heap){ 0 };
}

void
heap_deinit(struct heap *h)
{
	mem_free(h->nodes);
	heap_init(h);
}

static void
place(struct heap *h, size_t i, struct heap_node *node)
{
	h->nodes[i] = node;
	node->place = i + 1;
}

/* Move node, which stands at i, to where it belongs. */
static void
settle(struct heap *h, size_t i, struct heap_node *node)
{
	while (i > 0 && h->nodes[(i - 1) / 2]->at > node->at) {
		place(h, i, h->nodes[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < h->n &&
		    h->nodes[child + 1]->at < h->nodes[child]->at)
			child++;
		if (child >= h->n || h->nodes[child]->at >= node->at)
			break;
		place(h, i, h->nodes[child]);
		i = child;
	}
	place(h, i, node);
}

int
heap_set(struct heap *h, struct heap_node *node, int64_t at)
{
	if (node->place == 0) {
		if (h->n == h->cap) {
			size_t cap = h->cap ? h->cap * 2 : 16;
			struct heap_node **p = mem_resize(
			    h->nodes, cap * sizeof(struct heap_node *));

			if (p == NULL)
				return ERR_NOMEM;
			h->nodes = p;
			h->cap = cap;
		}
		place(h, h->n++, node);
	}
	node->at = at;
	settle(h, node->place - 1, node);
	return 0;
}

void
heap_remove(struct heap *h, struct heap_node *node)
{
	size_t i = node->place;
	struct heap_node *last;

	if (i == 0)
		return;
	node->place = 0;
	last = h->nodes[--h->n];
	if (last != node)
		settle(h, i - 1, last);
}

struct heap_node *
heap_first(const struct heap *h)
{
	return h->n > 0 ? h->nodes[0] : NULL;
}
