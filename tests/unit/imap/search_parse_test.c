#include "imap/search_parse.h"

#include "test.h"

static const char *const names[] = { "and", "or", "all", "set", "flag",
	"recent", "new", "keyword", "larger", "smaller", "before", "on",
	"since", "savedbefore", "savedon", "savedsince", "older", "younger",
	"modseq", "emailid", "threadid", "sentbefore", "senton", "sentsince",
	"envelope", "header", "body", "text" };

static void
dump(struct buf *b, const struct search_key *k)
{
	if (k->is_not)
		buf_put_char(b, '!');
	buf_put_str(b, names[k->kind]);
	switch (k->kind) {
	case SEARCH_AND:
	case SEARCH_OR:
		buf_put_char(b, '(');
		for (struct search_key *c = k->first; c; c = c->next) {
			if (c != k->first)
				buf_put_char(b, ' ');
			dump(b, c);
		}
		buf_put_char(b, ')');
		return;
	case SEARCH_SET:
		buf_put_str(b, k->is_uid ? " uid" : "");
		buf_put_str(b, k->set.is_saved ? " $" : "");
		for (uint32_t i = 0; i < k->set.n; i++)
			buf_putf(
			    b, " %u:%u", k->set.r[i].first, k->set.r[i].last);
		return;
	case SEARCH_ENVELOPE:
		buf_putf(b, " %d", (int)k->field);
		break;
	case SEARCH_KEYWORD:
	case SEARCH_HEADER:
		buf_put_char(b, ' ');
		buf_put(b, k->text);
		break;
	default:
		if (k->number != 0)
			buf_putf(b, " %llu", (unsigned long long)k->number);
		if (k->day != 0)
			buf_putf(b, " %lld", (long long)k->day);
		break;
	}
	if (k->needle != NULL) {
		buf_putf(b, " [");
		buf_put(b, span_of(k->needle->p, k->needle->len));
		buf_put_char(b, ']');
	}
}

