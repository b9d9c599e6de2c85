#include "mime/address_text.h"

#include "test.h"

#define L64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
/* With the @ and 193 before it, 254 bytes. */
#define LONG "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.bbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const struct {
	const char *in;
	enum parse result;
	const char *local, *domain;
	bool is_utf8;
} paths[] = {
	{ "<>", PARSE_OK, "", "", false },
	{ "<a@b.test>", PARSE_OK, "a", "b.test", false },
	{ "<a.b+c@b>", PARSE_OK, "a.b+c", "b", false },
	{ "<@x.test,@[192.0.2.1]:a@b.test>", PARSE_OK, "a", "b.test", false },
	{ "<\"a b\\\"@\"@b.test>", PARSE_OK, "\"a b\\\"@\"", "b.test", false },
	{ "<\"\"@b.test>", PARSE_OK, "\"\"", "b.test", false },
	{ "<Postmaster>", PARSE_OK, "Postmaster", "", false },
	{ "<a@[192.0.2.1]>", PARSE_OK, "a", "[192.0.2.1]", false },
	{ "<a@[IPv6:2001:db8::1]>", PARSE_OK, "a", "[IPv6:2001:db8::1]",
	    false },
	{ "<a_b@c_d.test>", PARSE_OK, "a_b", "c_d.test", false },
	{ "<\xc3\xa4@\xc3\xb6.test>", PARSE_OK, "\xc3\xa4", "\xc3\xb6.test",
	    true },
	{ "<" L64 "@b>", PARSE_OK, L64, "b", false },
	{ "<a" L64 "@b>", PARSE_OK, "a" L64, "b", false },
	{ "<" L64 L64 L64 "a@" LONG ">", PARSE_OK, L64 L64 L64 "a", LONG,
	    false },
	{ "<" L64 L64 L64 "aa@" LONG ">", PARSE_BAD, "", "", false },
	{ "<a@" L64 ".test>", PARSE_BAD, "", "", false },
	{ "<\xc3\xa4@b.test>", PARSE_BAD, "", "", false },
	{ "<\xc3@b.test>", PARSE_BAD, "", "", true },
	{ "<someone>", PARSE_BAD, "", "", false },
	{ "<a@>", PARSE_BAD, "", "", false },
	{ "<@b>", PARSE_BAD, "", "", false },
	{ "<a..b@c>", PARSE_BAD, "", "", false },
	{ "<.a@c>", PARSE_BAD, "", "", false },
	{ "<a.@c>", PARSE_BAD, "", "", false },
	{ "<a@b..c>", PARSE_BAD, "", "", false },
	{ "<a@b.>", PARSE_BAD, "", "", false },
	{ "<a@-b>", PARSE_BAD, "", "", false },
	{ "<a@b->", PARSE_BAD, "", "", false },
	{ "<a@b@c>", PARSE_BAD, "", "", false },
	{ "<a b@c>", PARSE_BAD, "", "", false },
	{ "<\"a\rb\"@c>", PARSE_BAD, "", "", false },
	{ "<\"a\\\nb\"@c>", PARSE_BAD, "", "", false },
	{ "<a@[1.2.3]>", PARSE_BAD, "", "", false },
	{ "<a@[1.2.3.256]>", PARSE_BAD, "", "", false },
	{ "<a@[X:1]>", PARSE_BAD, "", "", false },
	{ "a@b", PARSE_BAD, "", "", false },
	{ "<a@b\x7f>", PARSE_BAD, "", "", false },
};

/* Each path whole, and cut at every length: a prefix is never another path. */
static void
test_paths(void)
{
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct span all = span_str(paths[i].in);

		for (size_t n = 0; n <= all.len; n++) {
			char *p = test_copy(span_sub(all, 0, n));
			struct cur c = cur_of(span_of(p, n));
			struct path out;
			enum parse r = path_parse(&c, paths[i].is_utf8, &out);

			if (n == all.len) {
				CHECK_ROW(r == paths[i].result, paths[i].in);
				if (r == PARSE_OK)
					CHECK_ROW(
					    span_is(out.local,
					        span_str(paths[i].local)) &&
					        span_is(out.domain,
					            span_str(
					                paths[i].domain)) &&
					        cur_is_end(&c),
					    paths[i].in);
			} else {
				CHECK_ROW(r != PARSE_OK, paths[i].in);
				if (paths[i].result == PARSE_OK)
					CHECK_ROW(r == PARSE_MORE, paths[i].in);
			}
			if (r != PARSE_OK)
				CHECK_ROW(c.p == p, paths[i].in);
			free(p);
		}
	}
}

