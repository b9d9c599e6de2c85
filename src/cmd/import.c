#define _XOPEN_SOURCE 700 /* realpath */
#include "cmd/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/run.h"
#include "base/hash.h"
#include "cmd/client.h"
#include "cmd/folder_name.h"
#include "cmd/from_line.h"
#include "cmd/sniff.h"

/* --- what is said --- */

int
import_unreadable(const char *path)
{
	fprintf(stderr,
	    "tinpost: %s cannot be read: %s. Run the same command again when "
	    "it can; it goes on there.\n",
	    path, strerror(errno));
	return ERR_IO;
}

void
import_pass_over(struct import_to *to, const char *path, const char *why)
{
	fprintf(stderr, "tinpost: %s is passed over: %s.\n", path, why);
	to->has_passed_over = true;
}

void
import_at(struct import_to *to, const char *path)
{
	snprintf(to->file, sizeof(to->file), "%s", path);
}

static size_t
read_start(const char *path, char *out, size_t cap)
{
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(out, 1, cap, f) : 0;

	if (f)
		fclose(f);
	return n;
}

bool
import_is_mbox(const char *path)
{
	char start[SNIFF_BYTES];
	struct span s = span_of(start, read_start(path, start, sizeof(start)));
	struct from_line from;

	if (span_starts(s, SPAN("\xef\xbb\xbf")))
		s = span_sub(s, 3, s.len);
	while (span_starts(s, SPAN("\n")) || span_starts(s, SPAN("\r")))
		s = span_sub(s, 1, s.len);
	return from_line_parse(span_sub(s, 0, span_find(s, '\n')), &from);
}

bool
import_is_mail(const char *path, const char **why_out)
{
	char start[SNIFF_BYTES];
	struct span s = span_of(start, read_start(path, start, sizeof(start)));

	*why_out = sniff_name(s);
	if (!*why_out)
		*why_out = "text that does not begin as a mail does, with "
		           "header fields";
	return sniff_is_mail(s);
}

/* --- frames --- */

static void
show_state(struct span text)
{
	if (text.len > 0 && isatty(STDERR_FILENO))
		fprintf(stderr, "\r%.*s\033[K", RUN_SPAN(text));
}

/* Take one frame that is no answer. ERR_INVALID: the command has ended. */
static int
take_other(struct import_to *to, enum frame_type type, struct span payload)
{
	if (type == FRAME_NOTE)
		fwrite(payload.p, 1, payload.len, stderr);
	else if (type == FRAME_STATE)
		show_state(payload);
	if (type != FRAME_EXIT)
		return 0;
	to->is_over = true;
	to->exit_code = payload.len > 0 ? payload.p[0] : 1;
	return ERR_INVALID;
}

static int
send(struct import_to *to, enum frame_type type, const struct buf *b)
{
	if (buf_failed(b))
		return ERR_LIMIT;
	return link_send(to->link, type, buf_span(b));
}

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
	buf_put(&b, to->path.len ? buf_span(&to->path) : SPAN("INBOX"));
	buf_put_char(&b, '\0');
	buf_put_str(&b, realpath(path, full) ? full : path);
	sum = hash_sip(key, buf_span(&b));
	buf_reset(&b);
	buf_putf(&b, "S%016llx", (unsigned long long)sum);
	rc = send(to, FRAME_ITEM, &b);
	while (rc == 0) {
		rc = link_receive(to->link, &type, &payload);
		if (rc == 0 && type == FRAME_ITEM)
			break;
		if (rc == 0)
			rc = take_other(to, type, payload);
	}
	if (rc == 0 && !to->is_again)
		buf_put(position, payload);
	return rc;
}

/* "B" or "U", the use that the first level may mean, what is allowed, the
 * path: see admin/do_import.c. */
static int
send_path(struct import_to *to, char verb, bool is_more)
{
	char storage[MAX_MAILBOX_PATH + 8];
	struct span path = buf_span(&to->path), rest = path;
	enum special_use use;
	bool is_ours;
	struct buf b;

	use = folder_name_use(span_split(&rest, '/'), &is_ours);
	/* "Sent Items" beside "Sent" is a mailbox of its own. */
	if (to->top_len > 0 ||
	    (!is_ours && (to->keeps_names || to->own_uses & 1u << use)))
		use = SPECIAL_NONE;
	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put_char(&b, verb);
	buf_put_char(&b, (char)use);
	buf_put_char(
	    &b, (char)((is_more ? 1 : 0) | (to->has_subscriptions ? 0 : 2) |
	               (to->keeps_names ? 0 : 4)));
	buf_put(&b, path.len ? path : SPAN("INBOX"));
	return send(to, FRAME_ITEM, &b);
}

int
import_box(struct import_to *to, bool is_more)
{
	return send_path(to, 'B', is_more);
}

int
import_subscribe(struct import_to *to)
{
	return send_path(to, 'U', false);
}

