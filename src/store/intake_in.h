/* intake_in.h - what intake.c and intake_mail.c have in common. Room-private. */
#ifndef TINPOST_STORE_INTAKE_IN_H
#define TINPOST_STORE_INTAKE_IN_H

#include "store/intake.h"

/* Keep the open transactions within their bound (rule 9), and room ahead. */
MUST_USE int intake_make_room(struct intake *in);

/* One more mailbox of a person, or more bytes and messages in theirs. */
MUST_USE int intake_add_usage(
    struct intake *in, uint32_t account, const struct usage *more);

/* --- of intake_mail.c --- */

/* Write the counts of the mailbox whose messages came in. */
MUST_USE int intake_leave_mailbox(struct intake *in);

/* The lines of a message, and of a body whose file follows. */
MUST_USE int intake_take_message(struct intake *in, struct line *l);
MUST_USE int intake_take_body(struct intake *in, struct line *l);

/* --- of queue_backup.c --- */

MUST_USE int intake_end_queued(struct intake *in);
MUST_USE int intake_take_queued(struct intake *in, struct line *l);
MUST_USE int intake_take_rcpt(struct intake *in, struct line *l);
MUST_USE int intake_take_relay(struct intake *in, struct line *l);

#endif
