/* smtp_out_auth.c - AUTH as the client (RFC 4954): SCRAM-SHA-256, PLAIN, LOGIN;
 * with a bearer's token OAUTHBEARER (RFC 7628) and XOAUTH2. */
#include "base/base64.h"
#include "base/mem.h"
#include "base/rand.h"
#include "smtp/smtp_out_impl.h"

/* Iterations in one step of the job: well under a millisecond. */
#define HASH_SLICE  256
#define NONCE_BYTES 18

void
out_auth_end(struct smtp_out *o)
{
	loop_remove_job(o->env.loop, &o->hashing);
	if (o->scram != NULL)
		scram_client_deinit(o->scram);
	mem_free(o->scram);
	o->scram = NULL;
}

static void
put_base64_line(struct smtp_out *o, struct span s)
{
	base64_encode(out_put(o), s);
	buf_put_str(out_put(o), "\r\n");
}

/* An initial response: "=" stands for an empty one (RFC 4954 4). */
static void
put_first(struct smtp_out *o, const struct buf *first)
{
	struct buf *b = out_put(o);

	buf_put_str(b, "AUTH ");
	buf_put_str(b, smtp_offer_mech_name(o->mech));
	if (first->len > 0) {
		buf_put_char(b, ' ');
		base64_encode(b, buf_span(first));
	}
	buf_put_str(b, "\r\n");
}

/* RFC 5802 5.1, 7: saslname, as in RFC 7628 3.1. */
static void
put_saslname(struct buf *b, struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.p[i] == ',')
			buf_put_str(b, "=2C");
		else if (name.p[i] == '=')
			buf_put_str(b, "=3D");
		else
			buf_put_char(b, name.p[i]);
}

static void
put_bearer(const struct smtp_out *o, struct buf *b)
{
	if (o->mech == MECH_OAUTHBEARER) { /* RFC 7628 3.1 */
		buf_put_str(b, "n,a=");
		put_saslname(b, o->user);
		buf_put_str(b, ",\001host=");
		buf_put(b, o->host);
		buf_putf(b, "\001port=%u", (unsigned)o->port);
	} else {
		buf_put_str(b, "user=");
		buf_put(b, o->user);
	}
	buf_put_str(b, "\001auth=Bearer ");
	buf_put(b, o->secret);
	buf_put_str(b, "\001\001");
}

static int
put_scram(struct smtp_out *o, struct buf *b)
{
	uint8_t random[NONCE_BYTES];
	char text[NONCE_BYTES * 2];
	struct buf nonce;

	out_auth_end(o);
	o->scram = mem_alloc(sizeof(*o->scram));
	if (o->scram == NULL)
		return ERR_NOMEM;
	scram_client_init(o->scram);
	rand_bytes(random, sizeof(random));
	buf_init_fixed(&nonce, text, sizeof(text));
	base64_encode(&nonce, span_of(random, sizeof(random)));
	return scram_client_first(o->scram, o->user, buf_span(&nonce), b);
}

/* The best that both know and that was not refused; 0: none. */
static uint32_t
choose_mech(const struct smtp_out *o)
{
	uint32_t usable = o->is_bearer
	                      ? MECH_OAUTHBEARER | MECH_XOAUTH2
	                      : MECH_SCRAM_SHA_256 | MECH_PLAIN | MECH_LOGIN;

	/* A password or token goes over TLS only (RFC 4954 4). */
	if (!o->facts.is_tls)
		usable &= MECH_SCRAM_SHA_256;
	usable &= o->offer.mechs & ~o->mechs_refused;
	return usable & (0u - usable);
}

static void
begin_mech(struct smtp_out *o)
{
	struct buf first;
	int rc = 0;

	o->mech = choose_mech(o);
	if (o->mech == 0) {
		out_lose(o, OUT_AT_AUTH, "4.7.0",
		    "The host offers no way to sign in that is safe here");
		return;
	}
	buf_init(&first, MAX_OUT_SECRET + 4 * MAX_ADDRESS_BYTES + 400);
	switch (o->mech) {
	case MECH_SCRAM_SHA_256:
		rc = put_scram(o, &first);
		break;
	case MECH_PLAIN: /* RFC 4616 2 */
		buf_put_char(&first, '\0');
		buf_put(&first, o->user);
		buf_put_char(&first, '\0');
		buf_put(&first, o->secret);
		break;
	case MECH_OAUTHBEARER:
	case MECH_XOAUTH2:
		put_bearer(o, &first);
		break;
	}
	o->phase = PH_AUTH;
	o->auth_step = 0;
	if (rc == 0)
		rc = buf_error(&first);
	if (rc == 0)
		put_first(o, &first);
	else
		out_lose(o, OUT_AT_AUTH, "4.7.0",
		    "The name or the password cannot be sent");
	buf_wipe(&first);
}

