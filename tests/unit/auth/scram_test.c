#include "auth/pbkdf2.h"
#include "auth/scram.h"
#include "base/base64.h"
#include "test.h"

/* The exchange of RFC 7677 3: user "user", password "pencil". */
#define CLIENT_NONCE "rOprNGfwEbeRWgbNEkqO"
#define SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define BARE         "n=user,r=" CLIENT_NONCE
#define SERVER_FIRST                                                           \
	"r=" CLIENT_NONCE SERVER_NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define FINAL_START "c=biws,r=" CLIENT_NONCE SERVER_NONCE
#define PROOF       "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SIGNATURE   "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static const struct scram_binding no_binding;

static void
pencil(struct scram_secret *s)
{
	struct pbkdf2 p;
	struct buf salt;

	buf_init_fixed(&salt, (char *)s->salt, sizeof(s->salt));
	CHECK(base64_decode(&salt, SPAN("W22ZaJ0SNY7soEsUEjb6gQ==")) == 0);
	s->iterations = 4096;
	pbkdf2_begin(&p, SPAN("pencil"), span_of(s->salt, sizeof(s->salt)),
	    s->iterations);
	CHECK(pbkdf2_step(&p, UINT32_MAX));
	scram_secret_set(s, p.sum);
}

/* Both buffers of one exchange, and what came out. */
struct exchange {
	struct scram scram;
	struct buf user, authzid, out;
};

static void
exchange_init(struct exchange *x)
{
	scram_init(&x->scram);
	buf_init(&x->user, 64);
	buf_init(&x->authzid, 64);
	buf_init(&x->out, 1024);
}

static void
exchange_deinit(struct exchange *x)
{
	scram_deinit(&x->scram);
	buf_deinit(&x->user);
	buf_deinit(&x->authzid);
	buf_deinit(&x->out);
}

static enum scram_error
first(struct exchange *x, struct span message, bool is_plus,
    const struct scram_binding *b)
{
	char *copy = test_copy(message);
	enum scram_error e = scram_begin(&x->scram, span_of(copy, message.len),
	    is_plus, b, &x->user, &x->authzid);

	free(copy);
	return e;
}

static enum scram_error
last(struct exchange *x, struct span message)
{
	char *copy = test_copy(message);
	enum scram_error e =
	    scram_finish(&x->scram, span_of(copy, message.len), &x->out);

	free(copy);
	return e;
}

/* The whole exchange with this final message. */
static enum scram_error
run(struct span final, struct buf *out)
{
	struct scram_secret secret;
	struct exchange x;
	enum scram_error e;

	pencil(&secret);
	exchange_init(&x);
	CHECK(first(&x, SPAN("n,," BARE), false, &no_binding) == SCRAM_OK);
	CHECK(span_is(buf_span(&x.user), SPAN("user")));
	scram_challenge(&x.scram, &secret, SPAN(SERVER_NONCE), &x.out);
	CHECK(span_is(buf_span(&x.out), SPAN(SERVER_FIRST)));
	buf_reset(&x.out);
	e = last(&x, final);
	buf_put(out, buf_span(&x.out));
	exchange_deinit(&x);
	return e;
}

static void
test_vector(void)
{
	char storage[64];
	struct buf out;

	buf_init_fixed(&out, storage, sizeof(storage));
	CHECK(run(SPAN(FINAL_START ",p=" PROOF), &out) == SCRAM_OK);
	CHECK(span_is(buf_span(&out), SPAN(SIGNATURE)));
}

struct final_row {
	const char *message;
	enum scram_error error;
};

