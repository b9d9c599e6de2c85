/* smtp_session.h - one SMTP session from the inside, for this room's files.
 *
 * smtp_session.c reads lines and dispatches them by its table; each family of
 * commands has its file. A handler puts its reply and sets the next state.
 */
#ifndef TINPOST_SMTP_SMTP_SESSION_H
#define TINPOST_SMTP_SMTP_SESSION_H

#include "base/arena.h"
#include "mime/mime.h"
#include "smtp/dots.h"
#include "smtp/smtp.h"
#include "smtp/smtp_params.h"
#include "store/store.h"
#include "trust/trust.h"

enum smtp_state {
	SMTP_DELAY,     /* before the banner */
	SMTP_NEW,       /* no EHLO yet */
	SMTP_READY,     /* no transaction */
	SMTP_MAIL,      /* a sender */
	SMTP_RCPT,      /* a sender and recipients */
	SMTP_CHUNKS,    /* between BDAT and BDAT */
	SMTP_DATA_WAIT, /* DATA came; who the client is, is asked */
	SMTP_DATA,      /* in the text behind DATA */
	SMTP_CHUNK,     /* in the bytes behind BDAT */
	SMTP_AUTH,      /* a line of a SASL exchange comes */
	SMTP_AUTH_WAIT, /* a login is computed */
	SMTP_END_WAIT,  /* the message is whole; what it needs is computed */
	SMTP_CLOSING
};

enum step { STEP_MORE, STEP_WAIT };

struct smtp_rcpt {
	struct smtp_rcpt *next;
	struct span local, domain; /* unquoted; A-labels */
	struct smtp_rcpt_params params;
	bool is_elsewhere; /* it goes into the queue */
};

/* A recipient elsewhere, for the queue. */
struct smtp_onward {
	struct smtp_onward *next;
	struct queue_to to;
	bool is_forwarded; /* an alias of ours led there */
};

struct smtp_onward_mails {
	struct queue_mail mails[2];
	size_t n;
	struct queue_to *to; /* of both: mem_free */
};

#define SMTP_ID_BYTES 16

/* A mail transaction: lent from MAIL to its end. */
struct smtp_txn {
	struct arena arena; /* spans below are in it */
	char id[SMTP_ID_BYTES];
	/* Unquoted, the domain as A-labels; empty: <>. */
	struct span from_local, from_domain;
	struct span from; /* local@domain, or empty */
	struct smtp_mail_params params;
	struct smtp_rcpt *rcpts;
	struct smtp_rcpt **rcpts_end;
	uint32_t n_rcpts;
	uint32_t *accounts; /* who gets it, each once, in the heap */
	uint32_t n_accounts;
	struct smtp_onward *onward;
	struct smtp_onward **onward_end;
	uint32_t n_onward;
	struct span alias_domain; /* of the first alias that sends it on */
	size_t onward_bytes;      /* of QUEUE_RCPTS_BYTES */
	/* The body on its way. */
	struct upload *upload;
	struct mime_parser *parser;
	struct trust *trust;   /* NULL: it is not judged */
	bool is_client_judged; /* by what is known before the message */
	char wait_text[100];   /* of greylisting */
	struct header_edit edit;
	struct dots dots;
	struct buf prefix;
	size_t n_return_path;   /* bytes of it in the prefix */
	struct buf summary;     /* when it is whole */
	struct smtp_sign *sign; /* NULL: it is not to be signed */
	uint64_t n_bytes;       /* of text taken */
	int64_t started_ms;
	int fault; /* ERR_: the store or memory failed on the way */
	bool is_too_large;
	bool has_8bit; /* the text has bytes above 127 */
	bool has_edit;
	bool is_header_done;
};

struct sasl;

struct smtp {
	struct conn *conn;
	const struct smtp_env *env;
	char *helo; /* what the client said, NUL-terminated; or NULL */
	struct smtp_txn *txn;
	struct sasl *sasl;
	uint64_t chunk_left;     /* bytes of BDAT still to come */
	const char *chunk_reply; /* BDAT was refused: say so behind it */
	uint32_t account;        /* signed in; 0: nobody */
	struct device_view
	    *device; /* whose session it is, at the device door */
	uint32_t n_errors, n_unknown_rcpts, n_auth_failures, n_messages;
	uint32_t n_judged; /* whether or not a message came of it */
	enum smtp_state state;
	bool is_esmtp;
	bool is_last_chunk;
	bool is_skipping; /* the rest of a line that was too long */
	bool has_moved;   /* this step consumed input: a new deadline */
};

