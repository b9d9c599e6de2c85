/* imap.h - the IMAP server: IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051),
 * ports 143 and 993, with the extensions that src/RFC lists.
 *
 * A session is attached to a connection and reads commands from it. What
 * other sessions did to the selected mailbox it learns from the store's change
 * log alone, at the moments at which the protocol allows it to tell
 * (imap_view.h).
 *
 * Decisions  a line ends with CRLF alone; a bare LF ends the session, since what
 *            stands behind it may have been smuggled in by somebody else.
 *            Empty lines between commands are passed over: some clients
 *            send one behind a literal.
 */
#ifndef TINPOST_IMAP_IMAP_H
#define TINPOST_IMAP_IMAP_H

#include "net/net.h"

struct auth;
struct store;

/* What all sessions share. The owner may change values at any time; sessions
 * look when they need one. Outlives them all. */
struct imap_env {
	struct store *store;
	struct auth *auth;
	/* LOGIN, AUTHENTICATE PLAIN without TLS: from anywhere; from loopback. */
	bool allows_plain;
	bool allows_plain_loopback;
	bool is_literal_minus; /* LITERAL- in place of LITERAL+ (RFC 7888 5) */
	uint32_t idle_s;       /* RFC 9051 5.4: not under 30 minutes */
	uint32_t login_s; /* from the greeting until somebody is signed in */
	uint32_t auth_wait_s;  /* until a password is checked */
	uint32_t max_sessions; /* 0: any number */
	uint32_t max_errors;   /* wrong commands (in a row, once somebody is */
	uint32_t
	    max_failures; /* signed in), wrong passwords: end the session */
	uint64_t max_message_bytes; /* APPENDLIMIT (RFC 7889) */
};

/* Everything but store and auth as a new store is served. */
extern const struct imap_env imap_defaults;

/* A listener's accept: greets, or turns away. arg is the struct imap_env. */
void imap_accept(struct conn *c, enum listen_refusal why, void *arg);

/* Greet and attach a session to the connection, which owns it from now on.
 * Without memory the connection is turned away politely. */
void imap_open_session(struct conn *c, struct imap_env *env);

/* For store_watch: a mailbox has changed. Wakes the sessions that idle on it. */
void imap_changed(void *arg, uint32_t mailbox);

#endif
