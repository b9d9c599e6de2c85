#include "base/mutf7.h"

#include "base/utf8.h"
#include "test.h"

/* utf8 is NULL: mutf7 is no encoding of any name. */
static const struct {
	const char *mutf7;
	const char *utf8;
} rows[] = {
	{ "", "" },
	{ "INBOX", "INBOX" },
	{ "a/b c~!%*\"\\", "a/b c~!%*\"\\" },
	{ "&-", "&" },
	{ "a&-b", "a&b" },
	{ "&-&-", "&&" },
	{ "&AOk-", "\xc3\xa9" },
	{ "Entw&APw-rfe", "Entw\xc3\xbcrfe" },
	{ "&AOk-&-&AOk-", "\xc3\xa9&\xc3\xa9" },
	/* the example of RFC 3501 5.1.3 */
	{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
	    "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/"
	    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
	{ "&2D3eAA-", "\xf0\x9f\x98\x80" },
	{ "&2D3eANg93gE-", "\xf0\x9f\x98\x80\xf0\x9f\x98\x81" },
	{ "&AAE-", "\x01" },
	{ "&AH8-", "\x7f" },
	/* its counterexamples: superfluous shifts, shifts that end too early */
	{ "&U,BTFw-&ZeVnLIqe-", NULL },
	{ "&Jjo!", NULL },
	{ "&Jjo", NULL },
	{ "&", NULL },
	{ "a&", NULL },
	{ "&AOk", NULL },
	{ "&AGE-", NULL },    /* a */
	{ "&AOkAYQ-", NULL }, /* e with acute, a */
	{ "&ACY-", NULL },    /* & */
	{ "&AOl-", NULL },    /* a stray bit */
	{ "&AO-", NULL },     /* too short */
	{ "&AOkA-", NULL },   /* 8 bits left over */
	{ "&A-", NULL },      /* 6 bits */
	{ "&AOk/-", NULL },   /* the other alphabet */
	{ "&AOk=-", NULL },   /* padding */
	{ "&2D0-", NULL },    /* half a pair */
	{ "&3gA-", NULL },    /* the other half */
	{ "&2D3YPQ-", NULL }, /* two first halves */
	{ "&3gDYPQ-", NULL }, /* the wrong order */
	{ "&2D0A6Q-", NULL }, /* half a pair, then another character */
	{ "\xc3\xa9", NULL }, /* 8 bit */
	{ "a\tb", NULL },     /* a control character */
	{ "a\x7f", NULL },
};

static void
check_get(struct span in, const char *want)
{
	char *copy = test_copy(in);
	struct buf out;
	int rc;

	buf_init(&out, in.len + 1);
	rc = mutf7_get(&out, span_of(copy, in.len));
	CHECK_ROW((rc == 0) == (want != NULL), in.p);
	if (rc == 0)
		CHECK_SPAN(buf_span(&out), span_str(want));
	buf_deinit(&out);
	free(copy);
}

/* What can be read is what is written. */
static void
check_cuts(struct span in)
{
	for (size_t n = 0; n <= in.len; n++) {
		char *copy = test_copy(span_sub(in, 0, n));
		struct buf name, again;

		buf_init(&name, n + 1);
		buf_init(&again, MUTF7_ROOM(n));
		if (mutf7_get(&name, span_of(copy, n)) == 0) {
			CHECK(utf8_is_valid(buf_span(&name)));
			mutf7_put(&again, buf_span(&name));
			CHECK_SPAN(buf_span(&again), span_of(copy, n));
		}
		buf_deinit(&name);
		buf_deinit(&again);
		free(copy);
	}
}

static void
check_put(struct span utf8, const char *want)
{
	struct buf out;

	buf_init(&out, MUTF7_ROOM(utf8.len));
	mutf7_put(&out, utf8);
	CHECK(!buf_failed(&out));
	CHECK_SPAN(buf_span(&out), span_str(want));
	buf_deinit(&out);
}

int
main(void)
{
	char storage[3];
	struct buf small;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span in = span_str(rows[i].mutf7);

		check_get(in, rows[i].utf8);
		check_cuts(in);
		if (rows[i].utf8 != NULL)
			check_put(span_str(rows[i].utf8), rows[i].mutf7);
	}
	check_put(SPAN("a\xff"), "a&,,0-");
	/* the longest there is */
	check_put(SPAN("\xc3\xa9"
	               "a\xc3\xa9"
	               "a\xc3\xa9"),
	    "&AOk-a&AOk-a&AOk-");
	buf_init_fixed(&small, storage, sizeof(storage));
	CHECK_INT(mutf7_get(&small, SPAN("abcd")), ERR_LIMIT);
	return test_done();
}
