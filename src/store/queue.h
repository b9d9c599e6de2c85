/* queue.h - mail on its way out: messages, their recipients, destinations.
 *
 * A queued message holds one reference to its body, however many recipients
 * it has. Each recipient waits at a destination: the domain of the address,
 * or "relay:SCOPE" where a rule of relay.h sends it through a provider.
 *
 *	queue		id			body, sender, ENVID, times, counts
 *	qrcpt		id, index		address, state, attempts, last reply
 *	qwait		destination NUL class	-
 *			time id index
 *	qdest		destination		held back until, failures, why
 *	qdue		time, destination	-
 *	qnotice		time, id		-
 *	relay		scope			host, port, user, secret
 *
 * qwait is one destination's work in order; qdue holds each destination once,
 * by the time when there is something to do for it; qnotice holds each message
 * by the time of its delay notice or its end. So to find what is due costs the
 * same with 100,000 messages as with 100, and a destination that is down is
 * one row, however much waits for it.
 *
 * What is being sent is noted in memory only, by the mover: after a crash it
 * is still waiting here, and is sent again.
 *
 * Times are wall-clock seconds since 1970.
 */
#ifndef TINPOST_STORE_QUEUE_H
#define TINPOST_STORE_QUEUE_H

#include "base/buf.h"
#include "base/limits.h"

struct store;

#define MAX_QUEUE_REPLY_BYTES 500
#define MAX_QUEUE_ENVID_BYTES 100 /* RFC 3461 4.4 */
#define MAX_QUEUE_ORCPT_BYTES 500 /* RFC 3461 4.2 */
#define MAX_QUEUE_TRACE_BYTES 32
#define MAX_DEST_BYTES        (MAX_ADDRESS_BYTES + 16)
/* A message up to here is small, and goes before others of its destination
 * while it is new. */
#define QUEUE_SMALL_BYTES (64 * 1024)
/* The texts of all recipients of one message: they travel in one frame. */
#define QUEUE_RCPTS_BYTES (96 * 1024)
/* Nothing waits longer than this between two attempts: a later time is the
 * mark of a clock that has jumped back, and counts as now. */
#define QUEUE_MAX_WAIT_S (2 * 86400)

/* Of a message. */
#define QUEUE_8BIT       0x01u /* BODY=8BITMIME */
#define QUEUE_UTF8       0x02u /* SMTPUTF8 */
#define QUEUE_REQUIRETLS 0x04u /* RFC 8689 */
#define QUEUE_FORWARDED  0x08u /* an alias or rule here sent it on */
#define QUEUE_DSN        0x10u /* a report of our own */
/* TLS-Required: No in its header (RFC 8689 5): better in the clear than not. */
#define QUEUE_TLS_OPTIONAL 0x20u
#define QUEUE_FLAGS        0x3fu

enum queue_ret { QUEUE_RET_NONE, QUEUE_RET_FULL, QUEUE_RET_HDRS };

/* RFC 3461 4.1; none: not given, which means FAILURE and DELAY. */
#define QUEUE_NOTIFY_NEVER   1u
#define QUEUE_NOTIFY_SUCCESS 2u
#define QUEUE_NOTIFY_FAILURE 4u
#define QUEUE_NOTIFY_DELAY   8u

/* Never renumber. */
enum queue_state { QUEUE_WAITING = 1, QUEUE_HELD = 2 };

struct queue_message {
	uint64_t id;
	uint64_t body; /* id, for body.h */
	uint64_t bytes;
	uint32_t account; /* who submitted it; 0: nobody of here */
	uint32_t n_rcpts; /* that it ever had; their indexes are below */
	uint32_t n_left;
	uint32_t flags;
	enum queue_ret ret;
	int64_t arrived_s;
	int64_t expires_s;
	int64_t notice_s;  /* of the delay notice; 0: none, or told */
	struct span from;  /* the reverse-path; empty: <> */
	struct span envid; /* xtext; empty: none */
	struct span trace; /* the id of reception in logs and events */
};

struct queue_message_view {
	struct queue_message m; /* spans into storage */
	char storage[MAX_ADDRESS_BYTES + MAX_QUEUE_ENVID_BYTES +
	             MAX_QUEUE_TRACE_BYTES];
};

struct queue_rcpt {
	uint64_t id; /* of the message */
	uint32_t index;
	enum queue_state state;
	uint32_t notify; /* QUEUE_NOTIFY_ bits */
	uint32_t attempts;
	int64_t next_s;
	int64_t last_s; /* of the last attempt; 0: none */
	bool is_bulk;   /* large, or tried before: after the small and new */
	bool is_delay_told;
	struct span address;
	struct span orcpt; /* as given: "rfc822;" and xtext; empty: none */
	struct span destination;
	struct span reply;  /* the last words about it; empty: none */
	struct span remote; /* who said them; empty: we did */
};

struct queue_rcpt_view {
	struct queue_rcpt r; /* spans into storage */
	char storage[MAX_ADDRESS_BYTES + MAX_QUEUE_ORCPT_BYTES +
	             MAX_DEST_BYTES + MAX_QUEUE_REPLY_BYTES + MAX_DOMAIN_BYTES];
};

struct queue_dest {
	struct span name;    /* the rest is spans into storage */
	int64_t due_s;       /* when there is something to do for it */
	int64_t retry_s;     /* held back until; 0: not */
	uint32_t n_failures; /* of the host itself, in a row */
	uint32_t n_waiting;  /* recipients */
	struct span reply;   /* why it is held back */
};