static const struct final_row finals[] = {
	/* another proof, another nonce, a nonce cut short or grown */
	{ FINAL_START ",p=AAAAZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	    SCRAM_INVALID_PROOF },
	{ "c=biws,r=" CLIENT_NONCE ",p=" PROOF, SCRAM_OTHER_ERROR },
	{ "c=biws,r=x" CLIENT_NONCE SERVER_NONCE ",p=" PROOF,
	    SCRAM_OTHER_ERROR },
	{ FINAL_START "x,p=" PROOF, SCRAM_OTHER_ERROR },
	/* c= says "y,," where the first message said "n,," */
	{ "c=eSws,r=" CLIENT_NONCE SERVER_NONCE ",p=" PROOF,
	    SCRAM_CHANNEL_BINDINGS_DONT_MATCH },
	{ "c=biwsbiws,r=" CLIENT_NONCE SERVER_NONCE ",p=" PROOF,
	    SCRAM_CHANNEL_BINDINGS_DONT_MATCH },
	{ "c=biw,r=" CLIENT_NONCE SERVER_NONCE ",p=" PROOF,
	    SCRAM_INVALID_ENCODING },
	{ "c=,r=" CLIENT_NONCE SERVER_NONCE ",p=" PROOF,
	    SCRAM_INVALID_ENCODING },
	/* extensions: optional ones are part of what is proved */
	{ FINAL_START ",x=ignored,p=" PROOF, SCRAM_INVALID_PROOF },
	{ FINAL_START ",m=must,p=" PROOF, SCRAM_EXTENSIONS_NOT_SUPPORTED },
	{ FINAL_START ",x=,p=" PROOF, SCRAM_INVALID_ENCODING },
	{ FINAL_START ",1=x,p=" PROOF, SCRAM_INVALID_ENCODING },
	/* proofs that are none */
	{ FINAL_START ",p=", SCRAM_INVALID_ENCODING },
	{ FINAL_START ",p=QUJD", SCRAM_INVALID_ENCODING },
	{ FINAL_START ",p=" PROOF "QUJD", SCRAM_INVALID_ENCODING },
	{ FINAL_START ",p=!" PROOF, SCRAM_INVALID_ENCODING },
	{ FINAL_START ",p=" PROOF ",x=y", SCRAM_INVALID_ENCODING },
	{ FINAL_START ",P=" PROOF, SCRAM_INVALID_ENCODING },
	/* out of order */
	{ "r=" CLIENT_NONCE SERVER_NONCE ",c=biws,p=" PROOF,
	    SCRAM_INVALID_ENCODING },
	{ "p=" PROOF, SCRAM_INVALID_ENCODING },
	{ "", SCRAM_INVALID_ENCODING },
};

static void
test_finals(void)
{
	struct buf out;

	buf_init(&out, 256);
	for (size_t i = 0; i < sizeof(finals) / sizeof(finals[0]); i++)
		CHECK_ROW(
		    run(span_str(finals[i].message), &out) == finals[i].error,
		    finals[i].message);
	CHECK(out.len == 0); /* none got a signature */
	buf_deinit(&out);
}

/* No proper prefix of the right message is accepted, or read past its end. */
static void
test_cut_final(void)
{
	struct span whole = SPAN(FINAL_START ",p=" PROOF);
	struct scram_final f;

	for (size_t n = 0; n < whole.len; n++) {
		char *copy = test_copy(span_sub(whole, 0, n));

		if (scram_parse_final(span_of(copy, n), &f) == SCRAM_OK)
			CHECK(f.proof.len < strlen(PROOF));
		free(copy);
	}
}

struct first_row {
	const char *message;
	bool is_plus, has_binding;
	enum scram_error error;
	const char *user, *authzid;
};

static const struct first_row firsts[] = {
	{ "n,," BARE, false, false, SCRAM_OK, "user", "" },
	{ "n,," BARE, false, true, SCRAM_OK, "user", "" },
	{ "y,," BARE, false, false, SCRAM_OK, "user", "" },
	{ "n,a=user," BARE, false, false, SCRAM_OK, "user", "user" },
	{ "n,,n=a=2Cb=3Dc,r=x", false, false, SCRAM_OK, "a,b=c", "" },
	{ "n,,n=user,r=x,e=opt,f=too", false, false, SCRAM_OK, "user", "" },
	{ "n,,n=k\xc3\xbchn,r=x", false, false, SCRAM_OK, "k\xc3\xbchn", "" },
	{ "p=tls-unique,," BARE, true, true, SCRAM_OK, "user", "" },
	{ "p=tls-server-end-point,," BARE, true, true, SCRAM_OK, "user", "" },
	/* RFC 5802 6: who says what about channel binding */
	{ "y,," BARE, false, true, SCRAM_SERVER_DOES_SUPPORT_CHANNEL_BINDING,
	    "", "" },
	{ "p=tls-unique,," BARE, false, true,
	    SCRAM_CHANNEL_BINDING_NOT_SUPPORTED, "", "" },
	{ "p=tls-unique,," BARE, true, false,
	    SCRAM_UNSUPPORTED_CHANNEL_BINDING_TYPE, "", "" },
	{ "p=tls-exporter,," BARE, true, true,
	    SCRAM_UNSUPPORTED_CHANNEL_BINDING_TYPE, "", "" },
	{ "p=TLS-UNIQUE,," BARE, true, true,
	    SCRAM_UNSUPPORTED_CHANNEL_BINDING_TYPE, "", "" },
	{ "n,," BARE, true, true, SCRAM_OTHER_ERROR, "", "" },
	{ "y,," BARE, true, true, SCRAM_OTHER_ERROR, "", "" },
	/* malformed */
	{ "", false, false, SCRAM_INVALID_ENCODING, "", "" },
	{ "n", false, false, SCRAM_INVALID_ENCODING, "", "" },
	{ "N,," BARE, false, false, SCRAM_INVALID_ENCODING, "", "" },
	{ "p,," BARE, true, true, SCRAM_INVALID_ENCODING, "", "" },
	{ "p=,," BARE, true, true, SCRAM_INVALID_ENCODING, "", "" },
	{ "p=a b,," BARE, true, true, SCRAM_INVALID_ENCODING, "", "" },
	{ "n," BARE, false, false, SCRAM_INVALID_ENCODING, "", "" },
	{ "n,a=," BARE, false, false, SCRAM_INVALID_ENCODING, "", "" },
	{ "n,b=x," BARE, false, false, SCRAM_INVALID_ENCODING, "", "" },
	{ "n,,m=x," BARE, false, false, SCRAM_EXTENSIONS_NOT_SUPPORTED, "",
	    "" },
	{ "n,," BARE ",m=x", false, false, SCRAM_EXTENSIONS_NOT_SUPPORTED, "",
	    "" },
	{ "n,,n=,r=x", false, false, SCRAM_INVALID_USERNAME_ENCODING, "", "" },
	{ "n,,n=a=2cb,r=x", false, false, SCRAM_INVALID_USERNAME_ENCODING, "",
	    "" },
	{ "n,,n=a=,r=x", false, false, SCRAM_INVALID_USERNAME_ENCODING, "",
	    "" },
	{ "n,,n=a=2,r=x", false, false, SCRAM_INVALID_USERNAME_ENCODING, "",
	    "" },
	{ "n,a=a=b,n=u,r=x", false, false, SCRAM_INVALID_USERNAME_ENCODING, "",
	    "" },
	{ "n,,n=\xff,r=x", false, false, SCRAM_INVALID_USERNAME_ENCODING, "",
	    "" },
	{ "n,,r=x,n=user", false, false, SCRAM_INVALID_USERNAME_ENCODING, "",
	    "" },
	{ "n,,n=user", false, false, SCRAM_INVALID_ENCODING, "", "" },
	{ "n,,n=user,r=", false, false, SCRAM_INVALID_ENCODING, "", "" },
	{ "n,,n=user,r=a b", false, false, SCRAM_INVALID_ENCODING, "", "" },
	{ "n,,n=user,r=a\x01", false, false, SCRAM_INVALID_ENCODING, "", "" },
	{ "n,,n=user,r=x,", false, false, SCRAM_INVALID_ENCODING, "", "" },
	{ "n,,n=user,r=x,e", false, false, SCRAM_INVALID_ENCODING, "", "" },
	{ "n,,n=user,r=x,e=\xc3", false, false, SCRAM_INVALID_ENCODING, "",
	    "" },
};

static void
test_firsts(void)
{
	static const struct scram_binding both = { { "0123456789ab", 12 },
		{ "0123456789abcdef0123456789abcdef", 32 } };

	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		const struct first_row *r = &firsts[i];
		struct exchange x;
		enum scram_error e;

		exchange_init(&x);
		e = first(&x, span_str(r->message), r->is_plus,
		    r->has_binding ? &both : &no_binding);
		CHECK_ROW(e == r->error, r->message);
		if (e == SCRAM_OK) {
			CHECK_ROW(span_is(buf_span(&x.user), span_str(r->user)),
			    r->message);
			CHECK_ROW(
			    span_is(buf_span(&x.authzid), span_str(r->authzid)),
			    r->message);
		}
		exchange_deinit(&x);
	}
}

