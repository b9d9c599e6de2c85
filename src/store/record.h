/* record.h - how the index's values are laid out; keys: key.h. Room-private.
 *
 * Each value begins with a version byte. A get returns ERR_DAMAGED for bytes
 * that no put wrote, and never reads past them; a put fills a caller's
 * struct record. Numbers are big-endian.
 */
#ifndef TINPOST_STORE_RECORD_H
#define TINPOST_STORE_RECORD_H

#include "base/buf.h"
#include "base/cursor.h"
#include "store/account.h"
#include "store/address.h"
#include "store/event.h"
#include "store/key.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/volume.h"

#define RECORD_BYTES 2048

/* A value being laid out. */
struct record {
	struct buf buf;
	char storage[RECORD_BYTES];
};

void record_init(struct record *r);

static inline struct span
record_span(const struct record *r)
{
	return buf_span(&r->buf);
}

/* The whole store. */
struct meta {
	uint32_t format;
	uint64_t store_id;
	int64_t created_s;
	uint64_t applied;           /* sequence of the last operation in here */
	uint64_t generation;        /* of the journal */
	uint64_t closed_generation; /* the one before: ended at `applied` */
	uint64_t journal_bytes;
	/* The next ones to be given. */
	uint64_t next_event;
	uint64_t next_intent; /* queued messages are numbered by it too */
	uint64_t last_body;   /* the greatest ever */
	uint32_t next_account;
	uint32_t next_mailbox;
	uint32_t next_alias;
	uint32_t last_uidvalidity;
};

/* What this program writes. */
#define STORE_FORMAT 1

enum mailbox_state { MAILBOX_LIVE = 1, MAILBOX_DELETED = 2 };

struct mailbox_rec {
	struct mailbox_view v; /* v.id is of the key */
	enum mailbox_state state;
	uint32_t n_changes; /* rows in the change log */
};

enum account_state { ACCOUNT_LIVE = 1, ACCOUNT_DELETED = 2 };

struct account_rec {
	struct account_view v; /* v.id is of the key */
	enum account_state state;
};

struct usage {
	uint64_t bytes;
	uint32_t n_messages;
	uint32_t n_mailboxes;
};

enum change_row { ROW_FLAGS = 1, ROW_VANISHED = 2 };

enum intent_kind {
	INTENT_EXPUNGE = 1, /* subject is a mailbox */
	INTENT_MAILBOX = 2,
	INTENT_ACCOUNT = 3
};

void record_put_meta(struct record *r, const struct meta *m);
/* ERR_TOO_NEW: of a newer program; m->format is set. */
MUST_USE int record_get_meta(struct span value, struct meta *m);

void record_put_mailbox(struct record *r, const struct mailbox_rec *m);
MUST_USE int record_get_mailbox(struct span value, struct mailbox_rec *m);

void record_put_account(struct record *r, const struct account_rec *a);
MUST_USE int record_get_account(struct span value, struct account_rec *a);

void record_put_usage(struct record *r, const struct usage *u);
MUST_USE int record_get_usage(struct span value, struct usage *u);

void record_put_address(struct record *r, const struct address_entry *e);
MUST_USE int record_get_address(struct span value, struct address_entry *e);

void record_put_message(struct record *r, const struct message *m);
/* m->uid is of the key, and not set. */
MUST_USE int record_get_message(struct span value, struct message *m);

void record_put_body(struct record *r, const struct body_place *b);
MUST_USE int record_get_body(struct span value, struct body_place *b);

/* A single number: a mailbox of `name`, live bytes of `volume`. */
void record_put_number(struct record *r, uint64_t v);
MUST_USE int record_get_number(struct span value, uint64_t *out);

/* Text behind a version byte: keywords, settings. */
void record_put_text(struct buf *b, struct span text);
MUST_USE int record_get_text(struct span value, struct span *out);

/* A row of the change log, or an intent's set. `b` is the caller's. */
void record_put_change(
    struct buf *b, enum change_row kind, const struct rangeset *uids);
MUST_USE int record_get_change(
    struct span value, enum change_row *kind, struct rangeset *uids);

void record_put_intent(struct buf *b, enum intent_kind kind, uint32_t subject,
    const struct rangeset *uids);
MUST_USE int record_get_intent(struct span value, enum intent_kind *kind,
    uint32_t *subject, struct rangeset *uids);

/* e's spans point into value. */
void record_put_event(struct buf *b, const struct event *e);
MUST_USE int record_get_event(struct span value, struct event *e);

#endif