int
import_begin(struct import_to *to)
{
	return link_send(to->link, FRAME_ITEM, SPAN("M"));
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

int
import_end(struct import_to *to, const struct import_meta *m)
{
	enum frame_type type;
	struct span payload;
	char storage[MAX_FRAME_BYTES];
	struct buf b;
	int rc;

	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put_be16(&b, m->flags);
	/* A file may be dated before 1970. */
	buf_put_be64(&b, m->date_s > 0 ? (uint64_t)m->date_s : 0);
	buf_put_be16(&b, (uint16_t)(int16_t)m->zone_minutes);
	buf_put_char(&b, m->is_date_weak ? 1 : 0);
	buf_put_be16(&b, (uint16_t)m->keywords.len);
	buf_put(&b, m->keywords);
	buf_put(&b, m->position);
	rc = send(to, FRAME_ITEM_END, &b);
	to->has_begun = true;
	while (rc == 0 && link_has_input(to->link)) {
		rc = link_receive(to->link, &type, &payload);
		if (rc == 0)
			rc = take_other(to, type, payload);
	}
	return rc;
}

/* --- folders --- */

int
import_enter(struct import_to *to, struct span name, bool is_maildir,
    const char *path, size_t *back_out)
{
	char storage[MAX_MAILBOX_PATH];
	size_t n_levels = 1;
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	if (is_maildir)
		folder_name_get_maildir(&b, name);
	else
		folder_name_get_file(&b, name);
	*back_out = to->path.len;
	if (to->path.len > 0)
		buf_put_char(&to->path, '/');
	if (to->path.len == 0 && span_is_nocase(buf_span(&b), SPAN("INBOX")))
		buf_put_str(&to->path, "INBOX"); /* Thunderbird's "Inbox" */
	else
		buf_put(&to->path, buf_span(&b));
	for (size_t i = 0; i < to->path.len; i++)
		n_levels += to->path.p[i] == '/';
	if (!buf_failed(&b) && !buf_failed(&to->path) &&
	    n_levels <= MAX_MAILBOX_DEPTH)
		return 0;
	to->path.has_failed = false;
	buf_truncate(&to->path, *back_out);
	import_pass_over(to, path, "it is nested deeper than mailboxes can be");
	return ERR_LIMIT;
}

/* --- the whole --- */

static int
import_source(struct import_to *to, const char *path)
{
	const char *why;
	struct stat st;
	int rc;

	if (stat(path, &st) < 0 || access(path, R_OK) < 0)
		return import_unreadable(path);
	if (S_ISDIR(st.st_mode))
		return import_tree(to, path);
	if (!import_is_mbox(path) && !import_is_mail(path, &why)) {
		fprintf(stderr,
		    "tinpost: %s is no mail: it seems to be %s. It takes "
		    "mbox files, Maildirs, .eml files and folders of them.\n",
		    path, why);
		return ERR_IO;
	}
	rc = import_box(to, false);
	if (rc < 0)
		return rc;
	return import_is_mbox(path) ? import_mbox(to, path, true)
	                            : import_eml(to, path);
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

/* Say how it ended. Returns the exit code. */
static int
finish(struct import_to *to, int rc)
{
	if (rc == 0)
		rc = link_send(to->link, FRAME_END, span_of(NULL, 0));
	if (rc == 0 || rc == ERR_CLOSED)
		to->exit_code = client_finish(to->link);
	else if (rc != ERR_IO && !to->is_over)
		client_complain(span_str(err_text(rc)));
	if (rc < 0 && to->exit_code == 0)
		to->exit_code = 1;
	/* The answer may come when all was sent. */
	if (to->exit_code && rc != ERR_IO && to->has_begun)
		fprintf(stderr,
		    "tinpost: It had read up to %s. Run the same command again "
		    "to go on where it stopped.\n",
		    to->file);
	return to->exit_code ? to->exit_code : to->has_passed_over;
}

int
import_run(struct link *l, struct args *a)
{
	struct import_to to = { .link = l, .is_again = args_has(a, "--again") };
	struct span top = args_get(a, "--mailbox");
	char storage[MAX_MAILBOX_PATH], path[IMPORT_PATH_BYTES];
	int rc = begin(l, a);

	buf_init_fixed(&to.path, storage, sizeof(storage));
	if (!span_is_nocase(top, SPAN("INBOX")))
		buf_put(&to.path, top);
	to.top_len = to.path.len;
	for (size_t i = 0; rc == 0 && i < a->n_many; i++) {
		rc = span_to_cstr(a->many[i], path, sizeof(path));
		buf_truncate(&to.path, to.top_len);
		to.keeps_names = to.has_subscriptions = false;
		to.own_uses = 0;
		if (rc < 0)
			break;
		import_at(&to, path);
		rc = import_source(&to, path);
	}
	return finish(&to, rc);
}
