/* intake.h - the records of a backup, put into a new store (restore.c's other
 * half). Room-private.
 *
 * People, mailboxes, messages and bodies are put into the index as they are,
 * past the journal: their numbers must come back, and a restore that fails
 * leaves no store. So a mark stands in the index until the end.
 *
 * Errors     ERR_SYNTAX: a line is malformed. ERR_DAMAGED: it contradicts
 *            what came before. ERR_FULL, ERR_IO, ERR_NOMEM.
 */
#ifndef TINPOST_STORE_INTAKE_H
#define TINPOST_STORE_INTAKE_H

#include "store/backup.h"
#include "store/line.h"
#include "store/inside.h"

struct intake {
	struct store *s;
	struct mailbox_rec mailbox; /* whose messages come in; v.id 0: none */
	uint32_t last_uid;          /* of it */
	/* The body that a line announced, until its file ended. */
	uint64_t body; /* 0: none */
	struct body_place at;
	struct buf summary;
	struct buf raw;    /* the chunk that is being filled */
	struct buf stored; /* scratch */
	uint64_t left_bytes;
	bool is_in_prefix;
	struct buf text[2];   /* scratch of a line */
	uint64_t queued;      /* the last message of the queue */
	uint32_t queued_left; /* its recipients still to come */
	bool is_queued_lost;  /* its body was unreadable */
	struct backup_totals totals;
};

/* Set the mark, in a store that nothing was ever put into. ERR_EXISTS. */
MUST_USE int intake_init(struct intake *in, struct store *s);
void intake_deinit(struct intake *in);

/* Put one record. Words it does not know are passed over. */
MUST_USE int intake_line(struct intake *in, struct line *l);

/* The file of the body that the last line announced begins, goes on, ends. */
MUST_USE int intake_body_begin(struct intake *in, uint64_t id, uint64_t bytes);
MUST_USE int intake_body_put(struct intake *in, struct span piece);
MUST_USE int intake_body_end(struct intake *in);

/* Check what only the whole can tell, remove the mark, checkpoint. */
MUST_USE int intake_finish(struct intake *in);

/* Does the mark of a restore that did not end stand in this store? */
bool intake_is_marked(struct store *s);

#endif
