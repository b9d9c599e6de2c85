/* tls_io_client.c - the client's end of a handshake: what is thought of the
 * server's certificate.
 *
 * BearSSL asks a *judge* of chains. Ours has the chain looked at by "minimal"
 * (RFC 5280 path validation), and beside it decodes the first certificate, so
 * that an opportunistic client has a key to go on with whatever minimal found.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "net/anchors_impl.h"
#include "net/dial.h"
#include "net/tls_io_impl.h"

/* Certificates of a chain that are looked at: each costs a signature check. */
#define MAX_CHAIN 10
/* RFC 9325 4.5: RSA keys of at least 2048 bits. */
#define MIN_RSA_BYTES 256
/* From year 0 to 1970, as BearSSL counts. */
#define DAYS_TO_1970 719528
#define DAY_S        (24 * 3600)

struct tls_judge {
	const br_x509_class *vtable;
	struct tls_known *known;
	struct anchors *anchors;
	br_x509_minimal_context minimal;
	br_x509_decoder_context first;
	br_name_element names[2];
	char alt_name[128], common_name[128];
	uint32_t n_certs;
};

struct tls_known {
	bool must_verify;
	bool is_verified;
	unsigned code; /* BearSSL's; 0: verified, or not judged yet */
	char peer_name[128];
	char host[256];
};

static struct tls_judge *
judge_of(const br_x509_class **p)
{
	return (struct tls_judge *)(void *)((char *)(uintptr_t)p -
	                                    offsetof(struct tls_judge, vtable));
}

static void
start_chain(const br_x509_class **p, const char *server_name)
{
	struct tls_judge *j = judge_of(p);
	const char *host = j->known->host;

	/* The name that counts is the caller's, sent as SNI or not. */
	(void)server_name;
	j->n_certs = 0;
	j->minimal.vtable->start_chain(
	    &j->minimal.vtable, host[0] ? host : NULL);
}

static void
start_cert(const br_x509_class **p, uint32_t len)
{
	struct tls_judge *j = judge_of(p);

	if (j->n_certs < MAX_CHAIN)
		j->minimal.vtable->start_cert(&j->minimal.vtable, len);
	if (j->n_certs == 0)
		br_x509_decoder_init(&j->first, NULL, NULL);
}

static void
append(const br_x509_class **p, const unsigned char *bytes, size_t len)
{
	struct tls_judge *j = judge_of(p);

	if (j->n_certs < MAX_CHAIN)
		j->minimal.vtable->append(&j->minimal.vtable, bytes, len);
	if (j->n_certs == 0)
		br_x509_decoder_push(&j->first, bytes, len);
}

static void
end_cert(const br_x509_class **p)
{
	struct tls_judge *j = judge_of(p);

	if (j->n_certs < MAX_CHAIN)
		j->minimal.vtable->end_cert(&j->minimal.vtable);
	if (j->n_certs < UINT32_MAX)
		j->n_certs++;
}

static void
keep_name(struct tls_judge *j)
{
	for (size_t i = 0; i < 2; i++) {
		if (j->names[i].status <= 0)
			continue;
		memcpy(j->known->peer_name, j->names[i].buf,
		    sizeof(j->known->peer_name));
		return;
	}
}

static unsigned
end_chain(const br_x509_class **p)
{
	struct tls_judge *j = judge_of(p);
	struct tls_known *k = j->known;

	k->code = j->minimal.vtable->end_chain(&j->minimal.vtable);
	if (j->n_certs > MAX_CHAIN)
		k->code = BR_ERR_X509_LIMIT_EXCEEDED;
	/* Nobody can be verified without a name to verify. */
	if (k->code == 0 && k->host[0] == '\0')
		k->code = BR_ERR_X509_BAD_SERVER_NAME;
	k->is_verified = k->code == 0;
	keep_name(j);
	if (k->is_verified || (!k->must_verify && j->n_certs > 0 &&
	                          br_x509_decoder_get_pkey(&j->first) != NULL))
		return 0;
	return k->code;
}

static const br_x509_pkey *
get_pkey(const br_x509_class *const *p, unsigned *usages)
{
	struct tls_judge *j =
	    judge_of((const br_x509_class **)(uintptr_t)(const void *)p);

	if (j->known->is_verified)
		return j->minimal.vtable->get_pkey(&j->minimal.vtable, usages);
	if (usages != NULL)
		*usages = BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN;
	return br_x509_decoder_get_pkey(&j->first);
}

static const br_x509_class judge_class = { sizeof(struct tls_judge),
	start_chain, start_cert, append, end_cert, end_chain, get_pkey };

/* A dNSName, else the common name: for people to read. */
static void
gather_names(struct tls_judge *j)
{
	static const unsigned char alt_oid[] = { 0, 2 };
	static const unsigned char cn_oid[] = { 3, 0x55, 4, 3 };

	j->names[0].oid = alt_oid;
	j->names[0].buf = j->alt_name;
	j->names[0].len = sizeof(j->alt_name);
	j->names[1].oid = cn_oid;
	j->names[1].buf = j->common_name;
	j->names[1].len = sizeof(j->common_name);
	br_x509_minimal_set_name_elements(&j->minimal, j->names, 2);
}

