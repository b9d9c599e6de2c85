/* smtp_out.h - the client's side of SMTP: one connection to one host that
 * takes one message after another (RFC 5321, RFC 3207, RFC 4954 and more).
 *
 *	smtp_out_new(env, route, &o)		OUT_CONNECTING
 *	smtp_out_send(o, message)		OUT_BUSY, or later when connected
 *	... wake ...				OUT_DONE: read smtp_out_result
 *	smtp_out_send(o, next message)		OUT_BUSY
 *	... wake ...				OUT_DONE
 *	smtp_out_quit(o)			QUIT; o is gone
 *
 * Several addresses are tried in order until one has greeted us, started TLS
 * and signed us in as the route demands. What goes wrong with all of them, or
 * with the connection later, ends in OUT_DEAD; a message that was given has
 * its results then too.
 *
 * Ownership  the caller's, until smtp_out_quit or smtp_out_free. The route is
 *            copied. A message, with all that it points to, is borrowed from
 *            smtp_out_send until the state is OUT_DONE or OUT_DEAD (or o is
 *            freed); it may not point into the store.
 * Wake       env.wake(owner) is called when the state has changed, never from
 *            inside a function of this module. In it o may be freed.
 * Blocking   never. Every wait has a deadline (struct smtp_out_times).
 * Memory     about 2 KB and the route, beside the connection's; the body is
 *            streamed from the store, at most 16 KB at a time.
 * Hostile    replies: lines over 2048 bytes, replies over 128 lines or 16 KB,
 *            lines that are none: the connection is dropped, and all is
 *            OUT_TEMP. Words of the peer are cut to MAX_OUT_TEXT_BYTES,
 *            and hold printable ASCII only.
 * Sent twice a message can be, if the reply to its end is lost: the result is
 *            OUT_TEMP with is_unknown, counted in smtp_out_n_unknown.
 * Used again  a host may have closed a connection that waited: when a message
 *            that is not the first (facts.n_messages > 0) ends in OUT_DEAD at
 *            OUT_AT_MAIL, is_host and not is_reply, nothing is known of the
 *            host, and a new connection is due at once.
 */
#ifndef TINPOST_SMTP_SMTP_OUT_H
#define TINPOST_SMTP_SMTP_OUT_H

#include "net/net.h"
#include "store/store.h"

struct smtp_out;
struct store;

#define MAX_OUT_ADDRESSES  16   /* of one host; more are not tried */
#define MAX_OUT_TEXT_BYTES 500  /* of one result, as MAX_QUEUE_REPLY_BYTES */
#define MAX_OUT_SECRET     4096 /* a bearer token can be 2 KB */

enum smtp_out_tls {
	TLS_NEVER,            /* do not even if it is offered */
	TLS_OPPORTUNISTIC,    /* if offered, any certificate (RFC 7435); in the
	                    * clear after a handshake that failed */
	TLS_REQUIRED,         /* any certificate, but not without */
	TLS_VERIFIED,         /* the certificate must name the host */
	TLS_IMPLICIT_VERIFIED /* the same, from the first byte (RFC 8314) */
};

/* RFC 5321 4.5.3.2, in ms. Every one is a setting. */
struct smtp_out_times {
	uint32_t connect_ms; /* one address; 30 s */
	uint32_t banner_ms;  /* 4.5.3.2.1: 5 minutes */
	uint32_t hello_ms;   /* EHLO, STARTTLS, AUTH: 5 minutes */
	uint32_t mail_ms;    /* 4.5.3.2.2: 5 minutes */
	uint32_t rcpt_ms;    /* 4.5.3.2.3: 5 minutes */
	uint32_t data_ms;    /* 4.5.3.2.4: 2 minutes */
	uint32_t block_ms;   /* 4.5.3.2.5: 3 minutes without a byte moved */
	uint32_t end_ms;     /* 4.5.3.2.6: 10 minutes */
	uint32_t idle_ms;    /* OUT_READY or OUT_DONE, before we QUIT: 5 s */
};

extern const struct smtp_out_times smtp_out_times_default;

/* What a host may ask of us before it takes mail. Without TLS nothing is
 * offered but SCRAM-SHA-256. The strongest that both know is used: SCRAM,
 * PLAIN, LOGIN; with a token XOAUTH2 or OAUTHBEARER (RFC 7628) only. */
struct smtp_out_auth {
	struct span user;   /* empty: do not sign in */
	struct span secret; /* the password, or the bearer's token */
	bool is_bearer;
};

struct smtp_route {
	struct span host; /* its name: verified, sent as SNI, in reports */
	uint16_t port;
	const struct peer *addresses; /* at least one; their ports are unused */
	size_t n_addresses;
	enum smtp_out_tls tls;
	/* A host that does not offer REQUIRETLS over TLS is of no use (RFC
	 * 8689 4.2.1): OUT_AT_TLS, 5.7.30. */
	bool needs_requiretls;
	struct smtp_out_auth auth;
	struct span ehlo; /* our name */
	/* Our address for each family (PEER_IP4, PEER_IP6); NULL: any. */
	const struct peer *from[2];
};