static void
test_cut_first(void)
{
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		struct span whole = span_str(firsts[i].message);

		for (size_t n = 0; n < whole.len; n++) {
			struct exchange x;

			exchange_init(&x);
			(void)first(
			    &x, span_sub(whole, 0, n), true, &no_binding);
			exchange_deinit(&x);
		}
	}
}

/* NUL ends no message, and no value holds one. */
static void
test_nul(void)
{
	struct exchange x;

	exchange_init(&x);
	CHECK(first(&x, SPAN("n,,n=us\0er,r=x"), false, &no_binding) ==
	      SCRAM_INVALID_ENCODING);
	exchange_deinit(&x);
}

static void
test_too_long(void)
{
	char message[MAX_SCRAM_MESSAGE + 1];
	struct exchange x;

	memset(message, 'a', sizeof(message));
	memcpy(message, "n,,n=u,r=", 9);
	exchange_init(&x);
	CHECK(first(&x, span_of(message, sizeof(message)), false,
	          &no_binding) == SCRAM_NO_RESOURCES);
	CHECK(first(&x, span_of(message, 9 + MAX_SCRAM_NONCE + 1), false,
	          &no_binding) == SCRAM_INVALID_ENCODING);
	CHECK(first(&x, span_of(message, 9 + MAX_SCRAM_NONCE), false,
	          &no_binding) == SCRAM_OK);
	exchange_deinit(&x);
}