static void
set_up_judge(struct tls_judge *j, struct anchors *a)
{
	static const br_hash_class *const hashes[] = { &br_sha256_vtable,
		&br_sha384_vtable, &br_sha512_vtable };
	br_x509_minimal_context *m = &j->minimal;
	int64_t now_s = clock_wall_s();

	j->vtable = &judge_class;
	j->anchors = anchors_ref(a);
	br_x509_minimal_init(
	    m, &br_sha256_vtable, a ? a->list : NULL, a ? a->n : 0);
	for (size_t i = 0; i < 3; i++)
		br_x509_minimal_set_hash(m, br_sha256_ID + (int)i, hashes[i]);
	br_x509_minimal_set_rsa(m, br_rsa_pkcs1_vrfy_get_default());
	br_x509_minimal_set_ecdsa(
	    m, br_ec_get_default(), br_ecdsa_vrfy_asn1_get_default());
	br_x509_minimal_set_minrsa(m, MIN_RSA_BYTES);
	br_x509_minimal_set_time(m, (uint32_t)(now_s / DAY_S) + DAYS_TO_1970,
	    (uint32_t)(now_s % DAY_S));
	gather_names(j);
}

int
tls_io_new_client(struct tls_buffers *lent, const struct tls_client *how,
    struct anchors *a, struct tls_io **out)
{
	struct tls_io *io = mem_alloc(sizeof(*io));
	br_ssl_client_context *cc;

	if (io == NULL)
		return ERR_NOMEM;
	cc = &io->of.client;
	io->lent = lent;
	io->known = mem_alloc(sizeof(*io->known));
	io->judge = mem_alloc(sizeof(*io->judge));
	br_ssl_client_zero(cc);
	if (io->known == NULL || io->judge == NULL) {
		tls_io_free(io);
		return ERR_NOMEM;
	}
	io->judge->known = io->known;
	io->known->must_verify = how->must_verify;
	if (span_to_cstr(how->host, io->known->host, sizeof(io->known->host)) <
	        0 ||
	    (how->must_verify && how->host.len == 0)) {
		tls_io_free(io);
		return ERR_INVALID;
	}
	set_up_judge(io->judge, a);
	tls_io_set_up(io);
	br_ssl_client_set_default_rsapub(cc);
	br_ssl_engine_set_default_rsavrfy(&cc->eng);
	br_ssl_engine_set_default_ecdsa(&cc->eng);
	br_ssl_engine_set_x509(&cc->eng, &io->judge->vtable);
	io->has_failed =
	    br_ssl_client_reset(cc,
	        how->sends_sni && how->host.len > 0 ? io->known->host : NULL,
	        0) == 0;
	*out = io;
	return 0;
}

/* No renegotiation: no chain comes any more. */
static void
dismiss_judge(struct tls_io *io)
{
	br_ssl_engine_set_x509(&io->of.eng, NULL);
	anchors_free(io->judge->anchors);
	mem_free(io->judge);
	io->judge = NULL;
}

void
tls_io_client_opened(struct tls_io *io)
{
	io->is_full = true;
	dismiss_judge(io);
}

void
tls_io_client_free(struct tls_io *io)
{
	if (io->judge != NULL)
		dismiss_judge(io);
	mem_free(io->known);
	io->known = NULL;
}

static const char *
text_of_chain(unsigned code)
{
	switch (code) {
	case BR_ERR_X509_EXPIRED:
	case BR_ERR_X509_TIME_UNKNOWN:
		return "the certificate is not valid today";
	case BR_ERR_X509_BAD_SERVER_NAME:
		return "the certificate is for another name";
	case BR_ERR_X509_NOT_TRUSTED:
	case BR_ERR_X509_NOT_CA:
	case BR_ERR_X509_DN_MISMATCH:
		return "the certificate's issuer is not trusted";
	case BR_ERR_X509_BAD_SIGNATURE:
		return "a signature in the certificate chain is wrong";
	case BR_ERR_X509_WEAK_PUBLIC_KEY:
		return "a key in the certificate chain is too short";
	case BR_ERR_X509_LIMIT_EXCEEDED:
		return "the certificate chain is too long";
	default:
		return "the certificate is not acceptable";
	}
}

const char *
tls_io_why(const struct tls_io *io)
{
	int code = tls_io_error(io);

	if (io->known != NULL && io->known->code != 0 &&
	    (unsigned)code == io->known->code)
		return text_of_chain(io->known->code);
	switch (code) {
	case BR_ERR_BAD_VERSION:
	case BR_ERR_UNSUPPORTED_VERSION:
	case BR_ERR_RECV_FATAL_ALERT + BR_ALERT_PROTOCOL_VERSION:
		return "no TLS version in common (we speak 1.2)";
	case BR_ERR_BAD_CIPHER_SUITE:
	case BR_ERR_RECV_FATAL_ALERT + BR_ALERT_HANDSHAKE_FAILURE:
		return "no TLS cipher in common";
	case ERR_NOMEM:
		return "not enough memory for TLS";
	default:
		return "the TLS handshake failed";
	}
}

void
tls_io_client_info(const struct tls_io *io, struct tls_info *out)
{
	const struct tls_known *k = io->known;

	out->is_client = true;
	out->is_verified = k->is_verified;
	out->why_not = k->is_verified ? NULL : text_of_chain(k->code);
	memcpy(out->peer_name, k->peer_name, sizeof(out->peer_name));
}
