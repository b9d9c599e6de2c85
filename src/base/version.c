#include "base/version.h"

const char *
version_string(void)
{
	return TINPOST_VERSION; /* from the Makefile */
}
