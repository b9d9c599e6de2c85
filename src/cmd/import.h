/* import.h - reading mbox files, Maildirs and .eml files, piece by piece. */
#ifndef TINPOST_CMD_IMPORT_H
#define TINPOST_CMD_IMPORT_H

#include "admin/args.h"
#include "cmd/link.h"

/* The client's part of `tinpost import`. Returns the exit code. */
int import_run(struct link *l, struct args *a);

/* One source for one mailbox. */
struct import_to {
	struct link *link;
	struct span mailbox;
	bool is_again; /* from the start, though some was imported before */
	uint64_t n_sent;
};

/* A whole mbox file (RFC 4155, mboxrd quoting). Flags come from Status and
 * X-Status, which are left out; dates from the From line. Errors were told. */
MUST_USE int import_mbox(struct import_to *to, const char *path);

/* All files of a folder, in the order of their names: `is_maildir`: flags
 * from the names, as ":2,FS". Dates are the files'. */
MUST_USE int import_folder(
    struct import_to *to, const char *path, bool is_maildir);

/* One .eml file. */
MUST_USE int import_eml(struct import_to *to, const char *path);

/* --- what the readers share --- */

/* Ask where a source stopped; position is empty when it never began. */
MUST_USE int import_ask(
    struct import_to *to, const char *path, struct buf *position);
MUST_USE int import_begin(struct import_to *to);
MUST_USE int import_data(struct import_to *to, struct span piece);
MUST_USE int import_end(
    struct import_to *to, uint16_t flags, int64_t date_s, struct span position);

#endif
