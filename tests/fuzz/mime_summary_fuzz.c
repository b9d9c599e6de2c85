/* Any bytes as a summary: an error or parts, never a read outside. */
#include "mime/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct summary s;
	struct summary_part part;
	struct span name, value;

	if (summary_open(span_of(data, len), &s) == 0) {
		struct cur c = summary_parts(&s);

		while (summary_part_next(&c, &part) == 0) {
			struct cur p = cur_of(part.params);
			struct cur d = cur_of(part.disposition_params);

			while (summary_param_next(&p, &name, &value) == 0)
				;
			while (summary_param_next(&d, &name, &value) == 0)
				;
		}
	}
	return 0;
}
