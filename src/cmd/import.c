#define _XOPEN_SOURCE 700 /* realpath */
#include "cmd/import.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/run.h"
#include "base/file.h"
#include "base/hash.h"
#include "cmd/client.h"

/* --- what the readers share --- */

int
import_ask(struct import_to *to, const char *path, struct buf *position)
{
	/* Any fixed key: it is to be the same in every run. */
	static const struct hash_key key = { 0x696d706f7274, 1 };
	char full[4096], storage[MAX_FRAME_BYTES];
	enum frame_type type;
	struct span payload;
	struct buf b;
	uint64_t sum;
	int rc;

	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put(&b, to->mailbox);
	buf_put_char(&b, '\0');
	buf_put_str(&b, realpath(path, full) ? full : path);
	sum = hash_sip(key, buf_span(&b));
	buf_reset(&b);
	buf_putf(&b, "S%016llx", (unsigned long long)sum);
	rc = link_send(to->link, FRAME_ITEM, buf_span(&b));
	while (rc == 0) {
		rc = link_receive(to->link, &type, &payload);
		if (rc == 0 && type == FRAME_NOTE)
			fwrite(payload.p, 1, payload.len, stderr);
		if (rc == 0 && type == FRAME_EXIT)
			rc = ERR_INVALID;
		if (rc == 0 && type == FRAME_ITEM)
			break;
	}
	if (rc == 0 && !to->is_again)
		buf_put(position, payload);
	return rc;
}

int
import_begin(struct import_to *to)
{
	char storage[MAX_FRAME_BYTES];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put_char(&b, 'M');
	buf_put(&b, to->mailbox);
	if (buf_failed(&b))
		return ERR_LIMIT;
	return link_send(to->link, FRAME_ITEM, buf_span(&b));
}

int
import_data(struct import_to *to, struct span piece)
{
	while (piece.len > 0) {
		struct span head = span_sub(piece, 0, MAX_FRAME_BYTES);
		int rc = link_send(to->link, FRAME_DATA, head);

		if (rc < 0)
			return rc;
		piece = span_sub(piece, head.len, piece.len);
	}
	return 0;
}

static void
show(struct import_to *to)
{
	enum frame_type type;
	struct span payload;

	while (link_has_input(to->link) &&
	       link_receive(to->link, &type, &payload) == 0) {
		if (type == FRAME_NOTE)
			fwrite(payload.p, 1, payload.len, stderr);
		else if (type == FRAME_STATE && payload.len > 0 &&
		         isatty(STDERR_FILENO))
			fprintf(stderr, "\r%.*s", RUN_SPAN(payload));
	}
}

int
import_end(
    struct import_to *to, uint16_t flags, int64_t date_s, struct span position)
{
	char storage[512];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put_be16(&b, flags);
	buf_put_be64(&b, (uint64_t)date_s);
	buf_put(&b, position);
	if (buf_failed(&b))
		return ERR_LIMIT;
	to->n_sent++;
	show(to);
	return link_send(to->link, FRAME_ITEM_END, buf_span(&b));
}

/* --- which kind a source is --- */

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool
has_folder(const char *path, const char *name, char *out)
{
	return file_path(path, name, out, FILE_PATH_BYTES) == 0 &&
	       is_folder(out);
}

/* The cur and new of one Maildir. */
static int
import_maildir(struct import_to *to, const char *path)
{
	static const char *const parts[] = { "cur", "new" };
	char part[FILE_PATH_BYTES];

	for (int i = 0; i < 2; i++) {
		int rc;

		if (!has_folder(path, parts[i], part))
			continue;
		rc = import_folder(to, part, true);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Maildir++: .Sent and .Lists.Cats are folders beside cur. */
static int
import_subfolders(struct import_to *to, const char *path)
{
	struct span top = to->mailbox;
	DIR *d = opendir(path);
	struct dirent *e;
	int rc = 0;

	while (d && rc == 0 && (e = readdir(d)) != NULL) {
		char sub[FILE_PATH_BYTES], cur[FILE_PATH_BYTES], name[512];
		struct buf b;

		if (e->d_name[0] != '.' || e->d_name[1] == '\0' ||
		    e->d_name[1] == '.' || !has_folder(path, e->d_name, sub) ||
		    !has_folder(sub, "cur", cur))
			continue;
		buf_init_fixed(&b, name, sizeof(name));
		if (!span_is_nocase(top, SPAN("INBOX"))) {
			buf_put(&b, top);
			buf_put_char(&b, '/');
		}
		for (const char *p = e->d_name + 1; *p; p++)
			buf_put_char(&b, *p == '.' ? '/' : *p);
		to->mailbox = buf_span(&b);
		rc = import_maildir(to, sub);
	}
	if (d)
		closedir(d);
	to->mailbox = top;
	return rc;
}

static bool
is_mbox(const char *path)
{
	char start[5];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(start, 1, 5, f) : 0;

	if (f)
		fclose(f);
	return n == 5 && memcmp(start, "From ", 5) == 0;
}

static int
import_source(struct import_to *to, const char *path)
{
	char cur[FILE_PATH_BYTES];
	int rc;

	if (access(path, R_OK) < 0) {
		fprintf(stderr, "tinpost: %s cannot be read: %s.\n", path,
		    strerror(errno));
		return ERR_IO;
	}
	if (is_folder(path)) {
		if (!has_folder(path, "cur", cur))
			return import_folder(to, path, false);
		rc = import_maildir(to, path);
		return rc < 0 ? rc : import_subfolders(to, path);
	}
	return is_mbox(path) ? import_mbox(to, path) : import_eml(to, path);
}

static int
begin(struct link *l, const struct args *a)
{
	struct buf words;
	int rc;

	buf_init(&words, MAX_FRAME_BYTES);
	args_put(&words, a);
	rc = buf_failed(&words) ? ERR_LIMIT
	                        : link_send(l, FRAME_ARGS, buf_span(&words));
	buf_deinit(&words);
	return rc < 0 ? rc : link_send(l, FRAME_GO, span_of(NULL, 0));
}

int
import_run(struct link *l, struct args *a)
{
	struct import_to to = { .link = l,
		.mailbox = args_get(a, "--mailbox"),
		.is_again = args_has(a, "--again") };
	int rc = begin(l, a);

	if (!to.mailbox.p)
		to.mailbox = SPAN("INBOX");
	for (size_t i = 0; rc == 0 && i < a->n_many; i++) {
		char path[FILE_PATH_BYTES];

		rc = span_to_cstr(a->many[i], path, sizeof(path));
		if (rc == 0)
			rc = import_source(&to, path);
	}
	if (rc < 0 && rc != ERR_IO && !link_has_input(l))
		return 1; /* it was told */
	if (rc == 0)
		rc = link_send(l, FRAME_END, span_of(NULL, 0));
	if (rc == ERR_IO || rc == ERR_INVALID)
		return 1;
	return client_finish(l);
}
