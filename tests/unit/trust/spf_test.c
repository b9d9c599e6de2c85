/* SPF against a table. With a file as argument: the cases of a published suite,
 * one answer a line (tests/e2e/spf_suite.py). */
#include "trust/spf.h"

#include "fake_dns.h"
#include "trust/spf_macro.h"
#include "trust/spf_record.h"

static int n_woken;

static void
wake(void *owner)
{
	(void)owner;
	n_woken++;
}

static enum spf_result
check(const char *ip, const char *helo, const char *from, char *words,
    size_t words_bytes)
{
	struct peer client;
	struct spf *s;
	enum spf_result r;
	struct spf_input in = { .client = &client,
		.helo = span_str(helo),
		.mail_from = span_str(from),
		.receiver = SPAN("receiver.test") };
	bool was_there;

	REQUIRE(peer_parse(span_str(ip), &client) == 0);
	n_woken = 0;
	REQUIRE(spf_new(NULL, &in, wake, NULL, &s) == 0);
	was_there = spf_result(s) != SPF_PENDING;
	fake_run();
	CHECK_INT(n_woken, was_there ? 0 : 1);
	r = spf_result(s);
	CHECK(r != SPF_PENDING);
	if (words != NULL)
		snprintf(words, words_bytes, "%.*s",
		    (int)spf_explanation(s).len, spf_explanation(s).p);
	spf_free(s);
	return r;
}

/* --- the suite --- */

static enum dns_type
type_of(const char *name)
{
	return strcmp(name, "A") == 0       ? DNS_A
	       : strcmp(name, "AAAA") == 0  ? DNS_AAAA
	       : strcmp(name, "MX") == 0    ? DNS_MX
	       : strcmp(name, "PTR") == 0   ? DNS_PTR
	       : strcmp(name, "CNAME") == 0 ? DNS_CNAME
	                                    : DNS_TXT;
}