static const struct {
	const char *in, *out; /* NULL: ERR_SYNTAX */
} rows[] = {
	{ " ALL", "and(all)" },
	{ " all seen UNSEEN", "and(all flag 1 !flag 1)" },
	{ " ANSWERED UNANSWERED FLAGGED UNFLAGGED",
	    "and(flag 2 !flag 2 flag 4 !flag 4)" },
	{ " DELETED UNDELETED DRAFT UNDRAFT",
	    "and(flag 8 !flag 8 flag 16 !flag 16)" },
	{ " NEW RECENT OLD", "and(new recent !recent)" },
	{ " NOT NEW", "and(!new)" },
	{ " NOT NOT NOT SEEN", "and(!flag 1)" },
	{ " NOT NOT", NULL },
	{ " (NOT NOT)", NULL },
	{ " OR SEEN NOT NOT", NULL },
	{ " NOT (SEEN)", "and(!and(flag 1))" },
	{ " OR SEEN DRAFT", "and(or(flag 1 flag 16))" },
	{ " OR SEEN OR DRAFT OR DELETED FLAGGED ANSWERED",
	    "and(or(flag 1 flag 16 flag 8 flag 4) flag 2)" },
	{ " OR OR SEEN DRAFT OR DELETED FLAGGED",
	    "and(or(flag 1 flag 16 flag 8 flag 4))" },
	{ " OR NOT SEEN NOT OR DRAFT SEEN",
	    "and(or(!flag 1 !or(flag 16 flag 1)))" },
	{ " OR (SEEN DRAFT) (ALL)", "and(or(and(flag 1 flag 16) and(all)))" },
	{ " ((SEEN) (DRAFT (ALL)))",
	    "and(and(and(flag 1) and(flag 16 and(all))))" },
	{ " 1:3,5 UID 4:2,*", "and(set 1:3 5:5 set uid 2:4 4294967295:"
	                      "4294967295)" },
	{ " $ UID $", "and(set $ set uid $)" },
	{ " UID 1:* SEEN", "and(set uid 1:4294967295 flag 1)" },
	{ " KEYWORD $Forwarded UNKEYWORD x",
	    "and(keyword $Forwarded !keyword x)" },
	{ " LARGER 4294967296 SMALLER 1", "and(larger 4294967296 smaller 1)" },
	{ " BEFORE 2-Jan-1970 ON \"3-Jan-1970\" SINCE 04-Jan-1970",
	    "and(before 1 on 2 since 3)" },
	{ " SENTBEFORE 2-Jan-1970 SENTON 3-Jan-1970 SENTSINCE 4-Jan-1970",
	    "and(sentbefore 1 senton 2 sentsince 3)" },
	{ " SAVEDBEFORE 2-Jan-1970 SAVEDON 3-Jan-1970 SAVEDSINCE 4-Jan-1970 "
	  "SAVEDATESUPPORTED",
	    "and(savedbefore 1 savedon 2 savedsince 3 all)" },
	{ " OLDER 5 YOUNGER 4294967295", "and(older 5 younger 4294967295)" },
	{ " MODSEQ 0", "and(modseq)" },
	{ " MODSEQ 620162338", "and(modseq 620162338)" },
	{ " MODSEQ \"/flags/\\\\draft\" all 620162338",
	    "and(modseq 620162338)" },
	{ " EMAILID M00000000000000ff THREADID T0000000000000001",
	    "and(emailid 255 threadid 1)" },
	{ " EMAILID T00000000000000ff THREADID x NOT EMAILID y",
	    "and(!all !all all)" },
	{ " SUBJECT Hello FROM \"A b\" TO {3}\r\nxyz CC c BCC d",
	    "and(envelope 0 [hello] envelope 1 [a b] envelope 2 [xyz] "
	    "envelope 3 [c] envelope 4 [d])" },
	{ " HEADER X-Foo bar HEADER Message-ID <A@b>",
	    "and(header X-Foo [bar] envelope 9 [<a@b>])" },
	{ " HEADER X-Foo: \"\"", "and(header X-Foo [])" },
	{ " BODY a TEXT b", "and(body [a] text [b])" },
	{ " BODY \"\" TEXT \"\"", "and(all all)" },
	{ " CHARSET utf-8 SUBJECT \"\xc3\x84\"", "and(envelope 0 [\xc3\xa4])" },
	{ " CHARSET ISO-8859-1 SUBJECT {1}\r\n\xc4",
	    "and(envelope 0 [\xc3\xa4])" },
	{ " CHARSET \"koi8-r\" SUBJECT {1}\r\n\xf0",
	    "and(envelope 0 [\xd0\xbf])" },
	{ " CHARSET US-ASCII SUBJECT {1}\r\n\xc4",
	    "and(envelope 0 [\xc3\xa4])" },
	{ " SUBJECT \"\xc3\x84\"", "and(envelope 0 [\xc3\xa4])" },
	{ " RETURN () ALL", "4 and(all)" },
	{ " RETURN (MIN MAX) ALL", "3 and(all)" },
	{ " return (all count save) CHARSET utf-8 ALL", "28 and(all)" },
	{ "", NULL },
	{ " ", NULL },
	{ "ALL", NULL },
	{ "  ALL", NULL },
	{ " ALL ", NULL },
	{ " ALL  SEEN", NULL },
	{ " ALLX", NULL },
	{ " ALL1", NULL },
	{ " ()", NULL },
	{ " ( ALL)", NULL },
	{ " (ALL )", NULL },
	{ " (ALL", NULL },
	{ " ALL)", NULL },
	{ " NOT", NULL },
	{ " NOT ", NULL },
	{ " (NOT)", NULL },
	{ " OR SEEN", NULL },
	{ " (OR SEEN) DRAFT", NULL },
	{ " OR (SEEN)DRAFT", NULL },
	{ " RETURN ALL", NULL },
	{ " RETURN (ALL)", NULL },
	{ " RETURN (ALL MIN ) ALL", NULL },
	{ " RETURN ( ALL) ALL", NULL },
	{ " RETURN (FOO) ALL", NULL },
	{ " RETURN (ALL,MIN) ALL", NULL },
	{ " CHARSET utf-8", NULL },
	{ " CHARSET x-none", NULL },
	{ " 0", NULL },
	{ " 1,", NULL },
	{ " UID", NULL },
	{ " UID SEEN", NULL },
	{ " SUBJECT", NULL },
	{ " SUBJECT (a)", NULL },
	{ " HEADER a", NULL },
	{ " LARGER -1", NULL },
	{ " LARGER 1x", NULL },
	{ " OLDER 0", NULL },
	{ " BEFORE 32-Jan-1970", NULL },
	{ " BEFORE yesterday", NULL },
	{ " KEYWORD \\Seen", NULL },
	{ " MODSEQ", NULL },
	{ " MODSEQ \"x\" all 1", NULL },
	{ " MODSEQ \"/flags/\\\\draft\" some 1", NULL },
	{ " MODSEQ 9223372036854775808", NULL },
	{ " FUZZY SUBJECT x", NULL },
};

