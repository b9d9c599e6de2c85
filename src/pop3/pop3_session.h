/* pop3_session.h - one POP3 session, for this room's modules.
 *
 * pop3_session.c reads lines, looks commands up, waits; the commands are in
 * pop3_login.c (until somebody is signed in), pop3_list.c (what there is),
 * pop3_retr.c (messages) and pop3_update.c (deleting and leaving).
 */
#ifndef TINPOST_POP3_POP3_SESSION_H
#define TINPOST_POP3_POP3_SESSION_H

#include "auth/auth.h"
#include "pop3/dotstuff.h"
#include "pop3/maildrop.h"
#include "pop3/pop3.h"
#include "pop3/pop3_line.h"

/* The room that a command may count on for its answer. */
#define POP3_REPLY_BYTES 2048
/* The most of a message that one read of the store brings. */
#define POP3_PIECE_BYTES 8192

enum pop3_state {
	POP3_AUTHORIZATION, /* RFC 1939 4 */
	POP3_USER,          /* the same, and USER has named somebody */
	POP3_SASL,          /* lines belong to a SASL exchange (RFC 5034) */
	POP3_CHECKING,      /* a password is being hashed */
	POP3_OPENING,       /* the maildrop is being read */
	POP3_TRANSACTION,   /* RFC 1939 5 */
	POP3_LISTING,       /* the lines of LIST or UIDL go out */
	POP3_SENDING,       /* a message goes out */
	POP3_UPDATE,        /* RFC 1939 6: QUIT is deleting */
	POP3_CLOSING
};

enum pop3_step { POP3_MORE, POP3_WAIT };

struct pop3 {
	struct conn *conn;
	struct pop3_env *env;
	enum pop3_state state;
	bool is_skipping; /* the rest of a line that is too long */
	bool is_utf8;
	bool is_uidl;   /* POP3_LISTING: not LIST */
	bool is_pinned; /* POP3_SENDING: body is */
	uint32_t n_errors;
	uint32_t n_failures;
	uint32_t n_retrieved;
	uint32_t account_id;
	int64_t started_ms; /* monotonic, at the greeting */
	struct buf user;    /* of USER; empty most of the time */
	struct sasl *sasl;
	struct maildrop *drop;
	/* Where LIST, UIDL, RETR and TOP go on. */
	uint32_t number;
	uint32_t uid;
	uint64_t body;
	uint64_t offset_bytes;
	struct dotstuff stuff;
};

_Static_assert(sizeof(struct pop3) <= 256, "an idle session must stay small");

/* One line of an answer; text without CRLF. */
void pop3_reply(struct pop3 *p, const char *text);

/* "-ERR" with the words for an error of the store. */
void pop3_reply_error(struct pop3 *p, int code);

/* Say this and close. */
void pop3_close(struct pop3 *p, const char *text);

/* May names and passwords be sent as they are? */
bool pop3_allows_plain(const struct pop3 *p);

/* A command with its arguments, in a state in which it is allowed. */
typedef void (*pop3_run)(struct pop3 *p, const struct pop3_line *line);

/* pop3_login.c */
void pop3_user(struct pop3 *p, const struct pop3_line *line);
void pop3_pass(struct pop3 *p, const struct pop3_line *line);
void pop3_auth(struct pop3 *p, const struct pop3_line *line);
void pop3_stls(struct pop3 *p, const struct pop3_line *line);
void pop3_utf8(struct pop3 *p, const struct pop3_line *line);
void pop3_put_mechanisms(struct pop3 *p, struct buf *out);
/* A line of a SASL exchange has come. */
void pop3_sasl_line(struct pop3 *p, struct span line);
/* Look whether the hash is done. */
enum pop3_step pop3_step_checking(struct pop3 *p);
/* Read on in the maildrop. */
enum pop3_step pop3_step_opening(struct pop3 *p);
/* Forget what a login has left. */
void pop3_forget_login(struct pop3 *p);

/* pop3_list.c */
void pop3_stat(struct pop3 *p, const struct pop3_line *line);
void pop3_list(struct pop3 *p, const struct pop3_line *line);
void pop3_uidl(struct pop3 *p, const struct pop3_line *line);
enum pop3_step pop3_step_listing(struct pop3 *p);

/* pop3_retr.c */
void pop3_retr(struct pop3 *p, const struct pop3_line *line);
void pop3_top(struct pop3 *p, const struct pop3_line *line);
enum pop3_step pop3_step_sending(struct pop3 *p);
/* Let go of the message that was going out. */
void pop3_forget_message(struct pop3 *p);

/* pop3_update.c */
void pop3_dele(struct pop3 *p, const struct pop3_line *line);
void pop3_rset(struct pop3 *p, const struct pop3_line *line);
void pop3_quit(struct pop3 *p, const struct pop3_line *line);
enum pop3_step pop3_step_update(struct pop3 *p);

#endif