/* Columns parted by tabs; \xNN in place. */
static size_t
unescape(char *s)
{
	char *out = s, *start = s;

	for (; *s != '\0'; s++) {
		if (s[0] == '\\' && s[1] == 'x') {
			*out++ = (char)(ascii_hex_value(s[2]) * 16 +
			                ascii_hex_value(s[3]));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
	return (size_t)(out - start);
}

static void
run_line(char *line)
{
	char *col[6] = { line };
	size_t len[6], n = 1;
	char words[1024];

	for (char *p = line; *p != '\0' && n < 6; p++) {
		if (*p == '\t') {
			*p = '\0';
			col[n++] = p + 1;
		}
	}
	for (size_t i = 0; i < n; i++)
		len[i] = unescape(col[i]);
	if (*line == 'Z') {
		fake_clear();
	} else if (*line == 'R' && n == 5) {
		fake_add(type_of(col[1]), col[2], span_of(col[4], len[4]),
		    (int)strtoul(col[3], NULL, 10));
	} else if (*line == 'N' && n == 2) {
		fake_add(DNS_TLSA, col[1], span_of(NULL, 0), 0);
	} else if (*line == 'C' && n == 5) {
		enum spf_result r =
		    check(col[2], col[3], col[4], words, sizeof(words));

		printf("%s\t%s\t%s\n", col[1], spf_name(r), words);
	}
}

static void
run_suite(const char *path)
{
	static char line[1 << 17];
	FILE *f = fopen(path, "r");

	REQUIRE(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		run_line(line);
	}
	fclose(f);
}

/* --- a few of our own --- */

static const struct {
	const char *name, *record;
} zones[] = {
	{ "ok.test", "v=spf1 ip4:192.0.2.0/24 -all" },
	{ "xn--mller-kva.test", "v=spf1 exists:%{d}.x.test -all" },
	{ "helo.test", "v=spf1 a:host.test -all" },
	{ "in.test", "v=spf1 include:ok.test ~all" },
	{ "loop.test", "v=spf1 include:loop.test -all" },
	{ "re.test", "v=spf1 redirect=ok.test" },
	{ "void.test", "v=spf1 a:a.test a:b.test a:c.test -all" },
	{ "temp.test", "v=spf1 a:temp.test -all" },
	{ "two.test", "v=spf1 -all" },
	{ "two.test", "v=spf1 +all" },
	{ "exp.test", "v=spf1 -all exp=why.test" },
	{ "why.test", "%{i} is not %{d}'s" },
	{ "macro.test", "v=spf1 exists:%{ir}.%{v}.%{l1-}.list.test -all" },
	{ "bad.test", "v=spf1 a:%{z}.test -all" },
	{ "p.test", "v=spf1 exists:%{p}.p.test ptr -all" },
};

static const struct {
	const char *ip, *helo, *from;
	enum spf_result result;
	const char *words;
} rows[] = {
	{ "192.0.2.1", "h", "a@ok.test", SPF_PASS, "" },
	/* RFC 8616 4: as A-labels, in macros too */
	{ "192.0.2.1", "h", "a@M\xc3\xbcller.test", SPF_PASS, "" },
	{ "192.0.2.1", "m\xc3\xbcller.test", "", SPF_PASS, "" },
	{ "198.51.100.1", "h", "a@ok.test", SPF_FAIL, "" },
	{ "2001:db8::1", "h", "a@ok.test", SPF_FAIL, "" },
	{ "192.0.2.1", "helo.test", "", SPF_FAIL, "" },
	{ "198.51.100.9", "helo.test", "", SPF_PASS, "" },
	{ "192.0.2.1", "h", "a@in.test", SPF_PASS, "" },
	{ "198.51.100.1", "h", "a@in.test", SPF_SOFTFAIL, "" },
	{ "192.0.2.1", "h", "a@loop.test", SPF_PERMERROR, "" },
	{ "192.0.2.1", "h", "a@re.test", SPF_PASS, "" },
	{ "192.0.2.1", "h", "a@void.test", SPF_PERMERROR, "" },
	{ "192.0.2.1", "h", "a@temp.test", SPF_TEMPERROR, "" },
	{ "192.0.2.1", "h", "a@two.test", SPF_PERMERROR, "" },
	{ "192.0.2.1", "h", "a@none.test", SPF_NONE, "" },
	{ "192.0.2.1", "h", "a@[192.0.2.1]", SPF_NONE, "" },
	{ "192.0.2.1", "localhost", "", SPF_NONE, "" },
	{ "192.0.2.7", "h", "a@exp.test", SPF_FAIL,
	    "192.0.2.7 is not exp.test's" },
	{ "192.0.2.1", "h", "x-y@macro.test", SPF_PASS, "" },
	{ "192.0.2.1", "h", "x-z@macro.test", SPF_FAIL, "" },
	{ "192.0.2.1", "h", "a@bad.test", SPF_PERMERROR, "" },
	{ "192.0.2.1", "h", "a@p.test", SPF_PASS, "" },
	{ "192.0.2.2", "h", "a@p.test", SPF_FAIL, "" },
};

static void
test_rows(void)
{
	char words[300];

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		fake_txt(zones[i].name, zones[i].record);
	fake_add(DNS_A, "host.test", SPAN("198.51.100.9"), 0);
	fake_add(DNS_A, "temp.test", SPAN("!"), 0);
	fake_add(DNS_A, "1.2.0.192.in-addr.y.list.test", SPAN("127.0.0.2"), 0);
	fake_add(DNS_A, "xn--mller-kva.test.x.test", SPAN("127.0.0.2"), 0);
	fake_add(DNS_PTR, "1.2.0.192.in-addr.arpa", SPAN("mx.p.test"), 0);
	fake_add(DNS_PTR, "2.2.0.192.in-addr.arpa", SPAN("mx.p.test"), 0);
	fake_add(DNS_A, "mx.p.test", SPAN("192.0.2.1"), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum spf_result r = check(rows[i].ip, rows[i].helo,
		    rows[i].from, words, sizeof(words));

		CHECK_ROW(r == rows[i].result, rows[i].from);
		CHECK_STR(words, rows[i].words);
	}
	fake_clear();
}

/* A check that is freed, or given up, while it waits. */
static void
test_stops(void)
{
	struct peer client;
	struct spf *s;
	struct spf_input in = { .client = &client,
		.helo = SPAN("h.test"),
		.mail_from = SPAN("a@ok.test"),
		.receiver = SPAN("r.test") };

	REQUIRE(peer_parse(SPAN("192.0.2.1"), &client) == 0);
	REQUIRE(spf_new(NULL, &in, wake, NULL, &s) == 0);
	spf_free(s);
	CHECK_INT(n_fake_pending, 0);
	REQUIRE(spf_new(NULL, &in, wake, NULL, &s) == 0);
	spf_give_up(s);
	CHECK_INT(n_fake_pending, 0);
	CHECK_INT(spf_result(s), SPF_TEMPERROR);
	spf_free(s);
}

/* A record cut at every length ends, and is read without a byte too many. */
static void
test_cut(void)
{
	struct span all = SPAN("v=spf1 a:%{l1r-}.x.test/24//64 ip4:192.0.2.0/24"
	                       " ip6:2001:db8::/32 mx exp=%{d}.e.test ?all");

	for (size_t n = 0; n <= all.len; n++) {
		char *p = test_copy(span_sub(all, 0, n));
		struct span redirect, exp;
		struct cur c = spf_record_terms(span_of(p, n));
		struct spf_term t;
		int rc = spf_record_check(span_of(p, n), &redirect, &exp);

		CHECK(rc == 0 || rc == ERR_SYNTAX);
		while (spf_term_next(&c, &t) == 0)
			(void)spf_uses_ptr(t.spec);
		free(p);
	}
}

int
main(int argc, char **argv)
{
	if (argc > 1) {
		run_suite(argv[1]);
		return 0;
	}
	test_rows();
	test_stops();
	test_cut();
	return test_done();
}
