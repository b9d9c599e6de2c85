/* What stands in field values: dates, encoded words, parameters, ids. */
#include "mime/date.h"
#include "mime/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span in = span_of(data, len);
	struct cur c = cur_of(in);
	struct params ps;
	struct span name;
	struct buf b, value;
	bool is_extended;
	int64_t wall_s;
	int zone;

	buf_init(&b, 1 << 16);
	buf_init(&value, 1 << 16);
	if (date_parse(in, &wall_s, &zone) < 0)
		header_put_decoded(&b, in);
	params_parse(&ps, &c);
	while (params_next(&ps, &name, &is_extended, &value) == 0)
		if (is_extended)
			params_put_decoded(&b, buf_span(&value));
	c = cur_of(in);
	while (header_next_id(&c, &name) == 0)
		;
	buf_deinit(&b);
	buf_deinit(&value);
	return 0;
}
