/* Who comes again, and when. */
#include "smtp/smtp_grey.h"

#include "base/clock.h"

#include "store/fixture.h"

#define NOW 1700000000

static const struct grey_options o = {
	.mode = GREY_ON, .delay_s = 300, .window_s = 3600, .keep_s = 10 * 86400
};

static struct grey_sender
sender(const char *who, const char *from)
{
	struct grey_sender g = { span_str(who), span_str(from), span_str("") };

	g.domain = span_sub(g.from, span_find(g.from, '@') + 1, g.from.len);
	return g;
}

static uint32_t
try(struct store *s, const struct grey_sender *g, const char *to, int64_t at_s)
{
	clock_fake(1000, NOW + at_s);
	return grey_try(s, &o, g, span_str(to), NOW + at_s);
}

static bool
is_known(struct store *s, const struct grey_sender *g, int64_t at_s)
{
	clock_fake(1000, NOW + at_s);
	return grey_is_known(s, &o, g, NOW + at_s);
}

static void
test_again(void)
{
	struct store *s = fx_new();
	struct grey_sender a = sender("192.0.2.0", "Ann@One.test");
	struct grey_sender same = sender("192.0.2.0", "ann@one.TEST");
	struct grey_sender bob = sender("192.0.2.0", "bob@one.test");
	struct grey_sender far = sender("192.0.3.0", "ann@one.test");

	CHECK_INT(try(s, &a, "kim@here.test", 0), 300);
	CHECK_INT(try(s, &a, "kim@here.test", 100), 200);
	CHECK_INT(try(s, &a, "lee@here.test", 400), 300);
	CHECK_INT(try(s, &far, "kim@here.test", 400), 300);
	CHECK(!is_known(s, &a, 299));
	CHECK_INT(try(s, &same, "KIM@here.test", 300), 0);
	CHECK(is_known(s, &a, 300));
	CHECK(is_known(s, &bob, 300));
	CHECK(!is_known(s, &far, 300));
	/* Renewed by what it sends. */
	CHECK(is_known(s, &a, 300 + 9 * 86400));
	CHECK(is_known(s, &a, 300 + 18 * 86400));
	CHECK(!is_known(s, &a, 300 + 28 * 86400));
	store_close(s);
	fx_clear();
}

static void
test_times(void)
{
	struct store *s = fx_new();
	struct grey_sender a = sender("one.test", "ann@one.test");
	struct grey_sender null = sender("one.test", "");

	CHECK_INT(try(s, &a, "kim@here.test", 0), 300);
	CHECK_INT(try(s, &a, "kim@here.test", 3601), 300); /* too late */
	/* The clock was set back. */
	CHECK_INT(try(s, &a, "kim@here.test", -5000), 300);
	CHECK_INT(try(s, &a, "kim@here.test", -4700), 0);
	CHECK_INT(try(s, &null, "kim@here.test", 0), 300);
	CHECK_INT(try(s, &null, "kim@here.test", 301), 0);
	CHECK(is_known(s, &null, 301));
	store_close(s);
	fx_clear();
}

/* Keys of the longest addresses are cut, and still found again. */
static void
test_long(void)
{
	struct store *s = fx_new();
	char text[601];
	struct grey_sender a;

	memset(text, 'x', sizeof(text) - 1);
	text[300] = '@';
	text[600] = '\0';
	a = sender(text, text);
	CHECK_INT(try(s, &a, text, 0), 300);
	CHECK_INT(try(s, &a, text, 300), 0);
	CHECK(is_known(s, &a, 300));
	store_close(s);
	fx_clear();
}

int
main(void)
{
	fx_begin();
	test_again();
	test_times();
	test_long();
	fx_end();
	return test_done();
}
