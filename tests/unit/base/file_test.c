#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fault.h"
#include "test.h"

int
main(void)
{
	char folder[200];
	char path[FILE_PATH_BYTES];
	struct buf b;
	int fd;

	snprintf(
	    folder, sizeof(folder), "%s/tinpost-file-XXXXXX", test_folder());
	REQUIRE(mkdtemp(folder) != NULL);
	REQUIRE(file_path(folder, "a", path, sizeof(path)) == 0);
	buf_init(&b, 10);
	CHECK(file_read(path, &b) == ERR_NONE);
	CHECK(file_write(path, SPAN("first"), 0600) == 0);
	CHECK(file_read(path, &b) == 0);
	CHECK(span_is(buf_span(&b), SPAN("first")));
	/* A replacement that fails leaves the old content. */
	fault_arm(FAULT_SYNC, 1, false);
	CHECK(file_write(path, SPAN("second"), 0600) == ERR_IO);
	fault_arm(FAULT_SHORT_WRITE, 1, false);
	CHECK(file_write(path, SPAN("second"), 0600) == ERR_FULL);
	buf_reset(&b);
	CHECK(file_read(path, &b) == 0);
	CHECK(span_is(buf_span(&b), SPAN("first")));
	CHECK(file_write(path, SPAN("longer than ten"), 0600) == 0);
	buf_reset(&b);
	CHECK(file_read(path, &b) == ERR_LIMIT);
	fd = open(path, O_RDWR);
	REQUIRE(fd >= 0);
	fault_arm(FAULT_WRITE, 2, false);
	CHECK(file_pwrite(fd, SPAN("LONG"), 0) == 0);
	CHECK(file_pwrite(fd, SPAN("LONG"), 0) == ERR_IO);
	CHECK(file_pwrite(fd, SPAN("LONG"), 0) == 0);
	close(fd);
	CHECK(file_path(folder, "a", path, 10) == ERR_LIMIT);
	REQUIRE(file_path(folder, "a", path, sizeof(path)) == 0);
	unlink(path);
	CHECK(rmdir(folder) == 0); /* nothing was left beside it */
	buf_deinit(&b);
	return test_done();
}
