/* Facts with a time: put, found, listed, over, swept; a full kind loses what
 * ends first; a crash loses none; the check finds planted faults. */
#include "store/memo_in.h"

#include "base/clock.h"
#include "fixture.h"

#define NOW 1700000000

static uint64_t
findings(struct store *s)
{
	struct check *c;
	struct buf out;
	uint64_t n;

	buf_init(&out, 1 << 16);
	CHECK_INT(store_flush(s), 0);
	REQUIRE(check_new(s, &c) == 0);
	while (check_step(c, &out) > 0)
		continue;
	n = check_findings(c);
	if (n > 0)
		fprintf(stderr, "%.*s", (int)out.len, out.p);
	check_free(c);
	buf_deinit(&out);
	return n;
}

static void
put(struct store *s, const char *key, const char *value, int64_t until_s)
{
	CHECK_INT(memo_put(s, MEMO_STS, span_str(key), span_str(value),
	              NOW + until_s),
	    0);
}

/* "key=value key=value " of a kind. */
static const char *
list(struct store *s, enum memo_kind kind)
{
	static char text[4000];
	char storage[MEMO_MAX_KEY], room[100];
	struct buf key, value, out;
	int64_t until;
	int rc;

	buf_init_fixed(&key, storage, sizeof(storage));
	buf_init_fixed(&value, room, sizeof(room));
	buf_init_fixed(&out, text, sizeof(text) - 1);
	while ((rc = memo_next(s, kind, &key, &value, &until)) == 0 ||
	       rc == ERR_AGAIN) {
		if (rc == ERR_AGAIN)
			continue;
		CHECK(until > clock_wall_s());
		buf_put(&out, buf_span(&key));
		buf_put_char(&out, '=');
		buf_put(&out, buf_span(&value));
		buf_put_char(&out, ' ');
	}
	CHECK_INT(rc, ERR_NONE);
	CHECK(!buf_failed(&out));
	text[out.len] = '\0';
	return text;
}

static uint64_t
count(struct store *s, enum memo_kind kind)
{
	uint64_t n = 99;

	CHECK_INT(memo_count(s, kind, &n), 0);
	return n;
}

static void
until_its_time(void)
{
	struct store *s = fx_new();
	char room[4];
	struct buf value;
	int64_t until;

	clock_fake(1000, NOW);
	buf_init_fixed(&value, room, sizeof(room));
	CHECK_STR(list(s, MEMO_STS), "");
	CHECK_INT(memo_get(s, MEMO_STS, SPAN("b"), NULL, NULL), ERR_NONE);
	put(s, "b", "1", 10);
	put(s, "a", "2", 20);
	put(s, "ab", "", 30);
	CHECK_INT(memo_put(s, MEMO_TLS, SPAN("b"), SPAN("x"), NOW + 5), 0);
	CHECK_STR(list(s, MEMO_STS), "a=2 ab= b=1 ");
	CHECK_STR(list(s, MEMO_TLS), "b=x ");
	CHECK_STR(list(s, MEMO_GREYLIST), "");
	CHECK_INT(memo_get(s, MEMO_STS, SPAN("b"), &value, &until), 0);
	CHECK_SPAN(buf_span(&value), SPAN("1"));
	CHECK_INT(until, NOW + 10);
	put(s, "b", "too long", 40);
	CHECK_INT(count(s, MEMO_STS), 3);
	CHECK_INT(memo_get(s, MEMO_STS, SPAN("b"), &value, NULL), ERR_LIMIT);
	clock_fake(1000, NOW + 20);
	CHECK_STR(list(s, MEMO_STS), "ab= b=too long ");
	CHECK_INT(memo_get(s, MEMO_STS, SPAN("a"), NULL, NULL), ERR_NONE);
	CHECK_INT(memo_delete(s, MEMO_STS, SPAN("b")), 0);
	CHECK_INT(memo_delete(s, MEMO_STS, SPAN("b")), ERR_NONE);
	CHECK_STR(list(s, MEMO_STS), "ab= ");
	CHECK_INT(findings(s), 0);
	/* Swept are those of both kinds that are over. */
	CHECK(store_idle(s) >= 0);
	while (store_idle(s) > 0)
		continue;
	CHECK_INT(count(s, MEMO_STS), 1);
	CHECK_INT(count(s, MEMO_TLS), 0);
	CHECK_INT(findings(s), 0);
	store_close(s);
	fx_clear();
}

