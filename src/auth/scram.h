/* scram.h - SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the server's side of one
 * exchange (RFC 5802, RFC 7677), on decoded messages. Pure: the nonce, the
 * account's secret and the channel's binding data are given to it.
 *
 *	scram_begin (client-first-message)     -> the user's name
 *	scram_challenge (secret, nonce)        -> server-first-message
 *	scram_finish (client-final-message)    -> server-final-message
 */
#ifndef TINPOST_AUTH_SCRAM_H
#define TINPOST_AUTH_SCRAM_H

#include "base/buf.h"

#include "store/store.h" /* struct scram_secret */

/* client-first-message and client-final-message, each. Names are at most
 * MAX_ADDRESS_BYTES, real nonces about 32 bytes. */
#define MAX_SCRAM_MESSAGE 1536
#define MAX_SCRAM_NONCE   256

/* server-error-value, RFC 5802 7. Deviation: none is sent. The exchange ends
 * with the protocol's own failure, as RFC 5802 5.1 allows; clients
 * misunderstand an "e=" that comes as a challenge. It is for the log. */
enum scram_error {
	SCRAM_OK,
	SCRAM_INVALID_ENCODING,
	SCRAM_EXTENSIONS_NOT_SUPPORTED,
	SCRAM_INVALID_PROOF,
	SCRAM_CHANNEL_BINDINGS_DONT_MATCH,
	SCRAM_SERVER_DOES_SUPPORT_CHANNEL_BINDING,
	SCRAM_CHANNEL_BINDING_NOT_SUPPORTED,
	SCRAM_UNSUPPORTED_CHANNEL_BINDING_TYPE,
	SCRAM_INVALID_USERNAME_ENCODING,
	SCRAM_NO_RESOURCES,
	SCRAM_OTHER_ERROR,
};

/* The server-error-value as RFC 5802 7 spells it; "ok" for SCRAM_OK. */
const char *scram_error_text(enum scram_error e);

/* A client-first-message, taken apart; spans into it. */
struct scram_first {
	char binding_flag;        /* 'p', 'y' or 'n' */
	struct span binding_name; /* with 'p' */
	struct span gs2_header;   /* both commas included */
	struct span authzid;      /* still escaped; empty: none */
	struct span bare;         /* client-first-message-bare */
	struct span user;         /* still escaped */
	struct span nonce;
};

/* A client-final-message. */
struct scram_final {
	struct span binding; /* base64 */
	struct span nonce;
	struct span proof;         /* base64 */
	struct span without_proof; /* client-final-message-without-proof */
};

/* RFC 5802 7. Anything but SCRAM_OK: *out is not to be used. */
enum scram_error scram_parse_first(struct span s, struct scram_first *out);
enum scram_error scram_parse_final(struct span s, struct scram_final *out);

/* Append a saslname with =2C and =3D undone. ERR_SYNTAX: another "=", or not
 * UTF-8; ERR_LIMIT, ERR_NOMEM: out. */
MUST_USE int scram_put_name(struct buf *out, struct span saslname);

/* What this connection can be bound to (RFC 5929); empty: not to that. */
struct scram_binding {
	struct span tls_unique;
	struct span tls_server_end_point;
};

static inline bool
scram_binding_exists(const struct scram_binding *b)
{
	return b->tls_unique.len > 0 || b->tls_server_end_point.len > 0;
}

struct scram {
	struct buf message; /* AuthMessage as far as it has been said */
	struct buf binding; /* gs2-header and binding data: what c= must be */
	size_t nonce_at;    /* the whole nonce, in message */
	size_t nonce_len;
	struct scram_secret secret;
};

void scram_init(struct scram *s);

/* Wipes. */
void scram_deinit(struct scram *s);

/* Take the client's first message. is_plus: the mechanism is -PLUS; binding:
 * the connection's, and if it has one, -PLUS was offered (the "y" check of
 * RFC 5802 6). The name and the authorization identity (empty: none) are
 * appended to user_out and authzid_out. */
enum scram_error scram_begin(struct scram *s, struct span client_first,
    bool is_plus, const struct scram_binding *binding, struct buf *user_out,
    struct buf *authzid_out);

/* Append the server-first-message. server_nonce: printable, without comma;
 * it is put behind the client's. */
void scram_challenge(struct scram *s, const struct scram_secret *secret,
    struct span server_nonce, struct buf *out);

/* Check the client's final message and proof; with SCRAM_OK the
 * server-final-message is appended to out. */
enum scram_error scram_finish(
    struct scram *s, struct span client_final, struct buf *out);

/* Fill StoredKey and ServerKey (RFC 5802 3) from SaltedPassword. */
void scram_secret_set(struct scram_secret *out, const uint8_t salted[32]);

#endif
