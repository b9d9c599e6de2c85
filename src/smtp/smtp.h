/* smtp.h - the server's side of SMTP: reception (port 25) and submission
 * (587 with STARTTLS, 465 with TLS from the first byte). RFC 5321, RFC 6409.
 * And the device door, for the scanners and copiers of the house: who is no
 * entry of store/device.h is refused there, and who is need not sign in.
 *
 * One struct smtp_env for each listener, shared by all its sessions; it is
 * given to listen_open as the argument of smtp_accept. It belongs to the
 * caller and outlives the listener and its sessions; what stands in it may be
 * changed between turns (a setting), and holds from the next command on.
 *
 * A session never blocks, holds about 200 bytes and the client's name while
 * it is idle, and tells of a stored message only through the connection's
 * output, which leaves after the flush of the turn.
 *
 * Extensions: PIPELINING (RFC 2920), SIZE (RFC 1870), 8BITMIME (RFC 6152),
 * ENHANCEDSTATUSCODES (RFC 2034), STARTTLS (RFC 3207), AUTH (RFC 4954),
 * SMTPUTF8 (RFC 6531), CHUNKING (RFC 3030), LIMITS (RFC 9422), DSN (RFC 3461),
 * REQUIRETLS (RFC 8689).
 *
 * Who has signed in may send to other domains: such recipients go into the
 * queue (store/queue.h) in the same frame of the journal as the mailboxes here.
 * So do the targets elsewhere of an alias of ours, whoever sends.
 *
 * Quota      decided at RCPT, with the SIZE that MAIL gave: 452 4.2.2, a
 *            temporary answer, for a full mailbox can be emptied before the
 *            sender gives up. One full member holds up mail to a group.
 * Bugs       a message whose SIZE was not given may pass the quota of some of
 *            its recipients, once; if it fits none, it is refused.
 */
#ifndef TINPOST_SMTP_SMTP_H
#define TINPOST_SMTP_SMTP_H

#include "net/net.h"
#include "smtp/own_sign.h"
#include "smtp/smtp_grey.h"
#include "smtp/smtp_out.h"

struct auth;
struct store;
struct trust_options;

enum smtp_role { SMTP_MX, SMTP_SUBMISSION, SMTP_DEVICE };

/* Every one is a setting. */
struct smtp_limits {
	uint64_t max_message_bytes;
	/* Read of a message past that, so that its client sees the reply. */
	uint64_t max_refused_bytes;
	uint32_t max_sessions;      /* of both roles; 0: any number */
	uint32_t max_rcpts;         /* of a message; at most MAX_RCPTS */
	uint32_t max_errors;        /* of a connection, then 421 */
	uint32_t max_unknown_rcpts; /* of a connection: address harvest */
	uint32_t max_auth_failures; /* of a connection */
	uint32_t max_messages;      /* of a connection */
	/* To other domains, by one person; 0: any number. */
	uint32_t person_messages_hour, person_rcpts_hour;
	uint32_t max_hops;      /* Received fields; RFC 5321 6.3: 100 */
	uint32_t max_line;      /* bytes of a command, CRLF counted; at
	                             * most MAX_SMTP_LINE, AUTH is longer */
	uint32_t max_text_line; /* bytes; at most MAX_TEXT_LINE */
	uint32_t command_ms;    /* RFC 5321 4.5.3.2.7: 5 minutes */
	uint32_t data_block_ms; /* RFC 5321 4.5.3.2.5: 3 minutes */
	uint32_t data_total_ms; /* one message, however slow */
	uint32_t auth_wait_ms;  /* until a password is checked */
	/* A client that ends its data in a way of its own waits for a reply
	 * that cannot come; it gets one after this time. */
	uint32_t refused_ms;
	/* Reception only: who speaks within this time is turned away before
	 * the banner. 0: the banner comes at once. */
	uint32_t banner_delay_ms;
};

extern const struct smtp_limits smtp_limits_default;

struct smtp_env {
	struct store *store;
	struct auth *auth; /* may be NULL with SMTP_MX */
	enum smtp_role role;
	struct span host; /* our name, in the banner and in Received */
	/* Logins without TLS: from anywhere; from loopback. Where it is not
	 * allowed, submission asks for STARTTLS before everything. */
	bool allows_plain;
	bool allows_plain_loopback;
	/* How mail at SMTP_MX is judged (trust/trust.h), which may make a
	 * session wait behind its data; NULL: it is not. Borrowed. */
	const struct trust_options *trust;
	/* Reports to other domains come from here (reports/), and reports about
	 * ours come here: what is for nobody else is not told of. */
	struct span report_contact;
	/* New senders at SMTP_MX come twice, but for clients of the networks of
	 * this list (net/network.h), whose names are not judged either. */
	struct grey_options grey;
	struct span trusted;
	bool sends_out;      /* mail to other domains is taken at all */
	uint64_t max_queued; /* messages in the queue */
	uint32_t expire_s;   /* how long the queue tries */
	uint32_t notice_s;   /* until a delay is told; 0: never */
	struct smtp_limits limits;
};

/* A listen_accept; arg is a struct smtp_env. */
void smtp_accept(struct conn *c, enum listen_refusal why, void *arg);

#endif
