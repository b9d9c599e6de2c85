/* export_file.h - the files that an export writes, one message at a time
 * (room-private).
 *
 * Errors     were told, with the file.
 */
#ifndef TINPOST_CMD_EXPORT_FILE_H
#define TINPOST_CMD_EXPORT_FILE_H

#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"
#include "mime/text.h"

enum export_format { EXPORT_MBOX, EXPORT_MAILDIR, EXPORT_EML };

#define EXPORT_PATH_BYTES (3 * FILE_PATH_BYTES)

struct export_message {
	uint32_t uid;
	uint16_t flags;
	int64_t date_s;
	uint64_t keywords; /* bits; export_file_keyword names them */
};

struct export_file {
	enum export_format format;
	char folder[FILE_PATH_BYTES];
	/* Of the mailbox. */
	uint32_t uidvalidity;
	uint64_t mbox_bytes;          /* of whole messages, in its file */
	char base[EXPORT_PATH_BYTES]; /* its folder or file */
	char keyword[MAX_KEYWORDS][MAX_KEYWORD_BYTES + 1];
	bool has_new_keyword;
	/* Of the message. */
	struct export_message message;
	int fd;
	char name[EXPORT_PATH_BYTES], part[EXPORT_PATH_BYTES];
	struct mbox_stream quote;
	struct lf_stream lf;
	struct buf text, lines;
};

void export_file_init(struct export_file *f);
void export_file_deinit(struct export_file *f);

/* Begin a mailbox: make its folder, or its file. ERR_LIMIT: its name is too
 * long for that; the others can go on. ERR_IO. */
MUST_USE int export_file_box(struct export_file *f, struct span path,
    uint32_t uidvalidity, uint64_t mbox_bytes);

/* Name a keyword of the mailbox. */
void export_file_keyword(struct export_file *f, unsigned bit, struct span name);

/* A message: begin, data, end; mbox_bytes has grown then. ERR_IO, ERR_NOMEM. */
MUST_USE int export_file_begin(
    struct export_file *f, const struct export_message *m);
MUST_USE int export_file_data(struct export_file *f, struct span piece);
MUST_USE int export_file_end(struct export_file *f);

/* Append a subscription as a line of the file `subscriptions`. */
void export_file_put_subscription(
    const struct export_file *f, struct span path, struct buf *out);

/* Replace a small file in the folder. ERR_IO. */
MUST_USE int export_file_write(
    const struct export_file *f, const char *name, struct span text);

/* mkdir, if it is not there. ERR_IO. */
MUST_USE int export_file_folder(const char *path);

#endif
