/* backup_in.h - the inside of a backup: backup.c writes lists, backup_mail.c
 * bodies and messages. Room-private.
 */
#ifndef TINPOST_STORE_BACKUP_IN_H
#define TINPOST_STORE_BACKUP_IN_H

#include "store/backup.h"
#include "store/inside.h"

enum part {
	PART_ABOUT,
	PART_SETTINGS,
	PART_DOMAINS,
	PART_PEOPLE,
	PART_ALIASES,
	PART_MAILBOXES,
	PART_BODIES,
	PART_MESSAGES,
	PART_RELAYS,
	PART_QUEUE,
	PART_END,
	PART_DONE
};

struct backup {
	struct store *s;
	struct store *snap;
	enum part part;
	struct buf list; /* lines not yet in a file */
	uint32_t n_lists;
	struct buf key;       /* the place in the part: a text, */
	struct buf value;     /* what was read there; scratch */
	struct buf folder;    /* of the links of a mailbox */
	uint32_t id;          /* or a number, */
	uint32_t uid;         /* and a message in it */
	uint64_t queued;      /* the message in the queue, `uid` its index */
	uint64_t body;        /* the last body begun */
	uint64_t body_bytes;  /* of it */
	uint64_t body_offset; /* written of it */
	bool is_in_body;
	bool has_gap;          /* some of it could not be read */
	uint32_t last_mailbox; /* that was listed */
	uint32_t crc;          /* of the content of all files, so many bytes */
	uint64_t content_bytes;
	struct backup_totals totals;
};

/* Write the head of an entry; link is empty for a file. */
void backup_put_header(struct backup *b, struct buf *out, struct span path,
    struct span link, uint64_t bytes);

/* Write some of a file's content, and sum it up. */
void backup_put_content(struct backup *b, struct buf *out, struct span content);

/* Write the lines that wait as the next file of the part. */
void backup_flush_list(struct backup *b, struct buf *out);

/* The parts of queue_backup.c: as those below. */
MUST_USE int backup_queue(struct backup *b, struct buf *out);
MUST_USE int backup_relays(struct backup *b, struct buf *out);

/* The parts of backup_mail.c: one record a call; ERR_NONE: that was all. */
MUST_USE int backup_bodies(struct backup *b, struct buf *out);
MUST_USE int backup_messages(struct backup *b, struct buf *out);

#endif
