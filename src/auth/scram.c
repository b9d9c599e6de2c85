#include "auth/scram.h"

#include "auth/mac.h"
#include "base/ascii.h"
#include "base/base64.h"
#include "base/cursor.h"
#include "base/limits.h"
#include "base/utf8.h"

const char *
scram_error_text(enum scram_error e)
{
	static const char *const texts[] = {
		[SCRAM_OK] = "ok",
		[SCRAM_INVALID_ENCODING] = "invalid-encoding",
		[SCRAM_EXTENSIONS_NOT_SUPPORTED] = "extensions-not-supported",
		[SCRAM_INVALID_PROOF] = "invalid-proof",
		[SCRAM_CHANNEL_BINDINGS_DONT_MATCH] =
		    "channel-bindings-dont-match",
		[SCRAM_SERVER_DOES_SUPPORT_CHANNEL_BINDING] =
		    "server-does-support-channel-binding",
		[SCRAM_CHANNEL_BINDING_NOT_SUPPORTED] =
		    "channel-binding-not-supported",
		[SCRAM_UNSUPPORTED_CHANNEL_BINDING_TYPE] =
		    "unsupported-channel-binding-type",
		[SCRAM_INVALID_USERNAME_ENCODING] = "invalid-username-encoding",
		[SCRAM_NO_RESOURCES] = "no-resources",
		[SCRAM_OTHER_ERROR] = "other-error",
	};

	return texts[e];
}

/* value-char of RFC 5802 7, but for its UTF-8, which the callers check. */
static bool
is_value_char(char c)
{
	return c != '\0' && c != ',';
}

/* printable of RFC 5802 7. */
static bool
is_nonce_char(char c)
{
	return ascii_is_vchar(c) && c != ',';
}

static bool
is_binding_name_char(char c)
{
	return ascii_is_alnum(c) || c == '.' || c == '-';
}

/* "x=" and a value of at least one member. */
static bool
take_attr(struct cur *c, char name, bool (*is_member)(char), struct span *out)
{
	struct cur at = *c;

	if (!cur_skip(&at, name) || !cur_skip(&at, '='))
		return false;
	*out = cur_while(&at, is_member);
	if (out->len == 0)
		return false;
	*c = at;
	return true;
}

/* extensions of RFC 5802 7, to the end or up to ",p=". An optional one is
 * ignored; "m" in any place asks for what we do not have (RFC 5802 5.1). */
static enum scram_error
skip_extensions(struct cur *c, bool has_proof)
{
	while (cur_skip(c, ',')) {
		int name = cur_peek(c);
		struct span value;

		if (name < 0 || !ascii_is_alpha((char)name))
			return SCRAM_INVALID_ENCODING;
		if (has_proof && name == 'p')
			return SCRAM_OK;
		if (!take_attr(c, (char)name, is_value_char, &value) ||
		    !utf8_is_valid(value))
			return SCRAM_INVALID_ENCODING;
		if (name == 'm')
			return SCRAM_EXTENSIONS_NOT_SUPPORTED;
	}
	return cur_is_end(c) && !has_proof ? SCRAM_OK : SCRAM_INVALID_ENCODING;
}

/* gs2-header of RFC 5802 7. */
static bool
take_gs2_header(struct cur *c, struct scram_first *f)
{
	const char *start = c->p;

	if (take_attr(c, 'p', is_binding_name_char, &f->binding_name))
		f->binding_flag = 'p';
	else if (cur_skip(c, 'n'))
		f->binding_flag = 'n';
	else if (cur_skip(c, 'y'))
		f->binding_flag = 'y';
	else
		return false;
	if (!cur_skip(c, ','))
		return false;
	if (cur_peek(c) == 'a' &&
	    !take_attr(c, 'a', is_value_char, &f->authzid))
		return false;
	if (!cur_skip(c, ','))
		return false;
	f->gs2_header = span_of(start, (size_t)(c->p - start));
	return true;
}

enum scram_error
scram_parse_first(struct span s, struct scram_first *out)
{
	struct cur c = cur_of(s);

	*out = (struct scram_first){ 0 };
	if (!take_gs2_header(&c, out))
		return SCRAM_INVALID_ENCODING;
	out->bare = cur_rest(&c);
	if (cur_peek(&c) == 'm')
		return SCRAM_EXTENSIONS_NOT_SUPPORTED;
	if (!take_attr(&c, 'n', is_value_char, &out->user))
		return SCRAM_INVALID_USERNAME_ENCODING;
	if (!cur_skip(&c, ',') ||
	    !take_attr(&c, 'r', is_nonce_char, &out->nonce) ||
	    out->nonce.len > MAX_SCRAM_NONCE)
		return SCRAM_INVALID_ENCODING;
	return skip_extensions(&c, false);
}

