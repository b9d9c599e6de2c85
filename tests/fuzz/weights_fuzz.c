/* The settings of weights, DNS lists and networks. */
#include <stdlib.h>

#include "net/network.h"
#include "trust/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t answer[4] = { 127, 0, 0, 2 };
	const struct peer p = { .family = PEER_IP6, .addr = { 0x20, 1 } };
	struct span s = span_of(data, len);
	struct weights w = { .n_rules = 0 };

	if (weights_parse_doubts(s, &w) == 0 && w.n_rules > 0)
		abort(); /* these are no lists */
	w = (struct weights){ .n_rules = 0 };
	if (weights_parse_lists(s, &w) == 0)
		for (size_t i = 0; i < w.n_rules; i++)
			if (w.rules[i].weight == 0 ||
			    weights_list(&w, w.rules[i].list).len == 0 ||
			    (weights_rule_has(&w.rules[i], answer) &&
			        w.rules[i].low[0] > 127))
				abort();
	if (network_list_has(s, &p) && len == 0)
		abort();
	return 0;
}
