#include "trust/dkim_sign.h"

#include <bearssl.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "mime/header.h"
#include "net/net.h"
#include "trust/dkim_canon.h"

/* A clock before 2026 was never set. */
#define CREDIBLE_S 1767225600
#define LINE_CHARS 72

/* RFC 6376 5.4.1. OVER: once more than it is there, if at all; SEAL: by an
 * ARC-Message-Signature only. */
enum when { AS_IS, OVER, SEAL };

static const struct {
	const char *name;
	enum when when;
} rows[] = {
	{ "From", OVER },
	{ "To", OVER },
	{ "Cc", OVER },
	{ "Subject", OVER },
	{ "Date", OVER },
	{ "Message-ID", OVER },
	{ "Reply-To", OVER },
	{ "In-Reply-To", OVER },
	{ "References", OVER },
	{ "MIME-Version", OVER },
	{ "Content-Type", OVER },
	{ "Content-Transfer-Encoding", OVER },
	{ "Sender", AS_IS },
	{ "Resent-From", AS_IS },
	{ "Resent-To", AS_IS },
	{ "Resent-Cc", AS_IS },
	{ "Resent-Date", AS_IS },
	{ "Resent-Message-ID", AS_IS },
	{ "List-Id", AS_IS },
	{ "List-Help", AS_IS },
	{ "List-Post", AS_IS },
	{ "List-Owner", AS_IS },
	{ "List-Archive", AS_IS },
	{ "List-Subscribe", AS_IS },
	{ "List-Unsubscribe", AS_IS },
	{ "List-Unsubscribe-Post", AS_IS },
	{ "DKIM-Signature", SEAL },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* A field that is signed. */
struct signed_field {
	uint32_t at, len; /* its form, in canonical */
	uint8_t row;
};

struct dkim_sign {
	struct header_parser header;
	struct buf canonical;
	struct buf fields; /* struct signed_field, as they came */
	struct dkim_body body;
	br_sha256_context hash; /* of the body */
	uint8_t body_hash[br_sha256_SIZE];
	bool is_body, is_too_large, is_sealing;
	/* The DKIM-Signature that was made, above all others; len 0: none. */
	struct signed_field own;
};

static void
hash_body(void *arg, struct span bytes)
{
	br_sha256_update(arg, bytes.p, bytes.len);
}

int
dkim_sign_new(bool is_sealing, struct dkim_sign **out)
{
	struct dkim_sign *d = mem_alloc(sizeof(*d));

	if (d == NULL)
		return ERR_NOMEM;
	d->is_sealing = is_sealing;
	header_parser_init(&d->header, 0, NULL, MAX_HEADER_BYTES);
	buf_init(&d->canonical, MAX_HEADER_BYTES);
	buf_init(&d->fields, DKIM_SIGN_FIELDS * sizeof(struct signed_field));
	br_sha256_init(&d->hash);
	dkim_body_init(&d->body, DKIM_RELAXED, hash_body, &d->hash);
	*out = d;
	return 0;
}

void
dkim_sign_free(struct dkim_sign *d)
{
	if (d == NULL)
		return;
	header_parser_deinit(&d->header);
	buf_deinit(&d->canonical);
	buf_deinit(&d->fields);
	mem_free(d);
}

static void
add_field(struct dkim_sign *d, const struct field *f)
{
	struct signed_field s = { .at = (uint32_t)d->canonical.len };
	size_t row = 0;

	while (
	    row < N_ROWS && !span_is_nocase(f->name, span_str(rows[row].name)))
		row++;
	if (row == N_ROWS || (rows[row].when == SEAL && !d->is_sealing))
		return;
	d->is_too_large |= f->is_cut;
	dkim_canon_put_relaxed(&d->canonical, f->name, f->value);
	s.len = (uint32_t)(d->canonical.len - s.at);
	s.row = (uint8_t)row;
	buf_put(&d->fields, span_of(&s, sizeof(s)));
}

void
dkim_sign_feed(struct dkim_sign *d, struct span bytes)
{
	struct cur c = cur_of(bytes);
	enum header_event e = HEADER_FIELD;
	struct field f;

	while (!d->is_body && e == HEADER_FIELD) {
		e = header_parser_step(&d->header, &c, &f);
		if (e == HEADER_FIELD)
			add_field(d, &f);
		d->is_body = e == HEADER_END;
	}
	if (d->is_body)
		dkim_body_feed(&d->body, cur_rest(&c));
}

static size_t
n_fields(const struct dkim_sign *d)
{
	return d->fields.len / sizeof(struct signed_field);
}

static struct signed_field
field_at(const struct dkim_sign *d, size_t i)
{
	struct signed_field f;

	memcpy(&f, d->fields.p + i * sizeof(f), sizeof(f));
	return f;
}

int
dkim_sign_finish(struct dkim_sign *d)
{
	struct field f;

	if (!d->is_body && header_parser_finish(&d->header, &f) == HEADER_FIELD)
		add_field(d, &f);
	d->is_body = true;
	dkim_body_finish(&d->body);
	br_sha256_out(&d->hash, d->body_hash);
	if (d->header.has_failed || buf_error(&d->canonical) == ERR_NOMEM ||
	    buf_error(&d->fields) == ERR_NOMEM)
		return ERR_NOMEM;
	/* Fields past these are seen by others, and not by the parser. */
	if (d->header.n_lines > MAX_HEADER_LINES ||
	    d->header.offset - d->header.block_start > MAX_HEADER_BYTES)
		return ERR_LIMIT;
	if (d->is_too_large || buf_failed(&d->canonical) ||
	    buf_failed(&d->fields))
		return ERR_LIMIT;
	for (size_t i = 0; i < n_fields(d); i++)
		if (field_at(d, i).row == 0)
			return 0;
	return ERR_NONE;
}

/* --- the field --- */

/* Append a word of a list or tag, on a new line if this one is full. */
static void
put_word(struct buf *b, size_t *line_at, struct span word)
{
	if (b->len - *line_at + word.len > LINE_CHARS) {
		buf_put_str(b, "\r\n\t");
		*line_at = b->len;
	}
	buf_put(b, word);
}

static void
put_name(struct buf *b, size_t *line_at, size_t row, bool *has_some)
{
	if (*has_some)
		buf_put_char(b, ':');
	*has_some = true;
	put_word(b, line_at, span_str(rows[row].name));
}

/* h=, and the fields' forms into the hash: of equal names the last one first
 * (RFC 6376 5.4.2); one that is not there adds nothing. */
static void
put_names(const struct dkim_sign *d, bool is_seal, br_sha256_context *h,
    struct buf *b)
{
	bool has_some = false;
	size_t line_at = b->len;

	buf_put_str(b, "h=");
	for (size_t row = 0; row < N_ROWS; row++) {
		if (rows[row].when == SEAL && !is_seal)
			continue;
		for (size_t i = n_fields(d); i-- > 0;) {
			struct signed_field f = field_at(d, i);

			if (f.row != row)
				continue;
			br_sha256_update(h, d->canonical.p + f.at, f.len);
			put_name(b, &line_at, row, &has_some);
		}
		if (rows[row].when == SEAL && d->own.len > 0) {
			br_sha256_update(
			    h, d->canonical.p + d->own.at, d->own.len);
			put_name(b, &line_at, row, &has_some);
		}
		if (rows[row].when == OVER)
			put_name(b, &line_at, row, &has_some);
	}
}

/* Base64 in lines: in both tags white space is ignored. */
static void
put_base64(struct buf *b, struct span bytes)
{
	char storage[600];
	struct buf text;
	struct span rest;

	buf_init_fixed(&text, storage, sizeof(storage));
	base64_encode(&text, bytes);
	rest = buf_span(&text);
	while (rest.len > 0) {
		buf_put_str(b, "\r\n\t");
		buf_put(b, span_sub(rest, 0, LINE_CHARS));
		rest = span_sub(rest, LINE_CHARS, rest.len);
	}
}

void
dkim_sign_put_signer(const struct dkim_signer *by, struct buf *out)
{
	buf_put_str(out, "\r\n\td=");
	buf_put(out, by->domain);
	buf_put_str(out, ";\r\n\ts=");
	buf_put(out, by->selector);
	if (by->now_s > CREDIBLE_S) {
		buf_put_str(out, "; t=");
		buf_put_u64(out, (uint64_t)by->now_s);
	}
	buf_put_char(out, ';');
}

static void
put_tags(const struct dkim_sign *d, const struct dkim_signer *by,
    br_sha256_context *h, struct buf *b)
{
	if (by->instance > 0)
		buf_putf(b, "ARC-Message-Signature: i=%u", by->instance);
	else
		buf_put_str(b, "DKIM-Signature: v=1");
	buf_put_str(b, "; a=rsa-sha256; c=relaxed/relaxed;");
	dkim_sign_put_signer(by, b);
	buf_put_str(b, "\r\n\t");
	put_names(d, by->instance > 0, h, b);
	buf_put_str(b, ";\r\n\tbh=");
	base64_encode(b, span_of(d->body_hash, sizeof(d->body_hash)));
	buf_put_str(b, ";\r\n\tb=");
}

/* RFC 6376 3.7: the field itself comes last, with an empty b= and without its
 * CRLF. */
static int
hash_self(br_sha256_context *h, struct span field)
{
	struct buf self;
	int rc;

	buf_init(&self, DKIM_SIGN_BYTES);
	dkim_canon_field(&self, DKIM_RELAXED, field);
	rc = buf_error(&self);
	if (rc == 0)
		br_sha256_update(h, self.p, self.len - 2);
	buf_deinit(&self);
	return rc;
}

static int
decode_key(struct span key, br_skey_decoder_context *dc)
{
	br_skey_decoder_init(dc);
	br_skey_decoder_push(dc, key.p, key.len);
	if (br_skey_decoder_last_error(dc) != 0 ||
	    br_skey_decoder_key_type(dc) != BR_KEYTYPE_RSA ||
	    br_skey_decoder_get_rsa(dc)->n_bitlen > 4096)
		return ERR_INVALID;
	return 0;
}

int
dkim_sign_put_value(struct span key, const uint8_t hash[32], struct buf *out)
{
	unsigned char signature[512];
	br_skey_decoder_context dc;
	const br_rsa_private_key *sk;
	int rc = decode_key(key, &dc);

	if (rc < 0)
		goto out;
	sk = br_skey_decoder_get_rsa(&dc);
	if (!br_rsa_pkcs1_sign_get_default()(
	        BR_HASH_OID_SHA256, hash, 32, sk, signature)) {
		rc = ERR_INVALID;
		goto out;
	}
	put_base64(out, span_of(signature, (sk->n_bitlen + 7) / 8));
	buf_put_str(out, "\r\n");
out:
	wipe(&dc, sizeof(dc));
	return rc;
}

/* A seal is over this one as well (RFC 8617 5.1). */
static void
keep_own(struct dkim_sign *d, struct span field)
{
	size_t at = d->canonical.len;

	dkim_canon_field(&d->canonical, DKIM_RELAXED, field);
	if (!buf_failed(&d->canonical))
		d->own = (struct signed_field){ .at = (uint32_t)at,
			.len = (uint32_t)(d->canonical.len - at) };
}

int
dkim_sign_put(
    struct dkim_sign *d, const struct dkim_signer *by, struct buf *out)
{
	br_sha256_context h;
	uint8_t hash[br_sha256_SIZE];
	size_t at = out->len;
	int rc = 0;

	br_sha256_init(&h);
	put_tags(d, by, &h, out);
	if (buf_failed(out))
		rc = ERR_LIMIT;
	if (rc == 0)
		rc = hash_self(&h, span_sub(buf_span(out), at, out->len));
	br_sha256_out(&h, hash);
	if (rc == 0)
		rc = dkim_sign_put_value(by->key, hash, out);
	if (rc == 0 && buf_failed(out))
		rc = ERR_LIMIT;
	if (rc < 0)
		buf_truncate(out, at);
	else if (d->is_sealing && by->instance == 0)
		keep_own(d, span_sub(buf_span(out), at, out->len));
	return rc;
}

/* --- the record --- */

static void
wrap(struct buf *out, uint8_t tag, const struct buf *inner)
{
	der_put(out, tag, buf_span(inner));
}

/* A SubjectPublicKeyInfo (RFC 8017 A.1, RFC 3279 2.3.1). */
static void
put_public(struct buf *out, struct span n, struct span e)
{
	static const struct span algorithm = {
		"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00",
		15
	};
	char a[600], b[600], c[640];
	struct buf integer, pair, bits;

	buf_init_fixed(&integer, a, sizeof(a));
	buf_init_fixed(&pair, b, sizeof(b));
	buf_init_fixed(&bits, c, sizeof(c));
	buf_put_char(&integer, '\0'); /* the top bit of n is set */
	buf_put(&integer, n);
	wrap(&pair, DER_INTEGER, &integer);
	der_put(&pair, DER_INTEGER, e);
	buf_put_char(&bits, '\0'); /* no unused bits */
	wrap(&bits, DER_SEQUENCE, &pair);
	buf_init_fixed(&pair, b, sizeof(b));
	buf_put(&pair, algorithm);
	wrap(&pair, DER_BIT_STRING, &bits);
	wrap(out, DER_SEQUENCE, &pair);
}

int
dkim_sign_put_record(struct span key, struct buf *out)
{
	char storage[700];
	unsigned char n[512];
	br_skey_decoder_context dc;
	struct buf public_key;
	int rc = decode_key(key, &dc);
	size_t len = 0;

	if (rc == 0)
		len = br_rsa_compute_modulus_get_default()(
		    n, br_skey_decoder_get_rsa(&dc));
	if (rc == 0 && (len == 0 || br_rsa_compute_pubexp_get_default()(
	                                br_skey_decoder_get_rsa(&dc)) != 65537))
		rc = ERR_INVALID;
	wipe(&dc, sizeof(dc));
	if (rc < 0)
		return rc;
	buf_init_fixed(&public_key, storage, sizeof(storage));
	put_public(&public_key, span_of(n, len), span_of("\1\0\1", 3));
	buf_put_str(out, "v=DKIM1; k=rsa; p=");
	base64_encode(out, buf_span(&public_key));
	return buf_failed(&public_key) || buf_failed(out) ? ERR_LIMIT : 0;
}
