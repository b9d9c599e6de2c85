#include "base/version.h"
#include "test.h"

int
main(void)
{
	CHECK(strncmp(version_string(), "0.", 2) == 0);
	CHECK(strchr(version_string(), ' ') == NULL);
	return test_done();
}
