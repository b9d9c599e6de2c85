/* tls_io.c - the machine around BearSSL's engine, and the one file that touches
 * its fields: ibuf, ixa, ixb (what of the input buffer is in use), oxa, oxc (is
 * the output buffer in use?), saved_finished, rng_os_rand_done.
 *
 * The record buffers belong to the configuration or the loop and are lent for the length
 * of a call. What the engine still needs of the input buffer then, [0, ixb),
 * is kept aside and put back before the next. The output buffer is always
 * drained to the wire, so nothing of it is kept. The engine holds no other
 * pointer into them between calls (ssl_engine.c: hbuf_in, hbuf_out are set
 * anew by jump_handshake).
 */
#include "net/tls_io.h"

#include <assert.h>
#include <bearssl.h>

#include "base/mem.h"
#include "base/rand.h"
#include "net/tls_io_impl.h"

static const struct {
	uint16_t suite;
	const char *name;
} suite_names[] = {
	{ BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
	{ BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" },
	{ BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" },
	{ BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" },
	{ BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" },
	{ BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
};

#define N_SUITES (sizeof(suite_names) / sizeof(*suite_names))

/* ChaCha20 first where AES has no instructions of its own; AES-256 only for
 * those who offer nothing else. */
static void
set_suites(br_ssl_engine_context *eng)
{
	uint16_t suites[N_SUITES];
	bool has_aes = br_aes_x86ni_ctr_get_vtable() != NULL ||
	               br_aes_pwr8_ctr_get_vtable() != NULL;

	for (size_t i = 0; i < N_SUITES; i++)
		suites[i] = suite_names[i < 4 && !has_aes ? i ^ 2 : i].suite;
	br_ssl_engine_set_suites(eng, suites, N_SUITES);
}

void
tls_io_set_up(struct tls_io *io)
{
	static const br_hash_class *const hashes[] = { &br_sha256_vtable,
		&br_sha384_vtable, &br_sha512_vtable };
	br_ssl_engine_context *eng = &io->of.eng;
	struct tls_buffers *lent = io->lent;
	uint8_t seed[32];

	br_ssl_engine_set_versions(eng, BR_TLS12, BR_TLS12);
	set_suites(eng);
	br_ssl_engine_add_flags(eng, BR_OPT_NO_RENEGOTIATION);
	br_ssl_engine_set_default_ec(eng);
	for (size_t i = 0; i < 3; i++)
		br_ssl_engine_set_hash(eng, br_sha256_ID + (int)i, hashes[i]);
	br_ssl_engine_set_prf_sha256(eng, &br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(eng, &br_tls12_sha384_prf);
	br_ssl_engine_set_default_aes_gcm(eng);
	br_ssl_engine_set_default_chapol(eng);
	br_ssl_engine_set_buffers_bidi(
	    eng, lent->in, sizeof(lent->in), lent->out, sizeof(lent->out));
	rand_bytes(seed, sizeof(seed));
	br_ssl_engine_inject_entropy(eng, seed, sizeof(seed));
	wipe(seed, sizeof(seed));
	eng->rng_os_rand_done = 1; /* seeded; open no device once more */
}

struct span
tls_io_asked_name(const struct tls_io *io)
{
	return span_str(br_ssl_engine_get_server_name(&io->of.eng));
}

void
tls_io_free(struct tls_io *io)
{
	if (io == NULL)
		return;
	cert_free(io->cert);
	tls_io_client_free(io);
	if (io->parked != NULL)
		wipe(io->parked, io->n_parked);
	mem_free(io->parked);
	wipe(io, sizeof(*io));
	mem_free(io);
}

enum tls_state
tls_io_state(const struct tls_io *io)
{
	unsigned s = br_ssl_engine_current_state(&io->of.eng);

	if (io->has_failed || br_ssl_engine_last_error(&io->of.eng) != 0)
		return TLS_FAILED;
	if (s == BR_SSL_CLOSED || io->is_ended)
		return TLS_ENDED;
	return io->is_open ? TLS_OPEN : TLS_SHAKING;
}

/* Put back what the engine still needs of its input buffer. */
static void
unpark(struct tls_io *io)
{
	if (io->parked == NULL)
		return;
	memcpy(io->lent->in, io->parked, io->n_parked);
	wipe(io->parked, io->n_parked);
	mem_free(io->parked);
	io->parked = NULL;
}

/* Keep aside what the engine still needs; the buffers are others' then. */
static void
park(struct tls_io *io)
{
	br_ssl_engine_context *eng = &io->of.eng;

	if (br_ssl_engine_current_state(eng) == BR_SSL_CLOSED)
		return;
	assert(eng->oxa == eng->oxc);
	io->n_parked = eng->ixb;
	if (io->n_parked == 0)
		return;
	io->parked = mem_alloc(io->n_parked);
	if (io->parked == NULL) {
		io->has_failed = true;
		return;
	}
	memcpy(io->parked, io->lent->in, io->n_parked);
}

static void
drain(struct tls_io *io, struct buf *wire)
{
	br_ssl_engine_context *eng = &io->of.eng;
	const unsigned char *p;
	size_t len;

	while ((p = br_ssl_engine_sendrec_buf(eng, &len)) != NULL) {
		buf_put(wire, span_of(p, len));
		br_ssl_engine_sendrec_ack(eng, len);
	}
}

/* Move bytes until the engine wants more of them. */
static void
pump(struct tls_io *io, struct span bytes, struct buf *plain, struct buf *wire)
{
	br_ssl_engine_context *eng = &io->of.eng;
	unsigned char *p;
	size_t len;

	for (;;) {
		drain(io, wire);
		p = br_ssl_engine_recvapp_buf(eng, &len);
		if (p != NULL) {
			buf_put(plain, span_of(p, len));
			br_ssl_engine_recvapp_ack(eng, len);
			continue;
		}
		p = br_ssl_engine_recvrec_buf(eng, &len);
		if (p == NULL || bytes.len == 0 ||
		    br_ssl_engine_current_state(eng) == BR_SSL_CLOSED)
			return;
		if (len > bytes.len)
			len = bytes.len;
		memcpy(p, bytes.p, len);
		br_ssl_engine_recvrec_ack(eng, len);
		bytes = span_sub(bytes, len, bytes.len);
	}
}

/* The handshake may have just ended. */
static void
note_open(struct tls_io *io)
{
	unsigned s = br_ssl_engine_current_state(&io->of.eng);

	if (io->is_open || (s & BR_SSL_SENDAPP) == 0)
		return;
	io->is_open = true;
	if (io->known != NULL)
		tls_io_client_opened(io);
	else
		tls_io_server_opened(io);
}

enum tls_state
tls_io_feed(
    struct tls_io *io, struct span bytes, struct buf *plain, struct buf *wire)
{
	bool was_open = io->is_open;

	if (tls_io_state(io) == TLS_FAILED)
		return TLS_FAILED;
	unpark(io);
	pump(io, bytes, plain, wire);
	park(io);
	note_open(io);
	io->has_sweated = !was_open && (io->is_full || io->judge != NULL);
	if (buf_failed(plain) || buf_failed(wire))
		io->has_failed = true;
	return tls_io_state(io);
}

void
tls_io_put(struct tls_io *io, struct span plain, struct buf *wire)
{
	br_ssl_engine_context *eng = &io->of.eng;
	unsigned char *p;
	size_t len;

	if (tls_io_state(io) != TLS_OPEN)
		return;
	unpark(io);
	while (plain.len > 0) {
		p = br_ssl_engine_sendapp_buf(eng, &len);
		if (p == NULL)
			break;
		if (len > plain.len)
			len = plain.len;
		memcpy(p, plain.p, len);
		br_ssl_engine_sendapp_ack(eng, len);
		br_ssl_engine_flush(eng, 0);
		drain(io, wire);
		plain = span_sub(plain, len, plain.len);
	}
	park(io);
	if (plain.len > 0)
		io->has_failed = true;
}

void
tls_io_end(struct tls_io *io, struct buf *wire)
{
	if (io->is_ended || tls_io_state(io) != TLS_OPEN)
		return;
	unpark(io);
	br_ssl_engine_close(&io->of.eng);
	drain(io, wire);
	park(io);
	io->is_ended = true;
}

bool
tls_io_is_resumed(const struct tls_io *io)
{
	return io->is_resumed;
}

bool
tls_io_has_sweated(const struct tls_io *io)
{
	return io->has_sweated;
}

int
tls_io_error(const struct tls_io *io)
{
	int code = br_ssl_engine_last_error(&io->of.eng);

	return code == 0 && io->has_failed ? ERR_NOMEM : code;
}

void
tls_io_info(const struct tls_io *io, struct tls_info *out)
{
	br_ssl_session_parameters params;
	struct span name = tls_io_asked_name(io);

	*out = (struct tls_info){ .cipher = "" };
	br_ssl_engine_get_session_parameters(&io->of.eng, &params);
	out->version = params.version;
	for (size_t i = 0; i < N_SUITES; i++)
		if (suite_names[i].suite == params.cipher_suite)
			out->cipher = suite_names[i].name;
	wipe(&params, sizeof(params));
	memcpy(out->sni, name.p, name.len);
	out->is_resumed = io->is_resumed;
	if (io->cert != NULL) {
		memcpy(out->end_point, io->cert->end_point,
		    io->cert->end_point_len);
		out->end_point_len = io->cert->end_point_len;
	}
	if (io->known != NULL) {
		tls_io_client_info(io, out);
		return;
	}
	/* RFC 5929 3.1: the first Finished, which on a full handshake is the
	 * client's. Without RFC 7627 a resumed session's is not unique
	 * against a man in the middle. */
	out->has_unique = io->is_open && !io->is_resumed;
	if (out->has_unique)
		memcpy(out->unique, io->of.eng.saved_finished,
		    sizeof(out->unique));
}
