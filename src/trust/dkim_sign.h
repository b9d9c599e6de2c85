/* dkim_sign.h - signatures of our own (RFC 6376 5): rsa-sha256,
 * relaxed/relaxed, and the records of DNS that go with their keys.
 *
 *	dkim_sign_new, dkim_sign_feed ... (the message as it will leave, without
 *	what comes to stand in front), dkim_sign_finish, dkim_sign_put
 *
 * What a reader sees first, and what says how the body is to be read, is
 * signed once more than it is there: nobody can add another (RFC 6376 8.15).
 * What mailing lists add is signed where it is there.
 *
 * Blocking   dkim_sign_put is one RSA operation: 5 ms on a PC, half a second
 *            on the slowest router. One in a turn.
 * Limits     DKIM_SIGN_FIELDS signed fields in MAX_HEADER_BYTES.
 * Bugs       a body of 8BITMIME that a server on the way must convert loses
 *            its signature (RFC 6376 5.3).
 */
#ifndef TINPOST_TRUST_DKIM_SIGN_H
#define TINPOST_TRUST_DKIM_SIGN_H

#include "base/buf.h"

#define DKIM_SIGN_FIELDS 500
/* RFC 6376 3.1: labels with dots between; one label here. */
#define DKIM_MAX_SELECTOR 63
/* What dkim_sign_put appends, at most: each field's name in h=, and some. */
#define DKIM_SIGN_BYTES 4096

struct dkim_sign;

/* Begin; is_sealing: DKIM-Signature fields are noted as well, for
 * dkim_sign_put with an instance. ERR_NOMEM. */
MUST_USE int dkim_sign_new(bool is_sealing, struct dkim_sign **out);
void dkim_sign_free(struct dkim_sign *d); /* NULL is fine */

/* The next bytes. Never fails; a lack of memory is told at the end. */
void dkim_sign_feed(struct dkim_sign *d, struct span bytes);

/* The message is over. ERR_NOMEM. ERR_LIMIT: its header is too large. ERR_NONE:
 * it has no From, which must be signed (RFC 6376 5.4). */
MUST_USE int dkim_sign_finish(struct dkim_sign *d);

struct dkim_signer {
	struct span domain;   /* d= */
	struct span selector; /* s= */
	struct span key;      /* an RSAPrivateKey as DER; secret */
	int64_t now_s;        /* t=; left out while the clock is not set */
	/* 0: a DKIM-Signature; else the ARC-Message-Signature of this instance
	 * (RFC 8617 4.1.2). */
	unsigned instance;
};

/* After dkim_sign_finish, any number of times: append the field with its CRLF.
 * ERR_INVALID: the key is none. ERR_LIMIT: out is too small. */
MUST_USE int dkim_sign_put(
    struct dkim_sign *d, const struct dkim_signer *by, struct buf *out);

/* Append d=, s=, t= and a semicolon: what is in every signature. */
void dkim_sign_put_signer(const struct dkim_signer *by, struct buf *out);

/* Append the signature of a SHA-256 in base64, folded, and the CRLF of its
 * field. ERR_INVALID: the key is none. */
MUST_USE int dkim_sign_put_value(
    struct span key, const uint8_t hash[32], struct buf *out);

/* Append the text of the key's record (RFC 6376 3.6.1): "v=DKIM1; k=rsa; p=...".
 * ERR_INVALID, ERR_LIMIT. */
MUST_USE int dkim_sign_put_record(struct span key, struct buf *out);

#endif
