/* tls_io_server.c - the server's end of a handshake: which certificate, its
 * signature, and what is remembered to resume. */
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "net/tls_io_impl.h"

#define FULL_BITS 0xFF00u /* of an algo_id: choose the hash of this id */

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
	struct span name = tls_io_asked_name(io);

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
		.sni_hash = hash_name(tls_io_asked_name(io)) };

	(void)sc;
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

static void
set_up(struct tls_io *io)
{
	br_ssl_server_context *sc = &io->of.server;

	br_ssl_server_zero(sc);
	tls_io_set_up(io);
	br_ssl_engine_add_flags(&sc->eng,
	    BR_OPT_ENFORCE_SERVER_PREFERENCES | BR_OPT_FAIL_ON_ALPN_MISMATCH);
	io->policy = &policy_class;
	io->cache = &cache_class;
	br_ssl_server_set_policy(sc, &io->policy);
	br_ssl_server_set_cache(sc, &io->cache);
	if (io->alpn != NULL)
		br_ssl_engine_set_protocol_names(&sc->eng, &io->alpn, 1);
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
	io->lent = &t->lent;
	io->alpn = alpn;
	set_up(io);
	io->has_failed = br_ssl_server_reset(&io->of.server) == 0;
	*out = io;
	return 0;
}

void
tls_io_server_opened(struct tls_io *io)
{
	io->is_resumed = !io->is_full;
	/* Deviation from RFC 6066 3, which would have a full handshake: a
	 * client that resumes a session under another name is at fault, and
	 * BearSSL tells the name only after it has resumed. */
	if (io->is_resumed &&
	    hash_name(tls_io_asked_name(io)) != io->resumed_sni)
		io->has_failed = true;
}