/* With -PLUS the binding data is part of what c= must say, and what the proof
 * is over. The client's side is computed here. */
static void
test_plus(void)
{
	static const struct scram_binding channel = { { NULL, 0 },
		{ "0123456789abcdef0123456789abcdef", 32 } };
	struct span header = SPAN("p=tls-server-end-point,,");
	struct scram_secret secret;
	struct exchange x;
	struct buf final, auth, binding;
	struct pbkdf2 p;
	uint8_t key[32], signature[32];

	pencil(&secret);
	buf_init(&final, 512);
	buf_init(&auth, 1024);
	buf_init(&binding, 128);
	exchange_init(&x);
	CHECK(first(&x, SPAN("p=tls-server-end-point,,n=user,r=abc"), true,
	          &channel) == SCRAM_OK);
	scram_challenge(&x.scram, &secret, SPAN("def"), &x.out);
	buf_put(&binding, header);
	buf_put(&binding, channel.tls_server_end_point);
	buf_put_str(&final, "c=");
	base64_encode(&final, buf_span(&binding));
	buf_put_str(&final, ",r=abcdef");
	buf_put_str(&auth, "n=user,r=abc,");
	buf_put(&auth, buf_span(&x.out));
	buf_put_char(&auth, ',');
	buf_put(&auth, buf_span(&final));
	pbkdf2_begin(&p, SPAN("pencil"), span_of(secret.salt, 16), 4096);
	CHECK(pbkdf2_step(&p, UINT32_MAX));
	mac_hmac(span_of(p.sum, 32), SPAN("Client Key"), span_of(NULL, 0), key);
	mac_hmac(span_of(secret.stored_key, 32), buf_span(&auth),
	    span_of(NULL, 0), signature);
	for (size_t i = 0; i < 32; i++)
		key[i] ^= signature[i];
	buf_put_str(&final, ",p=");
	base64_encode(&final, span_of(key, 32));
	buf_reset(&x.out);
	CHECK(last(&x, buf_span(&final)) == SCRAM_OK);
	CHECK(span_starts(buf_span(&x.out), SPAN("v=")));
	exchange_deinit(&x);
	buf_deinit(&final);
	buf_deinit(&auth);
	buf_deinit(&binding);
}

int
main(void)
{
	test_vector();
	test_finals();
	test_cut_final();
	test_firsts();
	test_cut_first();
	test_nul();
	test_too_long();
	test_plus();
	for (int e = SCRAM_OK; e <= SCRAM_OTHER_ERROR; e++)
		CHECK(scram_error_text((enum scram_error)e)[0] != '\0');
	return test_done();
}
