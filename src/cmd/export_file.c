#include "cmd/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/frame.h"
#include "admin/run.h"
#include "cmd/folder_name.h"
#include "cmd/from_line.h"
#include "cmd/maildir_name.h"
#include "store/message.h"

void
export_file_init(struct export_file *f)
{
	memset(f, 0, sizeof(*f));
	f->fd = -1;
	buf_init(&f->text, 4 * MAX_FRAME_BYTES);
	buf_init(&f->lines, 2 * MAX_FRAME_BYTES);
}

void
export_file_deinit(struct export_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	buf_deinit(&f->text);
	buf_deinit(&f->lines);
}

static int
complain(const char *path)
{
	fprintf(stderr,
	    "tinpost: %s cannot be written: %s. Run the same command again "
	    "when it can; it goes on there.\n",
	    path, strerror(errno));
	return ERR_IO;
}

static int
put_all(int fd, struct span s, const char *path)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.p, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return complain(path);
		s = span_sub(s, (size_t)n, s.len);
	}
	return 0;
}

int
export_file_folder(const char *path)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? complain(path) : 0;
}

int
export_file_write(
    const struct export_file *f, const char *name, struct span text)
{
	char path[FILE_PATH_BYTES + 32];

	snprintf(path, sizeof(path), "%s/%s", f->folder, name);
	return file_write(path, text, 0600) < 0 ? complain(path) : 0;
}

/* --- a mailbox --- */

/* The longest file name of Linux, and what is put behind one of ours. */
#define MAX_NAME_BYTES (255 - 16)

/* Append "/" and a name. ERR_LIMIT: too long. */
static int
put_name(struct buf *b, struct span name)
{
	if (name.len > MAX_NAME_BYTES || b->len + name.len > b->cap - 600)
		return ERR_LIMIT;
	buf_put_char(b, '/');
	buf_put(b, name);
	return 0;
}

static int
make_folder(struct buf *b)
{
	char path[EXPORT_PATH_BYTES];
	int rc = span_to_cstr(buf_span(b), path, sizeof(path));

	return rc < 0 ? rc : export_file_folder(path);
}

/* A folder in a folder for each level; for mbox the last is a file. */
static int
enter_levels(struct export_file *f, struct span path, struct buf *b)
{
	bool is_mbox = f->format == EXPORT_MBOX;
	int rc = 0;

	while (rc == 0 && path.len > 0) {
		struct span level = span_split(&path, '/');
		bool is_last = path.len == 0;
		char storage[3 * MAX_NAME_BYTES];
		struct buf name;

		buf_init_fixed(&name, storage, sizeof(storage));
		folder_name_put_file(&name, level);
		if (is_mbox)
			buf_put_str(&name, is_last ? ".mbox" : ".sbd");
		rc = buf_failed(&name) ? ERR_LIMIT
		                       : put_name(b, buf_span(&name));
		if (rc == 0 && !(is_mbox && is_last))
			rc = make_folder(b);
	}
	return rc;
}

static int
enter_maildir(struct span path, struct buf *b)
{
	static const char *const parts[] = { "cur", "new", "tmp" };
	char storage[2 * FILE_PATH_BYTES];
	struct buf name;
	size_t len;
	int rc = 0;

	buf_init_fixed(&name, storage, sizeof(storage));
	if (!span_is(path, SPAN("INBOX"))) {
		folder_name_put_maildir(&name, path);
		rc = buf_failed(&name) ? ERR_LIMIT
		                       : put_name(b, buf_span(&name));
		if (rc == 0)
			rc = make_folder(b);
	}
	len = b->len;
	for (int i = 0; rc == 0 && i < 3; i++) {
		rc = put_name(b, span_str(parts[i]));
		if (rc == 0)
			rc = make_folder(b);
		buf_truncate(b, len);
	}
	return rc;
}

/* An mbox file without mail is a mailbox, too; and what an interruption left
 * behind the last whole message goes. */
static int
make_mbox(struct export_file *f)
{
	int fd = open(f->base, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)f->mbox_bytes) < 0) {
		if (fd >= 0)
			close(fd);
		return complain(f->base);
	}
	return close(fd) < 0 ? complain(f->base) : 0;
}

