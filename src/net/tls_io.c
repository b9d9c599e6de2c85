/* tls_io.c - the one file that knows BearSSL's engine, and touches its
 * fields: ibuf, ixa, ixb (what of the input buffer is in use), oxa, oxc (is
 * the output buffer in use?), saved_finished, rng_os_rand_done.
 *
 * The record buffers belong to the configuration and are lent for the length
 * of a call. What the engine still needs of the input buffer then, [0, ixb),
 * is kept aside and put back before the next. The output buffer is always
 * drained to the wire, so nothing of it is kept. The engine holds no other
 * pointer into them between calls (ssl_engine.c: hbuf_in, hbuf_out are set
 * anew by jump_handshake).
 */
#include "net/tls_io.h"

#include <assert.h>
#include <bearssl.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "net/cert_impl.h"
#include "net/tls_impl.h"

struct tls_io {
	br_ssl_server_context sc;
	const br_ssl_server_policy_class *policy;
	const br_ssl_session_cache_class *cache;
	struct tls_config *config;
	struct cert *cert; /* chosen or resumed; ours */
	const char *alpn;
	uint8_t *parked; /* of the input buffer, or NULL */
	size_t n_parked;
	uint64_t resumed_sni;
	bool is_full; /* a full handshake: a certificate was chosen */
	bool is_resumed;
	bool has_sweated;
	bool has_failed; /* beside the engine: memory, resumption */
	bool is_open;
	bool is_ended; /* we have said close_notify */
};

/* With two record buffers lent this is what an idle TLS session costs, beside
 * the connection and the protocol's session. */
_Static_assert(sizeof(struct tls_io) <= 5120, "an idle TLS session is small");

#define FULL_BITS 0xFF00u /* of an algo_id: choose the hash of this id */

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

static struct tls_io *
io_of_policy(const br_ssl_server_policy_class **p)
{
	return (struct tls_io *)(void *)((char *)(uintptr_t)p -
	                                 offsetof(struct tls_io, policy));
}

static struct tls_io *
io_of_cache(const br_ssl_session_cache_class **p)
{
	return (struct tls_io *)(void *)((char *)(uintptr_t)p -
	                                 offsetof(struct tls_io, cache));
}

static struct span
asked_name(const br_ssl_server_context *sc)
{
	return span_str(br_ssl_engine_get_server_name(&sc->eng));
}

/* The same name in another case is the same host. */
static uint64_t
hash_name(struct span name)
{
	char lower[256];

	for (size_t i = 0; i < name.len; i++)
		lower[i] = name.p[i] >= 'A' && name.p[i] <= 'Z'
		               ? (char)(name.p[i] | 0x20)
		               : name.p[i];
	return hash_mem(span_of(lower, name.len));
}

/* The best hash that both know; never SHA-1 (RFC 9155). 0: none. */
static unsigned
best_hash(uint32_t known)
{
	static const uint8_t ids[] = { br_sha256_ID, br_sha384_ID,
		br_sha512_ID };

	for (size_t i = 0; i < sizeof(ids); i++)
		if (known >> ids[i] & 1)
			return ids[i];
	return 0;
}

/* Can this client be served with this certificate? Fills the choice. */
static bool
try_cert(const br_ssl_server_context *sc, const struct cert *c,
    br_ssl_server_choices *out)
{
	uint32_t known = br_ssl_server_get_client_hashes(sc);
	unsigned want =
	    c->is_ec ? BR_SSLKEYX_ECDHE_ECDSA : BR_SSLKEYX_ECDHE_RSA;
	unsigned hash = best_hash(c->is_ec ? known >> 8 : known & 0xff);
	const br_suite_translated *suites;
	size_t n;

	if (hash == 0)
		return false;
	if (c->is_ec &&
	    (br_ssl_server_get_client_curves(sc) >> cert_curve(c) & 1) == 0)
		return false;
	suites = br_ssl_server_get_client_suites(sc, &n);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned)suites[i][1] >> 12 != want)
			continue;
		out->cipher_suite = suites[i][0];
		out->algo_id = FULL_BITS + hash;
		out->chain = c->chain;
		out->chain_len = c->n_chain;
		return true;
	}
	return false;
}

/* RFC 6066 3: the first certificate for the name asked for, else the first
 * that the client understands. */
static int
choose(const br_ssl_server_policy_class **p, const br_ssl_server_context *sc,
    br_ssl_server_choices *out)
{
	struct tls_io *io = io_of_policy(p);
	const struct tls_config *t = io->config;
	struct span name = asked_name(sc);

	for (int pass = name.len > 0 ? 0 : 1; pass < 2; pass++) {
		for (size_t i = 0; i < t->n_certs; i++) {
			if (pass == 0 && !cert_matches(t->certs[i], name))
				continue;
			if (!try_cert(sc, t->certs[i], out))
				continue;
			cert_free(io->cert);
			io->cert = cert_ref(t->certs[i]);
			io->is_full = true;
			return 1;
		}
	}
	return 0;
}

