/* advice.h - what a provider's refusal means for who sent the mail, in plain
 * words beside the provider's own. Pure. */
#ifndef TINPOST_QUEUE_ADVICE_H
#define TINPOST_QUEUE_ADVICE_H

#include "smtp/smtp_out.h"

/* Does a relay refuse the sender's address with this reply, for good? Some say
 * so at MAIL, others at RCPT or behind the text. */
bool advice_is_sender_refused(const struct smtp_out_result *r);

/* Append what to do, one sentence a line. user: as whom we signed in at the
 * relay; may be empty. */
void advice_put_sender(
    struct buf *out, struct span relay, struct span sender, struct span user);

#endif
