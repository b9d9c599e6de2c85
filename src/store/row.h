/* row.h - reading and writing the rows that many operations touch.
 * Room-private.
 */
#ifndef TINPOST_STORE_ROW_H
#define TINPOST_STORE_ROW_H

#include "store/inside.h"

/* ERR_NONE: none, or deleted, unless is_any. */
MUST_USE int row_get_mailbox(
    struct store *s, uint32_t id, bool is_any, struct mailbox_rec *out);
/* The same for who makes an operation that puts messages there: also ERR_NONE
 * when its person is deleted, and the sweep will take it with all it holds.
 * Not for apply: what a journal holds was made before this was asked. */
MUST_USE int row_get_target(
    struct store *s, uint32_t id, struct mailbox_rec *out);
MUST_USE int row_put_mailbox(struct store *s, const struct mailbox_rec *m);

MUST_USE int row_get_account(
    struct store *s, uint32_t id, bool is_any, struct account_rec *out);
MUST_USE int row_put_account(struct store *s, const struct account_rec *a);

MUST_USE int row_get_usage(
    struct store *s, uint32_t account, struct usage *out);
MUST_USE int row_put_usage(
    struct store *s, uint32_t account, const struct usage *u);

/* Hidden ones too. */
MUST_USE int row_get_message(
    struct store *s, uint32_t mailbox, uint32_t uid, struct message *out);
/* The one with the least UID >= uid_from, hidden or not. ERR_NONE. */
MUST_USE int row_next_message(
    struct store *s, uint32_t mailbox, uint32_t uid_from, struct message *out);
MUST_USE int row_put_message(
    struct store *s, uint32_t mailbox, const struct message *m);

MUST_USE int row_get_body(
    struct store *s, uint64_t body, struct body_place *out);
MUST_USE int row_put_body(
    struct store *s, uint64_t body, const struct body_place *b);

/* Take one reference from a body; without any it is to be removed (2 records).
 * ERR_DAMAGED: it has none. */
MUST_USE int row_unrefer(struct store *s, uint64_t body);

/* Remove a message's row and its reference to its body (3 records). */
MUST_USE int row_drop_message(
    struct store *s, uint32_t mailbox, const struct message *m);

/* Add to (n > 0) or take from the live bytes of a volume. */
MUST_USE int row_count_volume(
    struct store *s, uint32_t volume, uint64_t bytes, bool is_added);

/* Count a message in its mailbox and its owner's usage, in memory. */
void row_count_message(
    struct mailbox_rec *m, struct usage *u, const struct message *msg);

/* The inverse for what totals sum up to. ERR_DAMAGED: less is there. */
MUST_USE int row_uncount(
    struct mailbox_rec *m, struct usage *u, const struct expunge_totals *t);

/* Note that the operation moved a mailbox, for the watcher. */
void row_note_moved(struct store *s, uint32_t mailbox);

/* The change log's one way in: take the next MODSEQ of a mailbox, and unless
 * uids is NULL (an append), write a row for it. The mailbox is changed in
 * memory only; at most one old row is removed. */
MUST_USE int row_log_change(struct store *s, struct mailbox_rec *m,
    enum change_row kind, const struct rangeset *uids);

#endif
