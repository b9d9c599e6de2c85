/* The arguments of FETCH: what is read, what is refused, and what is cut. */
#include "imap/fetch_parse.h"
#include "test.h"

static enum parse
parse(struct span text, struct arena *a, struct fetch *out)
{
	char *copy = test_copy(text);
	struct cur c = cur_of(span_of(copy, text.len));
	enum parse p = fetch_parse(&c, a, out);

	if (p == PARSE_OK)
		CHECK_ROW(cur_is_end(&c), "all is read");
	else
		CHECK_ROW(c.p == copy, "the cursor stands still");
	free(copy);
	return p;
}

static void
test_items(void)
{
	static const struct {
		const char *text;
		uint32_t items;
		bool sets_seen;
	} rows[] = {
		{ "FLAGS", FETCH_FLAGS, false },
		{ "(uid Flags)", FETCH_UID | FETCH_FLAGS, false },
		{ "FAST", FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE,
		    false },
		{ "(BODY BODYSTRUCTURE)", FETCH_BODY | FETCH_BODYSTRUCTURE,
		    false },
		{ "(ENVELOPE RFC822.SIZE RFC822.HEADER)",
		    FETCH_ENVELOPE | FETCH_SIZE, false },
		{ "RFC822", 0, true },
		{ "RFC822.TEXT", 0, true },
		{ "BODY[]", 0, true },
		{ "BODY.PEEK[]", 0, false },
		{ "BINARY[1]", 0, true },
		{ "BINARY.PEEK[]", 0, false },
		{ "BINARY.SIZE[1.2]", 0, false },
		{ "(MODSEQ SAVEDATE EMAILID THREADID)",
		    FETCH_MODSEQ | FETCH_SAVEDATE | FETCH_EMAILID |
		        FETCH_THREADID,
		    false },
		{ "(PREVIEW (LAZY) UID)", FETCH_PREVIEW | FETCH_UID, false },
		{ "PREVIEW (CHANGEDSINCE 3)", FETCH_PREVIEW, false },
		{ "(FLAGS) (CHANGEDSINCE 3 VANISHED)", FETCH_FLAGS, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span text = span_str(rows[i].text);
		struct arena a;
		struct fetch f;

		arena_init(&a, 256 * 1024);
		CHECK_ROW(parse(text, &a, &f) == PARSE_OK, rows[i].text);
		CHECK_ROW(f.items == rows[i].items, rows[i].text);
		CHECK_ROW(f.sets_seen == rows[i].sets_seen, rows[i].text);
		for (size_t n = 0; n < text.len; n++)
			(void)parse(span_sub(text, 0, n), &a, &f);
		arena_reset(&a);
	}
}

static void
test_section(void)
{
	const char *text = "BODY.PEEK[4.12.HEADER.FIELDS.NOT (From \"To\")]"
	                   "<7.9>";
	struct arena a;
	struct fetch f;
	struct cur c = cur_of(span_str(text));
	const struct fetch_section *s;

	arena_init(&a, 256 * 1024);
	REQUIRE(fetch_parse(&c, &a, &f) == PARSE_OK);
	s = f.sections;
	REQUIRE(s != NULL && s->next == NULL);
	CHECK(s->is_peek && s->has_partial);
	CHECK_INT(s->text, FETCH_FIELDS_NOT);
	CHECK_INT(s->n_path, 2);
	CHECK_INT(s->path[0], 4);
	CHECK_INT(s->path[1], 12);
	CHECK_INT(s->n_names, 2);
	CHECK_SPAN(s->names[1], SPAN("To"));
	CHECK_SPAN(s->raw, SPAN("4.12.HEADER.FIELDS.NOT (From \"To\")"));
	CHECK_INT(s->offset, 7);
	CHECK_INT(s->count, 9);
	arena_reset(&a);
}

static void
test_refused(void)
{
	static const char *const rows[] = { "", "(", "()", "( FLAGS)",
		"(FLAGS )", "(FLAGS  UID)", "(FLAGS", "FLAGS UID", "(ALL)",
		"ALL FLAGS", "RFC822.PEEK", "BODY.PEEK", "BODY[0]", "BODY[1.]",
		"BODY[.1]", "BODY[1..2]", "BODY[4294967296]", "BODY[MIME]",
		"BODY[TEXT.1]", "BODY[HEADER.FIELDS ()]",
		"BODY[HEADER.FIELDS (a  b)]", "BODY[HEADER.FIELDS(a)]",
		"BODY[]<0.0>", "BODY[]<1>", "BODY[]<.1>",
		"BODY[]<9223372036854775808.1>", "BINARY[TEXT]", "BINARY",
		"BINARY.SIZE[1]<0.1>", "PREVIEW (EAGER)", "FLAGS (VANISHED",
		"FLAGS (CHANGEDSINCE -1)", "FLAGS (VANISHED VANISHED)",
		"FLAGS (CHANGEDSINCE 1) " };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena a;
		struct fetch f;

		arena_init(&a, 256 * 1024);
		CHECK_ROW(
		    parse(span_str(rows[i]), &a, &f) != PARSE_OK, rows[i]);
		arena_reset(&a);
	}
}

/* Bombs end at the bounds. */
static void
test_bounds(void)
{
	struct buf b;
	struct arena a;
	struct fetch f;

	buf_init(&b, 1 << 20);
	buf_put_str(&b, "(UID");
	for (int i = 0; i <= MAX_FETCH_SECTIONS; i++)
		buf_put_str(&b, " BODY[]");
	buf_put_char(&b, ')');
	arena_init(&a, 256 * 1024);
	CHECK(parse(buf_span(&b), &a, &f) != PARSE_OK);
	buf_reset(&b);
	buf_put_str(&b, "BODY[1");
	for (int i = 0; i < MAX_FETCH_PATH; i++)
		buf_put_str(&b, ".1");
	buf_put_char(&b, ']');
	CHECK(parse(buf_span(&b), &a, &f) != PARSE_OK);
	arena_reset(&a);
	buf_deinit(&b);
}

int
main(void)
{
	test_items();
	test_section();
	test_refused();
	test_bounds();
	return test_done();
}
