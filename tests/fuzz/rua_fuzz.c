/* The list of URIs in a rua tag, and the record around it. */
#include "reports/rua.h"

#include <stdlib.h>

#include "trust/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span all = span_of(data, size);
	struct span v = dmarc_record_value(all, SPAN("rua"));
	struct cur c = cur_of(v.p != NULL ? v : all);
	struct rua r;

	while (rua_next(&c, &r) == 0)
		if (r.n_address > 0 && rua_host(rua_address(&r)).len == 0)
			abort();
	return 0;
}
