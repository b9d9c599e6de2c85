/* queue_in.h - the rows of queue.h. Room-private.
 *
 * Functions that put keep the order within a destination, its due time and its
 * count right; they are called by apply functions only, behind all checks.
 */
#ifndef TINPOST_STORE_QUEUE_IN_H
#define TINPOST_STORE_QUEUE_IN_H

#include "store/inside.h"
#include "store/op.h"
#include "store/queue.h"
#include "store/relay.h"

/* Recipients and outcomes of one operation (rule 8: 64 records): up to 5 and
 * up to 14 each. */
#define QUEUE_ADD_BATCH    10
#define QUEUE_SETTLE_BATCH 4

struct key queue_key_rcpt(uint64_t id, uint32_t index);
struct key queue_key_wait(const struct queue_rcpt *r);
struct key queue_key_notice(const struct queue_message *m);
struct key queue_key_due(int64_t due_s, struct span name);

void queue_record_message(struct record *r, const struct queue_message *m);
void queue_record_rcpt(struct record *r, const struct queue_rcpt *q);

/* ERR_DAMAGED. out's spans point into its storage; id and index are of the
 * key, and not set. */
MUST_USE int queue_parse_message(
    struct span value, struct queue_message_view *out);
MUST_USE int queue_parse_rcpt(struct span value, struct queue_rcpt_view *out);
MUST_USE int queue_parse_dest(struct span value, struct queue_dest_view *out);

/* Read the place behind a destination's name in a key of qwait. */
MUST_USE int queue_parse_wait(
    struct span key, struct span *name_out, struct queue_spot *out);

MUST_USE int queue_put_message(struct store *s, const struct queue_message *m);

/* Put a recipient's row in place of the old one (NULL: it is new), or remove it
 * (now is NULL), with its stand at its destination. */
MUST_USE int queue_change_rcpt(struct store *s, const struct queue_rcpt *old,
    const struct queue_rcpt *now);

/* Hold a destination back, or let it go. */
MUST_USE int queue_put_dest(
    struct store *s, struct queue_dest_view *d, bool is_new);

/* Begin, or end, a message's stand among the notices. */
MUST_USE int queue_notice(
    struct store *s, const struct queue_message *m, bool is_begun);

/* Remove a message without recipients, and its reference to the body. */
MUST_USE int queue_drop_message(struct store *s, const struct queue_message *m);

/* --- making, inside a group (op.h) --- */

/* What these take in the turn's buffer. */
size_t queue_mail_bytes(const struct queue_mail *q);
size_t queue_settle_bytes(const struct queue_outcome *o, size_t n);

MUST_USE int queue_check_mail(struct store *s, const struct queue_mail *q);
MUST_USE int queue_make(
    struct store *s, const struct queue_mail *q, uint64_t body);
MUST_USE int queue_make_settle(
    struct store *s, const struct queue_outcome *o, size_t n);

#endif
