#include "auth_world.h"

static struct world w;

static void
set_up(void)
{
	static const char *const sales[] = { "kim@mail.test", "lee@mail.test",
		NULL };
	static const char *const loop_a[] = { "loop-b@mail.test",
		"kim@mail.test", NULL };
	static const char *const loop_b[] = { "loop-a@mail.test",
		"lee@mail.test", NULL };
	static const char *const nested[] = { "sales@mail.test",
		"loop-a@mail.test", "far@away.test", "gone@mail.test", NULL };
	static const char *const me[] = { "kim@mail.test", NULL };
	static const char *const plus[] = { "lee+list@mail.test", NULL };
	static const char *const far[] = { "far@away.test", NULL };
	static const char *const all[] = { "kim@other.test", "sales@mail.test",
		NULL };

	world_open(&w, NULL);
	world_alias(&w, "sales@mail.test", ADDRESS_GROUP, sales);
	world_alias(&w, "loop-a@mail.test", ADDRESS_ALIAS, loop_a);
	world_alias(&w, "loop-b@mail.test", ADDRESS_ALIAS, loop_b);
	world_alias(&w, "nested@mail.test", ADDRESS_ALIAS, nested);
	world_alias(&w, "me@mail.test", ADDRESS_ALIAS, me);
	world_alias(&w, "plus@mail.test", ADDRESS_ALIAS, plus);
	world_alias(&w, "far@mail.test", ADDRESS_ALIAS, far);
	world_alias(&w, "@other.test", ADDRESS_ALIAS, all);
}

#define KIM   1u
#define LEE   2u
#define OWNER 4u
#define KIM2  8u

struct row {
	const char *address;
	int rc;
	unsigned who;
	size_t n_foreign;
	const char *folder;
};

static const struct row rows[] = {
	{ "kim@mail.test", 0, KIM, 0, "" },
	{ "KIM@Mail.TEST", 0, KIM, 0, "" },
	{ "kim+News@mail.test", 0, KIM, 0, "News" },
	{ "kim+a+b@mail.test", 0, KIM, 0, "a+b" },
	{ "kim+@mail.test", 0, KIM, 0, "" },
	{ "sales@mail.test", 0, KIM | LEE, 0, "" },
	{ "sales+x@mail.test", 0, KIM | LEE, 0, "x" },
	{ "loop-a@mail.test", 0, KIM | LEE, 0, "" },
	{ "nested@mail.test", 0, KIM | LEE, 1, "" },
	{ "plus@mail.test", 0, LEE, 0, "" },
	{ "far@mail.test", 0, 0, 1, "" },
	{ "nobody@mail.test", ERR_NONE, 0, 0, "" },
	{ "+kim@mail.test", ERR_NONE, 0, 0, "" },
	{ "anybody@other.test", 0, KIM | LEE | KIM2, 0, "" },
	{ "kim@other.test", 0, KIM2, 0, "" },
	{ "postmaster", 0, OWNER, 0, "" },
	{ "PostMaster", 0, OWNER, 0, "" },
	{ "postmaster@mail.test", 0, OWNER, 0, "" },
	{ "Postmaster@other.test", 0, OWNER, 0, "" },
	{ "kim@away.test", ERR_DENIED, 0, 0, "" },
	{ "postmaster@away.test", ERR_DENIED, 0, 0, "" },
	/* RFC 5321 3.6.1: a percent is nothing special */
	{ "kim%mail.test@away.test", ERR_DENIED, 0, 0, "" },
	{ "far%away.test@mail.test", ERR_NONE, 0, 0, "" },
	{ "kim", ERR_SYNTAX, 0, 0, "" },
	{ "", ERR_SYNTAX, 0, 0, "" },
	{ "@mail.test", ERR_SYNTAX, 0, 0, "" },
	{ "kim@", ERR_SYNTAX, 0, 0, "" },
	{ "ki\nm@mail.test", ERR_SYNTAX, 0, 0, "" },
	{ "k\xff@mail.test", ERR_SYNTAX, 0, 0, "" },
	{ "0123456789012345678901234567890123456789012345678901234567890123"
	  "x@mail.test",
	    ERR_LIMIT, 0, 0, "" },
};

static unsigned
mask_of(const struct resolved *r)
{
	unsigned mask = 0;

	for (size_t i = 0; i < r->n_accounts; i++) {
		uint32_t id = r->accounts[i];

		mask |= id == w.kim     ? KIM
		        : id == w.lee   ? LEE
		        : id == w.owner ? OWNER
		        : id == w.kim2  ? KIM2
		                        : 0x80;
	}
	return mask;
}

static void
test_recipients(void)
{
	struct resolved r;

	resolved_init(&r);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct span in = span_str(row->address);
		char *copy = test_copy(in);

		CHECK_ROW(resolve_recipient(
		              w.store, span_of(copy, in.len), &r) == row->rc,
		    row->address);
		CHECK_ROW(mask_of(&r) == row->who, row->address);
		CHECK_ROW(r.n_foreign == row->n_foreign, row->address);
		CHECK_ROW(
		    span_is(r.folder, span_str(row->folder)), row->address);
		free(copy);
	}
	resolved_deinit(&r);
}