/* Only for key exchanges that are not offered. */
static uint32_t
no_key_exchange(
    const br_ssl_server_policy_class **p, unsigned char *data, size_t *len)
{
	(void)p;
	(void)data;
	(void)len;
	return 0;
}

static size_t
sign_ec(const struct cert *c, unsigned hash_id, const uint8_t *hash,
    unsigned char *out, size_t cap)
{
	static const br_hash_class *const classes[] = {
		[br_sha256_ID] = &br_sha256_vtable,
		[br_sha384_ID] = &br_sha384_vtable,
		[br_sha512_ID] = &br_sha512_vtable,
	};

	if (cap < 139) /* what BearSSL's signer may write */
		return 0;
	return br_ecdsa_sign_asn1_get_default()(br_ec_get_default(),
	    classes[hash_id], hash, br_skey_decoder_get_ec(&c->key), out);
}

static size_t
sign_rsa(const struct cert *c, unsigned hash_id, const uint8_t *hash,
    size_t hash_len, unsigned char *out, size_t cap)
{
	static const unsigned char *const oids[] = {
		[br_sha256_ID] = BR_HASH_OID_SHA256,
		[br_sha384_ID] = BR_HASH_OID_SHA384,
		[br_sha512_ID] = BR_HASH_OID_SHA512,
	};
	const br_rsa_private_key *sk = br_skey_decoder_get_rsa(&c->key);
	size_t len = (sk->n_bitlen + 7) / 8;

	if (cap < len)
		return 0;
	return br_rsa_pkcs1_sign_get_default()(
	           oids[hash_id], hash, hash_len, sk, out)
	           ? len
	           : 0;
}

static size_t
sign(const br_ssl_server_policy_class **p, unsigned algo_id,
    unsigned char *data, size_t hash_len, size_t cap)
{
	const struct tls_io *io = io_of_policy(p);
	unsigned hash_id = algo_id & 0xff;
	uint8_t hash[64];

	if (hash_id < br_sha256_ID || hash_id > br_sha512_ID ||
	    hash_len > sizeof(hash))
		return 0;
	memcpy(hash, data, hash_len);
	if (io->cert->is_ec)
		return sign_ec(io->cert, hash_id, hash, data, cap);
	return sign_rsa(io->cert, hash_id, hash, hash_len, data, cap);
}

static const br_ssl_server_policy_class policy_class = { sizeof(struct tls_io),
	choose, no_key_exchange, sign };

static void
save_session(const br_ssl_session_cache_class **p, br_ssl_server_context *sc,
    const br_ssl_session_parameters *params)
{
	struct tls_io *io = io_of_cache(p);
	struct tls_config *t = io->config;
	struct tls_session s = { .version = params->version,
		.suite = params->cipher_suite,
		.sni_hash = hash_name(asked_name(sc)) };

	while (s.cert < t->n_certs && t->certs[s.cert] != io->cert)
		s.cert++;
	/* The certificates were replaced meanwhile: nothing to resume. */
	if (s.cert == t->n_certs || params->session_id_len != TLS_ID_BYTES)
		return;
	memcpy(s.id, params->session_id, TLS_ID_BYTES);
	memcpy(s.master, params->master_secret, TLS_MASTER_BYTES);
	tls_cache_put(t->cache, &s, clock_mono_ms());
	wipe(&s, sizeof(s));
}

static int
load_session(const br_ssl_session_cache_class **p, br_ssl_server_context *sc,
    br_ssl_session_parameters *params)
{
	struct tls_io *io = io_of_cache(p);
	struct tls_config *t = io->config;
	struct tls_session s;

	(void)sc;
	if (tls_cache_get(t->cache, params->session_id, clock_mono_ms(), &s) <
	    0)
		return 0;
	params->version = s.version;
	params->cipher_suite = s.suite;
	memcpy(params->master_secret, s.master, TLS_MASTER_BYTES);
	cert_free(io->cert);
	io->cert = cert_ref(t->certs[s.cert]);
	io->resumed_sni = s.sni_hash;
	wipe(&s, sizeof(s));
	return 1;
}

static const br_ssl_session_cache_class cache_class = { sizeof(struct tls_io),
	save_session, load_session };

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
	br_ssl_engine_add_flags(eng, BR_OPT_ENFORCE_SERVER_PREFERENCES |
	                                 BR_OPT_NO_RENEGOTIATION |
	                                 BR_OPT_FAIL_ON_ALPN_MISMATCH);
}