void
out_auth_begin(struct smtp_out *o)
{
	o->mechs_refused = 0;
	if (o->user.len == 0)
		out_idle(o);
	else
		begin_mech(o);
}

static void
abort_exchange(struct smtp_out *o)
{
	out_lose(o, OUT_AT_AUTH, "4.7.0",
	    "The host does not keep to the way of signing in");
}

bool
out_auth_job(struct job *j)
{
	struct smtp_out *o = LIST_OF(j, struct smtp_out, hashing);

	if (!scram_client_hash(o->scram, HASH_SLICE))
		return true;
	out_auth_hashed(o);
	return false;
}

void
out_auth_hashed(struct smtp_out *o)
{
	struct buf text;

	buf_init(&text, MAX_SCRAM_MESSAGE);
	o->phase = PH_AUTH;
	if (scram_client_final(o->scram, &text) == 0)
		put_base64_line(o, buf_span(&text));
	else
		buf_put_str(out_put(o), "*\r\n"); /* RFC 4954 4: cancel */
	buf_wipe(&text);
}

static void
go_on_scram(struct smtp_out *o, struct span challenge)
{
	switch (o->auth_step) {
	case 1:
		if (scram_client_challenge(o->scram, challenge, o->secret) <
		    0) {
			abort_exchange(o);
			return;
		}
		o->phase = PH_HASHING;
		loop_add_job(o->env.loop, &o->hashing);
		return;
	case 2:
		if (scram_client_verify(o->scram, challenge)) {
			buf_put_str(out_put(o), "\r\n");
			return;
		}
		break;
	}
	abort_exchange(o);
}

/* 334 and a challenge. */
static void
go_on(struct smtp_out *o)
{
	struct buf challenge;

	/* The kept text is long enough for what SCRAM servers send. */
	buf_init(&challenge, MAX_REPLY_TEXT);
	o->auth_step++;
	switch (o->mech) {
	case MECH_SCRAM_SHA_256:
		if (base64_decode(&challenge, smtp_reply_text(&o->reply)) == 0)
			go_on_scram(o, buf_span(&challenge));
		else
			abort_exchange(o);
		break;
	case MECH_LOGIN:
		if (o->auth_step <= 2)
			put_base64_line(
			    o, o->auth_step == 1 ? o->user : o->secret);
		else
			abort_exchange(o);
		break;
	case MECH_OAUTHBEARER: /* RFC 7628 3.2.3: an error; let it end */
	case MECH_XOAUTH2:
		if (o->auth_step == 1)
			buf_put_str(out_put(o),
			    o->mech == MECH_XOAUTH2 ? "\r\n" : "AQ==\r\n");
		else
			abort_exchange(o);
		break;
	default:
		abort_exchange(o);
		break;
	}
	buf_deinit(&challenge);
}

void
out_auth_reply(struct smtp_out *o)
{
	uint16_t code = o->reply.code;

	if (code == 334) {
		go_on(o);
		return;
	}
	if (code / 100 == 2) {
		/* RFC 5802 5: a server that has not shown that it knows the
		 * secret is not the one. */
		if (o->mech == MECH_SCRAM_SHA_256 && o->auth_step < 2)
			abort_exchange(o);
		else
			out_idle(o);
		return;
	}
	/* RFC 4954 4: 504, not this mechanism. */
	if (code == 504 || code == 500 || code == 534) {
		o->mechs_refused |= o->mech;
		out_auth_end(o);
		begin_mech(o);
		return;
	}
	/* A wrong password is wrong at each of its addresses, and each attempt
	 * may count. */
	if (code / 100 == 5)
		out_stop_trying(o);
	out_fail_reply(o, OUT_AT_AUTH);
}
