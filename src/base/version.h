/* version.h - which Tinpost this is. */
#ifndef TINPOST_BASE_VERSION_H
#define TINPOST_BASE_VERSION_H

/* The version, such as "0.1.0+g1a2b3c4d": the release, and the commit when it
 * was built from one. Never NULL; static. */
const char *version_string(void);

#endif
