/* import_files.c - the messages of one folder of a Maildir, and .eml files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "cmd/import.h"
#include "cmd/maildir_name.h"
#include "cmd/mbox_head.h"
#include "cmd/sniff.h"
#include "store/store.h"

/* The least names of a folder are taken in batches of at most so many, so that
 * a folder of any size costs the same memory, and few passes. */
#define BATCH 4096

struct names {
	char slot[BATCH][256];
	char *name[BATCH]; /* the slots; the first n are in use */
	size_t n;
	bool is_cut; /* names past name[BATCH / 2 - 1] were left out */
};

/* What a folder's files are. */
struct kind {
	bool is_maildir;
	const struct maildir_keywords *keywords;
};

/* What of a name stays when flags change. */
static struct span
unique(const char *name, bool is_maildir)
{
	return is_maildir ? maildir_name_base(span_str(name)) : span_str(name);
}

static int
compare(const void *a, const void *b, bool is_maildir)
{
	return span_cmp(unique(*(char *const *)a, is_maildir),
	    unique(*(char *const *)b, is_maildir));
}

static int
compare_maildir(const void *a, const void *b)
{
	return compare(a, b, true);
}

static int
compare_plain(const void *a, const void *b)
{
	return compare(a, b, false);
}

static void
sort(struct names *b, bool is_maildir)
{
	qsort(b->name, b->n, sizeof(*b->name),
	    is_maildir ? compare_maildir : compare_plain);
}

/* Keep a name among the least. When there are too many, the greater half
 * goes; and what is not less than the greatest, from then on. */
static void
keep(struct names *b, const char *name, bool is_maildir)
{
	if (b->is_cut &&
	    compare(&name, &b->name[BATCH / 2 - 1], is_maildir) > 0)
		return;
	memcpy(b->name[b->n++], name, strlen(name) + 1);
	if (b->n < BATCH)
		return;
	sort(b, is_maildir);
	b->n = BATCH / 2;
	b->is_cut = true;
}

static int
read_batch(
    const char *path, bool is_maildir, struct span after, struct names *b)
{
	DIR *d = opendir(path);
	struct dirent *e;

	if (!d)
		return import_unreadable(path);
	b->n = 0;
	b->is_cut = false;
	for (size_t i = 0; i < BATCH; i++)
		b->name[i] = b->slot[i];
	while ((e = readdir(d)) != NULL) {
		struct span name = span_str(e->d_name);

		if (e->d_name[0] == '.' || name.len > 255)
			continue;
		if (!is_maildir && !span_ends_nocase(name, SPAN(".eml")))
			continue;
		if (span_cmp(unique(e->d_name, is_maildir), after) > 0)
			keep(b, e->d_name, is_maildir);
	}
	closedir(d);
	sort(b, is_maildir);
	return 0;
}

static int
send_text(struct import_to *to, int fd, const char *path, struct span piece)
{
	char storage[MAX_FRAME_BYTES];
	ssize_t n;
	int rc = import_begin(to);

	while (rc == 0 && piece.len > 0) {
		rc = import_data(to, piece);
		if (rc < 0)
			break;
		do
			n = read(fd, storage, sizeof(storage));
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return import_unreadable(path);
		piece = span_of(storage, (size_t)n);
	}
	return rc;
}

/* Send one file. What is no mail, or is gone by now, is passed over. */
static int
send_file(struct import_to *to, const char *path, struct import_meta *m)
{
	char start[SNIFF_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	const char *why = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0 && errno == ENOENT) {
		import_pass_over(to, path, "it was moved or removed just now");
		return 0;
	}
	n = fd < 0 || fstat(fd, &st) < 0 ? -1 : read(fd, start, sizeof(start));
	if (n < 0) {
		rc = import_unreadable(path);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	why = sniff_name(span_of(start, (size_t)n));
	m->date_s = st.st_mtime;
	if (why) {
		import_pass_over(to, path, why);
		rc = 0;
	} else {
		rc = send_text(to, fd, path, span_of(start, (size_t)n));
		if (rc == 0)
			rc = import_end(to, m);
	}
	close(fd);
	return rc;
}

static int
send_one(struct import_to *to, const char *path, const char *name,
    const struct kind *kind)
{
	char full[IMPORT_PATH_BYTES], storage[MAX_KEYWORDS_TEXT];
	struct import_meta m = { .is_date_weak =
		                     !kind->is_maildir && !to->keeps_names };
	struct buf keywords;
	struct stat st;
	int rc = file_path(path, name, full, sizeof(full));

	if (rc < 0) {
		import_pass_over(to, path, "a name in it is too long");
		return 0;
	}
	if (stat(full, &st) == 0 && !S_ISREG(st.st_mode))
		return 0;
	buf_init_fixed(&keywords, storage, sizeof(storage));
	if (kind->is_maildir)
		maildir_name_read(
		    span_str(name), kind->keywords, &m.flags, &keywords);
	m.keywords = buf_span(&keywords);
	m.position = unique(name, kind->is_maildir);
	import_at(to, full);
	return send_file(to, full, &m);
}

static int
import_folder(struct import_to *to, const char *path, const struct kind *kind)
{
	struct names *b = mem_alloc(sizeof(*b));
	struct buf after;
	int rc;

	if (!b)
		return ERR_NOMEM;
	buf_init(&after, 512);
	rc = import_ask(to, path, &after);
	while (rc == 0) {
		rc = read_batch(path, kind->is_maildir, buf_span(&after), b);
		for (size_t i = 0; rc == 0 && i < b->n; i++)
			rc = send_one(to, path, b->name[i], kind);
		if (rc < 0 || b->n == 0)
			break;
		buf_reset(&after);
		buf_put(&after, unique(b->name[b->n - 1], kind->is_maildir));
	}
	buf_deinit(&after);
	mem_free(b);
	return rc;
}

int
import_maildir(struct import_to *to, const char *path, const char *part)
{
	char file[IMPORT_PATH_BYTES];
	struct maildir_keywords *k = mem_alloc(sizeof(*k));
	struct kind kind = { .is_maildir = true, .keywords = k };
	struct buf text;
	int rc = file_path(path, "dovecot-keywords", file, sizeof(file));

	if (!k)
		return ERR_NOMEM;
	buf_init(&text, 65536);
	if (rc == 0)
		rc = file_read(file, &text);
	if (rc == ERR_NONE)
		rc = 0;
	else if (rc < 0)
		import_unreadable(file);
	maildir_keywords_parse(buf_span(&text), k);
	if (rc == 0)
		rc = file_path(path, part, file, sizeof(file));
	if (rc == 0)
		rc = import_folder(to, file, &kind);
	buf_deinit(&text);
	mem_free(k);
	return rc;
}

int
import_eml_folder(struct import_to *to, const char *path)
{
	struct kind kind = { .is_maildir = false };

	return import_folder(to, path, &kind);
}

int
import_eml(struct import_to *to, const char *path)
{
	struct import_meta m = { .is_date_weak = true,
		.position = SPAN("done") };
	struct buf done;
	bool is_done;
	int rc;

	buf_init(&done, 512);
	rc = import_ask(to, path, &done);
	is_done = done.len > 0;
	buf_deinit(&done);
	return rc < 0 || is_done ? rc : send_file(to, path, &m);
}
