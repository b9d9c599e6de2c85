/* The settings trust.weights and trust.dnsbl. */
#include "trust/weights.h"

#include "../test.h"

static const struct {
	const char *text;
	int rc;
} doubts[] = {
	{ "", 0 },
	{ "no-reverse=2 HELO-bad=100  spf-fail=-3", 0 },
	{ "no-reverse=0", 0 },
	{ "no-reverse", ERR_SYNTAX },
	{ "no-reverse=", ERR_SYNTAX },
	{ "no-reverse=x", ERR_SYNTAX },
	{ "no-reverse=-", ERR_SYNTAX },
	{ "unknown=1", ERR_SYNTAX },
	{ "=1", ERR_SYNTAX },
	{ "no-reverse=101", ERR_LIMIT },
	{ "no-reverse=-101", ERR_LIMIT },
};

static const struct {
	const char *text;
	int rc;
} lists[] = {
	{ "", 0 },
	{ "zen.example=5 other.example:127.0.0.2=2", 0 },
	{ "a.example:127.0.*.2-3=-2 A.example:127.0.0.9=1", 0 },
	{ "a.example", ERR_SYNTAX },
	{ "a.example=0", ERR_SYNTAX },
	{ "a example=1", ERR_SYNTAX },
	{ "a..example=1", ERR_SYNTAX },
	{ "a(b.example=1", ERR_SYNTAX },
	{ "a.example:=1", ERR_SYNTAX },
	{ "a.example:127.0.0=1", ERR_SYNTAX },
	{ "a.example:127.0.0.2.3=1", ERR_SYNTAX },
	{ "a.example:127.0.0.9-3=1", ERR_SYNTAX },
	{ "a.example:127.0.0.256=1", ERR_SYNTAX },
	{ "a.example:127.0.0.2-=1", ERR_SYNTAX },
	{ "a.example:127.0.0.**=1", ERR_SYNTAX },
	{ "a.example=1000", ERR_LIMIT },
	{ "a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1", 0 },
	{ "a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1", ERR_LIMIT },
	{ "a=1 a=1 a=1 a=1 a=1 a=1 a=1 a=1 a=1 a=1 a=1 a=1 a=1 a=1 a=1 a=1 a=1",
	    ERR_LIMIT },
};

static void
test_tables(void)
{
	for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
		struct span all = span_str(doubts[i].text);

		for (size_t n = 0; n <= all.len; n++) {
			struct weights w = { .n_rules = 0 };
			char *p = test_copy(span_sub(all, 0, n));
			int rc = weights_parse_doubts(span_of(p, n), &w);

			CHECK_ROW(
			    n < all.len || rc == doubts[i].rc, doubts[i].text);
			free(p);
		}
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct span all = span_str(lists[i].text);

		for (size_t n = 0; n <= all.len; n++) {
			struct weights w = { .n_rules = 0 };
			char *p = test_copy(span_sub(all, 0, n));
			int rc = weights_parse_lists(span_of(p, n), &w);

			CHECK_ROW(
			    n < all.len || rc == lists[i].rc, lists[i].text);
			free(p);
		}
	}
}

static void
test_values(void)
{
	static const uint8_t two[4] = { 127, 0, 9, 2 };
	static const uint8_t four[4] = { 127, 0, 9, 4 };
	struct weights w = { .n_rules = 0 };

	CHECK(!weights_are_any(&w));
	CHECK_INT(weights_parse_doubts(SPAN("no-reverse=0"), &w), 0);
	CHECK(!weights_are_any(&w));
	CHECK_INT(
	    weights_parse_doubts(SPAN("helo-other=1 spf-fail=-7"), &w), 0);
	CHECK_INT(w.of[DOUBT_HELO_OTHER], 1);
	CHECK_INT(w.of[DOUBT_SPF_FAIL], -7);
	CHECK(weights_are_any(&w));
	CHECK_INT(weights_parse_lists(
	              SPAN("A.example:127.0.*.2-3=-2 b=3 a.example=1"), &w),
	    0);
	CHECK_INT(w.n_lists, 2);
	CHECK_INT(w.n_rules, 3);
	CHECK_SPAN(weights_list(&w, 0), SPAN("A.example"));
	CHECK_SPAN(weights_list(&w, 1), SPAN("b"));
	CHECK_INT(w.rules[0].weight, -2);
	CHECK_INT(w.rules[2].list, 0);
	CHECK(weights_rule_has(&w.rules[0], two));
	CHECK(!weights_rule_has(&w.rules[0], four));
	CHECK(weights_rule_has(&w.rules[1], four));
	CHECK_STR(weights_name(DOUBT_HELO_OURS), "helo-ours");
}

int
main(void)
{
	test_tables();
	test_values();
	return test_done();
}
