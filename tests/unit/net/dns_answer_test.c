/* Answers, whole and cut at every length, honest and not. */
#include "net/dns_answer.h"

#include "test.h"

/* The question a.test/TYPE, and a pointer to its name. */
#define HEAD(flags, an, ns)                                                    \
	"\x12\x34" flags "\0\1\0" an "\0" ns "\0\0\1a\4test\0\0"
#define IN "\0\1"
#define ME "\xc0\x0c"
#define OK "\x81\x80"

struct row {
	const char *what;
	enum dns_type type;
	struct span message;
	enum dns_state state;
	const char *want; /* all records, '|' between */
	uint32_t ttl_s;
	uint8_t n_aliases;
};

/* clang-format off */
static const struct row rows[] = {
	{ "A", DNS_A, SPAN(HEAD(OK, "\2", "\0") "\1" IN
	    ME "\0\1" IN "\0\0\0\x3c\0\4\xc0\0\2\1"
	    ME "\0\1" IN "\0\0\0\x1e\0\4\xc0\0\2\2"), DNS_OK, "192.0.2.1|192.0.2.2", 30, 0 },
	{ "the same twice, and another class", DNS_A, SPAN(HEAD(OK, "\3", "\0") "\1" IN
	    ME "\0\1" IN "\0\0\0\x3c\0\4\xc0\0\2\1"
	    ME "\0\1" "\0\3" "\0\0\0\x3c\0\4\xc0\0\2\3"
	    ME "\0\1" IN "\0\0\0\x3c\0\4\xc0\0\2\1"), DNS_OK, "192.0.2.1", 60, 0 },
	{ "of somebody else", DNS_A, SPAN(HEAD(OK, "\1", "\0") "\1" IN
	    "\1b\0" "\0\1" IN "\0\0\0\x3c\0\4\xc0\0\2\1"), DNS_NODATA, "", 60, 0 },
	{ "an address of five bytes", DNS_A, SPAN(HEAD(OK, "\1", "\0") "\1" IN
	    ME "\0\1" IN "\0\0\0\x3c\0\5\xc0\0\2\1\1"), DNS_TEMPFAIL, "", 0, 0 },
	{ "MX and null MX", DNS_MX, SPAN(HEAD(OK, "\2", "\0") "\x0f" IN
	    ME "\0\x0f" IN "\0\0\0\x3c\0\6\0\x0a\1B\xc0\x0e"
	    ME "\0\x0f" IN "\xff\0\0\0\0\3\0\0\0"), DNS_OK, "10 b.test|0 ", 0, 0 },
	{ "MX whose name ends too late", DNS_MX, SPAN(HEAD(OK, "\1", "\0") "\x0f" IN
	    ME "\0\x0f" IN "\0\0\0\x3c\0\5\0\x0a\1B\xc0\x0e"), DNS_TEMPFAIL, "", 0, 0 },
	{ "MX that is no host", DNS_MX, SPAN(HEAD(OK, "\1", "\0") "\x0f" IN
	    ME "\0\x0f" IN "\0\0\0\x3c\0\6\0\x0a\1 \xc0\x0e"), DNS_TEMPFAIL, "", 0, 0 },
	{ "PTR that is no host", DNS_PTR, SPAN(HEAD(OK, "\1", "\0") "\x0c" IN
	    ME "\0\x0c" IN "\0\0\0\x3c\0\4\1 \xc0\x0e"), DNS_NODATA, "", 60, 0 },
	{ "TXT of two strings", DNS_TXT, SPAN(HEAD(OK, "\1", "\0") "\x10" IN
	    ME "\0\x10" IN "\0\0\0\x3c\0\5\2hi\1!"), DNS_OK, "hi!", 60, 0 },
	{ "TXT that ends too late", DNS_TXT, SPAN(HEAD(OK, "\1", "\0") "\x10" IN
	    ME "\0\x10" IN "\0\0\0\x3c\0\3\5hi"), DNS_TEMPFAIL, "", 0, 0 },
	{ "an alias and its address", DNS_A, SPAN(HEAD(OK, "\2", "\0") "\1" IN
	    ME "\0\5" IN "\0\0\0\x0a\0\3\1b\0"
	    "\1b\0" "\0\1" IN "\0\0\0\x3c\0\4\xc0\0\2\1"), DNS_OK, "192.0.2.1", 10, 1 },
	{ "in the other order", DNS_A, SPAN(HEAD(OK, "\2", "\0") "\1" IN
	    "\1b\0" "\0\1" IN "\0\0\0\x3c\0\4\xc0\0\2\1"
	    ME "\0\5" IN "\0\0\0\x0a\0\3\1b\0"), DNS_OK, "192.0.2.1", 10, 1 },
	{ "an alias alone", DNS_A, SPAN(HEAD(OK, "\1", "\0") "\1" IN
	    ME "\0\5" IN "\0\0\0\x0a\0\3\1b\0"), DNS_PENDING, "", 10, 1 },
	{ "an alias of itself", DNS_A, SPAN(HEAD(OK, "\1", "\0") "\1" IN
	    ME "\0\5" IN "\0\0\0\x0a\0\2" ME), DNS_TEMPFAIL, "", 0, 8 },
	{ "the alias is what was asked for", DNS_CNAME, SPAN(HEAD(OK, "\1", "\0") "\5" IN
	    ME "\0\5" IN "\0\0\0\x0a\0\3\1b\0"), DNS_OK, "b", 10, 0 },
	{ "NXDOMAIN with SOA", DNS_A, SPAN(HEAD("\x81\x83", "\0", "\1") "\1" IN
	    "\0" "\0\6" IN "\0\0\0\x64\0\x16\0\0" "1234567890123456\0\0\0\x32"), DNS_NXDOMAIN, "", 50, 0 },
	{ "NODATA with SOA", DNS_A, SPAN(HEAD(OK, "\0", "\1") "\1" IN
	    "\0" "\0\6" IN "\0\0\0\x14\0\x16\0\0" "1234567890123456\0\0\0\x32"), DNS_NODATA, "", 20, 0 },
	{ "SOA of nothing", DNS_A, SPAN(HEAD(OK, "\0", "\1") "\1" IN
	    "\0" "\0\6" IN "\0\0\0\x14\0\0"), DNS_TEMPFAIL, "", 0, 0 },
	{ "a referral", DNS_A, SPAN(HEAD(OK, "\0", "\1") "\1" IN
	    "\0" "\0\2" IN "\0\0\0\x14\0\1\0"), DNS_TEMPFAIL, "", 0, 0 },
	{ "SERVFAIL", DNS_A, SPAN(HEAD("\x81\x82", "\0", "\0") "\1" IN), DNS_TEMPFAIL, "", 0, 0 },
	{ "truncated", DNS_A, SPAN(HEAD("\x83\x80", "\0", "\0") "\1" IN), DNS_TEMPFAIL, "", 0, 0 },
	{ "a question", DNS_A, SPAN(HEAD("\1\0", "\0", "\0") "\1" IN), DNS_TEMPFAIL, "", 0, 0 },
	{ "another opcode", DNS_A, SPAN(HEAD("\xa1\x80", "\0", "\0") "\1" IN), DNS_TEMPFAIL, "", 0, 0 },
	{ "more promised than sent", DNS_A, SPAN(HEAD(OK, "\2", "\0") "\1" IN
	    ME "\0\1" IN "\0\0\0\x3c\0\4\xc0\0\2\1"), DNS_TEMPFAIL, "", 0, 0 },
};
/* clang-format on */