enum scram_error
scram_parse_final(struct span s, struct scram_final *out)
{
	struct cur c = cur_of(s);
	enum scram_error e;

	*out = (struct scram_final){ 0 };
	if (!take_attr(&c, 'c', is_value_char, &out->binding) ||
	    !cur_skip(&c, ',') ||
	    !take_attr(&c, 'r', is_nonce_char, &out->nonce))
		return SCRAM_INVALID_ENCODING;
	e = skip_extensions(&c, true);
	if (e != SCRAM_OK)
		return e;
	/* without the comma before "p=" */
	out->without_proof = span_of(s.p, (size_t)(c.p - s.p) - 1);
	if (!take_attr(&c, 'p', is_value_char, &out->proof) || !cur_is_end(&c))
		return SCRAM_INVALID_ENCODING;
	return SCRAM_OK;
}

int
scram_put_name(struct buf *out, struct span saslname)
{
	struct cur c = cur_of(saslname);

	if (!utf8_is_valid(saslname))
		return ERR_SYNTAX;
	while (!cur_is_end(&c)) {
		struct span three;

		if (*c.p != '=') {
			buf_put_char(out, *c.p++);
			continue;
		}
		if (cur_take(&c, 3, &three) != PARSE_OK)
			return ERR_SYNTAX;
		if (span_is(three, SPAN("=2C")))
			buf_put_char(out, ',');
		else if (span_is(three, SPAN("=3D")))
			buf_put_char(out, '=');
		else
			return ERR_SYNTAX;
	}
	return buf_error(out);
}

void
scram_init(struct scram *s)
{
	*s = (struct scram){ 0 };
	buf_init(&s->message, 2 * MAX_SCRAM_MESSAGE + MAX_SCRAM_NONCE + 128);
	buf_init(&s->binding, MAX_SCRAM_MESSAGE + 256);
}

void
scram_deinit(struct scram *s)
{
	buf_wipe(&s->message);
	buf_wipe(&s->binding);
	wipe(&s->secret, sizeof(s->secret));
}

/* RFC 5802 6: who may say what about channel binding. */
static enum scram_error
check_binding(const struct scram_first *f, bool is_plus,
    const struct scram_binding *b, struct span *data_out)
{
	*data_out = span_of(NULL, 0);
	if (f->binding_flag == 'p') {
		if (!is_plus)
			return SCRAM_CHANNEL_BINDING_NOT_SUPPORTED;
		/* RFC 5929 4 and 3; names compare exactly. */
		if (span_is(f->binding_name, SPAN("tls-server-end-point")))
			*data_out = b->tls_server_end_point;
		else if (span_is(f->binding_name, SPAN("tls-unique")))
			*data_out = b->tls_unique;
		return data_out->len > 0
		           ? SCRAM_OK
		           : SCRAM_UNSUPPORTED_CHANNEL_BINDING_TYPE;
	}
	if (is_plus)
		return SCRAM_OTHER_ERROR; /* -PLUS goes with "p" alone */
	/* "y": the client could, and believes that we cannot. If we offered
	 * it, somebody has cut it out of our list. */
	if (f->binding_flag == 'y' && scram_binding_exists(b))
		return SCRAM_SERVER_DOES_SUPPORT_CHANNEL_BINDING;
	return SCRAM_OK;
}

enum scram_error
scram_begin(struct scram *s, struct span client_first, bool is_plus,
    const struct scram_binding *binding, struct buf *user_out,
    struct buf *authzid_out)
{
	struct scram_first f;
	struct span data;
	enum scram_error e;
	int rc;

	if (client_first.len > MAX_SCRAM_MESSAGE)
		return SCRAM_NO_RESOURCES;
	e = scram_parse_first(client_first, &f);
	if (e == SCRAM_OK)
		e = check_binding(&f, is_plus, binding, &data);
	if (e != SCRAM_OK)
		return e;
	rc = scram_put_name(user_out, f.user);
	if (rc == 0)
		rc = scram_put_name(authzid_out, f.authzid);
	if (rc < 0)
		return rc == ERR_NOMEM ? SCRAM_NO_RESOURCES
		                       : SCRAM_INVALID_USERNAME_ENCODING;
	buf_put(&s->binding, f.gs2_header);
	buf_put(&s->binding, data);
	buf_put(&s->message, f.bare);
	s->nonce_at = (size_t)(f.nonce.p - f.bare.p);
	s->nonce_len = f.nonce.len;
	if (buf_failed(&s->binding) || buf_failed(&s->message))
		return SCRAM_NO_RESOURCES;
	return SCRAM_OK;
}

