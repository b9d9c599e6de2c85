/* fault.h - failures on demand, for tests.
 *
 * A test arms a site: the n-th pass through it fails. Release builds are
 * compiled without TINPOST_FAULTS, where fault_hit() is always false.
 */
#ifndef TINPOST_BASE_FAULT_H
#define TINPOST_BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_site {
	FAULT_ALLOC,        /* mem_alloc and its kin */
	FAULT_WRITE,        /* a write that fails with EIO */
	FAULT_SHORT_WRITE,  /* a write that ends half way, then ENOSPC */
	FAULT_SYNC,         /* a flush that fails with EIO */
	FAULT_FULL,         /* free space reads as none */
	FAULT_LMDB,         /* an LMDB put fails inside an operation */
	FAULT_ACCEPT,       /* accept fails with EMFILE */
	FAULT_PANIC,        /* a commit of the index ends in MDB_PANIC */
	FAULT_VOLUME_PANIC, /* the same of a volume */
	N_FAULT_SITES
};

#ifdef TINPOST_FAULTS
/* Let the n-th pass from now on fail (n >= 1), and all after it too if
 * is_lasting. n = 0 disarms. */
void fault_arm(enum fault_site site, uint64_t n, bool is_lasting);

/* How often the site was passed since it was armed. */
uint64_t fault_passes(enum fault_site site);

/* Is this pass to fail? Counts it. */
bool fault_hit(enum fault_site site);

/* Arm from TINPOST_FAULT="site:n[+],..." (sites by their names below,
 * lower case, as "sync:3+"). For end-to-end tests of a real process. With
 * TINPOST_FAULT_MAP=FILE the sites stand in that file, three 64-bit numbers
 * each (passes left, passes seen, is it lasting), where tools/faults arms them
 * while the process runs. */
void fault_arm_from_env(void);
#else
static inline bool
fault_hit(enum fault_site site)
{
	(void)site;
	return false;
}

static inline void
fault_arm_from_env(void)
{
}
#endif

#endif
