#include "cmd/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/run.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cmd/client.h"
#include "mime/mime.h"
#include "store/store.h"

enum format { FORMAT_MBOX, FORMAT_MAILDIR, FORMAT_EML };

struct box {
	uint32_t id, uidvalidity;
	uint32_t last_uid;   /* written */
	uint64_t file_bytes; /* of the mbox file, up to there */
	char path[1024];
};

struct export
{
	struct link *link;
	enum format format;
	char folder[FILE_PATH_BYTES];
	struct box *boxes;
	size_t n_boxes;
	/* The message that is being written. */
	int fd;
	char name[3 * FILE_PATH_BYTES], part[3 * FILE_PATH_BYTES + 8];
	uint32_t uid;
	uint16_t flags;
	int64_t date_s;
	struct mbox_stream quote;
	struct lf_stream lf;
	struct buf text, quoted;
	bool is_header; /* mbox: Status is still to come */
	uint64_t n_done;
};

static int
complain(const char *path)
{
	fprintf(stderr, "tinpost: %s cannot be written: %s.\n", path,
	    strerror(errno));
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

/* --- how far it came: one line for each mailbox --- */

static void
state_path(const struct export *ex, char *out, size_t cap)
{
	snprintf(out, cap, "%s/.tinpost-export", ex->folder);
}

static int
save_state(struct export *ex)
{
	char path[FILE_PATH_BYTES + 32];
	struct buf b;
	int rc;

	state_path(ex, path, sizeof(path));
	buf_init(&b, MAX_MAILBOXES * 64);
	for (size_t i = 0; i < ex->n_boxes; i++)
		buf_putf(&b, "%u %u %u %llu\n", ex->boxes[i].id,
		    ex->boxes[i].uidvalidity, ex->boxes[i].last_uid,
		    (unsigned long long)ex->boxes[i].file_bytes);
	rc = buf_failed(&b) ? ERR_NOMEM : file_write(path, buf_span(&b), 0600);
	buf_deinit(&b);
	return rc < 0 ? complain(path) : 0;
}

static void
take_state_line(struct export *ex, struct span line)
{
	uint64_t v[4];

	for (int k = 0; k < 4; k++)
		if (span_to_u64(span_split(&line, ' '), INT64_MAX, &v[k]) < 0)
			return;
	for (size_t i = 0; i < ex->n_boxes; i++) {
		struct box *b = &ex->boxes[i];

		if (b->id != v[0] || b->uidvalidity != v[1])
			continue;
		b->last_uid = (uint32_t)v[2];
		b->file_bytes = v[3];
	}
}

static void
load_state(struct export *ex)
{
	char path[FILE_PATH_BYTES + 32];
	struct span rest;
	struct buf b;

	state_path(ex, path, sizeof(path));
	buf_init(&b, MAX_MAILBOXES * 64);
	if (file_read(path, &b) == 0) {
		rest = buf_span(&b);
		while (rest.len > 0)
			take_state_line(ex, span_split(&rest, '\n'));
	}
	buf_deinit(&b);
}

/* --- names --- */

static int
make_folder(const char *path)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? complain(path) : 0;
}

/* A mailbox's path as one file name: "/" becomes sep, and a leading dot "_". */
static void
flat_name(const struct box *box, char sep, char *out, size_t cap)
{
	size_t i = 0;

	for (const char *p = box->path; *p && i + 1 < cap; p++, i++)
		out[i] = *p == '/' ? sep : *p;
	out[i] = '\0';
	if (out[0] == '.')
		out[0] = '_';
}

static int
maildir_folder(
    const struct export *ex, const struct box *box, char *out, size_t cap)
{
	static const char *const parts[] = { "cur", "new", "tmp" };
	char flat[1024], part[3 * FILE_PATH_BYTES + 16];
	int rc;

	flat_name(box, '.', flat, sizeof(flat));
	if (strcmp(box->path, "INBOX") == 0)
		snprintf(out, cap, "%s", ex->folder);
	else
		snprintf(out, cap, "%s/.%s", ex->folder, flat);
	rc = make_folder(out);
	for (int i = 0; rc == 0 && i < 3; i++) {
		snprintf(part, sizeof(part), "%s/%s", out, parts[i]);
		rc = make_folder(part);
	}
	return rc;
}

static void
put_maildir_flags(const struct export *ex, char *out)
{
	*out++ = ':';
	*out++ = '2';
	*out++ = ',';
	if (ex->flags & MESSAGE_DRAFT)
		*out++ = 'D';
	if (ex->flags & MESSAGE_FLAGGED)
		*out++ = 'F';
	if (ex->flags & MESSAGE_ANSWERED)
		*out++ = 'R';
	if (ex->flags & MESSAGE_SEEN)
		*out++ = 'S';
	if (ex->flags & MESSAGE_DELETED)
		*out++ = 'T';
	*out = '\0';
}