void
scram_challenge(struct scram *s, const struct scram_secret *secret,
    struct span server_nonce, struct buf *out)
{
	char client[MAX_SCRAM_NONCE];
	size_t first_at;

	/* copied: message may move as it grows */
	memcpy(client, s->message.p + s->nonce_at, s->nonce_len);
	buf_put_char(&s->message, ',');
	first_at = s->message.len;
	buf_put_str(&s->message, "r=");
	s->nonce_at = s->message.len;
	buf_put(&s->message, span_of(client, s->nonce_len));
	buf_put(&s->message, server_nonce);
	s->nonce_len += server_nonce.len;
	buf_put_str(&s->message, ",s=");
	base64_encode(&s->message, span_of(secret->salt, sizeof(secret->salt)));
	buf_put_str(&s->message, ",i=");
	buf_put_u64(&s->message, secret->iterations);
	s->secret = *secret;
	if (!buf_failed(&s->message))
		buf_put(
		    out, span_sub(buf_span(&s->message), first_at, SIZE_MAX));
}

/* c= must be the gs2-header of the first message and the channel's data. */
static enum scram_error
compare_binding(const struct scram *s, struct span encoded)
{
	struct buf b;
	enum scram_error e = SCRAM_OK;
	int rc;

	buf_init(&b, MAX_SCRAM_MESSAGE);
	rc = base64_decode(&b, encoded);
	if (rc == ERR_NOMEM)
		e = SCRAM_NO_RESOURCES;
	else if (rc < 0)
		e = SCRAM_INVALID_ENCODING;
	else if (!span_is_secret(buf_span(&b), buf_span(&s->binding)))
		e = SCRAM_CHANNEL_BINDINGS_DONT_MATCH;
	buf_wipe(&b);
	return e;
}

/* RFC 5802 3: is H(ClientProof XOR HMAC(StoredKey, AuthMessage)) the
 * StoredKey? */
static bool
is_proof(const struct scram *s, struct span proof)
{
	struct span stored =
	    span_of(s->secret.stored_key, sizeof(s->secret.stored_key));
	uint8_t key[MAC_BYTES];
	bool is_right;

	mac_hmac(stored, buf_span(&s->message), span_of(NULL, 0), key);
	for (size_t i = 0; i < MAC_BYTES; i++)
		key[i] ^= (uint8_t)proof.p[i];
	mac_sha256(span_of(key, MAC_BYTES), key);
	is_right = span_is_secret(span_of(key, MAC_BYTES), stored);
	wipe(key, sizeof(key));
	return is_right;
}

enum scram_error
scram_finish(struct scram *s, struct span client_final, struct buf *out)
{
	struct scram_final f;
	char proof_storage[MAC_BYTES + 3];
	struct buf proof;
	uint8_t signature[MAC_BYTES];
	enum scram_error e;

	if (client_final.len > MAX_SCRAM_MESSAGE)
		return SCRAM_NO_RESOURCES;
	e = scram_parse_final(client_final, &f);
	if (e == SCRAM_OK)
		e = compare_binding(s, f.binding);
	if (e != SCRAM_OK)
		return e;
	if (!span_is(f.nonce,
	        span_sub(buf_span(&s->message), s->nonce_at, s->nonce_len)))
		return SCRAM_OTHER_ERROR;
	buf_init_fixed(&proof, proof_storage, sizeof(proof_storage));
	if (base64_decode(&proof, f.proof) < 0 || proof.len != MAC_BYTES)
		return SCRAM_INVALID_ENCODING;
	buf_put_char(&s->message, ',');
	buf_put(&s->message, f.without_proof);
	if (buf_failed(&s->message))
		return SCRAM_NO_RESOURCES;
	if (!is_proof(s, buf_span(&proof)))
		return SCRAM_INVALID_PROOF;
	mac_hmac(span_of(s->secret.server_key, sizeof(s->secret.server_key)),
	    buf_span(&s->message), span_of(NULL, 0), signature);
	buf_put_str(out, "v=");
	base64_encode(out, span_of(signature, MAC_BYTES));
	wipe(proof_storage, sizeof(proof_storage));
	return SCRAM_OK;
}

void
scram_secret_set(struct scram_secret *out, const uint8_t salted[32])
{
	struct span key = span_of(salted, MAC_BYTES);
	uint8_t client_key[MAC_BYTES];

	mac_hmac(key, SPAN("Client Key"), span_of(NULL, 0), client_key);
	mac_sha256(span_of(client_key, MAC_BYTES), out->stored_key);
	mac_hmac(key, SPAN("Server Key"), span_of(NULL, 0), out->server_key);
	wipe(client_key, sizeof(client_key));
}
