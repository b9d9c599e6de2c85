/* The body of DATA: the end is exactly the first CR LF . CR LF, and the result
 * does not depend on how the bytes were cut. */
#include "smtp/dots.h"

#include <assert.h>
#include <stdint.h>

static size_t
run(struct dots *d, struct span in, size_t piece, bool is_lax,
    uint64_t *sum_out)
{
	size_t n_used = 0;
	struct span out;

	dots_init(d, false);
	d->is_lax = is_lax;
	*sum_out = 0;
	while (n_used < in.len && !dots_is_over(d)) {
		struct span rest = span_sub(in, n_used, piece);
		size_t before = rest.len;

		while (dots_next(d, &rest, &out))
			for (size_t i = 0; i < out.len; i++) {
				/* Of a device, CR LF alone comes through. */
				assert(!is_lax || out.p[i] != '\n' ||
				       (i > 0 && out.p[i - 1] == '\r'));
				*sum_out = *sum_out * 31 + (uint8_t)out.p[i];
			}
		n_used += before - rest.len;
	}
	return n_used;
}

/* Where the data ends by the letter of RFC 5321 4.1.1.4; 0: nowhere. */
static size_t
find_end(struct span s)
{
	if (span_starts(s, SPAN(".\r\n")))
		return 3;
	for (size_t i = 0; i + 5 <= s.len; i++)
		if (memcmp(s.p + i, "\r\n.\r\n", 5) == 0)
			return i + 5;
	return 0;
}

static void
check(struct span in, bool is_lax)
{
	struct dots whole, cut;
	uint64_t sum_whole, sum_cut;
	size_t end = run(&whole, in, in.len, is_lax, &sum_whole);

	assert(run(&cut, in, 1, is_lax, &sum_cut) == end);
	assert(sum_cut == sum_whole && cut.faults == whole.faults);
	assert(dots_is_over(&whole) == (find_end(in) > 0));
	if (dots_is_over(&whole))
		assert(end == find_end(in));
	assert(!is_lax || !(whole.faults & DOTS_BARE_LF));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	check(span_of(data, len), false);
	check(span_of(data, len), true);
	return 0;
}