/* Name the file of the current message (mbox: of all), and make its folder. */
static int
choose_name(struct export *ex, const struct box *box)
{
	char flat[1024], flags[16];
	int rc;

	flat_name(box, '.', flat, sizeof(flat));
	switch (ex->format) {
	case FORMAT_MBOX:
		snprintf(
		    ex->name, sizeof(ex->name), "%s/%s.mbox", ex->folder, flat);
		return 0;
	case FORMAT_EML:
		snprintf(ex->name, sizeof(ex->name), "%s/%s", ex->folder, flat);
		rc = make_folder(ex->name);
		snprintf(ex->name, sizeof(ex->name), "%s/%s/%08u.eml",
		    ex->folder, flat, (unsigned)ex->uid);
		return rc;
	case FORMAT_MAILDIR:
		break;
	}
	rc = maildir_folder(ex, box, ex->part, sizeof(ex->part));
	put_maildir_flags(ex, flags);
	snprintf(ex->name, sizeof(ex->name),
	    "%.1500s/cur/%lld.M%u_%u.tinpost%s", ex->part,
	    (long long)ex->date_s, (unsigned)box->uidvalidity,
	    (unsigned)ex->uid, flags);
	return rc;
}

/* --- one message --- */

static void
put_from_line(struct export *ex)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct civil c = clock_civil(ex->date_s);

	/* RFC 4155 appendix A: asctime, UTC. */
	buf_putf(&ex->text,
	    "From MAILER-DAEMON %.3s %.3s %2d %02d:%02d:%02d %d\n",
	    days + 3 * c.weekday, months + 3 * (c.month - 1), c.day, c.hour,
	    c.minute, c.second, c.year);
	buf_putf(
	    &ex->text, "Status: %sO\n", ex->flags & MESSAGE_SEEN ? "R" : "");
	if (ex->flags & ~MESSAGE_SEEN)
		buf_putf(&ex->text, "X-Status: %s%s%s%s\n",
		    ex->flags & MESSAGE_ANSWERED ? "A" : "",
		    ex->flags & MESSAGE_FLAGGED ? "F" : "",
		    ex->flags & MESSAGE_DELETED ? "D" : "",
		    ex->flags & MESSAGE_DRAFT ? "T" : "");
}

static int
flush_text(struct export *ex)
{
	int rc = buf_failed(&ex->text)
	             ? ERR_NOMEM
	             : put_all(ex->fd, buf_span(&ex->text), ex->name);

	buf_reset(&ex->text);
	return rc;
}

