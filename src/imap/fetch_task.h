/* fetch_task.h - a FETCH under way, for its modules: cmd_fetch.c goes from
 * message to message, fetch_send.c sends the sections of one.
 *
 * What is told is written to the line and goes out from there as the output
 * has room; more than a little of a message's bytes goes from the store to the
 * output directly.
 */
#ifndef TINPOST_IMAP_FETCH_TASK_H
#define TINPOST_IMAP_FETCH_TASK_H

#include "imap/fetch_section.h"
#include "imap/fetch_structure.h"
#include "imap/fetch_vanished.h"
#include "imap/imap_session.h"

/* Messages that are read at a time. */
#define FETCH_AHEAD 64

enum fetch_place {
	AT_CHANGES,  /* VANISHED: reading the log */
	AT_VANISHED, /* telling it */
	AT_MESSAGE,  /* the next message begins */
	AT_SECTION,  /* the next section begins, or the message ends */
	AT_COUNT,    /* counting a section */
	AT_BYTES,    /* sending it */
	AT_END
};

struct fetch_task {
	struct fetch f;
	enum fetch_place place;
	bool sets_seen;
	bool is_utf8;
	struct rangeset uids;
	struct imap_walk walk;
	struct fetch_vanished vanished;
	/* --- read ahead: UIDs in order, valid while the mailbox stands at
	 * modseq --- */
	struct message ahead[FETCH_AHEAD];
	uint32_t n_ahead, at_ahead;
	uint64_t modseq;
	struct rangeset marked; /* \Seen was set, and is to be told */
	/* --- the message under way --- */
	struct message m;
	const struct fetch_section *section;
	bool is_pinned;
	bool has_item; /* something is told of it */
	bool has_summary;
	struct summary summary;
	struct buf blob; /* the summary's */
	struct fetch_stream stream;
	/* --- output --- */
	struct buf line, scratch;
	size_t n_sent;              /* of the line */
	size_t begun_at;            /* the message, in the line */
	bool is_begun_sent;         /* some of the line went since it began */
	struct rangeset downgraded; /* RFC 6858 3.1; to be told */
	/* --- what the tagged reply tells --- */
	bool is_missing, is_damaged, is_nomem, has_unknown_cte;
};

/* Begin an item of the message: returns the line, behind the name. */
struct buf *fetch_item(struct fetch_task *t, const char *name);

/* End the connection: a literal cannot be kept. */
void fetch_give_up(struct imap *i, struct fetch_task *t);

/* Without memory: take back what is said of the message and end the command;
 * end the connection, if some of it is sent. */
void fetch_fail(struct imap *i, struct fetch_task *t);

/* AT_SECTION, t->section not being NULL; AT_COUNT; AT_BYTES: do a bounded piece
 * of work. Returns false when the line must be sent first. */
bool fetch_send(struct imap *i, struct fetch_task *t);

#endif
