/* The arguments of SEARCH; what was read must be sound. */
#include "imap/search_parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static unsigned
depth_of(const struct search_key *k)
{
	unsigned most = 0;

	for (; k != NULL; k = k->next) {
		unsigned n = 1 + depth_of(k->first);

		if ((k->first == NULL) !=
		    (k->kind != SEARCH_AND && k->kind != SEARCH_OR))
			abort();
		if (n > most)
			most = n;
	}
	return most;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cur c = cur_of(span_of(data, len));
	struct search_program p;
	struct arena a;

	arena_init(&a, 256 * 1024);
	if (search_parse(&c, &a, &p) == 0 &&
	    (depth_of(p.root) > MAX_SEARCH_DEPTH + 1 || !cur_is_end(&c) ||
	        p.n_keys > MAX_SEARCH_KEYS))
		abort();
	arena_reset(&a);
	return 0;
}