/* The longest reply; a step begins with room for it. */
#define MAX_SMTP_REPLY 2048

/* Put one line; CRLF is added. */
void smtp_reply(struct smtp *s, const char *text);

/* The same for an error of the client, which is counted: too many end the
 * session. */
void smtp_refuse(struct smtp *s, const char *text);

/* Put a 421 and close when what was put is out. */
void smtp_bye(struct smtp *s, const char *text);

/* Put nothing more; close when what was put is out. */
void smtp_close(struct smtp *s);

/* The words for an error of the store or of memory. */
const char *smtp_error_text(int code);

/* Note a refusal in the log and the event log. to may be empty. */
void smtp_note_refusal(struct smtp *s, struct span to, const char *text);

/* Append "[192.0.2.1] name", for the event log. */
void smtp_put_client(const struct smtp *s, struct buf *out);

static inline const struct smtp_limits *
smtp_limits_of(const struct smtp *s)
{
	return &s->env->limits;
}

static inline bool
smtp_is_submission(const struct smtp *s)
{
	return s->env->role == SMTP_SUBMISSION;
}

/* Is what comes here of this house: submitted, or of a device? It is completed
 * and signed, and may go anywhere within its bounds. */
static inline bool
smtp_is_ours(const struct smtp *s)
{
	return s->env->role != SMTP_MX;
}

/* May one sign in here without TLS? */
static inline bool
smtp_allows_plain(const struct smtp *s)
{
	return s->env->allows_plain ||
	       (s->env->allows_plain_loopback &&
	           peer_is_loopback(conn_peer(s->conn)));
}

/* Is this sender's address one of theirs (RFC 6409 6.1)? 0, ERR_DENIED, or as
 * resolve_owns. */
MUST_USE int smtp_owns(struct smtp *s, struct span address);

/* Make an empty transaction. ERR_NOMEM. */
MUST_USE int smtp_txn_new(struct smtp *s);
/* End the transaction, delivered or not; the state becomes SMTP_READY if
 * there was an EHLO. */
void smtp_txn_free(struct smtp *s);

/* Begin the body: upload, parser, trace header. 0, or an ERR_. */
MUST_USE int smtp_body_begin(struct smtp *s, bool is_plain);
/* Take raw bytes from *in through the transaction's line machine. */
void smtp_body_take(struct smtp *s, struct span *in);
/* The body is whole: judge, store, reply, end the transaction. */
void smtp_body_end(struct smtp *s);
/* SMTP_END_WAIT: go on when all that it waits for is there. */
enum step smtp_body_wait(struct smtp *s);

/* smtp_srs.c: the sender of what is sent on, into the transaction's arena: the
 * message's own, or one of ours that leads back to it. */
MUST_USE int smtp_srs_sender(struct smtp *s, struct span *out);
/* Where a report to such an address goes: append it, or the refusal. */
const char *smtp_srs_back(struct smtp *s, struct span local, struct buf *out);

/* smtp_sign.c: begin to watch a message that may be signed. ERR_NOMEM. */
MUST_USE int smtp_sign_begin(struct smtp *s);
void smtp_sign_feed(struct smtp_txn *t, struct span bytes);
/* The message is whole, and judged: is there a signature to wait for, still? */
bool smtp_sign_wait(struct smtp *s);
void smtp_sign_free(struct smtp_txn *t);

/* smtp_judge.c: begin to judge what comes from elsewhere, once a transaction;
 * with the first recipient, so that the DNS has time. ERR_NOMEM. */
MUST_USE int smtp_judge_begin(struct smtp *s);
/* Is there something to wait for before DATA is answered? */
bool smtp_judge_wait_client(struct smtp *s);
bool smtp_judge_is_asking(const struct smtp_txn *t);
/* The reply when this client's message is refused, or is to come again; NULL: it
 * may come. */
const char *smtp_judge_client(struct smtp *s);
/* The message is whole: is there a verdict to wait for? */
bool smtp_judge_wait(struct smtp *s);
bool smtp_judge_is_waiting(const struct smtp_txn *t);
/* It is judged: count it for the report to its domain (RFC 9990). */
void smtp_judge_count(struct smtp *s);
/* The reply when it is refused; NULL: it may be stored. */
const char *smtp_judge_refusal(const struct smtp_txn *t);
/* Note that refusal, with the doubts that led to it. */
void smtp_judge_note(struct smtp *s, const char *refusal);
/* Put Authentication-Results into the prefix and the summary. ERR_NOMEM,
 * ERR_LIMIT. */