static void
what_cannot_be_put(void)
{
	static char big[MEMO_MAX_VALUE + 1];
	struct span key = span_of(big, MEMO_MAX_KEY);
	struct span value = span_of(big, MEMO_MAX_VALUE);
	struct store *s = fx_new();
	struct buf out;

	clock_fake(1000, NOW);
	memset(big, 'x', sizeof(big));
	CHECK_INT(memo_put(s, MEMO_TOKEN, key, value, INT64_MAX), 0);
	buf_init(&out, sizeof(big));
	CHECK_INT(memo_get(s, MEMO_TOKEN, key, &out, NULL), 0);
	CHECK_SPAN(buf_span(&out), value);
	buf_deinit(&out);
	key.len++;
	CHECK_INT(memo_put(s, MEMO_TOKEN, key, value, 1), ERR_LIMIT);
	CHECK_INT(memo_get(s, MEMO_TOKEN, key, NULL, NULL), ERR_NONE);
	CHECK_INT(memo_delete(s, MEMO_TOKEN, key), ERR_NONE);
	key.len--;
	value.len++;
	CHECK_INT(memo_put(s, MEMO_TOKEN, key, value, 1), ERR_LIMIT);
	value.len = 0;
	CHECK_INT(memo_put(s, MEMO_TOKEN, SPAN(""), value, 1), ERR_INVALID);
	CHECK_INT(memo_put(s, MEMO_TOKEN, key, value, -1), ERR_INVALID);
	CHECK_INT(count(s, MEMO_TOKEN), 1);
	CHECK_INT(findings(s), 0);
	store_close(s);
	fx_clear();
}

/* Which goes first is decided by time, not by age or name. */
static void
a_full_kind_loses_what_ends_first(void)
{
	struct store *s = fx_new();
	uint32_t max = memo_max(MEMO_TOKEN);

	clock_fake(1000, NOW);
	for (uint32_t i = 0; i < max + 5; i++) {
		char key[20];
		int len = snprintf(key, sizeof(key), "k%03u", i);

		/* 7 and 100 end first. */
		CHECK_INT(memo_put(s, MEMO_TOKEN, span_of(key, (size_t)len),
		              SPAN("v"),
		              i == 7     ? NOW + 1
		              : i == 100 ? NOW + 2
		                         : NOW + 1000 + i),
		    0);
	}
	CHECK_INT(count(s, MEMO_TOKEN), max);
	CHECK_INT(memo_get(s, MEMO_TOKEN, SPAN("k007"), NULL, NULL), ERR_NONE);
	CHECK_INT(memo_get(s, MEMO_TOKEN, SPAN("k100"), NULL, NULL), ERR_NONE);
	CHECK_INT(memo_get(s, MEMO_TOKEN, SPAN("k002"), NULL, NULL), ERR_NONE);
	CHECK_INT(memo_get(s, MEMO_TOKEN, SPAN("k003"), NULL, NULL), 0);
	CHECK_INT(findings(s), 0);
	/* 1,000 seconds later most are over, and many steps pass them by. */
	clock_fake(1000, NOW + 1000 + max + 2);
	CHECK_STR(list(s, MEMO_TOKEN), "k203=v k204=v ");
	for (int i = 0; i < 100 && store_idle(s) > 0; i++)
		continue;
	CHECK_INT(count(s, MEMO_TOKEN), 2);
	CHECK_INT(findings(s), 0);
	store_close(s);
	fx_clear();
}

static void
before_the_kill(struct store *s, uint64_t arg)
{
	(void)arg;
	put(s, "a", "1", 10);
	put(s, "b", "2", 10);
	put(s, "a", "3", 20);
	CHECK_INT(memo_delete(s, MEMO_STS, SPAN("b")), 0);
	CHECK_INT(store_flush(s), 0);
	put(s, "c", "lost", 10);
}

static void
a_crash_loses_nothing(void)
{
	struct store *s = fx_new();

	clock_fake(1000, NOW);
	store_close(s);
	fx_in_child(before_the_kill, 0);
	s = fx_reopen();
	CHECK(s->stats.n_replayed >= 4);
	CHECK_STR(list(s, MEMO_STS), "a=3 ");
	CHECK_INT(findings(s), 0);
	store_close(s);
	fx_clear();
}

static void
the_check_finds_faults(void)
{
	for (int i = 0; i < 5; i++) {
		struct store *s = fx_new();
		struct key row = memo_key(MEMO_STS, SPAN("a"));
		struct key time = memo_key_time(MEMO_STS, NOW + 10, SPAN("a"));
		struct key n = memo_key(MEMO_STS, SPAN(""));
		int rc = ERR_NONE;

		put(s, "a", "1", 10);
		if (i == 0)
			rc = tree_delete(s, TREE_MEMO, key_span(&row));
		if (i == 1)
			rc = tree_delete(s, TREE_MTIME, key_span(&time));
		if (i == 2)
			rc = tree_delete(s, TREE_MEMO, key_span(&n));
		if (i == 3)
			rc = tree_put(s, TREE_MEMO, key_span(&row), SPAN("?"));
		if (i == 4)
			rc = tree_put(s, TREE_MEMO, key_span(&n), SPAN("?"));
		CHECK_INT(rc, 0);
		fprintf(stderr, "planted %d:\n", i);
		CHECK(findings(s) > 0);
		store_close(s);
		fx_clear();
	}
}

int
main(void)
{
	fx_begin();
	until_its_time();
	what_cannot_be_put();
	a_full_kind_loses_what_ends_first();
	a_crash_loses_nothing();
	the_check_finds_faults();
	fx_end();
	return test_done();
}
