/* scram_client.h - SCRAM-SHA-256 as the client (RFC 5802, RFC 7677), without
 * channel binding, on decoded messages. Pure.
 *
 *	scram_client_first			-> client-first-message
 *	scram_client_challenge (server-first)	   the password is hashed ...
 *	scram_client_hash, until true		   in slices ...
 *	scram_client_final			-> client-final-message
 *	scram_client_verify (server-final)	   is it who knows the password?
 */
#ifndef TINPOST_AUTH_SCRAM_CLIENT_H
#define TINPOST_AUTH_SCRAM_CLIENT_H

#include "auth/pbkdf2.h"
#include "auth/scram.h"

/* RFC 7677 4: at least 4096. Above, a server could keep us busy. */
#define MIN_SCRAM_CLIENT_ITERATIONS 4096
#define MAX_SCRAM_CLIENT_ITERATIONS 1000000

struct scram_client {
	struct buf message; /* AuthMessage, as far as it has been said */
	size_t bare_len;    /* of client-first-message-bare */
	size_t nonce_len;   /* of our part */
	struct span nonce;  /* the whole one, into message */
	struct pbkdf2 hash;
	uint8_t server_signature[MAC_BYTES];
};

void scram_client_init(struct scram_client *s);
/* Wipes. */
void scram_client_deinit(struct scram_client *s);

/* Append the client-first-message. nonce: printable, without comma. ERR_NOMEM,
 * ERR_LIMIT; ERR_INVALID: the user's name is not UTF-8. */
MUST_USE int scram_client_first(struct scram_client *s, struct span user,
    struct span nonce, struct buf *out);

/* Take the server-first-message and begin to hash. ERR_SYNTAX; ERR_INVALID: its
 * nonce does not begin with ours, or too few or too many iterations; ERR_LIMIT,
 * ERR_NOMEM; that of saslprep for the password. */
MUST_USE int scram_client_challenge(
    struct scram_client *s, struct span server_first, struct span password);

/* Hash on, n iterations. True: done. */
bool scram_client_hash(struct scram_client *s, uint32_t n);

/* Append the client-final-message. ERR_NOMEM, ERR_LIMIT. */
MUST_USE int scram_client_final(struct scram_client *s, struct buf *out);

/* Is the server-final-message the one of a server that knows the secret? */
bool scram_client_verify(struct scram_client *s, struct span server_final);

#endif