static void
put_all(struct buf *b, const struct dns_answer *a, enum dns_type type)
{
	struct dns_record r;
	size_t at = 0;

	while (dns_answer_next(buf_span(&a->records), type, &at, &r)) {
		if (b->len > 0)
			buf_put_char(b, '|');
		if (type == DNS_MX)
			buf_putf(b, "%u ", r.preference);
		if (type == DNS_A || type == DNS_AAAA)
			peer_put(b, &r.address);
		else
			buf_put(b, r.text);
	}
}

static enum dns_state
parse(struct dns_answer *a, enum dns_type type, struct span message)
{
	char *copy = test_copy(message);

	REQUIRE(dns_wire_pack(SPAN("a.test"), &a->name) == 0);
	a->n_aliases = 0;
	dns_answer_parse(a, type, span_of(copy, message.len));
	free(copy);
	return a->state;
}

static void
test_row(const struct row *r)
{
	struct dns_answer a;
	char text[512];
	struct buf b;

	dns_answer_init(&a);
	buf_init_fixed(&b, text, sizeof(text));
	CHECK_ROW(parse(&a, r->type, r->message) == r->state, r->what);
	put_all(&b, &a, r->type);
	CHECK_SPAN(buf_span(&b), span_str(r->want));
	CHECK_ROW(r->state == DNS_TEMPFAIL || a.ttl_s == r->ttl_s, r->what);
	CHECK_ROW(a.n_aliases == r->n_aliases, r->what);
	/* A part of an answer is no answer. */
	for (size_t n = 0; n < r->message.len; n++)
		CHECK_ROW(parse(&a, r->type, span_sub(r->message, 0, n)) ==
		              DNS_TEMPFAIL,
		    r->what);
	dns_answer_deinit(&a);
}

/* 1,000 records of 64 KB, none of them of use, in bounded time. */
static void
test_many(void)
{
	struct dns_answer a;
	struct buf b;

	buf_init(&b, 65536);
	buf_put(&b, SPAN(HEAD(OK, "\0", "\0") "\1" IN));
	b.p[6] = 1000 >> 8;
	b.p[7] = (char)(1000 & 0xff);
	for (int i = 0; i < 1000; i++) {
		buf_put(&b, SPAN("\1b\0\0\1" IN "\0\0\0\x3c\0\4"));
		buf_put_be32(&b, (uint32_t)i);
	}
	dns_answer_init(&a);
	CHECK_INT(parse(&a, DNS_A, buf_span(&b)), DNS_TEMPFAIL);
	dns_answer_deinit(&a);
	buf_deinit(&b);
}

static void
test_question(void)
{
	struct dns_wire name;
	char text[512];
	struct buf b;

	buf_init_fixed(&b, text, sizeof(text));
	REQUIRE(dns_wire_pack(SPAN("A.test"), &name) == 0);
	dns_question_put(&b, 0x1234, DNS_MX, &name, false);
	CHECK_SPAN(buf_span(&b),
	    SPAN("\x12\x34\1\x20\0\1\0\0\0\0\0\0\1a\4test\0\0\x0f\0\1"));
	buf_reset(&b);
	dns_question_put(&b, 1, DNS_A, &name, true);
	CHECK_SPAN(
	    buf_span(&b), SPAN("\0\1\1\x20\0\1\0\0\0\0\0\1\1a\4test\0\0\1\0\1"
	                       "\0\0\x29\4\xd0\0\0\0\0\0\0"));
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		test_row(&rows[i]);
	test_many();
	test_question();
	return test_done();
}
