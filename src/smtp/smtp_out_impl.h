/* smtp_out_impl.h - the inside of an SMTP client, for its files:
 *
 *	smtp_out.c		its life, the connection, addresses, time
 *	smtp_out_hello.c	greeting, EHLO, STARTTLS
 *	smtp_out_auth.c		AUTH
 *	smtp_out_mail.c		MAIL, RCPT, DATA
 *	smtp_out_body.c		the text of the message, BDAT
 *	smtp_out_result.c	what became of each recipient
 */
#ifndef TINPOST_SMTP_SMTP_OUT_IMPL_H
#define TINPOST_SMTP_SMTP_OUT_IMPL_H

#include "auth/auth.h"
#include "base/limits.h"
#include "mime/mime.h"
#include "smtp/smtp_offer.h"
#include "smtp/smtp_out.h"
#include "smtp/smtp_reply.h"
#include "smtp/stuff.h"
#include "store/store.h"

/* The longest command, with an ORCPT; AUTH is put when nothing else is. */
#define OUT_COMMAND_BYTES 2048
/* Of all results of a message; past it a result has its code alone. */
#define OUT_TEXTS_BYTES (64 * 1024)
/* Room that a piece of the body may need, doubled and converted. */
#define OUT_PIECE_ROOM (20 * 1024)

enum phase {
	PH_DIAL, /* the order counts: up to PH_AUTH other addresses are tried */
	PH_BANNER,
	PH_EHLO,
	PH_HELO,
	PH_STARTTLS,
	PH_SHAKING,
	PH_AUTH,
	PH_HASHING, /* SCRAM: no reply is due */
	PH_IDLE,
	PH_ENVELOPE,
	PH_BODY,
	PH_END, /* all was put */
	PH_GONE
};

/* A result while it is kept. */
struct outcome {
	enum smtp_out_what what;
	enum smtp_out_stage stage;
	bool is_decided;
	bool is_accepted; /* RCPT was; not decided yet */
	bool is_host, is_unknown, is_reply;
	bool lacks_dsn;
	uint16_t code;
	uint16_t text_len;
	uint32_t text_at; /* in texts */
	char enhanced[MAX_ENHANCED];
};

/* The session of the connection, which may outlive us. */
struct out_link {
	struct smtp_out *o; /* NULL: nobody cares any more */
	struct conn *c;
};

struct smtp_out {
	struct smtp_out_env env;
	const struct smtp_out_times *times;
	struct out_link *link; /* NULL: no connection */
	struct timer timer;    /* the next address; or to tell of the end */
	struct job hashing;
	enum smtp_out_state state;
	enum phase phase;
	bool has_news; /* the owner must be woken */
	/* The route. */
	struct buf names; /* what the spans point to */
	struct span host, ehlo, user, secret;
	struct peer addresses[MAX_OUT_ADDRESSES];
	struct peer from[2];
	uint8_t n_addresses, at;
	uint16_t port;
	bool has_from[2], is_bearer;
	enum smtp_out_tls tls;
	bool needs_requiretls;
	bool is_tls_broken; /* a handshake failed at this address */
	/* The connection. */
	struct smtp_offer offer;
	struct smtp_reply reply;
	struct smtp_out_facts facts;
	uint32_t mech, mechs_refused;
	uint8_t auth_step;
	struct scram_client *scram; /* while it signs in */
	bool needs_rset;
	/* The message. */
	bool has_message;
	struct smtp_out_message m;
	struct outcome *outcomes; /* m.n_rcpts of them */
	struct buf texts;
	uint64_t body_bytes, body_at; /* prefix and body */
	uint32_t n_put, n_got;        /* commands: smtp_out_mail.c */
	uint32_t n_accepted;
	bool is_pinned, is_refused, is_utf8, is_chunked, is_converted;
	bool is_void; /* DATA went through without a recipient */
	uint32_t n_chunks_put, n_chunks_got;
	struct stuff stuff;
	struct sevenbit *sevenbit;
	struct buf piece, converted, chunk;
	/* For the deadline: has anything moved since it was set? */
	enum phase timed_phase;
	uint64_t timed_progress;
	struct outcome why; /* OUT_DEAD */
	char why_text[MAX_OUT_TEXT_BYTES];
};

/* --- smtp_out.c --- */

struct buf *out_put(struct smtp_out *o); /* the connection's output */

/* The connection is of no use any more, or did not come to be: the next
 * address, or OUT_DEAD. */
void out_fail(struct smtp_out *o, const struct outcome *why, struct span text);
/* The same for a reason of ours: OUT_TEMP, is_host. */
void out_lose(struct smtp_out *o, enum smtp_out_stage stage,
    const char *enhanced, const char *text);
/* The same for what the host has just replied. */
void out_fail_reply(struct smtp_out *o, enum smtp_out_stage stage);
/* Do not try other addresses any more. */
void out_stop_trying(struct smtp_out *o);
/* It is ready for (more) messages. */
void out_idle(struct smtp_out *o);

/* --- smtp_out_hello.c --- */

void out_banner(struct smtp_out *o);
void out_hello(struct smtp_out *o);
void out_starttls(struct smtp_out *o);
void out_shaken(struct smtp_out *o);
void out_put_ehlo(struct smtp_out *o);

/* --- smtp_out_auth.c --- */

/* Sign in if the route says so, then out_idle. */
void out_auth_begin(struct smtp_out *o);
void out_auth_reply(struct smtp_out *o);
void out_auth_hashed(struct smtp_out *o);
void out_auth_end(struct smtp_out *o);
bool out_auth_job(struct job *j);

/* --- smtp_out_mail.c --- */

void out_mail_begin(struct smtp_out *o);
void out_mail_reply(struct smtp_out *o);
void out_mail_pump(struct smtp_out *o);
/* The transaction is over, every recipient decided. */
void out_mail_done(struct smtp_out *o, bool needs_rset);

/* --- smtp_out_body.c --- */

void out_body_begin(struct smtp_out *o);
void out_body_pump(struct smtp_out *o);
void out_body_reply(struct smtp_out *o); /* PH_BODY, PH_END */
void out_body_end(struct smtp_out *o);   /* release what it needed */

/* --- smtp_out_result.c --- */

/* ERR_NOMEM. */
MUST_USE int out_results_begin(struct smtp_out *o);
void out_results_end(struct smtp_out *o);
/* What the reply at hand means for a command. is_perm with 5yz only. */
struct outcome out_of_reply(
    const struct smtp_out *o, enum smtp_out_stage stage);
struct outcome out_of_us(
    enum smtp_out_what what, enum smtp_out_stage stage, const char *enhanced);
/* Decide one; once decided it stays. */
void out_decide(
    struct smtp_out *o, size_t i, const struct outcome *r, struct span text);
/* Decide all that are not decided; accepted_only: and were accepted. */
void out_decide_all(struct smtp_out *o, const struct outcome *r,
    struct span text, bool accepted_only);

#endif
