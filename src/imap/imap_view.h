/* imap_view.h - what one session sees of its selected mailbox.
 *
 * The view is the set of UIDs that the client knows of: its sequence numbers
 * are ranks in it. It is the mailbox as it was at one MODSEQ, and shared by all
 * sessions that stand there (imap_uids.h), so a session costs bytes. The view
 * stands still while a command runs; imap_view_sync walks the change log from
 * where the view stands to now, tells the client, and takes the set of now.
 *
 * SELECT needs no set, only counts. The set is made before the next command,
 * in slices: imap_view_prepare. Until it returned 0, nothing but the count may
 * be asked.
 *
 * A message that was expunged by another session stays in the view until the
 * client may be told (RFC 9051 7.5.1: not while FETCH, STORE or SEARCH is in
 * progress): message_get says ERR_NONE for it then (RFC 2180 4.1). What changed
 * behind an expunge that may not be told yet waits with it.
 *
 * What a session did itself, and answered itself, it does not tell again:
 * imap_view_own.
 *
 * A mailbox that is deleted under its session ends the session with BYE (RFC
 * 2180 3.3), since no answer about it would be true any more.
 */
#ifndef TINPOST_IMAP_IMAP_VIEW_H
#define TINPOST_IMAP_IMAP_VIEW_H

#include "base/list.h"
#include "base/rangeset.h"

struct imap;
struct imap_set;
struct imap_uids; /* the shared set: imap_uids.h */

struct imap_view {
	uint32_t mailbox;
	bool is_read_only;
	bool is_deleted;      /* the mailbox is gone: the session says BYE */
	bool is_idle;         /* wake the session when something changes */
	bool has_saved;       /* saved is in use */
	bool is_comparing;    /* the log was cut: flags are being compared */
	bool is_new;          /* the set is made in a later turn than SELECT */
	uint64_t seen_modseq; /* all up to here is told */
	struct imap_uids *uids;
	/* Own changes: MODSEQs - own_base. */
	uint64_t own_base;
	struct rangeset own;
	struct rangeset
	    saved; /* "$": UIDs (RFC 5182); may hold expunged ones */
	struct rangeset recent; /* UIDs (imap_recent.h); may hold expunged */
	uint32_t n_recent;      /* RECENT, as the client counts */
	uint64_t keywords_told; /* bits that FLAGS has named */
	uint32_t n_told;        /* EXISTS, as the client counts */
	uint32_t told_uid;      /* of the change being told, up to here */
	/* The log was cut: the set of now, and its MODSEQ. NULL: it was not. */
	struct imap_uids *now;
	uint64_t now_modseq;
	struct list link; /* of all views of the mailbox */
	struct imap *session;
};

/* Select a mailbox: everything of it is known to the client from now on (so
 * EXISTS is to be told: imap_view_count). ERR_NONE, ERR_NOMEM.
 * imap_view_close: no view is fine. */
MUST_USE int imap_view_open(
    struct imap *i, uint32_t mailbox, bool is_read_only);
void imap_view_close(struct imap *i);

/* Make the set, if that is not done, a slice of well under a millisecond:
 * returns 1 to be called again, 0 when the view can be used (also when there is
 * none), or an error: ERR_GONE: the mailbox was deleted, or too much changed
 * since SELECT; the session says BYE. */
MUST_USE int imap_view_prepare(struct imap *i);

uint32_t imap_view_count(const struct imap_view *v);
/* The UID of a sequence number 1..count; 0 past the end. */
uint32_t imap_view_uid(const struct imap_view *v, uint32_t seq);
/* The sequence number of a UID; 0: not in the view. */
uint32_t imap_view_seq(const struct imap_view *v, uint32_t uid);
/* The least UID of the view >= uid; false: none. */
bool imap_view_next(const struct imap_view *v, uint32_t uid, uint32_t *out);
uint32_t imap_view_last_uid(const struct imap_view *v); /* 0: empty */
/* Borrowed until the next imap_view_sync. */
const struct rangeset *imap_view_uids(const struct imap_view *v);

