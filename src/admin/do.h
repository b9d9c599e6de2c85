/* do.h - the functions behind the rows of the command table (room-private).
 * Each family has its file, do_FAMILY.c.
 */
#ifndef TINPOST_ADMIN_DO_H
#define TINPOST_ADMIN_DO_H

#include "admin/run.h"

#define DO_START(name) int do_##name##_start(struct run *r)
#define DO_STEP(name)  enum run_step do_##name##_step(struct run *r)
#define DO_STOP(name)  void do_##name##_stop(struct run *r)
#define DO_FEED(name)                                                          \
	int do_##name##_feed(                                                  \
	    struct run *r, enum frame_type type, struct span payload)

DO_START(user_add);
DO_STEP(user_add);
DO_FEED(user_add);
DO_STOP(user_add);
DO_START(user_del);
DO_START(user_list);
DO_STEP(user_list);
DO_START(user_password);
DO_STEP(user_password);
DO_STOP(user_password);
DO_START(user_quota);
DO_START(user_rename);
DO_START(user_disable);
DO_START(user_enable);

DO_START(owner_password);
DO_START(owner_list);
DO_START(owner_add);
DO_START(owner_del);

DO_START(domain_add);
DO_START(domain_del);
DO_START(domain_list);

/* The argument DOMAIN in its normal form, in key. Errors are told. */
MUST_USE int do_domain_arg(struct run *r, struct buf *key, struct span *out);

DO_START(dkim_add);
DO_STEP(dkim_add);
DO_STOP(dkim_add);
DO_START(dkim_rotate);
DO_START(dkim_remove);
DO_START(dkim_list);
DO_START(dkim_show);

DO_START(alias_add);
DO_START(alias_del);
DO_START(alias_list);
DO_STEP(alias_list);
DO_START(group_add);
DO_START(group_list);
DO_START(member_add);
DO_START(member_del);

DO_START(set);
DO_START(unset);
DO_START(get);
DO_START(settings);
DO_STEP(settings);

DO_START(dns);
DO_STEP(dns);
DO_STOP(dns);
DO_START(report_list);
DO_STEP(report_list);
DO_START(report_send);
DO_START(queue_list);
DO_STEP(queue_list);
DO_START(queue_show);
DO_START(queue_retry);
DO_START(queue_hold);
DO_START(queue_release);
DO_START(queue_drop);
DO_START(queue_expire);
DO_STEP(queue_act);
DO_START(relay_add);
DO_START(relay_login);
DO_START(relay_token);
DO_START(relay_remove);
DO_START(relay_list);
DO_START(device_add);
DO_START(device_set);
DO_START(device_del);
DO_START(device_list);
DO_START(device_show);
DO_START(status);
DO_START(trace);
DO_STEP(trace);
DO_START(cert_set);
DO_FEED(cert_set);
DO_STEP(cert_set);
DO_STOP(cert_set);
DO_START(cert_show);
DO_START(cert_del);

DO_START(import);
DO_STEP(import);
DO_FEED(import);
DO_STOP(import);

DO_START(export);
DO_STEP(export);
DO_FEED(export);
DO_STOP(export);
DO_START(backup);
DO_STEP(backup);
DO_STOP(backup);
DO_START(check);
DO_STEP(check);
DO_STOP(check);

#endif
