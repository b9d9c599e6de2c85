/* Any bytes in any pieces end in an error or an end. */
#include "store/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct tar_reader t;
	struct span in = span_of(data, len), piece;
	int rc;

	tar_reader_init(&t);
	do
		rc = tar_read(&t, &in, &piece);
	while (rc > TAR_MORE && rc < TAR_END);
	tar_reader_deinit(&t);
	return 0;
}
