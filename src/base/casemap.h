/* casemap.h - characters without their case, for comparing: the simple mapping
 * to upper and then to lower case of Unicode 15, whatever the C library and
 * its locale (RFC 5051 without its decomposition).
 */
#ifndef TINPOST_BASE_CASEMAP_H
#define TINPOST_BASE_CASEMAP_H

#include <stdint.h>

/* Both cases of a letter, and its variants (final sigma, long s), give one
 * code. Anything else is itself. */
uint32_t casemap_fold(uint32_t code);

#endif