/* The messages that a sequence-set means (of sequence numbers, or of UIDs when
 * is_uid), as UIDs that are in the view. "*" is the last message (RFC 9051 9).
 * ERR_SYNTAX: a sequence number past the mailbox (BAD). UIDs that are not
 * there are passed over. ERR_NOMEM. out is initialised by the caller. */
MUST_USE int imap_view_resolve(const struct imap_view *v,
    const struct imap_set *set, bool is_uid, struct rangeset *out);

/* The same for a key of SEARCH: sequence numbers past the mailbox are no
 * message's, too. Deviation: RFC 9051 9 would have BAD; clients search while
 * others expunge, and know of it later. */
MUST_USE int imap_view_search(const struct imap_view *v,
    const struct imap_set *set, bool is_uid, struct rangeset *out);

/* Walking a set in order, with sequence numbers in O(1) a step: for FETCH and
 * SEARCH over 100,000 messages. To begin behind a UID, set uid after init. */
struct imap_walk {
	uint32_t uid; /* of the current message */
	uint32_t seq;
	size_t range;         /* of the set walked over */
	size_t view_range;    /* of the view */
	uint32_t view_before; /* members of the view before that range */
};
void imap_walk_init(struct imap_walk *w);
/* The next member of set (a subset of the view) after w->uid. */
bool imap_walk_next(
    struct imap_walk *w, const struct imap_view *v, const struct rangeset *set);
/* This session changed the mailbox, and told the client already (STORE's FETCH
 * replies, or .SILENT): modseq is what the store gave the change. Without
 * memory it is told twice, which is harmless. */
void imap_view_own(struct imap_view *v, uint64_t modseq);

/* Before a FETCH with these keyword bits: put FLAGS and PERMANENTFLAGS if one of
 * them has not been named yet (RFC 9051 7.3.5) and the output has room for that
 * and IMAP_REPLY_BYTES behind it; else a later FETCH does it. */
void imap_view_tell_keywords(struct imap *i, uint64_t keywords);
/* Put FLAGS and PERMANENTFLAGS: at most IMAP_FLAGS_BYTES. */
#define IMAP_FLAGS_BYTES (14 * 1024)
void imap_view_put_flags(struct imap *i);

/* Put "* seq FETCH (...)" with these parts: at most IMAP_FETCH_BYTES. */
#define IMAP_TELL_UID    0x1u
#define IMAP_TELL_MODSEQ 0x2u
#define IMAP_TELL_FLAGS  0x4u
#define IMAP_FETCH_BYTES 6700
struct message;
void imap_view_put_fetch(
    struct imap *i, uint32_t seq, const struct message *m, unsigned parts);

/* Tell what changed since, in pieces: EXPUNGE or VANISHED (only if
 * may_expunge; else everything behind the first of them waits too), EXISTS,
 * FETCH with FLAGS (UID with them, MODSEQ where CONDSTORE is on), FLAGS when
 * there is a new keyword. Returns 1 when more is to be told (call again, with
 * the same may_expunge, when the output has IMAP_REPLY_BYTES of room), 0 when
 * the view is up to date, or an error: ERR_GONE: the mailbox was deleted.
 * Puts as much as there is room for. */
MUST_USE int imap_view_sync(struct imap *i, bool may_expunge);

/* For this module's files: a set of now, shared if there is one; a slice of
 * making one; take the set of another view that stands at the same place. */
struct imap_box;
struct mailbox_view;
struct imap_uids *imap_view_take_now(
    struct imap_box *b, const struct mailbox_view *m);
MUST_USE int imap_view_make(struct imap_uids *u);
void imap_view_share(struct imap_view *v);

/* Wake the sessions that idle on this mailbox: the store's watcher. arg: NULL,
 * or the struct store whose mailbox it is. */
void imap_view_changed(void *arg, uint32_t mailbox);

#endif
