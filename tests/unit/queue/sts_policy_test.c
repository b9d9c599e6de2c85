/* Records and policies of MTA-STS: good, bad, and cut at every byte. */
#include "queue/sts_policy.h"

#include "test.h"

/* clang-format off */
static const struct {
	const char *txt, *id; /* id NULL: bad; "": something else */
} records[] = {
	{ "v=STSv1; id=20160831085700Z;", "20160831085700Z" },
	{ "v=STSv1;id=a", "a" },
	{ "v=STSv1 ; x=y ;\tid=1 ", "1" },
	{ "v=STSv1; id=12345678901234567890123456789012", "12345678901234567890123456789012" },
	{ "v=STSv1; id=123456789012345678901234567890123", NULL },
	{ "v=STSv1; id=", NULL },
	{ "v=STSv1; id=a-b", NULL },
	{ "v=STSv1; id=a; id=b", NULL },
	{ "v=STSv1;", NULL },
	{ "v=STSv1", NULL },
	{ "v=STSv2; id=a", "" },
	{ "v=stsv1; id=a", "" },
	{ "v=spf1 -all", "" },
	{ " id=a; v=STSv1", "" },
	{ "", "" },
};

#define HEAD "version: STSv1\n"

static const struct {
	const char *what, *body, *text; /* NULL: no policy */
	enum sts_mode mode;
	uint32_t max_age_s;
} policies[] = {
	{ "of the RFC", "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n"
	    "mx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n",
	    HEAD "mode: enforce\nmax_age: 604800\nmx: mail.example.com\nmx: *.example.net\n"
	    "mx: backupmx.example.com\n", STS_ENFORCE, 604800 },
	{ "LF, no last end", HEAD "max_age:1\nmode:testing\nmx:A.test",
	    HEAD "mode: testing\nmax_age: 1\nmx: a.test\n", STS_TESTING, 1 },
	{ "none needs no mx", HEAD "mode: none\nmax_age: 86400\n",
	    HEAD "mode: none\nmax_age: 86400\n", STS_NONE, 86400 },
	{ "the first counts", HEAD "mode: none\nmode: enforce\nmax_age: 5\nmax_age: x\nversion: 2\n",
	    HEAD "mode: none\nmax_age: 5\n", STS_NONE, 5 },
	{ "unknown fields", HEAD "x-y: z\nmode: none\nfuture: a: b\nmax_age: 5\n\n",
	    HEAD "mode: none\nmax_age: 5\n", STS_NONE, 5 },
	{ "more than a year", HEAD "mode: none\nmax_age: 4000000000\n",
	    HEAD "mode: none\nmax_age: 31557600\n", STS_NONE, STS_MAX_AGE_S },
	{ "eleven digits", HEAD "mode: none\nmax_age: 00000000001\n", NULL, 0, 0 },
	{ "a negative age", HEAD "mode: none\nmax_age: -1\n", NULL, 0, 0 },
	{ "no age", HEAD "mode: none\n", NULL, 0, 0 },
	{ "no mode", HEAD "max_age: 5\nmx: a.test\n", NULL, 0, 0 },
	{ "another mode", HEAD "mode: strict\nmax_age: 5\nmx: a.test\n", NULL, 0, 0 },
	{ "no version", "mode: none\nmax_age: 5\n", NULL, 0, 0 },
	{ "another version", "version: STSv2\nmode: none\nmax_age: 5\n", NULL, 0, 0 },
	{ "no mx", HEAD "mode: enforce\nmax_age: 5\n", NULL, 0, 0 },
	{ "an empty mx", HEAD "mode: enforce\nmax_age: 5\nmx: \n", NULL, 0, 0 },
	{ "a star within", HEAD "mode: enforce\nmax_age: 5\nmx: a.*.test\n", NULL, 0, 0 },
	{ "a star alone", HEAD "mode: enforce\nmax_age: 5\nmx: *\n", NULL, 0, 0 },
	{ "two hosts in a line", HEAD "mode: enforce\nmax_age: 5\nmx: a.test, b.test\n", NULL, 0, 0 },
	{ "a page", "<html><body>Not found</body></html>", NULL, 0, 0 },
	{ "nothing", "", NULL, 0, 0 },
};

