/* pop3.h - the POP3 server: conventions of the room.
 *
 * RFC 1939 without APOP, and RFC 2449 (CAPA), RFC 2595 (STLS), RFC 3206
 * (response codes), RFC 5034 (AUTH), RFC 6856 (UTF8).
 *
 * The maildrop is INBOX as it was at login: numbers do not change while a
 * session lasts, whatever IMAP does meanwhile. Messages are deleted at QUIT,
 * all or none. A second session on the same maildrop is refused, [IN-USE].
 *
 * Decisions  RETR does not set \Seen: that is for clients that show mail,
 *            and a POP3 client that only copies it has shown nobody
 *            anything.
 *            Deviation: messages are given as they are, also those with
 *            UTF-8 in their headers to a client that has not said UTF8
 *            (RFC 6856 4 would have them rewritten); real clients read them.
 *            APOP needs passwords that the server can read: never.
 */
#ifndef TINPOST_POP3_POP3_H
#define TINPOST_POP3_POP3_H

#include "net/net.h"

struct auth;
struct store;

/* What all sessions share. The owner may change values at any time; sessions
 * look when they need one. Outlives them all. */
struct pop3_env {
	struct store *store;
	struct auth *auth;
	/* USER, PASS, AUTH PLAIN without TLS: from anywhere; from loopback. */
	bool allows_plain;
	bool allows_plain_loopback;
	/* RFC 1939 3: not under 10 minutes. */
	uint32_t idle_s;
	uint32_t max_sessions; /* 0: any number */
	/* From the greeting until somebody is signed in, however busy the
	 * client is; a silent one still has no more than idle_s. */
	uint32_t login_s;
	uint32_t auth_wait_s; /* until a password is checked */
	/* Wrong commands, and wrong passwords, that end a session. */
	uint32_t max_errors;
	uint32_t max_failures;
};

/* Everything but store and auth as a new store is served. */
extern const struct pop3_env pop3_defaults;

/* A listener's accept: greets, or turns away. arg is the struct pop3_env. */
void pop3_accept(struct conn *c, enum listen_refusal why, void *arg);

/* Greet and attach a session to the connection, which owns it from now on.
 * Without memory the connection is turned away politely. */
void pop3_open_session(struct conn *c, struct pop3_env *env);

#endif
