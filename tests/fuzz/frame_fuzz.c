/* Frames of the control socket, as a client may send them. */
#include "admin/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size), payload;
	enum frame_type type;
	int n;

	while ((n = frame_next(rest, &type, &payload)) > 0)
		rest = span_sub(rest, (size_t)n, rest.len);
	return 0;
}