int
export_file_box(struct export_file *f, struct span path, uint32_t uidvalidity,
    uint64_t mbox_bytes)
{
	struct buf b;
	int rc;

	f->uidvalidity = uidvalidity;
	f->mbox_bytes = mbox_bytes;
	memset(f->keyword, 0, sizeof(f->keyword));
	f->has_new_keyword = false;
	buf_init_fixed(&b, f->base, sizeof(f->base) - 1);
	buf_put_str(&b, f->folder);
	rc = f->format == EXPORT_MAILDIR ? enter_maildir(path, &b)
	                                 : enter_levels(f, path, &b);
	f->base[b.len] = '\0';
	if (rc == ERR_LIMIT)
		fprintf(stderr,
		    "tinpost: The mailbox %.*s is left out: its name is too "
		    "long for a file%s.\n",
		    RUN_SPAN(path),
		    f->format == EXPORT_MAILDIR
		        ? "; --format eml or mbox may have room"
		        : "");
	if (rc == 0 && f->format == EXPORT_MBOX)
		rc = make_mbox(f);
	return rc;
}

void
export_file_keyword(struct export_file *f, unsigned bit, struct span name)
{
	if (bit < MAX_KEYWORDS &&
	    span_to_cstr(name, f->keyword[bit], sizeof(f->keyword[bit])) == 0)
		f->has_new_keyword = true;
}

/* Those known from an earlier run stay: files bear their letters. */
static int
save_keywords(struct export_file *f)
{
	char path[EXPORT_PATH_BYTES + 32];
	struct maildir_keywords old;
	struct buf before, b;
	int rc;

	snprintf(path, sizeof(path), "%s/dovecot-keywords", f->base);
	buf_init(&before, 65536);
	buf_init(&b, 65536);
	(void)!file_read(path, &before);
	maildir_keywords_parse(buf_span(&before), &old);
	for (unsigned i = 0; i < MAX_KEYWORDS; i++) {
		struct span name = span_str(f->keyword[i]);

		if (name.len == 0)
			name = old.name[i];
		if (name.len > 0)
			buf_putf(&b, "%u %.*s\n", i, RUN_SPAN(name));
	}
	rc = file_write(path, buf_span(&b), 0600) < 0 ? complain(path) : 0;
	f->has_new_keyword = false;
	buf_deinit(&before);
	buf_deinit(&b);
	return rc;
}

/* --- a message --- */

static bool
has_keyword(const struct export_file *f, unsigned bit)
{
	return (f->message.keywords >> bit & 1) && f->keyword[bit][0];
}

/* The same fields for each, so that those which a message may have itself are
 * never the first (mbox_head.h). */
static void
put_mbox_head(struct export_file *f)
{
	uint16_t flags = f->message.flags;
	size_t start;

	from_line_put(&f->text, f->message.date_s);
	buf_putf(&f->text, "Status: %sO\n", flags & MESSAGE_SEEN ? "R" : "");
	buf_putf(&f->text, "X-Status: %s%s%s%s\n",
	    flags & MESSAGE_ANSWERED ? "A" : "",
	    flags & MESSAGE_FLAGGED ? "F" : "",
	    flags & MESSAGE_DELETED ? "D" : "",
	    flags & MESSAGE_DRAFT ? "T" : "");
	start = f->text.len;
	buf_put_str(&f->text, "X-Keywords:");
	for (unsigned i = 0; i < MAX_KEYWORDS; i++) {
		if (!has_keyword(f, i))
			continue;
		if (f->text.len - start > 70) {
			buf_put_char(&f->text, '\n');
			start = f->text.len;
		}
		buf_putf(&f->text, " %s", f->keyword[i]);
	}
	buf_put_char(&f->text, '\n');
}

/* Name the file of a Maildir's message: in tmp while it is written. */
static int
name_maildir(struct export_file *f)
{
	const struct export_message *m = &f->message;
	char storage[512];
	bool is_forwarded = false;
	struct buf b;

	for (unsigned i = 0; i < MAX_KEYWORDS; i++)
		if (has_keyword(f, i) &&
		    span_is_nocase(span_str(f->keyword[i]), SPAN("$Forwarded")))
			is_forwarded = true;
	buf_init_fixed(&b, storage, sizeof(storage) - 1);
	buf_putf(&b, "%lld.M%u_%010u.tinpost", (long long)m->date_s,
	    (unsigned)f->uidvalidity, (unsigned)m->uid);
	maildir_name_put_keywords(&b, m->keywords);
	maildir_name_put_info(&b, m->flags, m->keywords, is_forwarded);
	storage[b.len] = '\0';
	snprintf(f->name, sizeof(f->name), "%.2500s/cur/%s", f->base, storage);
	snprintf(f->part, sizeof(f->part), "%.2500s/tmp/%s", f->base, storage);
	return f->has_new_keyword ? save_keywords(f) : 0;
}

