/* message.h - the messages of a mailbox. */
#ifndef TINPOST_STORE_MESSAGE_H
#define TINPOST_STORE_MESSAGE_H

#include "base/limits.h"
#include "base/rangeset.h"

struct store;

/* RFC 9051 2.3.2. Keywords are bits of their own (mailbox.h). */
#define MESSAGE_SEEN     0x01u
#define MESSAGE_ANSWERED 0x02u
#define MESSAGE_FLAGGED  0x04u
#define MESSAGE_DELETED  0x08u
#define MESSAGE_DRAFT    0x10u
#define MESSAGE_FLAGS    0x1fu

/* Messages that one change of flags, expunge or copy may name. */
#define MESSAGE_FLAGS_BATCH   60
#define MESSAGE_EXPUNGE_BATCH 20
#define MESSAGE_COPY_BATCH    20

struct message {
	uint32_t uid;
	uint16_t flags;
	int16_t zone_minutes; /* of internal_date_s */
	uint64_t keywords;    /* bit n: keyword n of the mailbox */
	uint64_t body;        /* id, for body.h; also EMAILID */
	uint64_t bytes;       /* as read back: RFC822.SIZE, POP3 octets */
	uint64_t modseq;
	uint64_t born_modseq;
	int64_t internal_date_s;
	int64_t saved_s; /* SAVEDATE (RFC 8514): in this mailbox since */
	uint64_t thread_id;
};

/* ERR_NONE: no such message, or expunged. */
MUST_USE int message_get(
    struct store *s, uint32_t mailbox, uint32_t uid, struct message *out);

/* The message with the least UID >= uid_from. ERR_NONE: no more. */
MUST_USE int message_next(
    struct store *s, uint32_t mailbox, uint32_t uid_from, struct message *out);

/* Fill out with the messages of UID >= uid_from in order, at most max:
 * *n_out. About 0.2 us each. */
MUST_USE int message_some(struct store *s, uint32_t mailbox, uint32_t uid_from,
    struct message *out, uint32_t max, uint32_t *n_out);

/* The message with the greatest UID <= uid_from. ERR_NONE. */
MUST_USE int message_previous(
    struct store *s, uint32_t mailbox, uint32_t uid_from, struct message *out);

/* Add the UIDs of up to max messages from *uid_from on to out, and set
 * *uid_from to where to go on; 0: that was all. About 0.2 us each. */
MUST_USE int message_uids(struct store *s, uint32_t mailbox, uint32_t *uid_from,
    uint32_t max, struct rangeset *out);

/* How flags are changed (RFC 9051 6.4.6). */
enum message_how { MESSAGE_REPLACE, MESSAGE_ADD, MESSAGE_REMOVE };

struct message_flags {
	enum message_how how;
	uint16_t flags;
	uint64_t keywords;
	/* RFC 7162 3.1.3: change only messages whose MODSEQ is not above;
	 * UINT64_MAX: all. */
	uint64_t unchanged_since;
};

/* Change the flags of at most MESSAGE_FLAGS_BATCH UIDs. Those that are not
 * there, have the flags already, or fail unchanged_since (added to *failed_out
 * if that is not NULL) are passed over. All that change get one MODSEQ,
 * *modseq_out: 0 when none did. ERR_LIMIT: too many; ERR_NONE: no mailbox. */
MUST_USE int message_set_flags(struct store *s, uint32_t mailbox,
    const struct rangeset *uids, const struct message_flags *f,
    struct rangeset *failed_out, uint64_t *modseq_out);

/* Expunge at most MESSAGE_EXPUNGE_BATCH UIDs; those not there are passed over.
 * *n_out: how many went. ERR_LIMIT, ERR_NONE. */
MUST_USE int message_expunge(struct store *s, uint32_t mailbox,
    const struct rangeset *uids, uint32_t *n_out);

/* What a set of messages sums up to: begin with zeros, modseq from
 * mailbox_modseq, and add each message with message_total, in as many slices
 * as it takes. */
struct expunge_totals {
	uint64_t modseq; /* of the mailbox, before the first was added */
	uint64_t bytes;
	uint32_t n_messages;
	uint32_t n_unseen;
	uint32_t n_deleted;
};

void message_total(struct expunge_totals *t, const struct message *m);

/* Expunge any number at once, all or none: one small operation hides them,
 * sweeps remove them later (rule 8): the QUIT of POP3. totals must be of
 * exactly this set. ERR_AGAIN: flags changed or something was expunged since
 * totals->modseq: sum up again. ERR_LIMIT: the set does not fit an operation.
 * ERR_NONE: no such mailbox. */
MUST_USE int message_expunge_set(struct store *s, uint32_t mailbox,
    const struct rangeset *uids, const struct expunge_totals *totals);

/* Copy at most MESSAGE_COPY_BATCH messages, in the order of their UIDs; flags
 * and dates go along, keywords by the map (keyword_to[bit] of the source is a
 * bit of the target, 0xff: dropped). first_uid_out: the copies have n_out UIDs
 * from there on without a gap; those not there are passed over and put into
 * *missing_out. Quota is not asked. ERR_LIMIT, ERR_NONE: a mailbox. */
MUST_USE int message_copy(struct store *s, uint32_t from,
    const struct rangeset *uids, uint32_t to,
    const uint8_t keyword_to[MAX_KEYWORDS], struct rangeset *missing_out,
    uint32_t *first_uid_out, uint32_t *n_out);

/* Copy at most MESSAGE_COPY_BATCH messages and expunge them from where they
 * were (RFC 6851), both or neither: no frame of the journal parts the two. As
 * message_copy else; from and to may be one. The MODSEQ of each mailbox moves
 * by one (of one and the same: by two). */
MUST_USE int message_move(struct store *s, uint32_t from,
    const struct rangeset *uids, uint32_t to,
    const uint8_t keyword_to[MAX_KEYWORDS], struct rangeset *missing_out,
    uint32_t *first_uid_out, uint32_t *n_out);

#endif
