/* file.h - small whole files, and the two system calls that the store's
 * durability hangs on, with the places where tests make them fail. */
#ifndef TINPOST_BASE_FILE_H
#define TINPOST_BASE_FILE_H

#include "base/buf.h"

/* Read a whole file behind what b holds. ERR_NONE: no such file, ERR_LIMIT:
 * larger than b may grow, ERR_IO: errno says why. */
MUST_USE int file_read(const char *path, struct buf *b);

/* Replace a file's content durably: a new file beside it, flushed, renamed
 * over it, folder flushed. mode as for open. ERR_IO, ERR_FULL. */
MUST_USE int file_write(const char *path, struct span s, unsigned mode);

/* Write all of s at offset. ERR_IO, ERR_FULL (ENOSPC, EDQUOT). */
MUST_USE int file_pwrite(int fd, struct span s, uint64_t offset);

/* Make a file's data durable. ERR_IO. After a failure nothing that was
 * written since the last success may be trusted, however often it is asked
 * again. */
MUST_USE int file_sync(int fd);

/* Flush the folder that holds path, so that a new name survives. ERR_IO. */
MUST_USE int file_sync_folder(const char *path);

/* Join a folder and a name into out. ERR_LIMIT: too long. */
MUST_USE int file_path(
    const char *folder, const char *name, char *out, size_t cap_bytes);

#define FILE_PATH_BYTES 1024

#endif