static int
open_mbox(struct export_file *f)
{
	memcpy(f->name, f->base, sizeof(f->name));
	f->fd = open(f->name, O_WRONLY | O_CLOEXEC);
	if (f->fd < 0 || ftruncate(f->fd, (off_t)f->mbox_bytes) < 0 ||
	    lseek(f->fd, 0, SEEK_END) < 0)
		return complain(f->name);
	memset(&f->quote, 0, sizeof(f->quote));
	put_mbox_head(f);
	return 0;
}

static int
flush_text(struct export_file *f)
{
	int rc = buf_failed(&f->text)
	             ? ERR_NOMEM
	             : put_all(f->fd, buf_span(&f->text), f->name);

	buf_reset(&f->text);
	return rc;
}

int
export_file_begin(struct export_file *f, const struct export_message *m)
{
	int rc = 0;

	f->message = *m;
	memset(&f->lf, 0, sizeof(f->lf));
	switch (f->format) {
	case EXPORT_MBOX:
		return open_mbox(f);
	case EXPORT_MAILDIR:
		rc = name_maildir(f);
		break;
	case EXPORT_EML:
		snprintf(f->name, sizeof(f->name), "%.3000s/%08u.eml", f->base,
		    (unsigned)m->uid);
		snprintf(f->part, sizeof(f->part), "%.3000s/%08u.part", f->base,
		    (unsigned)m->uid);
		break;
	}
	if (rc < 0)
		return rc;
	f->fd = open(f->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return f->fd < 0 ? complain(f->part) : 0;
}

int
export_file_data(struct export_file *f, struct span piece)
{
	switch (f->format) {
	case EXPORT_MBOX:
		lf_stream_step(&f->lf, piece, &f->lines);
		mbox_quote_step(&f->quote, buf_span(&f->lines), &f->text);
		buf_reset(&f->lines);
		break;
	case EXPORT_MAILDIR:
		lf_stream_step(&f->lf, piece, &f->text);
		break;
	case EXPORT_EML:
		buf_put(&f->text, piece);
		break;
	}
	return flush_text(f);
}

/* What the streams hold back; and a mbox's blank line. */
static void
finish_text(struct export_file *f)
{
	if (f->format == EXPORT_MAILDIR)
		lf_stream_finish(&f->lf, &f->text);
	if (f->format != EXPORT_MBOX)
		return;
	lf_stream_finish(&f->lf, &f->lines);
	mbox_quote_step(&f->quote, buf_span(&f->lines), &f->text);
	buf_reset(&f->lines);
	mbox_stream_finish(&f->quote, &f->text);
	buf_put_char(&f->text, '\n');
}

int
export_file_end(struct export_file *f)
{
	struct timespec times[2] = { { .tv_sec = f->message.date_s },
		{ .tv_sec = f->message.date_s } };
	off_t end;
	int rc;

	finish_text(f);
	rc = flush_text(f);
	end = lseek(f->fd, 0, SEEK_CUR);
	if (rc == 0 && f->format == EXPORT_MBOX && end >= 0)
		f->mbox_bytes = (uint64_t)end;
	if (rc == 0 && f->format != EXPORT_MBOX && futimens(f->fd, times) < 0)
		rc = complain(f->part);
	if (close(f->fd) < 0 && rc == 0)
		rc = complain(f->name);
	f->fd = -1;
	if (rc == 0 && f->format != EXPORT_MBOX && rename(f->part, f->name) < 0)
		rc = complain(f->name);
	return rc;
}

/* --- subscriptions --- */

void
export_file_put_subscription(
    const struct export_file *f, struct span path, struct buf *out)
{
	char storage[4 * MAX_MAILBOX_PATH];
	struct buf name;

	if (span_find(path, '\n') < path.len)
		return;
	buf_init_fixed(&name, storage, sizeof(storage));
	if (f->format == EXPORT_MAILDIR) {
		folder_name_put_maildir(&name, path);
		buf_consume(&name, 1); /* its "." */
	} else {
		buf_put(&name, path);
	}
	buf_put(out, buf_span(&name));
	buf_put_char(out, '\n');
}
