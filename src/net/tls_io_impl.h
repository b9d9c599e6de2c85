/* tls_io_impl.h - the inside of one TLS connection: what tls_io.c (the machine),
 * tls_io_server.c and tls_io_client.c (who does what in a handshake) share. */
#ifndef TINPOST_NET_TLS_IO_IMPL_H
#define TINPOST_NET_TLS_IO_IMPL_H

#include "net/cert_impl.h"
#include "net/tls_impl.h"
#include "net/tls_io.h"

struct tls_judge;
struct tls_known;

struct tls_io {
	union { /* each begins with the engine */
		br_ssl_engine_context eng;
		br_ssl_server_context server;
		br_ssl_client_context client;
	} of;
	struct tls_buffers *lent;
	uint8_t *parked; /* of the input buffer, or NULL */
	size_t n_parked;
	/* As the server. */
	const br_ssl_server_policy_class *policy;
	const br_ssl_session_cache_class *cache;
	struct tls_config *config;
	struct cert *cert; /* chosen or resumed; ours */
	const char *alpn;
	uint64_t resumed_sni;
	/* As the client. */
	struct tls_judge *judge; /* while it shakes */
	struct tls_known *known; /* what it found out */
	bool is_full; /* a full handshake: a certificate was chosen or seen */
	bool is_resumed;
	bool has_sweated;
	bool has_failed; /* beside the engine: memory, resumption */
	bool is_open;
	bool is_ended; /* we have said close_notify */
};

/* With two record buffers lent this is what an idle TLS session costs, beside
 * the connection and the protocol's session. */
_Static_assert(sizeof(struct tls_io) <= 5120, "an idle TLS session is small");

/* Versions, suites, hashes, ciphers, buffers, entropy: the same for both. */
void tls_io_set_up(struct tls_io *io);

/* The name that was asked for (SNI). */
struct span tls_io_asked_name(const struct tls_io *io);

/* The handshake of a server has just ended. */
void tls_io_server_opened(struct tls_io *io);

/* The handshake of a client has just ended. */
void tls_io_client_opened(struct tls_io *io);
void tls_io_client_free(struct tls_io *io);
void tls_io_client_info(const struct tls_io *io, struct tls_info *out);

#endif
