/* apply.h - what carries each operation out (op.h). Room-private.
 *
 * Each reads its fields, checks, then puts; results go to s->result. An error
 * before the first put means that nothing happened.
 */
#ifndef TINPOST_STORE_APPLY_H
#define TINPOST_STORE_APPLY_H

#include "store/op.h"

typedef int apply_fn(struct store *s, struct fields *f);

apply_fn setting_apply_put;
apply_fn setting_apply_delete;
apply_fn domain_apply_create;
apply_fn domain_apply_delete;
apply_fn account_apply_create;
apply_fn account_apply_change;
apply_fn account_apply_delete;
apply_fn address_apply_create;
apply_fn address_apply_delete;
apply_fn address_apply_add_target;
apply_fn address_apply_remove_target;
apply_fn mailbox_apply_create;
apply_fn mailbox_apply_rename;
apply_fn mailbox_apply_delete;
apply_fn mailbox_apply_special;
apply_fn mailbox_apply_subscribe;
apply_fn mailbox_apply_unsubscribe;
apply_fn mailbox_apply_keyword;
apply_fn deliver_apply;
apply_fn message_apply_flags;
apply_fn message_apply_expunge;
apply_fn message_apply_expunge_set;
apply_fn message_apply_copy;
apply_fn event_apply;
apply_fn sweep_apply;
apply_fn sweep_apply_forget;
apply_fn queue_apply_put;
apply_fn queue_apply_add;
apply_fn queue_apply_settle;
apply_fn queue_apply_dest;
apply_fn queue_apply_times;
apply_fn relay_apply_put;
apply_fn relay_apply_remove;
apply_fn memo_apply_put;
apply_fn memo_apply_delete;
apply_fn memo_apply_sweep;

/* A UIDVALIDITY for the next mailbox to be made (mailbox.c). */
uint32_t mailbox_fresh_uidvalidity(struct store *s);

#endif
