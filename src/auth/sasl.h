/* sasl.h - the server's side of one login: AUTH with PLAIN, LOGIN,
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 4422), and a plain name and
 * password (POP3 USER and PASS, IMAP LOGIN, the web page).
 *
 * Lines go in as the protocol received them, in base64, without CRLF; what
 * is to be sent comes out in base64 too. The protocol adds its "334 ", "+ ".
 *
 *	rc = sasl_begin(x, mech, true, initial, &out);
 *	    SASL_CONTINUE: send out as a challenge, call sasl_step with the
 *	    client's next line; SASL_WAIT: read nothing until woken, then ask
 *	    sasl_poll; anything else is the end: answer and free x.
 *
 * Ownership  the session's, one at a time; freed at any moment, also while
 *            it waits.
 * Limits     the protocol refuses lines over MAX_AUTH_LINE.
 */
#ifndef TINPOST_AUTH_SASL_H
#define TINPOST_AUTH_SASL_H

#include "base/buf.h"

/* The most that a challenge takes, in base64. */
#define SASL_REPLY_BYTES 1024

struct auth;
struct conn;     /* net/conn.h */
struct tls_info; /* net/tls.h */
struct peer;     /* net/net.h */

enum sasl_result {
	SASL_CONTINUE,  /* a challenge goes out, a line comes back */
	SASL_WAIT,      /* a hash or a delay runs: the owner will be woken */
	SASL_OK,        /* signed in as sasl_account() */
	SASL_FAIL,      /* wrong name, password or proof: 535 5.7.8, [AUTH] */
	SASL_THROTTLED, /* too many failures, see sasl_delay_s(): 454 4.7.0 */
	SASL_BUSY,      /* the hash queue or memory is full: 454 4.7.0 */
	SASL_BAD,       /* not base64, or not this mechanism: 501 5.5.2 */
	SASL_ABORTED,   /* the client sent "*": 501 5.7.0 */
	SASL_UNKNOWN,   /* no such mechanism: 504 5.5.4 */
	SASL_NEEDS_TLS  /* not without TLS: 538 5.7.11, 530 5.7.0 */
};

/* What the session knows of its connection. All of it is copied by sasl_new
 * (auth and owner as pointers). */
struct sasl_env {
	struct auth *auth;
	const struct peer *peer; /* NULL: the local socket, never throttled */
	bool is_tls;
	bool is_plain_allowed; /* PLAIN and LOGIN without TLS (a setting) */
	/* RFC 5929; empty: this connection has none. tls-unique only of full
	 * handshakes. */
	struct span tls_unique;
	struct span tls_server_end_point;
	void (*wake)(void *owner);
	void *owner;
};

struct sasl;

/* What there is to know of a connection, which is woken itself. info is filled
 * and must live as long as the result. */
struct sasl_env sasl_env_of(struct auth *a, struct conn *c,
    bool is_plain_allowed, struct tls_info *info);

/* ERR_NOMEM. */
MUST_USE int sasl_new(const struct sasl_env *e, struct sasl **out);

/* NULL is fine. Secrets are wiped; a hash that runs for it is dropped. */
void sasl_free(struct sasl *x);

/* Begin with a mechanism (any case). initial: the initial response, if the
 * client gave one ("=" is an empty one, RFC 4954 4). Challenges are appended
 * to out, at most SASL_REPLY_BYTES. */
enum sasl_result sasl_begin(struct sasl *x, struct span mechanism,
    bool has_initial, struct span initial, struct buf *out);

/* Go on with the client's answer to a challenge. */
enum sasl_result sasl_step(struct sasl *x, struct span line, struct buf *out);

/* Begin with name and password as they are, not in base64. */
enum sasl_result sasl_password(
    struct sasl *x, struct span user, struct span password);

/* Where does a login that answered SASL_WAIT stand now? As sasl_step, a
 * challenge may go out. */
enum sasl_result sasl_poll(struct sasl *x, struct buf *out);

/* After SASL_OK. */
uint32_t sasl_account(const struct sasl *x);

/* After SASL_THROTTLED: seconds until it pays to try again. */
uint32_t sasl_delay_s(const struct sasl *x);

/* The name that the client gave, for the log: empty when it gave none yet.
 * Dies with x. */
struct span sasl_user(const struct sasl *x);

/* Append the mechanisms to offer, parted by spaces; nothing when there is
 * none (no TLS and plain text not allowed leaves SCRAM). */
void sasl_put_mechanisms(struct buf *out, const struct sasl_env *e);

/* May names and passwords be sent as they are on this connection? */
static inline bool
sasl_env_allows_plain(const struct sasl_env *e)
{
	return e->is_tls || e->is_plain_allowed;
}

#endif
