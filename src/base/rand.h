/* rand.h - random numbers from the kernel. */
#ifndef TINPOST_BASE_RAND_H
#define TINPOST_BASE_RAND_H

#include "base/span.h"

/* Fill with len random bytes. Waits for the kernel's pool at the very first
 * boot; ends the process if there is no source at all. */
void rand_bytes(void *out, size_t len);

uint32_t rand_u32(void);
uint64_t rand_u64(void);

#endif
