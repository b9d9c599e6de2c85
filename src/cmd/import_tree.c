/* import_tree.c - folders with what is below them.
 *
 *	Maildir			cur and new; Maildir++ folders ".A.B" beside
 *				them; or, Dovecot's LAYOUT=fs, plain folders
 *				with a cur of their own
 *	mbox			a file NAME or NAME.mbox is a mailbox, NAME.sbd
 *				(Thunderbird) or NAME what is below it;
 *				NAME.mbox/mbox as Apple Mail exports it
 *	.eml			a folder is a mailbox
 *
 * A file `subscriptions` (Dovecot, Tinpost) or .subscriptions (Tinpost) at the
 * top, or Courier's `courierimapsubscribed`, says what is subscribed; without
 * one, what is made is subscribed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/folder_name.h"
#include "cmd/import.h"

static int walk(struct import_to *to, const char *path, bool is_top);

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool
has(const char *path, const char *name, char *out)
{
	return file_path(path, name, out, IMPORT_PATH_BYTES) == 0 &&
	       access(out, F_OK) == 0;
}

static bool
is_maildir(const char *path)
{
	char part[IMPORT_PATH_BYTES];

	return (has(path, "cur", part) || has(path, "new", part)) &&
	       is_folder(part);
}

static struct span
without(struct span name, const char *ending)
{
	struct span e = span_str(ending);

	if (name.len > e.len && span_ends_nocase(name, e))
		name.len -= e.len;
	return name;
}

/* --- entries --- */

/* Files of other programs that hold no mail, and need no word. */
static bool
is_known_other(struct span name)
{
	static const char *const endings[] = { ".msf", ".dat", ".json", ".lock",
		".html", ".log", ".rc", ".js", ".sqlite", ".db", ".index",
		".cache", ".plist", ".emlxpart", ".part" };

	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
		if (span_ends_nocase(name, span_str(endings[i])))
			return true;
	return span_starts(name, SPAN("dovecot")) ||
	       span_starts(name, SPAN("courier")) ||
	       span_is(name, SPAN("subscriptions")) ||
	       span_is(name, SPAN("table_of_contents"));
}

/* The cur and new of the present folder. */
static int
take_maildir(struct import_to *to, const char *path)
{
	char part[IMPORT_PATH_BYTES];
	int rc = import_box(to, false);

	if (rc == 0 && has(path, "cur", part))
		rc = import_maildir(to, path, "cur");
	if (rc == 0 && has(path, "new", part))
		rc = import_maildir(to, path, "new");
	return rc;
}

/* An mbox file that is a mailbox below the present one. */
static int
take_mbox(struct import_to *to, const char *path, struct span name)
{
	bool uses_labels = span_starts_nocase(name, SPAN("All mail"));
	size_t back;
	int rc;

	import_at(to, path);
	if (uses_labels)
		return import_mbox(to, path, true);
	if (import_enter(to, without(name, ".mbox"), false, path, &back) < 0)
		return 0;
	rc = import_box(to, false);
	if (rc == 0)
		rc = import_mbox(to, path, false);
	buf_truncate(&to->path, back);
	return rc;
}

static int
take_file(struct import_to *to, const char *path, struct span name)
{
	struct stat st;
	const char *why = NULL;

	if (stat(path, &st) < 0)
		return 0;
	if (is_known_other(name) || !S_ISREG(st.st_mode) ||
	    span_ends_nocase(name, SPAN(".eml")))
		return 0;
	if (access(path, R_OK) < 0)
		return import_unreadable(path);
	if (import_is_mbox(path))
		return take_mbox(to, path, name);
	/* A mailbox without mail. */
	if (st.st_size == 0 && (span_find(name, '.') == name.len ||
	                           span_ends_nocase(name, SPAN(".mbox"))))
		return take_mbox(to, path, name);
	(void)import_is_mail(path, &why);
	fprintf(stderr, "tinpost: %s is passed over: it seems to be %s.\n",
	    path, why);
	return 0;
}

static int
take_folder(struct import_to *to, const char *path, struct span name)
{
	char inside[IMPORT_PATH_BYTES];
	size_t back;
	int rc;

	if (span_ends_nocase(name, SPAN(".mbox")) && has(path, "mbox", inside))
		return take_mbox(to, inside, name);
	if (import_enter(to, without(name, ".sbd"), false, path, &back) < 0)
		return 0;
	rc = walk(to, path, false);
	buf_truncate(&to->path, back);
	return rc;
}

/* A folder ".A.B" of Maildir++. */
static int
take_dotted(struct import_to *to, const char *path, struct span name)
{
	size_t back;
	int rc;

	if (!is_maildir(path) || import_enter(to, name, true, path, &back) < 0)
		return 0;
	rc = take_maildir(to, path);
	buf_truncate(&to->path, back);
	return rc;
}

static int
take_entry(
    struct import_to *to, const char *folder, const char *name, bool in_maildir)
{
	static const char *const own[] = { ".", "..", "cur", "new", "tmp" };
	char path[IMPORT_PATH_BYTES];

	for (int i = 0; i < (in_maildir ? 5 : 2); i++)
		if (span_is(span_str(name), span_str(own[i])))
			return 0;
	if (file_path(folder, name, path, sizeof(path)) < 0) {
		import_pass_over(to, folder, "a name in it is too long");
		return 0;
	}
	if (name[0] == '.')
		return in_maildir && is_folder(path)
		           ? take_dotted(to, path, span_str(name + 1))
		           : 0;
	if (is_folder(path))
		return take_folder(to, path, span_str(name));
	return in_maildir ? 0 : take_file(to, path, span_str(name));
}

