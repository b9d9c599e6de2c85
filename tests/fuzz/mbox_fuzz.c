/* Any bytes as an mbox file: read to its end, or refused; never more text than
 * the file has. */
#define _GNU_SOURCE /* memfd_create */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd/mboxread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd = memfd_create("mbox", MFD_CLOEXEC);
	const struct mboxread_message *msg;
	struct mboxread *m = NULL;
	struct span piece;
	size_t n = 0;

	if (fd < 0 || write(fd, data, len) != (ssize_t)len ||
	    mboxread_open(fd, 0, &m) < 0)
		abort();
	while (mboxread_next(m, &msg) == 0)
		do {
			if (mboxread_piece(m, &piece) < 0)
				abort();
			n += piece.len;
		} while (piece.len > 0);
	if (n > len || mboxread_offset(m) > len)
		abort();
	mboxread_close(m);
	close(fd);
	return 0;
}
