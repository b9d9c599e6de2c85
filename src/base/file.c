#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"

int
file_read(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return errno == ENOENT ? ERR_NONE : ERR_IO;
	for (;;) {
		char chunk[2048];
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = ERR_IO;
		if (n <= 0)
			break;
		buf_put(b, span_of(chunk, (size_t)n));
		wipe(chunk, (size_t)n);
		if (buf_failed(b)) {
			rc = ERR_LIMIT;
			break;
		}
	}
	close(fd);
	return rc;
}

int
file_pwrite(int fd, struct span s, uint64_t offset)
{
	bool is_cut = fault_hit(FAULT_SHORT_WRITE);

	if (fault_hit(FAULT_WRITE)) {
		errno = EIO;
		return ERR_IO;
	}
	if (is_cut)
		s.len /= 2;
	while (s.len > 0) {
		ssize_t n = pwrite(fd, s.p, s.len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ENOSPC || errno == EDQUOT ? ERR_FULL
			                                          : ERR_IO;
		if (n == 0)
			return ERR_FULL;
		s = span_sub(s, (size_t)n, s.len);
		offset += (uint64_t)n;
	}
	if (is_cut) {
		errno = ENOSPC;
		return ERR_FULL;
	}
	return 0;
}

int
file_sync(int fd)
{
	if (fault_hit(FAULT_SYNC)) {
		errno = EIO;
		return ERR_IO;
	}
	while (fdatasync(fd) < 0)
		if (errno != EINTR)
			return ERR_IO;
	return 0;
}

int
file_sync_folder(const char *path)
{
	struct span s = span_str(path);
	size_t slash = span_rfind(s, '/');
	char folder[FILE_PATH_BYTES] = ".";
	int fd, rc;

	if (slash < s.len) {
		rc = span_to_cstr(
		    span_of(path, slash ? slash : 1), folder, sizeof(folder));
		if (rc < 0)
			return rc;
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ERR_IO;
	rc = fsync(fd) < 0 ? ERR_IO : 0;
	close(fd);
	return rc;
}

int
file_path(const char *folder, const char *name, char *out, size_t cap_bytes)
{
	struct buf b;

	buf_init_fixed(&b, out, cap_bytes);
	buf_put_str(&b, folder);
	buf_put_char(&b, '/');
	buf_put_str(&b, name);
	buf_put_char(&b, 0);
	return buf_failed(&b) ? ERR_LIMIT : 0;
}

int
file_write(const char *path, struct span s, unsigned mode)
{
	char beside[FILE_PATH_BYTES];
	struct buf b;
	int fd, rc;

	buf_init_fixed(&b, beside, sizeof(beside));
	buf_put_str(&b, path);
	buf_put_str(&b, ".new");
	buf_put_char(&b, 0);
	if (buf_failed(&b))
		return ERR_LIMIT;
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return errno == ENOSPC ? ERR_FULL : ERR_IO;
	rc = file_pwrite(fd, s, 0);
	if (rc == 0)
		rc = file_sync(fd);
	if (close(fd) < 0 && rc == 0)
		rc = ERR_IO;
	if (rc == 0 && rename(beside, path) < 0)
		rc = ERR_IO;
	if (rc == 0)
		rc = file_sync_folder(path);
	if (rc < 0)
		unlink(beside);
	return rc;
}