/* --- a folder --- */

/* What stands in a folder, before it is read. */
struct look {
	bool has_eml;
	bool is_empty;
};

/* Note, too, which of our own names are there, at the top. */
static int
look(struct import_to *to, const char *path, bool is_top, struct look *out)
{
	DIR *d = opendir(path);
	struct dirent *e;

	*out = (struct look){ .is_empty = true };
	if (!d)
		return import_unreadable(path);
	while ((e = readdir(d)) != NULL) {
		struct span name = span_str(e->d_name);
		enum special_use use;
		bool is_ours;

		if (span_is(name, SPAN(".")) || span_is(name, SPAN("..")))
			continue;
		out->is_empty = false;
		out->has_eml |= span_ends_nocase(name, SPAN(".eml"));
		if (span_starts(name, SPAN(".")))
			name = span_sub(name, 1, name.len);
		use = folder_name_use(
		    without(without(name, ".mbox"), ".sbd"), &is_ours);
		if (is_top && is_ours)
			to->own_uses |= 1u << use;
	}
	closedir(d);
	return 0;
}

static int
take_messages(struct import_to *to, const char *path, const struct look *l)
{
	int rc = 0;

	if (is_maildir(path))
		return take_maildir(to, path);
	if (l->has_eml || l->is_empty)
		rc = import_box(to, false);
	if (rc == 0 && l->has_eml)
		rc = import_eml_folder(to, path);
	return rc;
}

/* Import a folder into to->path and what is below it into mailboxes below.
 * Its depth is bounded by that of mailboxes. */
static int
walk(struct import_to *to, const char *path, bool is_top)
{
	bool in_maildir = is_maildir(path);
	struct dirent *e;
	struct look l;
	DIR *d;
	int rc = look(to, path, is_top, &l);

	if (rc == 0)
		rc = take_messages(to, path, &l);
	if (rc < 0)
		return rc;
	d = opendir(path);
	if (!d)
		return import_unreadable(path);
	while (rc == 0 && (e = readdir(d)) != NULL)
		rc = take_entry(to, path, e->d_name, in_maildir);
	closedir(d);
	return rc;
}

/* --- subscriptions --- */

/* Dovecot's second version of the file has its levels parted by tabs. */
static int
subscribe(struct import_to *to, struct span line, bool is_dotted, bool is_tabs)
{
	size_t back = to->path.len;
	struct buf *b = &to->path;
	int rc;

	if (is_dotted && !is_tabs) {
		if (back > 0)
			buf_put_char(b, '/');
		folder_name_get_maildir(b, line);
	} else {
		while (line.len > 0) {
			struct span level =
			    span_split(&line, is_tabs ? '\t' : '/');

			if (b->len > 0)
				buf_put_char(b, '/');
			if (is_tabs)
				folder_name_get_maildir(b, level);
			else
				folder_name_put_clean(b, level);
		}
	}
	rc = buf_failed(b) ? 0 : import_subscribe(to);
	b->has_failed = false;
	buf_truncate(b, back);
	return rc;
}

/* "INBOX.Sent" of Courier, and of Dovecot with that prefix, is ".Sent". */
static struct span
without_inbox(const char *folder, struct span line)
{
	char path[IMPORT_PATH_BYTES], name[IMPORT_PATH_BYTES];

	if (!span_starts_nocase(line, SPAN("INBOX.")) || line.len == 6)
		return line;
	snprintf(name, sizeof(name), ".%.*s", (int)line.len, line.p);
	return has(folder, name, path) ? line : span_sub(line, 6, line.len);
}

static int
take_subscriptions(struct import_to *to, const char *folder, struct span text)
{
	bool is_dotted = is_maildir(folder);
	bool is_tabs = span_starts(text, SPAN("V\t2\n"));
	int rc = 0;

	if (is_tabs)
		text = span_sub(text, 4, text.len);
	while (rc == 0 && text.len > 0) {
		struct span line = span_split(&text, '\n');

		if (line.len == 0 || line.len > 900)
			continue;
		if (is_dotted && !is_tabs && !to->keeps_names)
			line = without_inbox(folder, line);
		rc = subscribe(to, line, is_dotted, is_tabs);
	}
	return rc;
}

int
import_tree(struct import_to *to, const char *path)
{
	char file[IMPORT_PATH_BYTES];
	struct buf text;
	int rc = ERR_NONE;

	if (has(path, "dbox-Mails", file) ||
	    has(path, "mailboxes/INBOX/dbox-Mails", file)) {
		fprintf(stderr,
		    "tinpost: %s seems to be a store of Dovecot in its form "
		    "dbox: `doveadm backup` to maildir:FOLDER makes a Maildir "
		    "of it.\n",
		    path);
		return ERR_IO;
	}
	to->keeps_names = has(path, ".tinpost-export", file);
	buf_init(&text, 4u << 20);
	if (has(path, "subscriptions", file) ||
	    has(path, ".subscriptions", file) ||
	    has(path, "courierimapsubscribed", file))
		rc = file_read(file, &text);
	to->has_subscriptions = rc == 0;
	if (rc < 0 && rc != ERR_NONE)
		import_unreadable(file);
	if (rc == 0 || rc == ERR_NONE)
		rc = walk(to, path, true);
	if (rc == 0)
		rc = take_subscriptions(to, path, buf_span(&text));
	buf_deinit(&text);
	return rc;
}
