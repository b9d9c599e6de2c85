/* crc32c.h - the Castagnoli CRC (RFC 3720 B.4), for journal frames. */
#ifndef TINPOST_BASE_CRC32C_H
#define TINPOST_BASE_CRC32C_H

#include "base/span.h"

/* The CRC of s, continued from crc: 0 to begin, or a previous result. */
uint32_t crc32c(uint32_t crc, struct span s);

#endif
