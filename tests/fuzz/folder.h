/* folder.h - an empty folder for a target that has a store, in memory where
 * nothing else is said; it goes when the target ends. */
#ifndef TINPOST_FUZZ_FOLDER_H
#define TINPOST_FUZZ_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

static char fuzz_folder[200];

/* Remove what is in it. */
static inline void
fuzz_clear(void)
{
	DIR *d = opendir(fuzz_folder);
	char path[FILE_PATH_BYTES];
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' &&
		    file_path(fuzz_folder, e->d_name, path, sizeof(path)) == 0)
			unlink(path);
	if (d != NULL)
		closedir(d);
}

static inline void
fuzz_folder_end(void)
{
	fuzz_clear();
	rmdir(fuzz_folder);
}

/* Have it, and nothing in it. */
static inline void
fuzz_folder_begin(void)
{
	const char *base = getenv("TMPDIR");

	if (fuzz_folder[0] != '\0') {
		fuzz_clear();
		return;
	}
	snprintf(fuzz_folder, sizeof(fuzz_folder), "%s/tinpost-fuzz-XXXXXX",
	    base != NULL ? base : "/dev/shm");
	if (mkdtemp(fuzz_folder) == NULL)
		abort();
	atexit(fuzz_folder_end);
}

#endif
