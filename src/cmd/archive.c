#include "cmd/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "admin/run.h"
#include "base/file.h"
#include "cmd/client.h"

#include "store/store.h"

/* --- backup --- */

struct out_file {
	char path[FILE_PATH_BYTES];
	char part[FILE_PATH_BYTES + 8]; /* its name until it is whole */
	int fd;
	bool is_stdout;
};

static int
complain_errno(const char *path, const char *what)
{
	fprintf(stderr, "tinpost: %s cannot be %s: %s.\n", path, what,
	    strerror(errno));
	return ERR_IO;
}

static int
out_open(struct out_file *f, struct span name)
{
	int rc = span_to_cstr(name, f->path, sizeof(f->path));

	if (rc < 0)
		return rc;
	f->is_stdout = span_is(name, SPAN("-"));
	f->fd = STDOUT_FILENO;
	if (f->is_stdout)
		return 0;
	snprintf(f->part, sizeof(f->part), "%s.part", f->path);
	f->fd = open(f->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return f->fd < 0 ? complain_errno(f->part, "written") : 0;
}

static int
out_put(struct out_file *f, struct span s)
{
	while (s.len > 0) {
		ssize_t n = write(f->fd, s.p, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return complain_errno(
			    f->is_stdout ? "standard output" : f->part,
			    "written");
		s = span_sub(s, (size_t)n, s.len);
	}
	return 0;
}

/* Give it its name, durably, or take it away. */
static int
out_close(struct out_file *f, bool is_whole)
{
	if (f->is_stdout || f->fd < 0)
		return 0;
	if (is_whole && file_sync(f->fd) < 0)
		is_whole = complain_errno(f->part, "written") == 0;
	close(f->fd);
	if (is_whole && rename(f->part, f->path) == 0)
		return file_sync_folder(f->path);
	if (is_whole)
		complain_errno(f->path, "written");
	(void)unlink(f->part);
	return ERR_IO;
}

static int
begin(struct link *l, const struct args *a)
{
	char storage[256];
	struct buf words;
	int rc;

	buf_init_fixed(&words, storage, sizeof(storage));
	args_put(&words, a);
	rc = link_send(l, FRAME_ARGS, buf_span(&words));
	return rc < 0 ? rc : link_send(l, FRAME_GO, span_of(NULL, 0));
}

/* Take DATA until END. */
static int
receive(struct link *l, struct out_file *f, bool *is_whole_out)
{
	for (;;) {
		enum frame_type type;
		struct span payload;
		int rc = link_receive(l, &type, &payload);

		if (rc == 0 && type == FRAME_DATA)
			rc = out_put(f, payload);
		if (rc < 0)
			return rc;
		if (type == FRAME_NOTE)
			fwrite(payload.p, 1, payload.len, stderr);
		if (type == FRAME_END) {
			*is_whole_out = true;
			return 0;
		}
		if (type == FRAME_EXIT)
			return ERR_INVALID;
	}
}

int
archive_backup(struct link *l, struct args *a)
{
	struct out_file f = { .fd = -1 };
	bool is_whole = false;
	int rc = out_open(&f, args_get(a, "FILE")), code = 1;

	if (rc < 0)
		return 1;
	rc = begin(l, a);
	if (rc == 0)
		rc = receive(l, &f, &is_whole);
	if (rc == 0)
		code = client_finish(l);
	else if (rc != ERR_IO && rc != ERR_INVALID)
		client_complain(SPAN("The server ended the connection: the "
		                     "backup is not whole."));
	if (out_close(&f, is_whole) < 0)
		code = 1;
	return code;
}

/* --- restore --- */

static int
feed(struct restore *r, int fd)
{
	char piece[65536];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return complain_errno("The archive", "read");
		rc = restore_put(r, span_of(piece, (size_t)n));
		if (rc < 0)
			return rc;
	}
	return restore_finish(r);
}

static int
fill(struct store *s, int fd)
{
	struct restore *r = NULL;
	struct backup_totals t;
	int rc = restore_new(s, &r);

	if (rc < 0) {
		client_complain(SPAN("A restore needs a new store: name an "
		                     "empty folder with --data."));
		return rc;
	}
	rc = feed(r, fd);
	if (rc < 0 && restore_why(r).len > 0)
		client_complain(restore_why(r));
	else if (rc < 0)
		client_complain(span_str(err_text(rc)));
	restore_totals(r, &t);
	restore_free(r);
	if (rc == 0)
		printf("Restored %llu messages.\n",
		    (unsigned long long)t.n_bodies);
	return rc;
}

static int
open_new(const char *folder, struct store **out)
{
	char storage[1024];
	struct buf why;
	int rc = store_create(folder, NULL);

	buf_init_fixed(&why, storage, sizeof(storage));
	if (rc == ERR_EXISTS)
		buf_putf(&why,
		    "There is a store in %s already: a restore "
		    "needs a new folder.",
		    folder);
	else if (rc == ERR_IO)
		buf_putf(&why, "No store can be made in %s: %s.", folder,
		    strerror(errno));
	else if (rc == 0)
		rc = store_open(folder, NULL, out, &why);
	if (rc < 0)
		client_complain(
		    why.len > 0 ? buf_span(&why) : span_str(err_text(rc)));
	return rc;
}

int
archive_restore(const char *folder, const struct args *a)
{
	char path[FILE_PATH_BYTES];
	struct store *s = NULL;
	int fd = STDIN_FILENO;
	int rc = span_to_cstr(args_get(a, "FILE"), path, sizeof(path));

	if (rc == 0 && strcmp(path, "-") != 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (rc < 0 || fd < 0) {
		complain_errno(path, "read");
		return 1;
	}
	rc = open_new(folder, &s);
	if (rc == 0)
		rc = fill(s, fd);
	store_close(s);
	if (fd != STDIN_FILENO)
		close(fd);
	return rc < 0 ? 1 : 0;
}
