/* Rows counted by day and domain, listed in groups, marked and removed. */
#include "store/tally.h"

#include "base/clock.h"
#include "fixture.h"

#define DAY 20000
#define NOW (DAY * TALLY_DAY_S + 100)

static void
add(struct store *s, int64_t at_s, const char *domain, const char *text,
    uint32_t n)
{
	CHECK_INT(tally_add(s, MEMO_TLS_ROW, at_s, span_str(domain), SPAN("r"),
	              span_str(text), n),
	    0);
}

/* "20000 a.test: r=text*2 ... " */
static const char *
list(struct store *s)
{
	static char text[4000];
	char storage[MEMO_MAX_KEY];
	struct tally_group g = { .day = 0 };
	struct tally_row r;
	struct buf key, value, out;
	int rc;

	buf_init_fixed(&out, text, sizeof(text) - 1);
	buf_init(&value, MEMO_MAX_VALUE);
	while (tally_next_group(s, MEMO_TLS_ROW, &g) == 0) {
		buf_putf(&out, "%u ", (unsigned)g.day);
		buf_put(&out, tally_domain(&g));
		buf_put_str(
		    &out, tally_is_sent(s, MEMO_TLS_ROW, &g) ? "! " : ": ");
		buf_init_fixed(&key, storage, sizeof(storage));
		while ((rc = tally_next(
		            s, MEMO_TLS_ROW, &g, &key, &value, &r)) == 0) {
			buf_put(&out, r.class);
			buf_put_char(&out, '=');
			buf_put(&out, r.text);
			buf_putf(&out, "*%u ", (unsigned)r.n);
		}
		CHECK_INT(rc, ERR_NONE);
	}
	buf_deinit(&value);
	text[out.len] = '\0';
	return text;
}

static void
counted(void)
{
	struct store *s = fx_new();
	struct tally_group g = { .day = 0 };

	clock_fake(1000, NOW);
	CHECK_STR(list(s), "");
	add(s, NOW, "b.test", "x", 1);
	add(s, NOW, "a.test", "y", 0);
	add(s, NOW, "a.test", "y", 2);
	add(s, NOW, "a.test", "y", 3);
	add(s, NOW, "a.test.a", "z", UINT32_MAX);
	add(s, NOW, "a.test.a", "z", 1);
	add(s, NOW - TALLY_DAY_S, "b.test", "x", 1);
	CHECK_STR(list(s),
	    "19999 b.test: r=x*1 20000 a.test: r=y*5 "
	    "20000 a.test.a: r=z*4294967295 20000 b.test: r=x*1 ");
	CHECK_INT(store_flush(s), 0);
	CHECK_INT(tally_next_group(s, MEMO_TLS_ROW, &g), 0);
	CHECK_INT(tally_next_group(s, MEMO_TLS_ROW, &g), 0);
	CHECK_SPAN(tally_domain(&g), SPAN("a.test"));
	CHECK_INT(tally_set_sent(s, MEMO_TLS_ROW, &g), 0);
	CHECK_STR(list(s),
	    "19999 b.test: r=x*1 20000 a.test! r=y*5 "
	    "20000 a.test.a: r=z*4294967295 20000 b.test: r=x*1 ");
	CHECK_INT(tally_delete(s, MEMO_TLS_ROW, &g, 1), ERR_AGAIN);
	CHECK_INT(tally_delete(s, MEMO_TLS_ROW, &g, 1), 0);
	CHECK_STR(list(s),
	    "19999 b.test: r=x*1 "
	    "20000 a.test.a: r=z*4294967295 20000 b.test: r=x*1 ");
	/* The day before goes first. */
	clock_fake(1000, NOW + TALLY_KEEP_DAYS * TALLY_DAY_S);
	CHECK_STR(
	    list(s), "20000 a.test.a: r=z*4294967295 20000 b.test: r=x*1 ");
	clock_fake(1000, NOW + (TALLY_KEEP_DAYS + 1) * TALLY_DAY_S);
	CHECK_STR(list(s), "");
	store_close(s);
	fx_clear();
}

static void
limits(void)
{
	static char big[TALLY_MAX_TEXT + 1];
	struct store *s = fx_new();

	clock_fake(1000, NOW);
	memset(big, 'x', sizeof(big));
	CHECK_INT(tally_add(s, MEMO_TLS_ROW, NOW, SPAN("a"), SPAN("r"),
	              span_of(big, sizeof(big)), 1),
	    ERR_LIMIT);
	CHECK_INT(tally_add(s, MEMO_TLS_ROW, NOW, span_of(big, 256), SPAN("r"),
	              SPAN("x"), 1),
	    ERR_LIMIT);
	CHECK_INT(
	    tally_add(s, MEMO_TLS_ROW, -1, SPAN("a"), SPAN("r"), SPAN("x"), 1),
	    ERR_LIMIT);
	CHECK_INT(tally_add(s, MEMO_TLS_ROW, NOW, span_of(big, 255), SPAN("r"),
	              span_of(big, TALLY_MAX_TEXT), 1),
	    0);
	store_close(s);
	fx_clear();
}

int
main(void)
{
	fx_begin();
	counted();
	limits();
	fx_end();
	return test_done();
}
