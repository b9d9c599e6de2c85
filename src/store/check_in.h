/* check_in.h - the inside of a check: check.c walks the index,
 * check_mailbox.c what belongs to mailboxes, check_queue.c the queue,
 * check_memo.c facts with a time, check_body.c bodies and volumes.
 * Room-private.
 */
#ifndef TINPOST_STORE_CHECK_IN_H
#define TINPOST_STORE_CHECK_IN_H

#include "store/check.h"
#include "store/inside.h"
#include "store/queue.h"

/* References are counted for so many body ids at a time, in one pass over all
 * messages. */
#define CHECK_WINDOW 32768

struct check {
	struct store *s;
	struct store *snap;
	struct buf *out; /* of the step that runs */
	unsigned part;
	uint64_t n_findings;
	uint64_t n_looked; /* records, for the percentage */

	/* The place in the part: behind this key of a tree. */
	size_t key_len;
	char key[MAX_KEY_BYTES + 1];

	struct mailbox_rec mailbox; /* whose messages are looked at; id 0 */
	struct mailbox_rec seen;    /* what they sum up to */
	uint32_t uid;
	uint64_t keywords; /* bits that have names in it */
	uint32_t n_changes;

	uint32_t *refs; /* CHECK_WINDOW of them, from body `first` on */
	uint64_t first;
	bool is_counted; /* the pass over the messages is done */

	uint64_t body;
	struct body_place at; /* of that body, */
	uint32_t chunk;       /* its next chunk, */
	uint64_t stored;      /* and the bytes of those before */
	uint32_t volume;
	uint32_t volume_chunk;

	uint64_t n_memos;     /* rows seen of this kind */
	uint8_t memo_kind;    /* 0: of none */
	uint64_t memo_counts; /* that kind says */

	bool is_in_queue;   /* its references are counted */
	uint32_t n_waiting; /* rows seen of this destination */
	size_t dest_len;
	char dest[MAX_DEST_BYTES];
};

/* Begin a finding; the caller appends words to the buffer it returns, and
 * calls check_said. */
struct buf *check_say(struct check *c);
void check_said(struct check *c);

/* A finding without numbers but one. */
void check_say_about(
    struct check *c, const char *what, uint64_t n, const char *trouble);

/* The same of a text, which comes from users. */
void check_say_text(
    struct check *c, const char *what, struct span text, const char *trouble);

/* A finding unless both numbers are the same. */
void check_say_counts(struct check *c, const char *whose, uint32_t id,
    const char *what, uint64_t says, uint64_t is);

/* Is there such a row? */
bool check_has(struct check *c, enum tree t, struct key k);

/* The entry behind c->key in a tree; moves there. ERR_NONE: no more. */
MUST_USE int check_next(
    struct check *c, enum tree t, struct span *key, struct span *value);

/* The parts of check_mailbox.c: as those below. */
MUST_USE int check_mailboxes(struct check *c);
MUST_USE int check_strays(struct check *c);
MUST_USE int check_keywords(struct check *c);
MUST_USE int check_names(struct check *c);
MUST_USE int check_changes(struct check *c);

/* The parts of check_memo.c: as those below. */
MUST_USE int check_memos(struct check *c);
MUST_USE int check_memo_times(struct check *c);

/* The parts of check_queue.c: as those below. */
MUST_USE int check_queue(struct check *c);
MUST_USE int check_queue_rcpts(struct check *c);
MUST_USE int check_queue_waits(struct check *c);
MUST_USE int check_queue_dests(struct check *c);
MUST_USE int check_queue_notices(struct check *c);

/* The parts of check_body.c: one record a call; ERR_NONE: no more. */
MUST_USE int check_refs(struct check *c);
MUST_USE int check_bodies(struct check *c);
MUST_USE int check_dead(struct check *c);
MUST_USE int check_chunks(struct check *c);
MUST_USE int check_summaries(struct check *c);

#endif
