/* lane.h - one connection's work: a destination, and one message after
 * another over it. Room-private.
 */
#ifndef TINPOST_QUEUE_LANE_H
#define TINPOST_QUEUE_LANE_H

#include "base/arena.h"
#include "base/log.h"
#include "net/loop.h"
#include "queue/mx.h"
#include "queue/outcome.h"
#include "queue/sts.h"
#include "queue/access_token.h"
#include "smtp/smtp_out.h"

#define LANE_RCPTS 50 /* of one message, sent in one transaction */

struct lane {
	struct lane *next;
	struct mover *q;
	char name[MAX_DEST_BYTES]; /* of the destination */
	size_t name_len;
	struct relay_view *relay; /* NULL: by MX */
	struct mx mx;
	struct access_token token;        /* of a relay that wants one */
	bool has_renewed;                 /* it was refused once */
	struct sts sts;                   /* none with a relay */
	struct smtp_out *out;             /* NULL: no host yet */
	struct job job;                   /* runs when something has changed */
	uint32_t n_sent;                  /* messages over this connection */
	char last[MAX_QUEUE_REPLY_BYTES]; /* why the last host failed */
	size_t last_len;
	bool is_over; /* to be freed */
	/* Of the hosts tried for a message that requires TLS: why not, and
	 * whether others failed in ways that pass. */
	const char *unfit;
	bool had_trouble;
	bool is_fault_counted; /* of sts */
	bool is_strict; /* a host was refused for its TLS, by our policy */
	/* The message in hand. */
	struct arena arena;
	bool has_message, is_given;
	struct queue_message_view message;
	uint32_t index[LANE_RCPTS];
	uint32_t notify[LANE_RCPTS];
	uint32_t attempts[LANE_RCPTS];
	struct smtp_out_rcpt rcpts[LANE_RCPTS];
	size_t n_rcpts;
	struct smtp_out_message sending;
};

static inline struct span
lane_name(const struct lane *n)
{
	return span_of(n->name, n->name_len);
}

/* The host at hand. */
static inline struct span
lane_host(const struct lane *n)
{
	return span_of(n->mx.host, n->mx.host_len);
}

/* Begin to work for a destination, with a message in hand. ERR_NONE: nothing
 * can be sent there now. ERR_NOMEM. */
MUST_USE int lane_new(
    struct mover *q, const struct queue_dest *d, struct lane **out);
void lane_free(struct lane *n);

/* Something that it waits for has happened: it runs soon. */
void lane_wake(void *owner);

/* --- lane_pick.c: the message in hand --- */

/* Have the next message in hand. ERR_NONE. */
MUST_USE int lane_pick(struct lane *n);

/* The same of one kind (store/queue.h), with all of these QUEUE_ flags. */
MUST_USE int lane_pick_from(struct lane *n, bool is_bulk, uint32_t flags);

void lane_drop_message(struct lane *n);

/* --- lane_settle.c: what becomes of it --- */

/* Write the results of the message in hand. *is_host_out: the host is at
 * fault. */
MUST_USE int lane_settle(struct lane *n, bool *is_host_out);

/* All in hand fares alike, without asking a host. */
MUST_USE int lane_settle_all(
    struct lane *n, enum smtp_out_what what, struct span words);

/* The destination is held back. */
void lane_hold_back(struct lane *n, struct span words);

/* The host took a message: nothing is held against it. */
void lane_absolve(struct lane *n);

/* "550 5.1.1 text", kept in the arena. */
struct span lane_words(struct lane *n, const struct smtp_out_result *r);

/* --- lane_token.c --- */

/* Have the access token that the relay wants; TOKEN_READY where it wants none.
 * TOKEN_FAILED: why stands in n->last. */
enum token_state lane_token(struct lane *n);

/* The relay did not take the token: another one is fetched, once. Returns
 * whether; then the same host is to be tried again. */
bool lane_renews_token(struct lane *n, const struct smtp_out_result *why);

/* --- lane_tls.c --- */

/* What a connection for the message in hand must have, at the host found. */
enum smtp_out_tls lane_tls(const struct lane *n);

/* Does the message in hand require TLS all the way (RFC 8689)? */
bool lane_requires_tls(const struct lane *n);

/* Is it proved that the host at hand takes the domain's mail? */
bool lane_is_proved(const struct lane *n);

/* May the message in hand go over the open connection? */
bool lane_fits(const struct lane *n);

/* The connection failed on its way, or has taken its first message: remember
 * what it is. */
void lane_note_dead(struct lane *n, const struct smtp_out_result *why);
void lane_note_first(struct lane *n);

/* tls=verified, tls=unverified or tls=clear, and why. */
void lane_log_tls(const struct lane *n, struct log *l);

/* --- lane_policy.c --- */

/* Look for the policy of the domain (sts.h). */
void lane_begin_sts(struct lane *n);

/* May the message in hand go to the host at hand, by that policy? */
bool lane_allows_host(const struct lane *n);

/* What rules over TLS on this way, for the log. */
const char *lane_policy_name(const struct lane *n);

/* Note why the host at hand was of no use, in these words; if it is that it did
 * not keep to its domain's policy, it is told as such. */
void lane_set_last(
    struct lane *n, const struct smtp_out_result *why, struct span words);

/* The policy does not name the host at hand: no mail to it, and the next one
 * (RFC 8461 5). */
void lane_pass_over(struct lane *n);

/* Log what a policy in testing would have refused (RFC 8461 5.1): after
 * the first message over a connection. */
void lane_log_tested(const struct lane *n);

/* --- lane_count.c: what is counted for reports about TLS (RFC 8460) --- */

/* A connection has taken its first message; with why, it failed. */
void lane_count_tls(const struct lane *n, const struct smtp_out_result *why);
/* The policy does not name the host at hand. */
void lane_count_unnamed(const struct lane *n);
/* The policy is known, or could not be fetched: once. */
void lane_count_policy(struct lane *n);

/* --- of mover.c, for lanes --- */

const struct mover_env *lane_env(const struct mover *q);
struct mover_stats *lane_stats(struct mover *q);

static inline struct store *
lane_store(const struct lane *n)
{
	return lane_env(n->q)->store;
}

/* Is this message being sent to this destination? */
bool lane_is_taken(const struct mover *q, struct span name, uint64_t id);

/* May one more message go through a provider now? It is counted, unless
 * is_look. Else *until_s. */
bool lane_may_send(
    struct mover *q, const struct relay *r, bool is_look, int64_t *until_s);

/* In a turn that writes an outcome anyway: what was counted. */
void lane_save_rate(struct mover *q, const struct relay *r);

/* The lane has ended: it is freed later, and others may begin. */
void lane_ended(struct lane *n);

#endif