MUST_USE int smtp_judge_put(struct smtp_txn *t);
/* Append "stored, spf=pass ...", for the event log. */
void smtp_judge_put_words(const struct smtp_txn *t, struct buf *out);

/* Store what was taken for everybody, or reply why not. */
void smtp_deliver(struct smtp *s, struct span summary);

/* smtp_device.c: the entry of who connects, in the heap; otherwise they were
 * told, and the connection is closed. */
MUST_USE int smtp_device_open(
    struct conn *c, const struct smtp_env *e, struct device_view **out);
/* 0, or ERR_DENIED: this device does not send as this address. */
MUST_USE int smtp_device_owns(const struct smtp *s, struct span address);
/* May this device send to this address? NULL, or why not. */
const char *smtp_device_judge(
    struct smtp *s, struct span address, struct span domain);
/* The argument of MAIL or RCPT behind the colon. Deviation: a device may leave
 * out the brackets, and put spaces before; storage holds what is made of it. */
struct span smtp_device_brackets(
    const struct smtp *s, struct span args, char storage[MAX_SMTP_LINE + 2]);

/* May this person send to n more elsewhere, or this device one message more?
 * NULL, or why not. */
const char *smtp_limit_rcpts(struct smtp *s, uint32_t n);
/* In the turn of a message's end: what was counted. */
void smtp_limit_save(struct smtp *s);

/* May mail go to this address elsewhere? NULL, or why not. */
const char *smtp_onward_judge(struct smtp *s, struct span address);
/* Note it as a recipient, once. alias is the address of ours that led there,
 * or empty. ERR_LIMIT: no more in this transaction. ERR_NOMEM. */
MUST_USE int smtp_onward_add(struct smtp *s, struct span address,
    const struct smtp_rcpt_params *params, struct span alias);
/* A recipient stands for all behind it or for none: what was noted since the mark
 * is undone. */
struct smtp_onward_mark {
	struct smtp_onward **end;
	uint32_t n;
	size_t bytes;
	struct span alias_domain;
};
struct smtp_onward_mark smtp_onward_mark(const struct smtp_txn *t);
void smtp_onward_undo(struct smtp_txn *t, const struct smtp_onward_mark *m);
/* What the transaction puts into the queue; may be nothing. ERR_NOMEM. */
MUST_USE int smtp_onward_mails(struct smtp *s, struct smtp_onward_mails *out);

/* The handlers; args is the line behind the verb, trimmed in front. */
void smtp_hello_ehlo(struct smtp *s, struct span args);
void smtp_hello_helo(struct smtp *s, struct span args);
void smtp_hello_put_extensions(struct smtp *s);
void smtp_mail(struct smtp *s, struct span args);
void smtp_rcpt(struct smtp *s, struct span args);
void smtp_data(struct smtp *s, struct span args);
void smtp_bdat(struct smtp *s, struct span args);
void smtp_auth(struct smtp *s, struct span args);
void smtp_tls_start(struct smtp *s, struct span args);
void smtp_misc_rset(struct smtp *s, struct span args);
void smtp_misc_noop(struct smtp *s, struct span args);
void smtp_misc_quit(struct smtp *s, struct span args);
void smtp_misc_vrfy(struct smtp *s, struct span args);
void smtp_misc_help(struct smtp *s, struct span args);
void smtp_misc_not_here(struct smtp *s, struct span args);
void smtp_misc_http(struct smtp *s, struct span args);

/* The states that do not read lines. */
enum step smtp_data_wait(struct smtp *s);
enum step smtp_data_step(struct smtp *s);
enum step smtp_bdat_step(struct smtp *s);
enum step smtp_auth_wait(struct smtp *s);
/* A line of a SASL exchange. */
void smtp_auth_line(struct smtp *s, struct span line);
/* A line of it was too long. */
void smtp_auth_cancel(struct smtp *s, const char *text);
/* The mechanisms to offer now, parted by spaces. */
void smtp_auth_put_mechanisms(struct smtp *s, struct buf *out);

/* The verbs that this role knows, parted by spaces, for HELP. */
void smtp_session_put_verbs(const struct smtp *s, struct buf *out);

#endif