static int
open_message(struct export *ex, struct box *box)
{
	int rc = choose_name(ex, box);

	if (rc < 0)
		return rc;
	if (ex->format != FORMAT_MBOX) {
		snprintf(ex->part, sizeof(ex->part), "%s.part", ex->name);
		ex->fd = open(
		    ex->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		return ex->fd < 0 ? complain(ex->part) : 0;
	}
	ex->fd = open(ex->name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	/* What an interruption left behind the last whole message goes. */
	if (ex->fd < 0 || ftruncate(ex->fd, (off_t)box->file_bytes) < 0 ||
	    lseek(ex->fd, 0, SEEK_END) < 0)
		return complain(ex->name);
	memset(&ex->quote, 0, sizeof(ex->quote));
	memset(&ex->lf, 0, sizeof(ex->lf));
	put_from_line(ex);
	return flush_text(ex);
}

static int
write_data(struct export *ex, struct span piece)
{
	if (ex->format == FORMAT_EML)
		return put_all(ex->fd, piece, ex->name);
	if (ex->format == FORMAT_MAILDIR) {
		buf_put(&ex->text, piece);
		return flush_text(ex);
	}
	lf_stream_step(&ex->lf, piece, &ex->quoted);
	mbox_quote_step(&ex->quote, buf_span(&ex->quoted), &ex->text);
	buf_reset(&ex->quoted);
	return flush_text(ex);
}

static int
close_message(struct export *ex, struct box *box)
{
	int rc = 0;

	if (ex->format == FORMAT_MBOX) {
		off_t end;

		lf_stream_finish(&ex->lf, &ex->quoted);
		mbox_quote_step(&ex->quote, buf_span(&ex->quoted), &ex->text);
		buf_reset(&ex->quoted);
		mbox_stream_finish(&ex->quote, &ex->text);
		buf_put_char(&ex->text, '\n');
		rc = flush_text(ex);
		end = lseek(ex->fd, 0, SEEK_CUR);
		if (rc == 0 && end >= 0)
			box->file_bytes = (uint64_t)end;
	} else {
		struct timespec times[2] = { { .tv_sec = ex->date_s },
			{ .tv_sec = ex->date_s } };

		(void)futimens(ex->fd, times); /* the date, as a courtesy */
	}
	if (close(ex->fd) < 0 && rc == 0)
		rc = complain(ex->name);
	ex->fd = -1;
	if (rc == 0 && ex->format != FORMAT_MBOX &&
	    rename(ex->part, ex->name) < 0)
		rc = complain(ex->name);
	box->last_uid = ex->uid;
	/* The state may be behind: then the same files are written again. */
	if (rc == 0 && ++ex->n_done % 64 == 0)
		rc = save_state(ex);
	return rc;
}

/* --- the exchange --- */

static int
take_message(struct export *ex, struct box *box, struct span payload)
{
	struct cur c = cur_of(span_sub(payload, 1, payload.len));
	uint64_t date;

	if (cur_be32(&c, &ex->uid) != PARSE_OK ||
	    cur_be16(&c, &ex->flags) != PARSE_OK ||
	    cur_be64(&c, &date) != PARSE_OK)
		return ERR_SYNTAX;
	ex->date_s = (int64_t)date;
	return open_message(ex, box);
}

static int
export_box(struct export *ex, struct box *box)
{
	char storage[16];
	struct buf ask;
	int rc;

	buf_init_fixed(&ask, storage, sizeof(storage));
	buf_put_char(&ask, 'G');
	buf_put_be32(&ask, box->id);
	buf_put_be32(&ask, box->last_uid);
	rc = link_send(ex->link, FRAME_ITEM, buf_span(&ask));
	while (rc == 0) {
		enum frame_type type;
		struct span payload;

		rc = link_receive(ex->link, &type, &payload);
		if (rc < 0 || type == FRAME_END)
			break;
		if (type == FRAME_NOTE)
			fwrite(payload.p, 1, payload.len, stderr);
		else if (type == FRAME_EXIT)
			rc = ERR_INVALID;
		else if (type == FRAME_ITEM)
			rc = take_message(ex, box, payload);
		else if (type == FRAME_DATA)
			rc = write_data(ex, payload);
		else if (type == FRAME_ITEM_END)
			rc = close_message(ex, box);
	}
	return rc;
}

static int
add_box(struct export *ex, struct span payload)
{
	struct cur c = cur_of(span_sub(payload, 1, payload.len));
	struct box *more =
	    mem_resize(ex->boxes, (ex->n_boxes + 1) * sizeof(*more));
	struct box *b;

	if (!more)
		return ERR_NOMEM;
	ex->boxes = more;
	b = &more[ex->n_boxes];
	memset(b, 0, sizeof(*b));
	if (cur_be32(&c, &b->id) != PARSE_OK ||
	    cur_be32(&c, &b->uidvalidity) != PARSE_OK)
		return ERR_SYNTAX;
	ex->n_boxes++;
	return span_to_cstr(cur_rest(&c), b->path, sizeof(b->path));
}

static int
list_boxes(struct export *ex)
{
	for (;;) {
		enum frame_type type;
		struct span payload;
		int rc = link_receive(ex->link, &type, &payload);

		if (rc == 0 && type == FRAME_NOTE)
			fwrite(payload.p, 1, payload.len, stderr);
		if (rc == 0 && type == FRAME_EXIT)
			return ERR_INVALID;
		if (rc == 0 && type == FRAME_ITEM)
			rc = add_box(ex, payload);
		if (rc < 0 || type == FRAME_END)
			return rc;
	}
}

static int
begin(struct export *ex, const struct args *a)
{
	char storage[1024];
	struct buf words;
	int rc = make_folder(ex->folder);

	buf_init_fixed(&words, storage, sizeof(storage));
	args_put(&words, a);
	if (rc == 0)
		rc = link_send(ex->link, FRAME_ARGS, buf_span(&words));
	if (rc == 0)
		rc = link_send(ex->link, FRAME_GO, span_of(NULL, 0));
	return rc < 0 ? rc : list_boxes(ex);
}

static enum format
format_of(struct span word)
{
	if (span_is(word, SPAN("maildir")))
		return FORMAT_MAILDIR;
	return span_is(word, SPAN("eml")) ? FORMAT_EML : FORMAT_MBOX;
}

int
export_run(struct link *l, struct args *a)
{
	struct export ex = { .link = l, .fd = -1 };
	int rc, code = 1;

	ex.format = format_of(args_get(a, "--format"));
	buf_init(&ex.text, 4 * MAX_FRAME_BYTES);
	buf_init(&ex.quoted, 2 * MAX_FRAME_BYTES);
	rc = span_to_cstr(
	    args_get(a, "FOLDER"), ex.folder, sizeof(ex.folder) - 32);
	if (rc == 0)
		rc = begin(&ex, a);
	if (rc == 0)
		load_state(&ex);
	for (size_t i = 0; rc == 0 && i < ex.n_boxes; i++)
		rc = export_box(&ex, &ex.boxes[i]);
	if (ex.n_boxes > 0 && save_state(&ex) < 0)
		rc = ERR_IO;
	if (rc == 0)
		rc = link_send(l, FRAME_END, span_of(NULL, 0));
	if (rc == 0)
		code = client_finish(l);
	else if (rc != ERR_IO && rc != ERR_INVALID)
		client_complain(span_str(err_text(rc)));
	if (ex.fd >= 0)
		close(ex.fd);
	buf_deinit(&ex.text);
	buf_deinit(&ex.quoted);
	mem_free(ex.boxes);
	return code;
}
