/* import_files.c - Maildir folders and .eml files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "cmd/import.h"
#include "store/store.h"

/* Names are taken in batches of so many, so that a folder of any size costs
 * the same memory. */
#define BATCH 500

struct names {
	char name[BATCH][256];
	size_t n;
};

/* The part of a Maildir name that stays when flags change. */
static size_t
unique_len(const char *name, bool is_maildir)
{
	return is_maildir ? strcspn(name, ":") : strlen(name);
}

static struct span
unique(const char *name, bool is_maildir)
{
	return span_of(name, unique_len(name, is_maildir));
}

/* Put a name into its place among the least BATCH. */
static void
insert(struct names *b, const char *name)
{
	size_t i = b->n;

	if (b->n == BATCH) {
		if (strcmp(name, b->name[BATCH - 1]) >= 0)
			return;
		i = BATCH - 1;
	} else {
		b->n++;
	}
	while (i > 0 && strcmp(name, b->name[i - 1]) < 0) {
		memcpy(b->name[i], b->name[i - 1], sizeof(b->name[0]));
		i--;
	}
	memcpy(b->name[i], name, strlen(name) + 1);
}

static int
read_batch(
    const char *path, bool is_maildir, struct span after, struct names *b)
{
	DIR *d = opendir(path);
	struct dirent *e;

	b->n = 0;
	if (!d) {
		fprintf(stderr, "tinpost: %s cannot be read: %s.\n", path,
		    strerror(errno));
		return ERR_IO;
	}
	while ((e = readdir(d)) != NULL) {
		struct span name = span_str(e->d_name);

		if (e->d_name[0] == '.' || name.len > 255)
			continue;
		if (!is_maildir && !span_ends_nocase(name, SPAN(".eml")))
			continue;
		if (span_cmp(unique(e->d_name, is_maildir), after) > 0)
			insert(b, e->d_name);
	}
	closedir(d);
	return 0;
}

static uint16_t
flags_of(const char *name)
{
	const char *p = strstr(name, ":2,");
	uint16_t flags = 0;

	for (p = p ? p + 3 : ""; *p; p++) {
		if (*p == 'S')
			flags |= MESSAGE_SEEN;
		else if (*p == 'R')
			flags |= MESSAGE_ANSWERED;
		else if (*p == 'F')
			flags |= MESSAGE_FLAGGED;
		else if (*p == 'T')
			flags |= MESSAGE_DELETED;
		else if (*p == 'D')
			flags |= MESSAGE_DRAFT;
	}
	return flags;
}

static int
send_file(struct import_to *to, const char *path, uint16_t flags,
    struct span position)
{
	char piece[MAX_FRAME_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	struct stat st;
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0) {
		fprintf(stderr, "tinpost: %s cannot be read: %s.\n", path,
		    strerror(errno));
		if (fd >= 0)
			close(fd);
		return ERR_IO;
	}
	rc = import_begin(to);
	while (rc == 0 && (n = read(fd, piece, sizeof(piece))) > 0)
		rc = import_data(to, span_of(piece, (size_t)n));
	close(fd);
	if (rc == 0 && n < 0)
		return ERR_IO;
	return rc < 0 ? rc : import_end(to, flags, st.st_mtime, position);
}

static int
send_batch(struct import_to *to, const char *path, bool is_maildir,
    const struct names *b)
{
	for (size_t i = 0; i < b->n; i++) {
		char full[FILE_PATH_BYTES];
		struct stat st;
		int rc = file_path(path, b->name[i], full, sizeof(full));

		if (rc == 0 && stat(full, &st) == 0 && !S_ISREG(st.st_mode))
			continue;
		if (rc == 0)
			rc = send_file(to, full,
			    is_maildir ? flags_of(b->name[i]) : 0,
			    unique(b->name[i], is_maildir));
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
import_folder(struct import_to *to, const char *path, bool is_maildir)
{
	struct names *b = mem_alloc(sizeof(*b));
	struct buf after;
	int rc;

	if (!b)
		return ERR_NOMEM;
	buf_init(&after, 512);
	rc = import_ask(to, path, &after);
	while (rc == 0) {
		rc = read_batch(path, is_maildir, buf_span(&after), b);
		if (rc < 0 || b->n == 0)
			break;
		rc = send_batch(to, path, is_maildir, b);
		buf_reset(&after);
		buf_put(&after, unique(b->name[b->n - 1], is_maildir));
	}
	buf_deinit(&after);
	mem_free(b);
	return rc;
}

int
import_eml(struct import_to *to, const char *path)
{
	struct buf done;
	bool is_done;
	int rc;

	buf_init(&done, 512);
	rc = import_ask(to, path, &done);
	is_done = done.len > 0;
	buf_deinit(&done);
	if (rc < 0 || is_done)
		return rc;
	return send_file(to, path, 0, SPAN("done"));
}
