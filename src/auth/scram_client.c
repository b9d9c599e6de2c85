#include "auth/scram_client.h"

#include "auth/saslprep.h"
#include "base/base64.h"

#define MAX_AUTH_MESSAGE (4 * MAX_SCRAM_MESSAGE)
#define MAX_SALT_BYTES   1024

void
scram_client_init(struct scram_client *s)
{
	*s = (struct scram_client){ 0 };
	buf_init(&s->message, MAX_AUTH_MESSAGE);
}

void
scram_client_deinit(struct scram_client *s)
{
	buf_wipe(&s->message);
	wipe(s, sizeof(*s));
}

/* RFC 5802 5.1: saslname, "=" and "," escaped. */
static int
put_name(struct buf *out, struct span user)
{
	struct buf name;
	int rc;

	buf_init(&name, MAX_SCRAM_MESSAGE);
	rc = saslprep(&name, user);
	for (size_t i = 0; rc == 0 && i < name.len; i++) {
		if (name.p[i] == '=')
			buf_put_str(out, "=3D");
		else if (name.p[i] == ',')
			buf_put_str(out, "=2C");
		else
			buf_put_char(out, name.p[i]);
	}
	buf_deinit(&name);
	return rc == ERR_SYNTAX ? ERR_INVALID : rc;
}

int
scram_client_first(struct scram_client *s, struct span user, struct span nonce,
    struct buf *out)
{
	int rc;

	buf_put_str(&s->message, "n=");
	rc = put_name(&s->message, user);
	if (rc < 0)
		return rc;
	buf_put_str(&s->message, ",r=");
	buf_put(&s->message, nonce);
	s->bare_len = s->message.len;
	s->nonce_len = nonce.len;
	buf_put_str(out, "n,,");
	buf_put(out, buf_span(&s->message));
	rc = buf_error(&s->message);
	return rc < 0 ? rc : buf_error(out);
}

/* One attribute "x=value", up to the next comma. */
static int
take_attr(struct span *rest, char name, struct span *out)
{
	struct span attr = span_split(rest, ',');

	if (attr.len < 2 || attr.p[0] != name || attr.p[1] != '=')
		return ERR_SYNTAX;
	*out = span_sub(attr, 2, attr.len);
	return 0;
}

static int
begin_hash(struct scram_client *s, struct span salt64, struct span password,
    uint64_t iterations)
{
	struct buf salt, prepared;
	int rc;

	buf_init(&salt, MAX_SALT_BYTES);
	buf_init(&prepared, 4 * MAX_SCRAM_MESSAGE);
	rc = base64_decode(&salt, salt64);
	if (rc == 0)
		rc = saslprep(&prepared, password);
	if (rc == 0)
		pbkdf2_begin(&s->hash, buf_span(&prepared), buf_span(&salt),
		    (uint32_t)iterations);
	buf_deinit(&salt);
	buf_wipe(&prepared);
	return rc;
}

int
scram_client_challenge(
    struct scram_client *s, struct span server_first, struct span password)
{
	struct span rest = server_first, nonce, salt, count;
	struct span bare = span_sub(buf_span(&s->message), 0, s->bare_len);
	struct span ours =
	    span_sub(bare, bare.len - s->nonce_len, s->nonce_len);
	uint64_t iterations;

	if (server_first.len > MAX_SCRAM_MESSAGE ||
	    take_attr(&rest, 'r', &nonce) < 0 ||
	    take_attr(&rest, 's', &salt) < 0 ||
	    take_attr(&rest, 'i', &count) < 0 ||
	    span_to_u64(count, UINT32_MAX, &iterations) < 0)
		return ERR_SYNTAX;
	if (!span_starts(nonce, ours) || nonce.len == ours.len ||
	    nonce.len > MAX_SCRAM_NONCE ||
	    iterations < MIN_SCRAM_CLIENT_ITERATIONS ||
	    iterations > MAX_SCRAM_CLIENT_ITERATIONS)
		return ERR_INVALID;
	buf_put_char(&s->message, ',');
	buf_put(&s->message, server_first);
	buf_put_str(&s->message, ",c=biws,r="); /* "n,,": no binding */
	buf_put(&s->message, nonce);
	if (buf_failed(&s->message))
		return buf_error(&s->message);
	s->nonce = span_sub(
	    buf_span(&s->message), s->message.len - nonce.len, nonce.len);
	return begin_hash(s, salt, password, iterations);
}

bool
scram_client_hash(struct scram_client *s, uint32_t n)
{
	return pbkdf2_step(&s->hash, n);
}

int
scram_client_final(struct scram_client *s, struct buf *out)
{
	struct span salted = span_of(s->hash.sum, MAC_BYTES);
	uint8_t key[MAC_BYTES], stored[MAC_BYTES], proof[MAC_BYTES];

	/* RFC 5802 3. */
	mac_hmac(salted, SPAN("Client Key"), SPAN(""), key);
	mac_sha256(span_of(key, MAC_BYTES), stored);
	mac_hmac(
	    span_of(stored, MAC_BYTES), buf_span(&s->message), SPAN(""), proof);
	for (size_t i = 0; i < MAC_BYTES; i++)
		proof[i] ^= key[i];
	mac_hmac(salted, SPAN("Server Key"), SPAN(""), key);
	mac_hmac(span_of(key, MAC_BYTES), buf_span(&s->message), SPAN(""),
	    s->server_signature);
	buf_put_str(out, "c=biws,r=");
	buf_put(out, s->nonce);
	buf_put_str(out, ",p=");
	base64_encode(out, span_of(proof, MAC_BYTES));
	wipe(key, sizeof(key));
	wipe(stored, sizeof(stored));
	wipe(&s->hash, sizeof(s->hash));
	return buf_error(out);
}

bool
scram_client_verify(struct scram_client *s, struct span server_final)
{
	struct span rest = server_final, v;
	char text[MAC_BYTES + 4];
	struct buf got;

	buf_init_fixed(&got, text, sizeof(text));
	return take_attr(&rest, 'v', &v) == 0 && base64_decode(&got, v) == 0 &&
	       span_is_secret(
	           buf_span(&got), span_of(s->server_signature, MAC_BYTES));
}
