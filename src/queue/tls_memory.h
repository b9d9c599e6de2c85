/* tls_memory.h - which domains have taken mail over TLS, so that it is noticed
 * when one does no longer.
 *
 * Without a policy of its own (MTA-STS) a domain is served as well as its
 * hosts allow, in the clear too (RFC 7435): whoever stands between can take
 * the offer of TLS away. What the domain gave before tells of that. A fact of
 * memo.h, MEMO_TLS, good for 30 days after the last TLS:
 *
 *	key	domain
 *	value	"tls" or "verified", since when it gives less (0: it does
 *		not), the host that was verified; parted by spaces
 *
 * Relays have their own demands, and nothing is remembered of them.
 */
#ifndef TINPOST_QUEUE_TLS_MEMORY_H
#define TINPOST_QUEUE_TLS_MEMORY_H

#include "queue/mover.h"
#include "smtp/smtp_out.h"

/* What a connection to a host of the domain must have by what we remember:
 * TLS_OPPORTUNISTIC, TLS_REQUIRED or TLS_VERIFIED. More than the first only
 * where the setting says to wait, and for its time. */
enum smtp_out_tls tls_memory_demand(
    const struct mover_env *env, struct span domain, struct span host);

/* A connection has come as far as TLS, or failed there: remember what it gave,
 * or say in the log that it is less than before. is_held: the mail was not
 * given to it. */
void tls_memory_note(const struct mover_env *env, struct span domain,
    struct span host, const struct smtp_out_facts *f, bool is_held);

#endif
