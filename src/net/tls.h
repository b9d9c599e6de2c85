/* tls.h - what TLS connections share, and what one has negotiated.
 *
 * TLS 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305 (RFC 9325 4.2), as the
 * server and (dial.h) as the client. No renegotiation, no tickets, no
 * compression; the server resumes sessions by identifier from a bounded memory
 * (RFC 5246 7.4.1.2), the client none.
 *
 * Bugs       BearSSL 0.6 has no TLS 1.3, and no extended master secret
 *            (RFC 7627): tls-unique is therefore given on full
 *            handshakes only.
 */
#ifndef TINPOST_NET_TLS_H
#define TINPOST_NET_TLS_H

#include "net/cert.h"

#define TLS_MAX_CERTS      16
#define TLS_CACHE_SESSIONS 256 /* about 35 KB */

struct tls_config;

/* Without a certificate yet. ERR_NOMEM. */
MUST_USE int tls_config_new(struct tls_config **out);

/* Before this all its connections are gone. NULL is fine. */
void tls_config_free(struct tls_config *t);

/* Replace the certificates; takes references of its own. The first is used
 * for clients that name no host, or none that matches; several may name
 * the same host (RSA beside EC). Running connections keep theirs; the
 * remembered sessions are forgotten. ERR_LIMIT: more than TLS_MAX_CERTS. */
MUST_USE int tls_config_set(
    struct tls_config *t, struct cert *const *certs, size_t n);

/* The i-th certificate, borrowed; NULL past the last. */
struct cert *tls_config_cert(const struct tls_config *t, size_t i);

struct tls_info {
	uint16_t version;   /* 0x0303 */
	const char *cipher; /* IANA name; static */
	char sni[256];      /* the name that the client asked for; or empty */
	bool is_resumed;
	/* RFC 5929 4: tls-server-end-point; always. */
	uint8_t end_point[64];
	size_t end_point_len;
	/* RFC 5929 3: tls-unique; full handshakes only. */
	bool has_unique;
	uint8_t unique[12];
	/* As the client; the channel bindings above are not given then. */
	bool is_client;
	bool is_verified;    /* an anchor, the dates and the name agree */
	const char *why_not; /* when not: a few words, static; else NULL */
	char peer_name[128]; /* of its certificate: a name, or empty */
};

#endif
