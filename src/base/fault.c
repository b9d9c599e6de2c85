#include "base/fault.h"

#ifdef TINPOST_FAULTS
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/span.h"

/* tools/faults knows this layout. */
struct site {
	uint64_t n_left;
	uint64_t n_passed;
	uint64_t is_lasting;
};

static struct site own_sites[N_FAULT_SITES];
static struct site *sites = own_sites;

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

/* Put the sites where a tester can reach them while the process runs. */
static void
map_sites(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *p;

	if (fd < 0)
		return;
	p = mmap(
	    NULL, sizeof(own_sites), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		sites = p;
	close(fd);
}

void
fault_arm_from_env(void)
{
	static const char *const names[N_FAULT_SITES] = { "alloc", "write",
		"short_write", "sync", "full", "lmdb", "accept", "panic",
		"volume_panic" };
	struct span rest = span_str(getenv("TINPOST_FAULT"));
	const char *map = getenv("TINPOST_FAULT_MAP");

	if (map != NULL)
		map_sites(map);
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