static int
parse(struct span in, struct buf *out)
{
	struct search_program p;
	char *copy = test_copy(in);
	struct cur c = cur_of(span_of(copy, in.len));
	struct arena a;
	int rc;

	arena_init(&a, 1 << 20);
	rc = search_parse(&c, &a, &p);
	if (rc == 0) {
		CHECK(cur_is_end(&c));
		if (p.has_return)
			buf_putf(out, "%u ", p.returns);
		dump(out, p.root);
	}
	arena_reset(&a);
	free(copy);
	return rc;
}

static void
table(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span in = span_str(rows[i].in);
		struct buf out;
		int rc;

		buf_init(&out, 1 << 20);
		rc = parse(in, &out);
		if (rows[i].out == NULL) {
			CHECK_ROW(rc == ERR_SYNTAX, rows[i].in);
		} else {
			CHECK_ROW(rc == 0, rows[i].in);
			CHECK_SPAN(buf_span(&out), span_str(rows[i].out));
		}
		for (size_t n = 0; n < in.len; n++) {
			buf_reset(&out);
			rc = parse(span_sub(in, 0, n), &out);
			CHECK_ROW(rc == 0 || rc == ERR_SYNTAX ||
			              rc == ERR_UNSUPPORTED,
			    rows[i].in);
		}
		buf_deinit(&out);
	}
}

/* n times a word, and an end. */
static int
parse_many(const char *before, const char *word, size_t n, const char *after)
{
	struct buf in, out;
	int rc;

	buf_init(&in, 1 << 20);
	buf_init(&out, 1 << 20);
	buf_put_str(&in, before);
	for (size_t i = 0; i < n; i++)
		buf_put_str(&in, word);
	buf_put_str(&in, after);
	rc = parse(buf_span(&in), &out);
	buf_deinit(&in);
	buf_deinit(&out);
	return rc;
}

static void
limits(void)
{
	CHECK_INT(parse_many("", " SEEN", MAX_SEARCH_KEYS - 1, ""), 0);
	CHECK_INT(parse_many("", " SEEN", MAX_SEARCH_KEYS, ""), ERR_LIMIT);
	CHECK_INT(parse_many(" ", "OR SEEN ", 900, "ALL"), 0);
	CHECK_INT(parse_many(" ", "NOT ", 5001, "ALL"), 0);
	CHECK_INT(parse_many(" ", "(", 20000, ""), ERR_LIMIT);
	CHECK_INT(parse_many(" ", "NOT OR ALL ", 900, "ALL"), ERR_LIMIT);
	CHECK_INT(parse_many(" ", "(NOT ", 20000, ""), ERR_LIMIT);
	CHECK_INT(parse_many("", " BODY x", MAX_SEARCH_NEEDLES, ""), 0);
	CHECK_INT(
	    parse_many("", " BODY x", MAX_SEARCH_NEEDLES + 1, ""), ERR_LIMIT);
	CHECK_INT(parse_many("", " HEADER a b", MAX_SEARCH_FIELDS + 1, ""),
	    ERR_LIMIT);
	CHECK_INT(
	    parse_many(" CHARSET x-none", " ALL", 1, ""), ERR_UNSUPPORTED);
	CHECK_INT(parse_many(" RETURN (SAVE) CHARSET x", " SUBJECT a", 1, ""),
	    ERR_UNSUPPORTED);
}

int
main(void)
{
	table();
	limits();
	return test_done();
}
