/* import.h - reading mbox files, Maildirs, .eml files, and trees of them,
 * piece by piece (room-private).
 *
 * Errors     were told, with the file and what to do, by the function that
 *            returns them. What is passed over is told, too, and makes the
 *            exit code 1; the rest goes on.
 */
#ifndef TINPOST_CMD_IMPORT_H
#define TINPOST_CMD_IMPORT_H

#include "admin/args.h"
#include "base/file.h"
#include "cmd/link.h"
#include "store/mailbox.h"

/* The client's part of `tinpost import`. Returns the exit code. */
int import_run(struct link *l, struct args *a);

/* Linux takes no longer ones: as deep as mailboxes can be. */
#define IMPORT_PATH_BYTES 4096

struct import_to {
	struct link *link;
	bool is_again; /* from the start, though some was imported before */
	/* The mailbox that is being filled; empty: INBOX. The first top_len
	 * bytes were given with --mailbox. */
	struct buf path;
	size_t top_len;
	/* Of the source: */
	bool keeps_names; /* it is an export of ours */
	bool has_subscriptions;
	unsigned own_uses; /* bit n: it has a folder of our name for use n */
	/* So far: */
	bool has_begun; /* a message was sent */
	bool has_passed_over;
	bool is_over; /* the server has ended the command */
	int exit_code;
	char file[IMPORT_PATH_BYTES]; /* that is being read, for messages */
};

/* A whole mbox file, line ends as they are. Flags and keywords come from the
 * fields that mbox_head.h names, dates from the From line. uses_labels: each
 * message goes where Gmail's labels say (gmail.h), not to to->path. */
MUST_USE int import_mbox(
    struct import_to *to, const char *path, bool uses_labels);

/* All messages of a Maildir's cur or new (the folder `part`), in the order of
 * their names: flags from the names, as ":2,FSab", keywords a to z by the
 * file dovecot-keywords in `path`. Dates are the files'. */
MUST_USE int import_maildir(
    struct import_to *to, const char *path, const char *part);

/* All .eml files of a folder, in the order of their names. */
MUST_USE int import_eml_folder(struct import_to *to, const char *path);

/* One .eml file. The date is that of its Date field, if sane, else the
 * file's. */
MUST_USE int import_eml(struct import_to *to, const char *path);

/* A folder with all that is below it: a Maildir with its folders, or
 * folders of mbox and .eml files. */
MUST_USE int import_tree(struct import_to *to, const char *path);

/* --- what the readers share --- */

/* Go to a folder below the present one: name is one of file names
 * (folder_name.h), or of Maildir++ folders. Returns the length to go back to
 * with buf_truncate(&to->path, ...). ERR_LIMIT: too deep or too long, told. */
MUST_USE int import_enter(struct import_to *to, struct span name,
    bool is_maildir, const char *path, size_t *back_out);

/* Ask where a source stopped; position is empty when it never began. */
MUST_USE int import_ask(
    struct import_to *to, const char *path, struct buf *position);

/* Choose to->path, which is made if it is missing; is_more: as well. Or
 * subscribe to it. */
MUST_USE int import_box(struct import_to *to, bool is_more);
MUST_USE int import_subscribe(struct import_to *to);

struct import_meta {
	uint16_t flags;
	bool is_date_weak; /* a sane Date field is better */
	int zone_minutes;
	int64_t date_s;
	struct span keywords; /* words with spaces between */
	struct span position; /* where the source goes on behind it */
};

MUST_USE int import_begin(struct import_to *to);
MUST_USE int import_data(struct import_to *to, struct span piece);
MUST_USE int import_end(struct import_to *to, const struct import_meta *m);

/* Remember which file is read now: an end that comes from the server names
 * it. */
void import_at(struct import_to *to, const char *path);

/* Say that a file cannot be read (errno). Returns ERR_IO. */
int import_unreadable(const char *path);

/* Say that a file is passed over, and why. */
void import_pass_over(struct import_to *to, const char *path, const char *why);

/* Does a file begin as an mbox file does? As a mail? If not: *why_out. */
bool import_is_mbox(const char *path);
bool import_is_mail(const char *path, const char **why_out);

#endif