/* One alias deeper than MAX_ALIAS_DEPTH is refused, not followed. */
static void
test_depth(void)
{
	struct resolved r;
	char name[32], target[32];
	const char *targets[2] = { target, NULL };

	for (int i = 0; i < MAX_ALIAS_DEPTH + 1; i++) {
		snprintf(name, sizeof(name), "deep%d@mail.test", i);
		snprintf(target, sizeof(target),
		    i == 0 ? "kim@mail.test" : "deep%d@mail.test", i - 1);
		world_alias(&w, name, ADDRESS_ALIAS, targets);
	}
	resolved_init(&r);
	CHECK(resolve_recipient(w.store, span_str("deep7@mail.test"), &r) == 0);
	CHECK(mask_of(&r) == KIM);
	CHECK(resolve_recipient(w.store, span_str("deep8@mail.test"), &r) ==
	      ERR_LIMIT);
	resolved_deinit(&r);
}

/* RFC 5321 4.5.1: whatever a backup brought along. */
static void
test_postmaster(void)
{
	static const char *const far[] = { "far@away.test", NULL };
	static const char *const both[] = { "far@away.test", "lee@mail.test",
		NULL };
	static const char *const gone[] = { "gone@mail.test", NULL };
	struct resolved r;

	resolved_init(&r);
	world_alias(&w, "postmaster@mail.test", ADDRESS_ALIAS, far);
	CHECK_INT(resolve_recipient(w.store, SPAN("postmaster"), &r), 0);
	CHECK(mask_of(&r) == 0 && r.n_foreign == 1);
	CHECK_INT(resolve_stand_in(w.store, &r), 0);
	CHECK(mask_of(&r) == OWNER && r.n_foreign == 0 && r.foreign.len == 0);
	CHECK_INT(address_delete(w.store, SPAN("postmaster@mail.test")), 0);
	world_alias(&w, "postmaster@mail.test", ADDRESS_ALIAS, both);
	CHECK_INT(resolve_recipient(w.store, SPAN("postmaster"), &r), 0);
	CHECK_INT(resolve_stand_in(w.store, &r), 0);
	CHECK(mask_of(&r) == LEE && r.n_foreign == 0);
	CHECK_INT(address_delete(w.store, SPAN("postmaster@mail.test")), 0);
	world_alias(&w, "postmaster@mail.test", ADDRESS_ALIAS, gone);
	CHECK_INT(resolve_recipient(w.store, SPAN("postmaster"), &r), 0);
	CHECK(mask_of(&r) == OWNER && r.n_foreign == 0);
	resolved_deinit(&r);
}

static void
test_owns(void)
{
	static const struct {
		const char *address;
		unsigned who;
	} owners[] = {
		{ "kim@mail.test", KIM },
		{ "Kim+shop@mail.test", KIM },
		{ "me@mail.test", KIM },
		{ "me+x@mail.test", KIM },
		{ "sales@mail.test", 0 }, /* a group's name is nobody's */
		{ "plus@mail.test", LEE },
		{ "loop-a@mail.test", KIM | LEE },
		{ "nested@mail.test", KIM | LEE }, /* by loop-a, not by sales */
		{ "kim@other.test", KIM2 },
		{ "other@other.test", KIM2 }, /* catch-all, direct only */
		{ "nobody@mail.test", 0 },
		{ "kim@away.test", 0 },
		{ "", 0 },
		{ "kim", 0 },
	};
	const uint32_t ids[] = { w.kim, w.lee, w.owner, w.kim2 };

	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		for (size_t j = 0; j < 4; j++) {
			int rc = resolve_owns(
			    w.store, ids[j], span_str(owners[i].address));

			CHECK_ROW(
			    rc == (owners[i].who >> j & 1 ? 0 : ERR_DENIED),
			    owners[i].address);
		}
	}
}

static void
test_login(void)
{
	static const struct {
		const char *name;
		unsigned who;
	} names[] = {
		{ "kim@mail.test", KIM },
		{ "KIM@MAIL.test", KIM },
		{ "lee", LEE },
		{ "Lee", LEE },
		{ "kim", 0 }, /* two of them */
		{ "kim+x@mail.test", 0 },
		{ "me@mail.test", 0 }, /* an alias does not sign in */
		{ "me", 0 },
		{ "sales@mail.test", 0 },
		{ "nobody", 0 },
		{ "x@other.test", 0 },
		{ "", 0 },
		{ "@", 0 },
		{ "\xff", 0 }, /* CVE-2019-10691 */
		{ "\xff@mail.test", 0 },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint32_t id = 0;
		int rc = resolve_login(w.store, span_str(names[i].name), &id);

		CHECK_ROW(rc == (names[i].who ? 0 : ERR_NONE), names[i].name);
		CHECK_ROW(rc < 0 || id == (names[i].who == KIM ? w.kim : w.lee),
		    names[i].name);
	}
}

int
main(void)
{
	set_up();
	test_recipients();
	test_owns();
	test_login();
	test_depth();
	test_postmaster();
	CHECK(resolve_is_local(w.store, span_str("MAIL.test")));
	CHECK(!resolve_is_local(w.store, span_str("")));
	CHECK(!resolve_is_local(w.store, span_str("away.test")));
	world_close(&w);
	return test_done();
}