#define NAMES "mx: a.test\nmx: *.b.test\n"

static const struct {
	const char *text, *host;
	bool is_named;
} hosts[] = {
	{ NAMES, "a.test", true },
	{ NAMES, "A.Test.", true },
	{ NAMES, "x.a.test", false },
	{ NAMES, "mx.b.test", true },
	{ NAMES, "x.mx.b.test", false },
	{ NAMES, "b.test", false },
	{ NAMES, ".b.test", false },
	{ NAMES, "xb.test", false },
	{ NAMES, "", false },
	{ NAMES, "c.test", false },
	{ HEAD "mode: none\n", "none", false },
	{ "", "a.test", false },
};
/* clang-format on */

static void
test_records(void)
{
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
		struct span in = span_str(records[i].txt), id;

		for (size_t n = 0; n <= in.len; n++) {
			char *copy = test_copy(span_sub(in, 0, n));
			int rc = sts_record_parse(span_of(copy, n), &id);

			if (n == in.len && records[i].id == NULL)
				CHECK_ROW(rc == ERR_SYNTAX, records[i].txt);
			else if (n == in.len && records[i].id[0] == '\0')
				CHECK_ROW(rc == ERR_NONE, records[i].txt);
			else if (n == in.len)
				CHECK_SPAN(id, span_str(records[i].id));
			if (rc == 0)
				CHECK(id.len > 0 && id.len <= STS_MAX_ID);
			free(copy);
		}
	}
}

static void
test_policies(void)
{
	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		struct span in = span_str(policies[i].body);
		struct sts_policy p, again;
		struct buf text, twice;
		int rc = 0;

		buf_init(&text, STS_MAX_POLICY);
		buf_init(&twice, STS_MAX_POLICY);
		for (size_t n = 0; n <= in.len; n++) {
			char *copy = test_copy(span_sub(in, 0, n));

			buf_reset(&text);
			rc = sts_policy_parse(span_of(copy, n), &p, &text);
			free(copy);
		}
		if (policies[i].text == NULL) {
			CHECK_ROW(rc == ERR_SYNTAX, policies[i].what);
		} else {
			CHECK_ROW(rc == 0, policies[i].what);
			CHECK_SPAN(buf_span(&text), span_str(policies[i].text));
			CHECK(p.mode == policies[i].mode);
			CHECK_INT(p.max_age_s, policies[i].max_age_s);
			/* Our form is a policy, and stays as it is. */
			CHECK(sts_policy_parse(
			          buf_span(&text), &again, &twice) == 0);
			CHECK_SPAN(buf_span(&twice), buf_span(&text));
		}
		buf_deinit(&text);
		buf_deinit(&twice);
	}
}

static void
test_names(void)
{
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		struct span host = span_str(hosts[i].host);
		char *copy = test_copy(host);

		CHECK_ROW(sts_policy_names(span_str(hosts[i].text),
		              span_of(copy, host.len)) == hosts[i].is_named,
		    hosts[i].host);
		free(copy);
	}
}

/* Thousands of hosts: no policy, in bounded memory. */
static void
test_huge(void)
{
	struct sts_policy p;
	struct buf body, text;

	buf_init(&body, 100000);
	buf_init(&text, STS_MAX_POLICY);
	buf_put_str(&body, HEAD "mode: enforce\nmax_age: 5\n");
	for (int i = 0; i < 5000; i++)
		buf_putf(&body, "mx: h%d.test\n", i);
	CHECK(!buf_failed(&body));
	CHECK(sts_policy_parse(buf_span(&body), &p, &text) == ERR_LIMIT);
	CHECK_INT(text.len, 0);
	buf_deinit(&body);
	buf_deinit(&text);
}

int
main(void)
{
	test_records();
	test_policies();
	test_names();
	test_huge();
	return test_done();
}