struct queue_dest_view {
	struct queue_dest d;
	char storage[MAX_DEST_BYTES + MAX_QUEUE_REPLY_BYTES];
};

/* --- putting --- */

struct queue_to {
	struct span address; /* local@domain, the domain in lower case */
	struct span orcpt;
	uint32_t notify;
};

/* A message for the queue: given with a delivery (mailbox.h), so that it comes
 * in with the local mailboxes of the same message, or not at all. */
struct queue_mail {
	uint32_t account;
	uint32_t flags;
	enum queue_ret ret;
	int64_t expires_s;
	int64_t notice_s;
	struct span from, envid, trace;
	const struct queue_to *to;
	size_t n_to; /* 1 to MAX_RCPTS */
};

/* Bytes that so much text takes of QUEUE_RCPTS_BYTES. */
size_t queue_to_bytes(const struct queue_to *to);

/* Append where mail from a sender (empty: <>) to an address waits now.
 * ERR_INVALID: not an address. */
MUST_USE int queue_destination(
    struct store *s, struct span from, struct span address, struct buf *out);

/* How many messages and recipients wait, held ones too. O(1). */
uint64_t queue_n_messages(struct store *s);
uint64_t queue_n_rcpts(struct store *s);

/* --- reading --- */

MUST_USE int queue_get(
    struct store *s, uint64_t id, struct queue_message_view *out);
MUST_USE int queue_get_rcpt(
    struct store *s, uint64_t id, uint32_t index, struct queue_rcpt_view *out);

/* The message with the least id >= id. ERR_NONE: no more. */
MUST_USE int queue_next(
    struct store *s, uint64_t id, struct queue_message_view *out);
/* The recipient of a message with the least index >= index. ERR_NONE. */
MUST_USE int queue_next_rcpt(
    struct store *s, uint64_t id, uint32_t index, struct queue_rcpt_view *out);

/* ERR_NONE: nobody waits for it. */
MUST_USE int queue_get_dest(
    struct store *s, struct span name, struct queue_dest_view *out);

/* A place among the destinations that are due. */
struct queue_place {
	size_t key_len; /* 0: at the beginning */
	char key[8 + MAX_DEST_BYTES + 1];
};

/* The next destination with something to do at now_s, the one that has waited
 * longest first; moves the place. ERR_NONE: no more. */
MUST_USE int queue_next_due(struct store *s, int64_t now_s,
    struct queue_place *place, struct queue_dest_view *out);

/* When the next destination or notice is due; INT64_MAX: never. */
int64_t queue_due_s(struct store *s, int64_t now_s);

/* A recipient in a destination's order. */
struct queue_spot {
	uint64_t id; /* 0: at the beginning */
	uint32_t index;
	int64_t next_s;
	bool is_bulk;
};

/* The recipient behind *spot in its destination's order that is due at now_s:
 * first those that are not bulk by their times, then the others. To begin with
 * the bulk, say so in an empty spot. ERR_NONE: no more. */
MUST_USE int queue_next_waiting(struct store *s, struct span destination,
    int64_t now_s, struct queue_spot *spot);

/* The message whose delay notice or end is due at now_s, least first, behind
 * (*time_s, *id), which it sets. ERR_NONE: no more. */
MUST_USE int queue_next_notice(
    struct store *s, int64_t now_s, int64_t *time_s, uint64_t *id);

/* --- changing --- */

/* Outcomes that one call takes. */
#define QUEUE_MAX_OUTCOMES 100

enum queue_what {
	QUEUE_GONE = 1,  /* sent, failed or dropped: it leaves the queue */
	QUEUE_DEFER = 2, /* tried; again at next_s */
	QUEUE_MOVE = 3,  /* to another destination, not tried */
	QUEUE_TOLD = 4,  /* its delay notice was made */
	QUEUE_HOLD = 5,
	QUEUE_RELEASE = 6, /* wait again, from next_s on */
	QUEUE_AT = 7       /* not tried; at next_s */
};

struct queue_outcome {
	uint64_t id;
	uint32_t index;
	enum queue_what what;
	int64_t next_s;
	struct span reply, remote; /* QUEUE_DEFER */
	struct span destination;   /* QUEUE_MOVE */
};

/* Carry out n outcomes, or none of them: no frame parts them. With its last
 * recipient a message goes. Recipients that are gone by now are passed over.
 * ERR_LIMIT: more than QUEUE_MAX_OUTCOMES. */
MUST_USE int queue_settle(
    struct store *s, const struct queue_outcome *o, size_t n);

/* The host could not be used: hold its recipients back until retry_s (0: let
 * them go), with the number of failures in a row and the reason. Passed over
 * when nobody waits there. */
MUST_USE int queue_set_dest(struct store *s, struct span name, int64_t retry_s,
    uint32_t n_failures, struct span reply);

/* Change a message's times. ERR_NONE. */
MUST_USE int queue_set_times(struct store *s, uint64_t id, int64_t arrived_s,
    int64_t expires_s, int64_t notice_s);

/* Have `changed` called when an operation put, moved or released something:
 * look with queue_due_s in the next turn. As store_watch. */
void queue_watch(struct store *s, void (*changed)(void *arg), void *arg);

#endif