struct smtp_out_env {
	struct loop *loop;
	struct store *store;
	const struct smtp_out_times *times; /* kept; NULL: the defaults */
	void (*wake)(void *owner);
	void *owner;
};

struct smtp_out_rcpt {
	struct span address;
	uint32_t notify;   /* QUEUE_NOTIFY_ bits, 0: not given */
	struct span orcpt; /* "rfc822;..." as it goes out; empty: none */
};

struct smtp_out_message {
	uint64_t body; /* of store/body.h; pinned while it is sent */
	/* Header fields to go before the body, with CRLF: a signature. */
	struct span prefix;
	struct span from; /* the reverse-path; empty: <> */
	/* QUEUE_8BIT: the text holds 8-bit bytes, declared or not. It is
	 * converted (mime/sevenbit.h) for a host without 8BITMIME, which
	 * breaks signatures over it: sign before, as RFC 6376 5.3 says, what
	 * may meet such a host.
	 * QUEUE_UTF8: an address or the header is in UTF-8; a host without
	 * SMTPUTF8 gives OUT_PERM 5.6.7.
	 * QUEUE_REQUIRETLS: only over verified TLS to a host that offers
	 * REQUIRETLS, else OUT_PERM 5.7.30 (RFC 8689 4.2.1). */
	uint32_t flags;
	enum queue_ret ret;
	struct span envid; /* xtext; empty: none */
	const struct smtp_out_rcpt *rcpts;
	size_t n_rcpts; /* 1 to MAX_RCPTS */
};

enum smtp_out_state {
	OUT_CONNECTING, /* a message may be given already */
	OUT_READY,
	OUT_BUSY,
	OUT_DONE, /* the message's results are there; the next may come */
	OUT_DEAD  /* no connection any more; results as far as there are */
};

enum smtp_out_what { OUT_SENT, OUT_TEMP, OUT_PERM };

/* Where it was decided. */
enum smtp_out_stage {
	OUT_AT_CONNECT,
	OUT_AT_BANNER,
	OUT_AT_HELLO,
	OUT_AT_TLS,
	OUT_AT_AUTH,
	OUT_AT_MAIL,
	OUT_AT_RCPT,
	OUT_AT_DATA,
	OUT_AT_END
};

struct smtp_out_result {
	enum smtp_out_what what;
	enum smtp_out_stage stage;
	/* The host or the connection is at fault, not this message or this
	 * recipient: others would fare the same (OUT_TEMP). */
	bool is_host;
	bool is_unknown; /* all was sent, and the reply was lost */
	/* Did the host reply to this? Then code and text are its own. Else
	 * code is 0, and the text is ours. */
	bool is_reply;
	uint16_t code;     /* 250, 451, 550; 0: no reply */
	char enhanced[12]; /* "5.1.1" of the reply, or chosen by us */
	struct span text;  /* without the codes; lives as long as the results */
	/* The message was handed to a host that does not know DSN (RFC 3461
	 * 5.2.2: a wanted SUCCESS is ours to tell, "relayed"). */
	bool lacks_dsn;
};

/* Begin to connect. ERR_NOMEM; ERR_INVALID: no address, secret too long, no
 * host though it must be verified. */
MUST_USE int smtp_out_new(const struct smtp_out_env *env,
    const struct smtp_route *route, struct smtp_out **out);

/* Cut the connection and release. NULL is fine. */
void smtp_out_free(struct smtp_out *o);

/* Part with it: QUIT is said, its reply waited for by the connection itself; o
 * is gone. In OUT_BUSY and OUT_CONNECTING as smtp_out_free. */
void smtp_out_quit(struct smtp_out *o);

enum smtp_out_state smtp_out_state(const struct smtp_out *o);

/* Send a message: in OUT_CONNECTING (once), OUT_READY or OUT_DONE. What was
 * the last one's result is dropped. ERR_BUSY: in another state. ERR_NOMEM. */
MUST_USE int smtp_out_send(
    struct smtp_out *o, const struct smtp_out_message *m);

/* The result of the i-th recipient; OUT_DONE, or OUT_DEAD with a message. */
void smtp_out_result(
    const struct smtp_out *o, size_t i, struct smtp_out_result *r);

/* In OUT_DEAD: why, in the form of a result that holds for all (is_host). */
void smtp_out_why(const struct smtp_out *o, struct smtp_out_result *r);

/* Who is at the other end, for logs and reports. */
struct smtp_out_facts {
	struct span host;    /* of the route */
	struct peer address; /* of the last attempt */
	bool is_tls;
	bool offers_tls; /* STARTTLS was offered by the last one */
	/* A handshake failed, and we went on in the clear. */
	bool is_fallback;
	bool is_verified;
	bool offers_requiretls; /* over TLS */
	const char *tls_why;    /* not verified, or no TLS: static words */
	const char *cipher;     /* static; NULL without TLS */
	uint32_t n_messages;    /* taken over this connection */
};

void smtp_out_facts(const struct smtp_out *o, struct smtp_out_facts *f);

/* Of the process: messages whose last reply was lost, which may arrive
 * twice. */
uint64_t smtp_out_n_unknown(void);

#endif
