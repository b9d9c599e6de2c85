/* mailbox.h - the mailboxes of a person, and what happens to them as a whole.
 *
 * A mailbox is known by a number that is never used again. Its name is its
 * own level only; paths are its ancestors' names joined by "/" (RFC 9051
 * 5.1.1: UTF-8). INBOX at the top is found in any case, and can be neither
 * renamed nor deleted.
 */
#ifndef TINPOST_STORE_MAILBOX_H
#define TINPOST_STORE_MAILBOX_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/rangeset.h"

struct store;
struct body;

/* RFC 6154 2, RFC 9051 7.3.1. */
enum special_use {
	SPECIAL_NONE,
	SPECIAL_INBOX,
	SPECIAL_SENT,
	SPECIAL_DRAFTS,
	SPECIAL_JUNK,
	SPECIAL_TRASH,
	SPECIAL_ARCHIVE
};

#define MAX_MAILBOX_PATH (MAX_MAILBOX_DEPTH * (MAX_MAILBOX_PART + 1))
/* Of one person. */
#define MAX_MAILBOXES 10000

struct mailbox_view {
	uint32_t id;
	uint32_t account;
	uint32_t parent; /* 0: at the top */
	enum special_use special_use;
	uint32_t uidvalidity; /* RFC 9051 2.3.1.1; grows with each mailbox */
	uint32_t uidnext;
	uint64_t highest_modseq; /* RFC 7162 3.1.2; >= 1 */
	uint64_t lowest_modseq;  /* the change log is whole above it */
	uint32_t n_messages;
	uint32_t n_unseen;
	uint32_t n_deleted;
	uint64_t bytes;
	uint64_t object_id; /* RFC 8474 4.1: print it as text */
	int64_t created_s;
	struct span name; /* into name_storage */
	char name_storage[MAX_MAILBOX_PART];
};

/* Find by path. ERR_NONE. */
MUST_USE int mailbox_find(
    struct store *s, uint32_t account, struct span path, uint32_t *id_out);

/* ERR_NONE: none, or deleted. One record is read: cheap enough to ask in each
 * turn whether highest_modseq moved. */
MUST_USE int mailbox_get(
    struct store *s, uint32_t mailbox, struct mailbox_view *out);

/* highest_modseq alone; 0: no such mailbox. It moves with every append, change
 * of flags and expunge. */
uint64_t mailbox_modseq(struct store *s, uint32_t mailbox);

/* Append the whole path. ERR_NONE. */
MUST_USE int mailbox_path(struct store *s, uint32_t mailbox, struct buf *out);

/* Make one, and its ancestors where they are missing (RFC 9051 6.3.4).
 * ERR_EXISTS. ERR_INVALID: an empty level, a control character, not UTF-8.
 * ERR_LIMIT: depth, length of a level, MAX_MAILBOXES. ERR_NONE: no such
 * account. */
MUST_USE int mailbox_create(struct store *s, uint32_t account, struct span path,
    enum special_use use, uint32_t *id_out);

/* Move a mailbox, with what is below it, to a path whose missing ancestors are
 * made. ERR_NONE, ERR_EXISTS, ERR_DENIED: INBOX; ERR_INVALID: into itself, or
 * as for create; ERR_LIMIT: as for create, or more than
 * MAX_RENAME_BELOW are below a mailbox that comes to stand deeper than before
 * (they have to be looked at; all else is one record). */
MUST_USE int mailbox_rename(
    struct store *s, uint32_t mailbox, struct span new_path);

/* Delete with all messages: gone at once, swept later (rule 8). ERR_NONE,
 * ERR_DENIED: INBOX; ERR_BUSY: it has children (RFC 9051 7.1, HASCHILDREN). */
MUST_USE int mailbox_delete(struct store *s, uint32_t mailbox);

/* ERR_NONE. */
MUST_USE int mailbox_set_special_use(
    struct store *s, uint32_t mailbox, enum special_use use);

/* The child of parent (0: the top) whose name is least and > *name (empty to
 * begin); replaces *name. ERR_NONE: no more. */
MUST_USE int mailbox_next_child(struct store *s, uint32_t account,
    uint32_t parent, struct buf *name, uint32_t *id_out);

/* The least mailbox id >= *id of any account; sets it. ERR_NONE: no more. */
MUST_USE int mailbox_next(struct store *s, uint32_t *id);