static void
set_up(struct tls_io *io)
{
	static const br_hash_class *const hashes[] = { &br_sha256_vtable,
		&br_sha384_vtable, &br_sha512_vtable };
	br_ssl_engine_context *eng = &io->sc.eng;
	uint8_t seed[32];

	br_ssl_server_zero(&io->sc);
	br_ssl_engine_set_versions(eng, BR_TLS12, BR_TLS12);
	set_suites(eng);
	br_ssl_engine_set_default_ec(eng);
	for (size_t i = 0; i < 3; i++)
		br_ssl_engine_set_hash(eng, br_sha256_ID + (int)i, hashes[i]);
	br_ssl_engine_set_prf_sha256(eng, &br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(eng, &br_tls12_sha384_prf);
	br_ssl_engine_set_default_aes_gcm(eng);
	br_ssl_engine_set_default_chapol(eng);
	io->policy = &policy_class;
	io->cache = &cache_class;
	br_ssl_server_set_policy(&io->sc, &io->policy);
	br_ssl_server_set_cache(&io->sc, &io->cache);
	if (io->alpn != NULL)
		br_ssl_engine_set_protocol_names(eng, &io->alpn, 1);
	br_ssl_engine_set_buffers_bidi(eng, io->config->in,
	    sizeof(io->config->in), io->config->out, sizeof(io->config->out));
	rand_bytes(seed, sizeof(seed));
	br_ssl_engine_inject_entropy(eng, seed, sizeof(seed));
	wipe(seed, sizeof(seed));
	eng->rng_os_rand_done = 1; /* seeded; open no device once more */
}

int
tls_io_new(struct tls_config *t, const char *alpn, struct tls_io **out)
{
	struct tls_io *io;

	if (t == NULL || t->n_certs == 0)
		return ERR_NONE;
	io = mem_alloc(sizeof(*io));
	if (io == NULL)
		return ERR_NOMEM;
	io->config = t;
	io->alpn = alpn;
	set_up(io);
	io->has_failed = br_ssl_server_reset(&io->sc) == 0;
	*out = io;
	return 0;
}

void
tls_io_free(struct tls_io *io)
{
	if (io == NULL)
		return;
	cert_free(io->cert);
	if (io->parked != NULL)
		wipe(io->parked, io->n_parked);
	mem_free(io->parked);
	wipe(io, sizeof(*io));
	mem_free(io);
}

enum tls_state
tls_io_state(const struct tls_io *io)
{
	unsigned s = br_ssl_engine_current_state(&io->sc.eng);

	if (io->has_failed || br_ssl_engine_last_error(&io->sc.eng) != 0)
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
	memcpy(io->config->in, io->parked, io->n_parked);
	wipe(io->parked, io->n_parked);
	mem_free(io->parked);
	io->parked = NULL;
}

/* Keep aside what the engine still needs; the buffers are others' then. */
static void
park(struct tls_io *io)
{
	br_ssl_engine_context *eng = &io->sc.eng;

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
	memcpy(io->parked, io->config->in, io->n_parked);
}

static void
drain(struct tls_io *io, struct buf *wire)
{
	br_ssl_engine_context *eng = &io->sc.eng;
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
	br_ssl_engine_context *eng = &io->sc.eng;
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
	unsigned s = br_ssl_engine_current_state(&io->sc.eng);

	if (io->is_open || (s & BR_SSL_SENDAPP) == 0)
		return;
	io->is_open = true;
	io->is_resumed = !io->is_full;
	/* Deviation from RFC 6066 3, which would have a full handshake: a
	 * client that resumes a session under another name is at fault, and
	 * BearSSL tells the name only after it has resumed. */
	if (io->is_resumed && hash_name(asked_name(&io->sc)) != io->resumed_sni)
		io->has_failed = true;
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
	io->has_sweated = !was_open && io->is_full;
	if (buf_failed(plain) || buf_failed(wire))
		io->has_failed = true;
	return tls_io_state(io);
}

void
tls_io_put(struct tls_io *io, struct span plain, struct buf *wire)
{
	br_ssl_engine_context *eng = &io->sc.eng;
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
	br_ssl_engine_close(&io->sc.eng);
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
	int code = br_ssl_engine_last_error(&io->sc.eng);

	return code == 0 && io->has_failed ? ERR_NOMEM : code;
}

void
tls_io_info(const struct tls_io *io, struct tls_info *out)
{
	br_ssl_session_parameters params;
	struct span name = asked_name(&io->sc);

	*out = (struct tls_info){ .cipher = "" };
	br_ssl_engine_get_session_parameters(&io->sc.eng, &params);
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
	/* RFC 5929 3.1: the first Finished, which on a full handshake is the
	 * client's. Without RFC 7627 a resumed session's is not unique
	 * against a man in the middle. */
	out->has_unique = io->is_open && !io->is_resumed;
	if (out->has_unique)
		memcpy(out->unique, io->sc.eng.saved_finished,
		    sizeof(out->unique));
}
