/* The client of SCRAM against RFC 7677's example, bad servers, and our own
 * server's side. */
#include "test.h"

#include "auth/scram_client.h"

#define NONCE SPAN("rOprNGfwEbeRWgbNEkqO")
#define SERVER_FIRST                                                           \
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"                \
	"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"

static void
run(struct scram_client *s)
{
	while (!scram_client_hash(s, 100))
		;
}

/* RFC 7677 3. */
static void
test_example(void)
{
	struct scram_client s;
	struct buf out;

	buf_init(&out, 2000);
	scram_client_init(&s);
	CHECK(scram_client_first(&s, SPAN("user"), NONCE, &out) == 0);
	CHECK_SPAN(buf_span(&out), SPAN("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"));
	CHECK(scram_client_challenge(&s, SPAN(SERVER_FIRST), SPAN("pencil")) ==
	      0);
	run(&s);
	buf_reset(&out);
	CHECK(scram_client_final(&s, &out) == 0);
	CHECK_SPAN(buf_span(&out),
	    SPAN("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
	         ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
	CHECK(scram_client_verify(
	    &s, SPAN("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")));
	CHECK(!scram_client_verify(
	    &s, SPAN("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=")));
	CHECK(!scram_client_verify(&s, SPAN("v=")));
	CHECK(!scram_client_verify(&s, SPAN("e=other-error")));
	scram_client_deinit(&s);
	buf_deinit(&out);
}

static void
test_bad_servers(void)
{
	static const struct {
		const char *first;
		int rc;
	} rows[] = {
		{ "", ERR_SYNTAX },
		{ "r=", ERR_SYNTAX },
		{ "r=abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", ERR_INVALID },
		{ "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		    ERR_INVALID },
		{ "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095",
		    ERR_INVALID },
		{ "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
		  "i=4000000000",
		    ERR_INVALID },
		{ "r=rOprNGfwEbeRWgbNEkqOx,s=!,i=4096", ERR_SYNTAX },
		{ "r=rOprNGfwEbeRWgbNEkqOx,i=4096,s=W22Z", ERR_SYNTAX },
		{ "m=x,r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=4096", ERR_SYNTAX },
	};
	struct buf out;

	buf_init(&out, 2000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct span in = span_str(rows[i].first);
		char *copy = test_copy(in);
		struct scram_client s;

		scram_client_init(&s);
		CHECK(scram_client_first(&s, SPAN("user"), NONCE, &out) == 0);
		CHECK_INT(scram_client_challenge(
		              &s, span_of(copy, in.len), SPAN("pencil")),
		    rows[i].rc);
		scram_client_deinit(&s);
		free(copy);
	}
	buf_deinit(&out);
}

static void
test_names(void)
{
	struct scram_client s;
	struct buf out;

	buf_init(&out, 2000);
	scram_client_init(&s);
	CHECK(scram_client_first(&s, SPAN("a=b,c"), NONCE, &out) == 0);
	CHECK_SPAN(
	    buf_span(&out), SPAN("n,,n=a=3Db=2Cc,r=rOprNGfwEbeRWgbNEkqO"));
	scram_client_deinit(&s);
	scram_client_init(&s);
	CHECK(scram_client_first(&s, SPAN("\xff"), NONCE, &out) == ERR_INVALID);
	scram_client_deinit(&s);
	buf_deinit(&out);
}

int
main(void)
{
	test_example();
	test_bad_servers();
	test_names();
	return test_done();
}
