/* The two tables: every default passes its own limits, every row has help,
 * and words are taken and refused as the rows say. */
#include "admin/admin.h"
#include "base/mem.h"
#include "test.h"

static void
test_settings(void)
{
	char storage[1024];
	struct buf why;
	uint64_t n;

	for (int i = 0; i < N_SETTINGS; i++) {
		const struct setting *t = setting_of((enum setting_id)i);
		enum setting_id id;

		CHECK(settings_check((enum setting_id)i, span_str(t->fallback),
		          &n, NULL) == 0);
		CHECK(settings_find(span_str(t->key), &id) == 0);
		CHECK((int)id == i);
		CHECK(t->help[0] != '\0');
		buf_init_fixed(&why, storage, sizeof(storage));
		settings_put_limits(&why, (enum setting_id)i);
		CHECK(why.len > 0 && !buf_failed(&why));
	}
	CHECK(settings_check(SET_AUTH_ITERATIONS, SPAN("100"), &n, NULL) < 0);
	CHECK(settings_check(SET_AUTH_ITERATIONS, SPAN("4096"), &n, NULL) == 0);
	CHECK(settings_check(SET_PORT_SMTP, SPAN("65536"), &n, NULL) < 0);
	CHECK(settings_check(SET_LOG_LEVEL, SPAN("trace"), &n, NULL) == 0);
	CHECK_INT(n, 3);
	CHECK(settings_check(SET_HOST_NAME, SPAN("a..b"), &n, NULL) < 0);
	CHECK(settings_check(SET_HOST_NAME, SPAN("a b"), &n, NULL) < 0);
}

static void
test_quantities(void)
{
	uint64_t n = 0;

	CHECK(quantity_size(SPAN("25M"), UINT64_MAX, &n) == 0);
	CHECK_INT(n, 25 << 20);
	CHECK(quantity_size(SPAN("1kb"), UINT64_MAX, &n) == 0);
	CHECK_INT(n, 1024);
	CHECK(quantity_size(SPAN("b"), UINT64_MAX, &n) < 0);
	CHECK(quantity_size(SPAN(""), UINT64_MAX, &n) < 0);
	CHECK(quantity_size(SPAN("99999999999T"), UINT64_MAX, &n) < 0);
	CHECK(quantity_time(SPAN("2h"), 86400, &n) == 0);
	CHECK_INT(n, 7200);
	CHECK(quantity_time(SPAN("2d"), 86400, &n) < 0);
}

/* Parse a command line of words parted by spaces. */
static int
parse(const char *line, struct args *a, struct buf *why)
{
	static struct span words[64];
	struct span rest = span_str(line);
	const struct command *c;
	size_t n = 0, used;
	int rc;

	while (rest.len > 0)
		words[n++] = span_split(&rest, ' ');
	rc = command_find(words, n, &c, &used, why);
	return rc < 0 ? rc : args_parse(c, words + used, n - used, a, why);
}

static void
test_words(void)
{
	static const char *const bad[] = { "", "nonsense", "user",
		"user add not-an-address", "user add a@b c@d", "user del",
		"user quota a@b.test 5X", "user add a@b --nothing",
		"user add a@b --name", "alias add a@b.test", "set no.such 1",
		"trace x --last many", "group member add a@b.test" };
	char storage[4096];
	struct buf why;
	struct args a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		buf_init_fixed(&why, storage, sizeof(storage));
		CHECK(parse(bad[i], &a, &why) < 0);
		CHECK(why.len > 0);
	}
	buf_init_fixed(&why, storage, sizeof(storage));
	CHECK(parse("user add --quota=2G a@b.test --name Kim", &a, &why) == 0);
	CHECK(span_is(args_get(&a, "ADDRESS"), SPAN("a@b.test")));
	CHECK(span_is(args_get(&a, "--name"), SPAN("Kim")));
	CHECK(args_number(&a, "--quota") == 2ull << 30);
	CHECK(!args_has(&a, "--owner"));
	CHECK(parse("group member add g@b.test x@b.test y@b.test", &a, &why) ==
	      0);
	CHECK_INT(a.n_many, 2);
	CHECK(parse("alias add @b.test x@b.test", &a, &why) == 0);
}

/* What the client sends is understood as it was meant. */
static void
test_put(void)
{
	char storage[1024], why_storage[1024];
	struct span words[16], rest;
	const struct command *c;
	struct buf out, why;
	struct args a, b;
	size_t n = 0, used = 0;

	buf_init_fixed(&why, why_storage, sizeof(why_storage));
	buf_init_fixed(&out, storage, sizeof(storage));
	CHECK(parse("user add x@b.test --generate --name Kim", &a, &why) == 0);
	args_put(&out, &a);
	rest = buf_span(&out);
	while (rest.len > 0)
		words[n++] = span_split(&rest, '\0');
	CHECK(command_find(words, n, &c, &used, &why) == 0);
	CHECK(args_parse(c, words + used, n - used, &b, &why) == 0);
	CHECK(span_is(args_get(&b, "ADDRESS"), SPAN("x@b.test")));
	CHECK(span_is(args_get(&b, "--name"), SPAN("Kim")));
	CHECK(!args_has(&b, "--generate")); /* the client's business */
}

static void
test_commands(void)
{
	struct buf b;

	buf_init(&b, 65536);
	for (size_t i = 0; command_at(i); i++) {
		const struct command *c = command_at(i);

		CHECK(c->n_args <= MAX_COMMAND_ARGS);
		CHECK(c->help[0] != '\0');
		CHECK((c->flags & COMMAND_LOCAL) ? !c->start : !!c->start);
		buf_reset(&b);
		command_put_help(&b, span_str(c->noun));
		CHECK(b.len > 0 && !buf_failed(&b));
	}
	buf_deinit(&b);
}

static void
test_frames(void)
{
	char storage[64];
	enum frame_type type;
	struct span payload;
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	frame_put(&b, FRAME_DATA, SPAN("hello"));
	for (size_t len = 0; len < b.len; len++) {
		char *copy = malloc(len ? len : 1);

		memcpy(copy, b.p, len);
		CHECK_INT(frame_next(span_of(copy, len), &type, &payload), 0);
		free(copy);
	}
	CHECK_INT(frame_next(buf_span(&b), &type, &payload), 10);
	CHECK(type == FRAME_DATA && span_is(payload, SPAN("hello")));
	CHECK(frame_next(SPAN("?\0\0\0\0"), &type, &payload) < 0);
	CHECK(frame_next(SPAN("D\377\0\0\0"), &type, &payload) < 0);
}

int
main(void)
{
	test_settings();
	test_quantities();
	test_words();
	test_put();
	test_commands();
	test_frames();
	return test_done();
}
