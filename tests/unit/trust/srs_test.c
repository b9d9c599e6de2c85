/* Rewritten senders: there and back, forged, old, and cut at every length. */
#include "trust/srs.h"

#include "base/err.h"
#include "base/limits.h"
#include "test.h"

#define DAY_S   86400
#define START_S (int64_t)1800000000

static struct srs ours = { .key = "an office's key, of 32 bytes ..",
	.now_s = START_S };

static struct span
local_of(const struct buf *b)
{
	return span_sub(buf_span(b), 0, span_rfind(buf_span(b), '@'));
}

/* Rewrite, look at the beginning, and go back. */
static void
check_way(const char *sender, const char *begin, const char *back)
{
	char there[MAX_ADDRESS_BYTES], again[MAX_ADDRESS_BYTES];
	struct buf out, home;

	buf_init_fixed(&out, there, sizeof(there));
	buf_init_fixed(&home, again, sizeof(again));
	CHECK_INT(
	    srs_forward(&ours, span_str(sender), SPAN("office.example"), &out),
	    0);
	CHECK_ROW(span_starts(buf_span(&out), span_str(begin)), sender);
	CHECK(srs_is(local_of(&out)));
	CHECK_INT(srs_reverse(&ours, local_of(&out), &home), 0);
	CHECK_SPAN(buf_span(&home), span_str(back));
	for (size_t i = 0; i < out.len && out.p[i] != '@'; i++)
		if (out.p[i] >= 'a' && out.p[i] <= 'z')
			out.p[i] = (char)(out.p[i] - 32);
	buf_reset(&home);
	CHECK_INT(srs_reverse(&ours, local_of(&out), &home), 0);
	CHECK(span_is_nocase(buf_span(&home), span_str(back)));
}

/* No other text is taken for ours: every byte changed, every length. */
static void
test_forged(void)
{
	char there[MAX_ADDRESS_BYTES], again[MAX_ADDRESS_BYTES];
	struct buf out, home;
	struct span local;

	buf_init_fixed(&out, there, sizeof(there));
	CHECK_INT(srs_forward(&ours, SPAN("kim@elsewhere.example"),
	              SPAN("office.example"), &out),
	    0);
	local = local_of(&out);
	for (size_t i = 5; i < local.len; i++) {
		char *p = test_copy(local);
		int rc;

		p[i] = (char)(p[i] ^ 1);
		buf_init_fixed(&home, again, sizeof(again));
		rc = srs_reverse(&ours, span_of(p, local.len), &home);
		CHECK(rc == ERR_DENIED);
		CHECK_INT(home.len, 0);
		free(p);
	}
	for (size_t cut = 0; cut < local.len; cut++) {
		char *p = test_copy(span_sub(local, 0, cut));
		int rc;

		buf_init_fixed(&home, again, sizeof(again));
		rc = srs_reverse(&ours, span_of(p, cut), &home);
		CHECK(rc == ERR_DENIED || rc == ERR_NONE);
		free(p);
	}
}

static void
test_days(void)
{
	static const struct {
		int days, want;
	} rows[] = { { 0, 0 }, { -1, 0 }, { 1, 0 }, { SRS_DAYS, 0 },
		{ SRS_DAYS + 1, ERR_GONE }, { -2, ERR_GONE },
		{ 500, ERR_GONE } };
	char there[MAX_ADDRESS_BYTES], again[MAX_ADDRESS_BYTES];

	/* Also over the end of the two characters. */
	for (int day = 0; day < 1030; day += 103) {
		struct srs s = ours;
		struct buf out, home;

		s.now_s += (int64_t)day * DAY_S;
		buf_init_fixed(&out, there, sizeof(there));
		CHECK_INT(srs_forward(&s, SPAN("a@b.example"),
		              SPAN("office.example"), &out),
		    0);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct srs later = s;

			later.now_s += (int64_t)rows[i].days * DAY_S;
			buf_init_fixed(&home, again, sizeof(again));
			CHECK_INT(srs_reverse(&later, local_of(&out), &home),
			    rows[i].want);
		}
	}
}

