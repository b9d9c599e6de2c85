#include "base/fault.h"

#ifdef TINPOST_FAULTS
#include <stdlib.h>

#include "base/span.h"

static struct {
	uint64_t n_left;
	uint64_t n_passed;
	bool is_lasting;
} sites[N_FAULT_SITES];

void
fault_arm(enum fault_site site, uint64_t n, bool is_lasting)
{
	sites[site].n_left = n;
	sites[site].n_passed = 0;
	sites[site].is_lasting = is_lasting;
}

uint64_t
fault_passes(enum fault_site site)
{
	return sites[site].n_passed;
}

bool
fault_hit(enum fault_site site)
{
	sites[site].n_passed++;
	if (sites[site].n_left == 0)
		return false;
	if (sites[site].n_left > 1) {
		sites[site].n_left--;
		return false;
	}
	if (!sites[site].is_lasting)
		sites[site].n_left = 0;
	return true;
}

void
fault_arm_from_env(void)
{
	static const char *const names[N_FAULT_SITES] = { "alloc", "write",
		"short_write", "sync", "full", "lmdb", "accept", "panic",
		"volume_panic" };
	struct span rest = span_str(getenv("TINPOST_FAULT"));

	while (rest.len > 0) {
		struct span item = span_split(&rest, ',');
		struct span name = span_split(&item, ':');
		bool is_lasting = span_ends_nocase(item, SPAN("+"));
		uint64_t n = 0;

		if (is_lasting)
			item.len--;
		if (span_to_u64(item, UINT64_MAX, &n) < 0)
			continue;
		for (int i = 0; i < N_FAULT_SITES; i++)
			if (span_is(name, span_str(names[i])))
				fault_arm((enum fault_site)i, n, is_lasting);
	}
}
#endif