/* name|route|mailbox|host, "(" name for a group start, ")" for its end. */
static const struct {
	const char *in, *out;
} lists[] = {
	{ "", "" },
	{ "a@b", "||a|b\n" },
	{ " Joe Q. Public <john.q.public@example.com>",
	    "Joe Q. Public||john.q.public|example.com\n" },
	{ "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	    "Mary Smith||mary|x.test\n||jdoe|example.org\nWho?||one|y.test\n" },
	{ "\"Giant; \\\"Big\\\" Box\" <s@b>", "Giant; \"Big\" Box||s|b\n" },
	{ "A Group:Ed <joe@w>,joe@where,John <j@one>;",
	    "(A Group\nEd||joe|w\n||joe|where\nJohn||j|one\n)\n" },
	{ "Undisclosed recipients:;", "(Undisclosed recipients\n)\n" },
	{ "x: a@b; , c@d", "(x\n||a|b\n)\n||c|d\n" },
	{ "x: a@b", "(x\n||a|b\n)\n" },
	{ ":;", "(\n)\n" },
	{ "Pete(A nice \\) chap) <pete(his account)@silly.test(host)>",
	    "Pete||pete|silly.test\n" },
	{ "john . doe @ example . com", "||john.doe|example.com\n" },
	{ "a@b (The Name)", "The Name||a|b\n" },
	{ "Mary <@node.test,@two.test:mary@ex.test>",
	    "Mary|@node.test,@two.test|mary|ex.test\n" },
	{ "=?utf-8?q?J=C3=B6rg?= <j@x>", "=?utf-8?q?J=C3=B6rg?=||j|x\n" },
	{ "<a@[192.0.2.1]>", "||a|[192.0.2.1]\n" },
	{ "root", "||root|\n" },
	{ "\"q s\"@h", "||q s|h\n" },
	{ ",,a@b,,", "||a|b\n" },
	{ "a@b; c@d", "||a|b\n||c|d\n" },
	{ "((((((", "" },
	{ "\"unclosed", "||unclosed|\n" },
	{ "<unclosed@x", "||unclosed|x\n" },
	{ "<>", "|||\n" },
	{ "a:b:c;", "(a\n||b:c|\n)\n" },
};

static void
list_to_text(struct span value, struct buf *text)
{
	struct address_iter it;
	struct address a;
	struct buf scratch;

	buf_init(&scratch, 1024);
	address_iter_init(&it, value, &scratch);
	while (address_iter_next(&it, &a) == 0) {
		if (a.kind == ADDRESS_GROUP_START)
			buf_put_char(text, '(');
		if (a.kind == ADDRESS_GROUP_END)
			buf_put_char(text, ')');
		if (a.kind == ADDRESS_MAILBOX) {
			buf_put(text, a.name);
			buf_put_char(text, '|');
			buf_put(text, a.route);
			buf_put_char(text, '|');
		}
		buf_put(text, a.mailbox);
		if (a.kind == ADDRESS_MAILBOX) {
			buf_put_char(text, '|');
			buf_put(text, a.host);
		}
		buf_put_char(text, '\n');
	}
	buf_deinit(&scratch);
}

static void
test_lists(void)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct span all = span_str(lists[i].in);

		for (size_t n = 0; n <= all.len; n++) {
			char *p = test_copy(span_sub(all, 0, n));
			struct buf text;

			buf_init(&text, 1 << 16);
			list_to_text(span_of(p, n), &text);
			if (n == all.len)
				CHECK_ROW(span_is(buf_span(&text),
				              span_str(lists[i].out)),
				    lists[i].in);
			buf_deinit(&text);
			free(p);
		}
	}
}

static void
check_normal(const char *in, const char *want)
{
	struct span local, domain;
	struct buf b;

	buf_init(&b, 1024);
	if (address_split(span_str(in), &local, &domain) < 0)
		CHECK_ROW(want == NULL, in);
	else if (address_put_normal(&b, local, domain) < 0)
		CHECK_ROW(want == NULL, in);
	else
		CHECK_ROW(
		    want != NULL && span_is(buf_span(&b), span_str(want)), in);
	buf_deinit(&b);
}

static void
check_put(const char *local, const char *domain, const char *want)
{
	struct buf b;

	buf_init(&b, 1024);
	address_put(&b, span_str(local), span_str(domain));
	CHECK_ROW(span_is(buf_span(&b), span_str(want)), want);
	buf_deinit(&b);
}

int
main(void)
{
	test_paths();
	test_lists();
	check_normal("Alice@Example.TEST", "alice@example.test");
	check_normal("\"Alice\"@Example.TEST", "alice@example.test");
	check_normal("\"a \\\" b\"@x", "a \" b@x");
	check_normal("alice", NULL);
	check_normal("@x", NULL);
	check_normal("a@", NULL);
	check_normal("a@b c", NULL);
	check_normal("<a@b>", NULL);
	check_normal("a@b\r\nx", NULL);
	check_put("a.b", "c", "a.b@c");
	check_put("a b", "c", "\"a b\"@c");
	check_put("", "c", "\"\"@c");
	check_put("a\"\\", "", "\"a\\\"\\\\\"");
	CHECK(address_is_domain(SPAN("x.test")));
	CHECK(!address_is_domain(SPAN("x.test.")));
	CHECK(!address_is_domain(SPAN("x-")));
	CHECK(!address_is_domain(SPAN("")));
	return test_done();
}