/* Three servers in a row: the last one's report goes to the first. */
static void
test_chain(void)
{
	struct srs second = { .key = "another", .now_s = START_S };
	struct srs third = { .key = "a third one's", .now_s = START_S };
	char a[MAX_ADDRESS_BYTES], b[MAX_ADDRESS_BYTES], c[MAX_ADDRESS_BYTES],
	    d[MAX_ADDRESS_BYTES];
	struct buf one, two, three, home;

	buf_init_fixed(&one, a, sizeof(a));
	buf_init_fixed(&two, b, sizeof(b));
	buf_init_fixed(&three, c, sizeof(c));
	buf_init_fixed(&home, d, sizeof(d));
	CHECK_INT(srs_forward(&ours, SPAN("kim@far.example"),
	              SPAN("one.example"), &one),
	    0);
	CHECK_INT(
	    srs_forward(&second, buf_span(&one), SPAN("two.example"), &two), 0);
	CHECK_INT(
	    srs_forward(&third, buf_span(&two), SPAN("three.example"), &three),
	    0);
	CHECK(three.len <= two.len + 2);
	CHECK_INT(srs_reverse(&third, local_of(&three), &home), 0);
	CHECK_SPAN(buf_span(&home), buf_span(&one));
	CHECK_INT(srs_reverse(&second, local_of(&three), &home), ERR_DENIED);
	buf_reset(&home);
	CHECK_INT(srs_reverse(&ours, local_of(&one), &home), 0);
	CHECK_SPAN(buf_span(&home), SPAN("kim@far.example"));
}

int
main(void)
{
	char storage[2 * MAX_ADDRESS_BYTES], text[400];
	struct buf out;

	check_way("kim@far.example", "SRS0=", "kim@far.example");
	check_way("a=b=c@far.example", "SRS0=", "a=b=c@far.example");
	check_way("two words@far.example", "SRS0=", "two words@far.example");
	check_way("at@home@far.example", "SRS0=", "at@home@far.example");
	check_way("SRS0=abcd=ef=x.example=kim@first.example",
	    "SRS1=", "SRS0=abcd=ef=x.example=kim@first.example");
	check_way("srs0+abcd=ef=x.example=kim@first.example",
	    "SRS1=", "SRS0+abcd=ef=x.example=kim@first.example");
	check_way("SRS1=abcd=first.example==zz=ef=x.example=kim@second.example",
	    "SRS1=", "SRS0=zz=ef=x.example=kim@first.example");
	test_forged();
	test_days();
	test_chain();
	buf_init_fixed(&out, storage, sizeof(storage));
	CHECK_INT(srs_forward(&ours, SPAN(""), SPAN("o.example"), &out), 0);
	CHECK_INT(out.len, 0);
	CHECK_INT(srs_forward(&ours, SPAN("kim"), SPAN("o.example"), &out),
	    ERR_INVALID);
	CHECK_INT(srs_forward(&ours, SPAN("@x"), SPAN("o.example"), &out),
	    ERR_INVALID);
	CHECK_INT(srs_forward(&ours, SPAN("#@=b"), SPAN("o.example"), &out),
	    ERR_INVALID); /* it would come back as another address */
	memset(text, 'x', sizeof(text));
	memcpy(text + 250, "@far.example", 12);
	CHECK_INT(srs_forward(&ours, span_of(text, MAX_ADDRESS_BYTES - 1),
	              SPAN("office.example"), &out),
	    ERR_LIMIT);
	CHECK_INT(out.len, 0);
	CHECK(!srs_is(SPAN("srs")) && !srs_is(SPAN("SRS2=xx")));
	CHECK_INT(srs_reverse(&ours, SPAN("kim"), &out), ERR_NONE);
	return test_done();
}