/* Subscribe to a path, which need not exist (RFC 9051 6.3.7), or no more.
 * Doing it twice is no error. ERR_LIMIT: over 450 bytes. */
MUST_USE int mailbox_subscribe(
    struct store *s, uint32_t account, struct span path);
MUST_USE int mailbox_unsubscribe(
    struct store *s, uint32_t account, struct span path);
bool mailbox_is_subscribed(struct store *s, uint32_t account, struct span path);

/* The least subscribed path > *path (empty to begin); replaces it. */
MUST_USE int mailbox_next_subscription(
    struct store *s, uint32_t account, struct buf *path);

/* The bit (0 to 63) of a keyword, given in its first spelling, without regard
 * to case. ERR_NONE: not used here yet. */
MUST_USE int mailbox_find_keyword(
    struct store *s, uint32_t mailbox, struct span keyword, unsigned *bit_out);

/* The same, and give it a bit if it has none. A bit is never given back, also
 * when no message carries it any more: who remembers it over turns (a job) may
 * rely on it. ERR_LIMIT: MAX_KEYWORDS are
 * taken, or the name is too long; ERR_INVALID. */
MUST_USE int mailbox_add_keyword(
    struct store *s, uint32_t mailbox, struct span keyword, unsigned *bit_out);

/* Append the name of a bit. ERR_NONE. */
MUST_USE int mailbox_keyword(
    struct store *s, uint32_t mailbox, unsigned bit, struct buf *out);

/* --- delivery --- */

struct delivery_to {
	uint32_t mailbox;
	uint16_t flags;    /* MESSAGE_ flags of message.h */
	uint64_t keywords; /* bits of that mailbox */
};

struct queue_mail;
struct queue_outcome;

struct delivery {
	const struct body *body; /* from upload_finish */
	const struct delivery_to *to;
	size_t n_to; /* 1 to MAX_RCPTS; 0 with a queue */
	/* Into the queue (queue.h), in the same frame: at most
	 * DELIVER_MAX_QUEUE. */
	const struct queue_mail *queue;
	size_t n_queue;
	/* What this message tells of (a report): queue_settle in the same
	 * frame. */
	const struct queue_outcome *settle;
	size_t n_settle;
	int64_t internal_date_s; /* RFC 9051 2.3.3 */
	int16_t zone_minutes;    /* of the internal date */
	uint64_t thread_id;      /* RFC 8474 5.2; 0: its own */
};

#define DELIVER_MAX_QUEUE 2

struct delivered {
	uint32_t uid;
	uint32_t uidvalidity;
	uint64_t modseq;
};

/* Put a message into all these mailboxes, or none: one frame of the journal,
 * one body. Quota is not asked. out has n_to elements, or is NULL; body_id_out
 * may be NULL. ERR_NONE: a mailbox is gone, or its person (nothing is
 * delivered). ERR_LIMIT: no recipient or too many. ERR_FULL. */
MUST_USE int mailbox_deliver(struct store *s, const struct delivery *d,
    struct delivered *out, uint64_t *body_id_out);

/* Deliveries that one call takes (RFC 3502), and what their inline bodies
 * (upload_inline_bytes of upload.h) may come to: a body past it is spilled. */
#define DELIVER_MAX_MANY     200
#define DELIVER_INLINE_BYTES (160 * 1024)

/* Make n deliveries, or none: they are never parted by a frame of the journal,
 * and the failure of one undoes all. out has the sum of their n_to elements, in
 * order, or is NULL; body_ids_out has n, or is NULL. Errors as above, and
 * ERR_LIMIT: more than DELIVER_MAX_MANY, DELIVER_INLINE_BYTES, or MAX_RCPTS
 * recipients in all. */
MUST_USE int mailbox_deliver_many(struct store *s, const struct delivery *d,
    size_t n, struct delivered *out, uint64_t *body_ids_out);

/* --- the exclusive session of POP3 (RFC 1939 4), in memory --- */

/* ERR_BUSY: locked already. ERR_NONE: no such mailbox. ERR_NOMEM. */
MUST_USE int mailbox_lock(struct store *s, uint32_t mailbox);
void mailbox_unlock(struct store *s, uint32_t mailbox);

#endif
